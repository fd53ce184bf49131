import type { KubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import type { Finding } from '../findings/finding.ts';
import type { Options } from './options.ts';

/** What a part of the benchmark is given. */
export interface BenchContext {
  readonly options: Options;
  readonly api: KubeApi;
  /** For logs: deleted in the end. */
  readonly folder: string;
}

/** One part: measures, prints details, and returns the figures. */
export type Part = (context: BenchContext) => Promise<readonly Finding[]>;
