import type { Table } from '../routing/table.ts';
import type { NamedTable, StalledPartition, TransactionTables } from '../transaction/tables.ts';
import type { ResourceSource } from './resource-source.ts';
import type { TableCluster } from './table-cluster.ts';
import type { TableDirectory } from './table-directory.ts';

export interface NamespaceTransactionsParts {
  readonly directory: Pick<TableDirectory, 'table'>;
  readonly clusters: {
    cluster(clusterId: string): TableCluster | undefined;
    linked(): Iterable<TableCluster>;
  };
  readonly source: Pick<ResourceSource, 'look'>;
}

/** The tables of a namespace, each of which is a cluster of its own. */
export class NamespaceTransactionTables implements TransactionTables {
  readonly #parts: NamespaceTransactionsParts;

  constructor(parts: NamespaceTransactionsParts) {
    this.#parts = parts;
  }

  /** Of those that are connected. */
  byId(tableId: string): Table | undefined {
    for (const cluster of this.#parts.clusters.linked()) {
      const table = cluster.tableById(tableId);
      if (table !== undefined) return table;
    }
    return undefined;
  }

  /**
   * Connects a table that is there, so that it is known by its id soon.
   * @throws ClientFault when neither the API server nor the table's own catalog can be asked
   */
  async isDeleted(table: NamedTable): Promise<boolean> {
    const { directory, clusters, source } = this.#parts;
    const { tableName } = table;
    if (directory.table(tableName) === undefined) await source.look(tableName);
    const known = directory.table(tableName);
    if (known === undefined) return true;
    const cluster = clusters.cluster(known.clusterId);
    // It has no nodes yet, or any more; its resource is there, so it is not gone.
    if (cluster === undefined) return false;
    await cluster.refresh();
    return cluster.isDeleted(table);
  }

  *stalled(): Iterable<StalledPartition> {
    for (const cluster of this.#parts.clusters.linked()) yield* cluster.stalledTransactions();
  }
}
