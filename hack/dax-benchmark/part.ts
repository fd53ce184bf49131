import type { LoadGenerator } from '../benchmark/load-generator.ts';
import type { RunningServer } from '../benchmark/server-process.ts';
import type { Finding } from '../findings/finding.ts';
import type { Options } from './options.ts';

/** Of an item, by DynamoDB's count. */
export const ITEM_BYTES = 400;

/** What a part of the benchmark is given. */
export interface BenchContext {
  readonly options: Options;
  /** On the disk of the project: the folder for temporary files may be in memory, where fsync is free. */
  readonly folder: string;
  readonly generator: LoadGenerator;
  /** The tables: an embedded server on disk. */
  readonly embedded: RunningServer;
  /** What ends with the benchmark, whatever happens. */
  readonly atEnd: (end: () => Promise<void> | void) => void;
}

/** One part: measures, prints what exactly it has measured, and returns the figures. */
export type Part = (context: BenchContext) => Promise<readonly Finding[]>;
