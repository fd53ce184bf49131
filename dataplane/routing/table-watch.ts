import type { Partition } from '../partition/partition.ts';
import type { TableLayout } from '../partition/schema.ts';
import type { Store } from '../storage/store.ts';

/** An open table of this process, as those see it who follow its partitions beside its callers. */
export interface WatchedTable {
  readonly store: Store;
  readonly layout: TableLayout;
  readonly partitions: readonly Partition[];
}

/** Told of what happens to the partitions of one table. */
export interface TableWatch {
  /** Change records have become durable. */
  onStreamRecords(partitionId: bigint): void;
  onLayout(layout: TableLayout): void;
  /**
   * The table closes. Resolves when the watch commits nothing more to its partitions.
   * @param isDeleted - nothing of it is kept
   */
  close(isDeleted: boolean): Promise<void>;
}

/** Called when a table has been opened, before anything is written to it. */
export type WatchTable = (table: WatchedTable) => TableWatch;
