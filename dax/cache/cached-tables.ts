import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { AttributeLists } from '../cluster/attribute-lists.ts';
import type { Coherence, Invalidation } from '../cluster/coherence.ts';
import { andThen, type Eventually } from '../tables/eventually.ts';
import { TableCallError, type TableCalls } from '../tables/table-calls.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { BatchReads } from './batch-reads.ts';
import { BatchWrites } from './batch-writes.ts';
import { Caches } from './caches.ts';
import type {
  BatchGetItemCall,
  BatchRead,
  BatchWriteItemCall,
  CacheParameters,
  GetItemCall,
  ItemRead,
  PageCall,
  TransactWriteItemsCall,
  WriteCall,
} from './calls.ts';
import { type Clock, evenClock } from './clock.ts';
import { type CacheCounters, type CacheSizes, newCounters } from './counters.ts';
import { Holds } from './holds.ts';
import { ItemCache } from './item-cache.ts';
import { ItemReads } from './item-reads.ts';
import { ItemWrites } from './item-writes.ts';
import { RedisL2 } from './l2/redis-l2.ts';
import { ITEM_CACHE_SHARE, UNCERTAIN_HOLD_MS } from './limits.ts';
import { ObservedCalls } from './observed-calls.ts';
import { PageCache } from './page-cache.ts';
import { PageReads } from './page-reads.ts';
import { StoredItems } from './stored-items.ts';
import { TableIdentities, type TableIdentityOptions } from './table-identities.ts';
import { TableReads } from './table-reads.ts';
import { TableSpaces } from './table-spaces.ts';
import { WriteOutcomes } from './write-outcomes.ts';
import { WriteThrough } from './write-through.ts';

export type {
  BatchGetItemCall,
  BatchGetItemRequest,
  BatchRead,
  BatchReadTable,
  BatchWriteItemCall,
  CacheParameters,
  GetItemCall,
  ItemRead,
  KeyWrite,
  PageCall,
  ReturnConsumedCapacity,
  Stored,
  TransactWriteItemsCall,
  WriteCall,
} from './calls.ts';

export interface CachedTablesOptions {
  readonly calls: TableCalls;
  readonly descriptions: TableIdentityOptions['descriptions'];
  readonly lists: Pick<AttributeLists, 'idOf'>;
  readonly coherence: CacheCoherence;
  /** What items and pages may take in this process's memory. */
  readonly cacheBytes: number;
  readonly parameters: CacheParameters;
  /** Undefined: there is no second level. */
  readonly redis: RedisOptions | undefined;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly clock?: Clock;
}

/** What the caches need of what joins the nodes. */
export type CacheCoherence = Omit<Coherence, 'start' | 'members' | 'leave' | 'close'>;

export interface RedisOptions {
  readonly url: string;
  /** Asked before each attempt to connect, as is `ca`: the authority of a `rediss:` URL (PEM). */
  readonly password?: () => string | undefined;
  readonly ca?: () => string | undefined;
  /** At the start of all keys, e.g. `trestle-dax:<cluster name>`. */
  readonly prefix: string;
  /**
   * Time in which all nodes that acknowledge writes know a generation that one of them knows:
   * L2_SETTLE_MS of dax/cluster; 0 for a single node.
   */
  readonly generationSettleMs: number;
  /** Redis that answers nothing for so long counts as away; L2_TIMEOUT_MS unless given. */
  readonly timeoutMs?: number;
}

/**
 * Tables behind the item cache and the query cache: what both doors call.
 *
 * All methods throw (or reject with) ClientFault, the table's own or ours, or TableCallError.
 * THE RULE: no read returns a value older than the last write that was acknowledged, through any
 * node, before the read began. README.md says how.
 */
export class CachedTables {
  /** Events since the start. */
  readonly counters: Readonly<CacheCounters>;
  readonly #options: CachedTablesOptions;
  readonly #items: ItemCache;
  readonly #pages: PageCache;
  readonly #spaces: TableSpaces;
  readonly #identities: TableIdentities;
  readonly #holds: Holds;
  readonly #caches: Caches;
  readonly #l2: RedisL2 | undefined;
  readonly #calls: TableCalls;
  readonly #itemReads: ItemReads;
  readonly #batchReads: BatchReads;
  readonly #pageReads: PageReads;
  readonly #itemWrites: ItemWrites;
  readonly #batchWrites: BatchWrites;

  constructor(options: CachedTablesOptions) {
    const { coherence, cacheBytes, parameters, lists, clock = evenClock } = options;
    const counters = newCounters();
    const spaces = new TableSpaces(clock);
    const holds = new Holds(clock);
    const itemBytesMax = Math.floor(cacheBytes * ITEM_CACHE_SHARE);
    const common = { clock, counters, holds, mayKeep: () => coherence.mayServe };
    const ttlMs = parameters.recordTtlMillis;
    const items = new ItemCache({ ...common, bytesMax: itemBytesMax, ttlMs });
    const pagesMax = { bytesMax: cacheBytes - itemBytesMax, ttlMs: parameters.queryTtlMillis };
    const pages = new PageCache({ ...common, ...pagesMax });
    const caches = new Caches({ items, pages, spaces, holds, clock, counters });
    const l2 = openL2(options, { clock, counters, items });
    const calls = new ObservedCalls(options.calls, (name) => this.#forgetName(name));
    const stored = new StoredItems(lists, clock);
    const tables = new TableReads({ calls, items: stored });
    const identities = new TableIdentities({
      descriptions: options.descriptions,
      spaces,
      coherence,
      dropTable: (table, isUncertain) => this.dropTable(table, isUncertain),
    });
    const through = new WriteThrough({ caches, l2, coherence, counters, identities });
    const writing = { calls, through, outcomes: new WriteOutcomes(stored) };
    this.counters = counters;
    this.#options = options;
    this.#items = items;
    this.#pages = pages;
    this.#spaces = spaces;
    this.#identities = identities;
    this.#holds = holds;
    this.#caches = caches;
    this.#l2 = l2;
    this.#calls = calls;
    this.#itemReads = new ItemReads({ cache: items, spaces, tables, l2, coherence, counters });
    this.#batchReads = new BatchReads(this.#itemReads, tables, counters);
    this.#pageReads = new PageReads({ cache: pages, spaces, calls, coherence, counters, clock });
    this.#itemWrites = new ItemWrites(writing);
    this.#batchWrites = new BatchWrites(writing);
    coherence.onInvalidation((message) => this.#onInvalidation(message));
    coherence.onReset(() => {
      caches.dropAll();
      options.descriptions.forgetAll();
    });
    coherence.onL2Generation((generation) => l2?.setGeneration(generation));
  }

  /** @throws as `TableDescriptions.describe` */
  describe(nameOrArn: string): Eventually<TableInfo> {
    return andThen(this.#options.descriptions.describe(nameOrArn), (table) =>
      this.#identities.seen(table),
    );
  }

  /** A hit is answered in the same turn. */
  getItem(call: GetItemCall): Eventually<ItemRead> {
    return this.#itemReads.getItem(call);
  }

  /** A throttling fault only when nothing at all could be read; else keys are left unprocessed. */
  batchGetItem(call: BatchGetItemCall): Promise<BatchRead> {
    return this.#batchReads.batchGetItem(call);
  }

  /** The answer as `encode` gave it; a hit in the same turn. */
  page(call: PageCall): Eventually<Buffer> {
    return this.#pageReads.page(call);
  }

  /** The table's answer, without what only the cache asked for. */
  write(call: WriteCall): Promise<JsonObject> {
    return this.#itemWrites.write(call);
  }

  batchWriteItem(call: BatchWriteItemCall): Promise<JsonObject> {
    return this.#batchWrites.batchWriteItem(call);
  }

  transactWriteItems(call: TransactWriteItemsCall): Promise<JsonObject> {
    return this.#itemWrites.transactWriteItems(call);
  }

  /** Passes through: never cached. */
  transactGetItems(body: JsonObject): Promise<JsonObject> {
    return this.#calls.call('TransactGetItems', body);
  }

  /** Drops what is cached of the table on this node, and its description. */
  forgetTable(table: TableInfo): void {
    this.#caches.dropTable(table.id, false);
    this.#identities.forget(table);
  }

  /**
   * Resolves when no node gives out anything that it knew of the table before the call, its
   * description included: after changes of the table itself, and writes whose keys are not known.
   *
   * @param isUncertain such a write may still be done
   * @throws TableCallError (uncertain) when not all could be told
   */
  async dropTable(table: TableInfo, isUncertain: boolean): Promise<void> {
    const { coherence } = this.#options;
    try {
      // Its keys in L2 cannot be named one by one.
      if (this.#l2 !== undefined) await coherence.newL2Generation();
      this.#caches.dropTable(table.id, isUncertain);
      this.#identities.forget(table);
      await coherence.invalidate({ tableId: table.id, keys: 'all', isUncertain });
    } catch (error) {
      this.#caches.dropTable(table.id, isUncertain);
      throw new TableCallError('other nodes could not be told of a change', true, { cause: error });
    }
  }

  /** Times to live from now on, also of what is cached already. */
  setParameters({ recordTtlMillis, queryTtlMillis }: CacheParameters): void {
    this.#items.setTtl(recordTtlMillis);
    this.#pages.setTtl(queryTtlMillis);
  }

  get sizes(): CacheSizes {
    return {
      itemsCount: this.#items.itemsCount,
      itemBytes: this.#items.sizeBytes,
      itemBytesMax: this.#items.bytesMax,
      pagesCount: this.#pages.pagesCount,
      pageBytes: this.#pages.sizeBytes,
      pageBytesMax: this.#pages.bytesMax,
      pageTagsCount: this.#pages.tagsCount,
      itemFlightsCount: this.#items.flightsCount,
      pageFlightsCount: this.#pages.flightsCount,
      heldKeysCount: this.#holds.count,
    };
  }

  /** Whether Redis is reached, and whether what it has may be used at the moment; undefined: there is none. */
  get l2(): L2Status | undefined {
    return this.#l2 && { isUp: this.#l2.isUp, isUsable: this.#l2.isUsable };
  }

  /** Resolves when Redis is reached for the first time, or has had long enough for it. */
  async whenL2Tried(): Promise<void> {
    await this.#l2?.whenTried();
  }

  close(): void {
    this.#l2?.close();
  }

  #onInvalidation(message: Invalidation): void {
    this.#caches.invalidate(message);
    this.#identities.heard(message);
  }

  #forgetName(nameOrArn: string): void {
    for (const { tableId } of this.#spaces.named(nameOrArn)) {
      this.#caches.dropTable(tableId, false);
    }
    this.#options.descriptions.forget(nameOrArn);
  }
}

export interface L2Status {
  readonly isUp: boolean;
  readonly isUsable: boolean;
}

function openL2(
  { redis, coherence, log }: CachedTablesOptions,
  { clock, counters, items }: { clock: Clock; counters: CacheCounters; items: ItemCache },
): RedisL2 | undefined {
  if (redis === undefined) return undefined;
  return new RedisL2({
    ...redis,
    coherence,
    holdMs: UNCERTAIN_HOLD_MS,
    remainingMs: (entry) => items.remainingMs(entry),
    clock,
    counters,
    log,
  });
}
