import { LRUCache } from 'lru-cache';
import type { Clock } from './clock.ts';
import type { CacheCounters } from './counters.ts';
import type { Holds } from './holds.ts';
import { Flight } from './key-activities.ts';
import { KeyTable } from './key-table.ts';
import { PAGE_FLIGHTS_COUNT_MAX, PAGE_OVERHEAD_BYTES } from './limits.ts';
import { TagIndex } from './tag-index.ts';

export interface PageCacheOptions {
  readonly bytesMax: number;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly counters: CacheCounters;
  readonly holds: Holds;
  /** Whether this node may keep anything: it is told of the writes of others. */
  readonly mayKeep: () => boolean;
}

/** Bytes of an answer as latin1 text, in the encoding of the door that asked. */
export type Page = string;

interface CachedPage {
  readonly page: Page;
  readonly tag: string;
  readonly readAtMs: number;
}

/** A query or scan of the table on behalf of everybody who asks while it lasts. */
export class PageFlight extends Flight<Page> {
  /** What it reads: an item collection, or a whole table with its global indexes. */
  readonly tag: string;

  constructor(key: string, tag: string) {
    super(key);
    this.tag = tag;
  }
}

/**
 * Answers to queries and scans in this process's memory, each under one tag: what the answer is about.
 * A write drops all that its tags have, and what is on its way there is not kept: later readers
 * do not join it.
 */
export class PageCache {
  readonly #options: PageCacheOptions;
  readonly #pages: LRUCache<string, CachedPage>;
  /** Those that may be joined. */
  readonly #flights = new KeyTable<PageFlight>();
  readonly #tags = new TagIndex();
  #flightsCount = 0;
  #ttlMs: number;

  constructor(options: PageCacheOptions) {
    const { bytesMax, counters } = options;
    this.#options = options;
    this.#ttlMs = options.ttlMs;
    this.#pages = new LRUCache({
      maxSize: bytesMax,
      sizeCalculation: sizeBytes,
      // Whatever the reason: tags name what is there, and nothing else.
      dispose: (cached, key, reason) => {
        this.#tags.remove(cached.tag, key);
        if (reason !== 'evict') return;
        counters.pageEvictions += 1;
        counters.evictedBytes += sizeBytes(cached, key);
      },
    });
  }

  get bytesMax(): number {
    return this.#options.bytesMax;
  }

  get pagesCount(): number {
    return this.#pages.size;
  }

  get sizeBytes(): number {
    return this.#pages.calculatedSize;
  }

  get flightsCount(): number {
    return this.#flightsCount;
  }

  get tagsCount(): number {
    return this.#tags.count;
  }

  /** @param ttlMs 0: nothing is cached. Goes for what is cached already, too. */
  setTtl(ttlMs: number): void {
    this.#ttlMs = ttlMs;
    if (ttlMs === 0) this.#pages.clear();
  }

  get(key: string): Page | undefined {
    const cached = this.#pages.get(key);
    if (cached === undefined) return undefined;
    if (this.#options.clock.nowMs() - cached.readAtMs < this.#ttlMs) return cached.page;
    this.#pages.delete(key);
    this.#options.counters.pageExpirations += 1;
    return undefined;
  }

  flightOf(key: string): PageFlight | undefined {
    return this.#flights.get(key);
  }

  /** @returns undefined when there are as many as may be */
  startFlight(key: string, tag: string): PageFlight | undefined {
    if (this.#flightsCount >= PAGE_FLIGHTS_COUNT_MAX) return undefined;
    const flight = new PageFlight(key, tag);
    this.#flightsCount += 1;
    this.#flights.add(flight);
    return flight;
  }

  /**
   * @param page without what only the one who asked the table is told
   * @param isSettled false: not to be kept, because it may lack a write that was acknowledged
   */
  land(flight: PageFlight, page: Page, isSettled: boolean): void {
    const isCurrent = this.#endFlight(flight);
    const { mayKeep, holds, clock } = this.#options;
    if (isCurrent && isSettled && this.#ttlMs > 0 && mayKeep() && !holds.isHeld(flight.tag)) {
      const { key, tag } = flight;
      this.#pages.set(key, { page, tag, readAtMs: clock.nowMs() });
      // An answer above the cache's size was not taken.
      if (this.#pages.has(key)) this.#tags.add(tag, key);
    }
    flight.succeed(page);
  }

  crash(flight: PageFlight, error: unknown): void {
    this.#endFlight(flight);
    flight.fail(error);
  }

  /** Something of what these tags are about was written. */
  drop(tags: readonly string[]): void {
    for (const tag of tags) {
      for (const key of this.#tags.take(tag)) this.#pages.delete(key);
    }
    if (this.#flights.size === 0) return;
    for (const flight of this.#flights.values()) {
      if (tags.includes(flight.tag)) this.#flights.remove(flight);
    }
  }

  /** Flights under way are not kept either. */
  clear(): void {
    this.#pages.clear();
    for (const flight of this.#flights.values()) this.#flights.remove(flight);
  }

  /** @returns whether nothing it is about was written since it began */
  #endFlight(flight: PageFlight): boolean {
    this.#flightsCount -= 1;
    return this.#flights.remove(flight);
  }
}

function sizeBytes({ page, tag }: CachedPage, key: string): number {
  return page.length + tag.length + key.length + PAGE_OVERHEAD_BYTES;
}
