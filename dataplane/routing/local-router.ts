import { COLLECTION_BYTES_MAX } from '../partition/collection.ts';
import { ItemCache } from '../partition/item-cache.ts';
import { partitionRange, rangesBesideStreams } from '../partition/key-space.ts';
import type { TableLayout } from '../partition/schema.ts';
import type { Store } from '../storage/store.ts';
import { type LocalClock, LocalTable } from './local-table.ts';
import { RetiredStreams } from './retired-streams.ts';
import type { ManagedTable, StreamTable, TableHost, TableThroughput } from './table.ts';
import type { WatchTable } from './table-watch.ts';

export interface LocalRouterLimits {
  /** Bytes of an item collection in a table with local indexes. */
  readonly collectionBytesMax: number;
}

/** Memory for items that are read often. */
const ITEM_CACHE_BYTES_MAX = 48 * 1024 * 1024;

/** Opens the tables of a process that has all partitions in its own store. */
export class LocalRouter implements TableHost {
  readonly #store: Store;
  readonly #clock: LocalClock;
  readonly #limits: LocalRouterLimits;
  readonly #watch: WatchTable | undefined;
  #tables: readonly LocalTable[] = [];
  readonly #cache = new ItemCache(ITEM_CACHE_BYTES_MAX);

  constructor(
    store: Store,
    clock: LocalClock,
    limits: LocalRouterLimits = { collectionBytesMax: COLLECTION_BYTES_MAX },
    watch?: WatchTable,
  ) {
    this.#watch = watch;
    this.#store = store;
    this.#clock = clock;
    this.#limits = limits;
    store.onReopened(() => this.#recover());
  }

  async openTable(layout: TableLayout, throughput: TableThroughput): Promise<ManagedTable> {
    const table = await LocalTable.open({
      store: this.#store,
      clock: this.#clock,
      layout,
      throughput,
      cache: this.#cache,
      collectionBytesMax: this.#limits.collectionBytesMax,
      watch: this.#watch,
    });
    this.#forgetClosed();
    this.#tables = [...this.#tables, table];
    return table;
  }

  async dropPartitions(ids: readonly bigint[], signal?: AbortSignal): Promise<void> {
    this.#forgetClosed();
    for (const id of ids) {
      const { start, end } = partitionRange(id);
      await this.#store.clear(start, end, signal);
    }
  }

  async retireTable({ partitions }: TableLayout, signal?: AbortSignal): Promise<void> {
    this.#forgetClosed();
    for (const { id } of partitions) {
      for (const { start, end } of rangesBesideStreams(id)) {
        await this.#store.clear(start, end, signal);
      }
    }
  }

  retiredTable(layout: TableLayout): StreamTable {
    return new RetiredStreams(this.#store, this.#clock, layout);
  }

  /** Those that are open now. */
  get openTables(): readonly LocalTable[] {
    return this.#tables.filter(({ isClosed }) => !isClosed);
  }

  /** A closed table holds what it remembers of its keys. */
  #forgetClosed(): void {
    this.#tables = this.#tables.filter(({ isClosed }) => !isClosed);
  }

  /** After failed writes, whose outcome is decided now, all that was computed from the store is read again. */
  async #recover(): Promise<void> {
    this.#cache.clear();
    for (const table of this.#tables) {
      if (!table.isClosed) await table.recover();
    }
  }
}
