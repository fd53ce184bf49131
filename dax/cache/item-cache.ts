import { LRUCache } from 'lru-cache';
import type { Clock } from './clock.ts';
import type { CacheCounters } from './counters.ts';
import { type Entry, entryTimeMs } from './entry.ts';
import type { Holds } from './holds.ts';
import { type Flight, KeyActivities, type WriteWatch } from './key-activities.ts';
import { ITEM_FLIGHTS_COUNT_MAX, ITEM_OVERHEAD_BYTES } from './limits.ts';

export interface ItemCacheOptions {
  readonly bytesMax: number;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly counters: CacheCounters;
  readonly holds: Holds;
  /** Whether this node may keep anything: it is told of the writes of others. */
  readonly mayKeep: () => boolean;
}

/** What is known of a key after a write. */
export type WriteOutcome =
  /** The new value is known, also to be none: `entryOf` without values. */
  | { readonly kind: 'written'; readonly entry: Entry }
  /** Written, to what is not known; or refused for a reason that makes the cache doubtful. */
  | { readonly kind: 'dropped' }
  /** Certainly not written. */
  | { readonly kind: 'untouched' }
  /** Perhaps written, now or within UNCERTAIN_HOLD_MS. */
  | { readonly kind: 'uncertain' };

/**
 * Items in this process's memory, by cache key (`cacheKeyOf`), with what keeps them right:
 *
 * - What a flight read is kept only if no write of the key has ended on this node, or been told of by
 *   another, since the flight began. Readers who come after such an end do not join it.
 * - What a write wrote is kept only if no other write of the key was under way, or was told of by
 *   another node, between its begin and its end.
 * - Nothing is kept under a key with an uncertain write.
 */
export class ItemCache {
  readonly #options: ItemCacheOptions;
  readonly #entries: LRUCache<string, Entry>;
  readonly #activities = new KeyActivities<Entry>(ITEM_FLIGHTS_COUNT_MAX);
  #ttlMs: number;

  constructor(options: ItemCacheOptions) {
    const { bytesMax, counters } = options;
    this.#options = options;
    this.#ttlMs = options.ttlMs;
    this.#entries = new LRUCache({
      maxSize: bytesMax,
      sizeCalculation: sizeBytes,
      dispose: (entry, key, reason) => {
        if (reason !== 'evict') return;
        counters.itemEvictions += 1;
        counters.evictedBytes += sizeBytes(entry, key);
      },
    });
  }

  get bytesMax(): number {
    return this.#options.bytesMax;
  }

  get itemsCount(): number {
    return this.#entries.size;
  }

  get sizeBytes(): number {
    return this.#entries.calculatedSize;
  }

  get flightsCount(): number {
    return this.#activities.flightsCount;
  }

  /** @param ttlMs 0: for ever. Goes for what is cached already, too. */
  setTtl(ttlMs: number): void {
    this.#ttlMs = ttlMs;
  }

  /** What is cached, if it is young enough. Whether it may be given out is the caller's to ask. */
  get(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || !this.isExpired(entry)) return entry;
    this.#entries.delete(key);
    this.#options.counters.itemExpirations += 1;
    return undefined;
  }

  isExpired(entry: Entry): boolean {
    return this.#ttlMs !== 0 && this.#options.clock.nowMs() - entryTimeMs(entry) >= this.#ttlMs;
  }

  /** How long an entry is still good for; Infinity: for ever. */
  remainingMs(entry: Entry): number {
    if (this.#ttlMs === 0) return Number.POSITIVE_INFINITY;
    return entryTimeMs(entry) + this.#ttlMs - this.#options.clock.nowMs();
  }

  flightOf(key: string): Flight<Entry> | undefined {
    return this.#activities.flightOf(key);
  }

  startFlight(key: string): Flight<Entry> | undefined {
    return this.#activities.startFlight(key);
  }

  /**
   * @param mayKeep false: only for those who wait for it
   * @returns whether the entry was kept
   */
  land(flight: Flight<Entry>, entry: Entry, mayKeep = true): boolean {
    const isCurrent = this.#activities.endFlight(flight);
    const isKept = isCurrent && mayKeep && this.#mayKeep(flight.key);
    if (isKept) this.#entries.set(flight.key, entry);
    flight.succeed(entry);
    return isKept;
  }

  /** Those who joined get the same error. */
  crash(flight: Flight<Entry>, error: unknown): void {
    this.#activities.endFlight(flight);
    flight.fail(error);
  }

  isHeld(key: string): boolean {
    return this.#options.holds.isHeld(key);
  }

  beginWrite(key: string): WriteWatch {
    return this.#activities.beginWrite(key);
  }

  /** Before the write is acknowledged, and after L2 cannot give out older values any more. */
  endWrite(watch: WriteWatch, outcome: WriteOutcome): void {
    this.#activities.endWrite(watch);
    const { key } = watch;
    switch (outcome.kind) {
      case 'written':
        if (!watch.isOverlapped && this.#mayKeep(key)) {
          this.#entries.set(key, outcome.entry);
          return;
        }
        break;
      case 'dropped':
        break;
      case 'untouched':
        return;
      case 'uncertain':
        this.#options.holds.hold(key);
        break;
    }
    this.#options.counters.droppedKeys += 1;
    this.#entries.delete(key);
  }

  /** Another node wrote the key. */
  invalidate(key: string, isUncertain: boolean): void {
    this.#activities.invalidate(key);
    this.#entries.delete(key);
    if (isUncertain) this.#options.holds.hold(key);
  }

  /** Flights and writes under way are not kept either. */
  clear(): void {
    this.#activities.invalidateAll();
    this.#entries.clear();
  }

  #mayKeep(key: string): boolean {
    return this.#options.mayKeep() && !this.#options.holds.isHeld(key);
  }
}

function sizeBytes(entry: Entry, key: string): number {
  return entry.length + key.length + ITEM_OVERHEAD_BYTES;
}
