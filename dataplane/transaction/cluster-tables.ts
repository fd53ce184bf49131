import type { CatalogLookup } from '../routing/catalog-lookup.ts';
import type { Router } from '../routing/router.ts';
import type { Table } from '../routing/table.ts';
import type { NamedTable, StalledPartition, TransactionTables } from './tables.ts';

/** The tables of one cluster, as a router knows them. */
export class ClusterTransactionTables implements TransactionTables {
  readonly #router: Pick<Router, 'map' | 'tables'>;
  readonly #lookup: Pick<CatalogLookup, 'isDeleted'>;

  constructor(router: Pick<Router, 'map' | 'tables'>, lookup: Pick<CatalogLookup, 'isDeleted'>) {
    this.#router = router;
    this.#lookup = lookup;
  }

  byId(tableId: string): Table | undefined {
    return this.#router.tables.tableById(tableId);
  }

  /** As the catalog says: what the map does not know may be there all the same. */
  isDeleted(table: NamedTable): Promise<boolean> {
    return this.#lookup.isDeleted(table);
  }

  stalled(): Iterable<StalledPartition> {
    return this.#router.map.partitionsWithStalledTransactions();
  }
}
