import type { Table } from '../routing/table.ts';

/** A table as marks and ledgers name it. */
export interface NamedTable {
  readonly tableId: string;
  readonly tableName: string;
}

/** A partition where something waits for somebody to finish it. */
export interface StalledPartition {
  readonly tableId: string;
  readonly partitionId: bigint;
}

/** All tables of an account, whether one process has them or several clusters. */
export interface TransactionTables {
  /** Undefined: not known here, which does not say that there is none. */
  byId(tableId: string): Table | undefined;

  /**
   * Whether the table is certain to be gone for good. A transaction whose ledger is gone is aborted,
   * and a participant that is gone has finished: both cannot be taken back.
   * @throws ClientFault, StoreError: it cannot be said now
   */
  isDeleted(table: NamedTable): Promise<boolean>;

  /** Partitions that have said that transactions are stalled there. */
  stalled(): Iterable<StalledPartition>;
}
