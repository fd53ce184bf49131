import type { LocalRouter } from '../routing/local-router.ts';
import type { Table } from '../routing/table.ts';
import type { PartitionPlace } from './partition-calls.ts';
import type { NamedTable, StalledPartition, TransactionTables } from './tables.ts';

export interface LocalTablesOptions {
  readonly router: Pick<LocalRouter, 'openTables'>;
  /** Whether the catalog has this very table, in whatever state. */
  readonly hasTable: (table: NamedTable) => boolean;
}

/** The tables of a process that has all partitions in its own store. */
export class LocalTransactionTables implements TransactionTables {
  readonly #options: LocalTablesOptions;

  constructor(options: LocalTablesOptions) {
    this.#options = options;
  }

  byId(tableId: string): Table | undefined {
    return this.#options.router.openTables.find(({ schema }) => schema.tableId === tableId);
  }

  isDeleted(table: NamedTable): Promise<boolean> {
    return Promise.resolve(!this.#options.hasTable(table));
  }

  *stalled(): Iterable<StalledPartition> {
    for (const { table, partitionId } of this.partitions()) {
      yield { tableId: table.schema.tableId, partitionId };
    }
  }

  /** All partitions of all tables. */
  *partitions(): Iterable<PartitionPlace> {
    for (const table of this.#options.router.openTables) {
      for (const { id } of table.partitions) yield { table, partitionId: id };
    }
  }
}
