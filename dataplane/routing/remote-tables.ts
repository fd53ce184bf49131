import type { ClusterMap, KnownTable } from './cluster-map.ts';
import { type RemoteAccess, RemoteTable, UnknownTableFault } from './remote-table.ts';

export interface RemoteTablesOptions extends RemoteAccess {
  /**
   * The name that a name or ARN means here; throws the ClientFault for an ARN of another place.
   * Asked about what the map does not know as it is.
   */
  readonly tableNameOf: (nameOrArn: string) => string;
}

/** The tables of a cluster, as the operations of the API open them. */
export class RemoteTables {
  readonly #map: ClusterMap;
  readonly #options: RemoteTablesOptions;
  /** By table id: those that can be read. */
  readonly #tables = new Map<string, RemoteTable>();
  #routersCount: number;

  constructor(options: RemoteTablesOptions) {
    this.#map = options.map;
    this.#options = options;
    this.#routersCount = options.map.routersCount;
    options.map.onTable((table, change) => {
      if (change === 'gone') this.#tables.delete(table.tableId);
      else this.#take(table);
    });
  }

  /**
   * The table of a name or ARN.
   * @throws UnknownTableFault; what `tableNameOf` throws
   */
  openTable(nameOrArn: string): RemoteTable {
    const known =
      this.#map.table(nameOrArn) ?? this.#map.table(this.#options.tableNameOf(nameOrArn));
    const table = known === undefined ? undefined : this.#tables.get(known.tableId);
    if (table === undefined) throw new UnknownTableFault(nameOrArn);
    return table;
  }

  /** Undefined while it is not known, or cannot be read yet. */
  tableById(tableId: string): RemoteTable | undefined {
    return this.#tables.get(tableId);
  }

  /** Divides the tables' throughput anew when routers came or went. */
  shareThroughput(): void {
    const count = this.#map.routersCount;
    if (count === this.#routersCount) return;
    this.#routersCount = count;
    for (const table of this.#tables.values()) table.shareAmong(count);
  }

  #take({ tableId, configuration, isReadable }: KnownTable): void {
    if (!isReadable) return;
    const table = this.#tables.get(tableId);
    if (table === undefined) {
      const created = new RemoteTable(this.#options, configuration, this.#routersCount);
      this.#tables.set(tableId, created);
    } else if (table.configuration !== configuration) {
      table.configure(configuration);
    }
  }
}
