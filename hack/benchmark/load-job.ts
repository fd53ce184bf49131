import type { AccessKey } from './signature.ts';
import type { OperationName } from './workload.ts';

/** What the load generator is asked to do, as a message to its process. */
export type LoadJob = RunJob | FillJob;

/** Keep every connection busy with one kind of request for a while, and measure. */
export interface RunJob {
  readonly kind: 'run';
  readonly port: number;
  readonly operation: OperationName;
  readonly connections: number;
  readonly itemCount: number;
  readonly itemBytes: number;
  /** Not measured: time for just-in-time compilers, caches and connections. */
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly seed: number;
  readonly accessKey: AccessKey | undefined;
}

/** Store the items 0 to itemCount - 1 through BatchWriteItem. */
export interface FillJob {
  readonly kind: 'fill';
  readonly port: number;
  readonly table: string;
  readonly connections: number;
  readonly itemCount: number;
  readonly itemBytes: number;
  readonly accessKey: AccessKey | undefined;
}

/** What one job found. */
export type LoadResult =
  | { readonly kind: 'done'; readonly run: RunResult }
  | { readonly kind: 'failed'; readonly reason: string };

export interface RunResult {
  /** Right answers a second while measured. */
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Answers that were not 200, or not of the length of a right one. Not in the figures above. */
  readonly errors: number;
  /** All answers, those of the warm-up too. */
  readonly answers: number;
  readonly answerBytes: number;
  /** Part of one core that the generator was busy: near 1, it measures itself. */
  readonly generatorLoad: number;
}
