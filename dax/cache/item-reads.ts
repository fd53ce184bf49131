import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { Eventually } from '../tables/eventually.ts';
import type { GetItemCall, ItemRead } from './calls.ts';
import type { CacheCounters } from './counters.ts';
import { type Entry, storedOf } from './entry.ts';
import type { ItemCache } from './item-cache.ts';
import type { Flight } from './key-activities.ts';
import { type L2Filling, type L2Found, NOTHING_FOUND, type RedisL2 } from './l2/redis-l2.ts';
import type { TableKey, TableReads } from './table-reads.ts';
import { cacheKeyOf, type TableSpaces } from './table-spaces.ts';

export interface ItemReadOptions {
  readonly cache: ItemCache;
  readonly spaces: TableSpaces;
  readonly tables: TableReads;
  readonly l2: RedisL2 | undefined;
  readonly coherence: { readonly mayServe: boolean };
  readonly counters: CacheCounters;
}

/** What a reader does about a key that is not in this process's memory. */
export type Miss =
  | { readonly kind: 'joined'; readonly entry: Promise<Entry> }
  | { readonly kind: 'flight'; readonly flight: Flight<Entry> }
  /** The table is asked, and nothing is kept. */
  | { readonly kind: 'through' };

/** A key that this node fetches on behalf of all who ask for it meanwhile. */
export interface Flying extends TableKey {
  readonly flight: Flight<Entry>;
}

/** Items from this process's memory, else from L2, else from the table. */
export class ItemReads {
  readonly #options: ItemReadOptions;

  constructor(options: ItemReadOptions) {
    this.#options = options;
  }

  /** A hit is answered in this turn of the event loop. */
  getItem(call: GetItemCall): Eventually<ItemRead> {
    if (call.consistentRead) return this.#readThrough(call);
    const entry = this.hit(call);
    if (entry !== undefined) return { values: storedOf(entry) };
    const miss = this.miss(call);
    switch (miss.kind) {
      case 'joined':
        return miss.entry.then((joined) => ({ values: storedOf(joined) }));
      case 'flight':
        return this.#fly({ table: call.table, key: call.key, flight: miss.flight }, call.capacity);
      case 'through':
        return this.#readThrough(call);
    }
  }

  /** What is cached and may be given out. */
  hit({ table, key }: TableKey): Entry | undefined {
    const { cache, spaces, coherence, counters } = this.#options;
    if (!coherence.mayServe) return undefined;
    const entry = cache.get(cacheKeyOf(spaces.of(table.id), key));
    if (entry === undefined) counters.itemMisses += 1;
    else counters.itemHits += 1;
    return entry;
  }

  /** After `hit` has found nothing, in the same turn. A flight is the caller's to land or to crash. */
  miss({ table, key }: TableKey): Miss {
    const { cache, spaces, coherence, counters } = this.#options;
    // Flights begun before this one's lease ran out may have missed what others wrote since.
    if (!coherence.mayServe) return THROUGH;
    const space = spaces.of(table.id);
    if (!space.mayKeep) return THROUGH;
    const cacheKey = cacheKeyOf(space, key);
    const under = cache.flightOf(cacheKey);
    if (under !== undefined) {
      counters.joinedReads += 1;
      return { kind: 'joined', entry: under.join() };
    }
    const flight = cache.startFlight(cacheKey);
    return flight === undefined ? THROUGH : { kind: 'flight', flight };
  }

  /** In step with the keys. Nothing is found of what is not to be kept for a while. */
  async readL2(keys: readonly Flying[]): Promise<readonly L2Found[]> {
    const { l2, cache, coherence } = this.#options;
    const isAsked = l2?.isUsable === true && !keys.some(({ flight }) => cache.isHeld(flight.key));
    if (!isAsked) return keys.map(() => NOTHING_FOUND);
    const found = await l2.read(keys.map(({ table, key }) => ({ tableId: table.id, key })));
    // A node that stood still meanwhile may have been excluded, and was told of nothing since.
    return coherence.mayServe ? found : keys.map(() => NOTHING_FOUND);
  }

  /**
   * The table's answer to a flight, after L2 was asked.
   * @returns what is to be done about the lease that was found there, if it was: see `fillL2`
   */
  land({ flight }: Flying, entry: Entry, found: L2Found): L2Filling | undefined {
    const isKept = this.#options.cache.land(flight, entry, found.kind !== 'held');
    if (found.kind !== 'leased') return undefined;
    return { lease: found.lease, entry: isKept ? entry : undefined };
  }

  /** Nobody waits for it. */
  fillL2(fillings: readonly L2Filling[]): void {
    if (fillings.length > 0) this.#options.l2?.fill(fillings);
  }

  crash({ flight }: Flying, error: unknown): void {
    this.#options.cache.crash(flight, error);
  }

  async #fly(flying: Flying, capacity: GetItemCall['capacity']): Promise<ItemRead> {
    const { tables, cache } = this.#options;
    try {
      const [found = NOTHING_FOUND] = await this.readL2([flying]);
      if (found.kind === 'value') {
        cache.land(flying.flight, found.entry);
        return itemRead(found.entry, undefined);
      }
      const { entry, consumedCapacity } = await tables.getItem(flying, capacity);
      const filling = this.land(flying, entry, found);
      if (filling !== undefined) this.fillL2([filling]);
      return itemRead(entry, consumedCapacity);
    } catch (error) {
      this.crash(flying, error);
      throw error;
    }
  }

  async #readThrough(call: GetItemCall): Promise<ItemRead> {
    this.#options.counters.readsThrough += 1;
    const { entry, consumedCapacity } = await this.#options.tables.getItem(call, call.capacity);
    return itemRead(entry, consumedCapacity);
  }
}

const THROUGH: Miss = { kind: 'through' };

function itemRead(entry: Entry, consumedCapacity: JsonObject | undefined): ItemRead {
  const values = storedOf(entry);
  return consumedCapacity === undefined ? { values } : { values, consumedCapacity };
}
