import type { LoadGenerator } from '../benchmark/load-generator.ts';
import type { Finding } from '../findings/finding.ts';
import type { Options } from './options.ts';
import { OwnCluster } from './own-cluster.ts';

/** What a part of the benchmark is given. */
export interface BenchContext {
  readonly options: Options;
  /** On the disk of the project: the folder for temporary files may be in memory, where fsync is free. */
  readonly folder: string;
  readonly generator: LoadGenerator;
  /** Starts a cluster that is ended with the benchmark, whatever happens. */
  startCluster(name: string, env?: Readonly<Record<string, string>>): Promise<OwnCluster>;
}

/** One part: measures, prints what exactly it has measured, and returns the figures. */
export type Part = (context: BenchContext) => Promise<readonly Finding[]>;

/** Clusters under way, so that none outlives the benchmark. */
export class Clusters {
  readonly #running = new Set<OwnCluster>();

  async start(folder: string, env: Readonly<Record<string, string>> = {}): Promise<OwnCluster> {
    const cluster = await OwnCluster.start({ folder, table: 'Demo', env });
    this.#running.add(cluster);
    return cluster;
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#running].map((cluster) => cluster.close()));
    this.#running.clear();
  }
}
