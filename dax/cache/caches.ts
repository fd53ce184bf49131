import type { Invalidation, InvalidKey } from '../cluster/coherence.ts';
import type { Clock } from './clock.ts';
import type { CacheCounters } from './counters.ts';
import type { Holds } from './holds.ts';
import type { ItemCache, WriteOutcome } from './item-cache.ts';
import type { WriteWatch } from './key-activities.ts';
import { UNCERTAIN_HOLD_MS } from './limits.ts';
import type { PageCache } from './page-cache.ts';
import {
  cacheKeyOf,
  collectionTagOf,
  type TableSpace,
  type TableSpaces,
  tableTag,
} from './table-spaces.ts';

export interface CachesOptions {
  readonly items: ItemCache;
  readonly pages: PageCache;
  readonly spaces: TableSpaces;
  readonly holds: Holds;
  readonly clock: Clock;
  readonly counters: CacheCounters;
}

/** A write of this node that is under way. */
export interface OpenWrite {
  readonly space: TableSpace;
  /** Of the space when the write began. */
  readonly prefix: string;
  readonly watch: WriteWatch;
  /** What it writes may be kept: as of the table when the write began. */
  readonly mayKeep: boolean;
  /** As other nodes are told. */
  readonly invalidKey: InvalidKey;
}

/** What this process has in memory, items and pages, as writes see it: all that drops something is here. */
export class Caches {
  readonly #options: CachesOptions;

  constructor(options: CachesOptions) {
    this.#options = options;
  }

  /** @param hashLength of the hash part of `key` */
  beginWrite(tableId: string, key: Buffer, hashLength: number): OpenWrite {
    const { items, spaces } = this.#options;
    const space = spaces.of(tableId);
    space.beginWrite();
    const watch = items.beginWrite(cacheKeyOf(space, key));
    const invalidKey = { key: key.toString('latin1'), hashLength };
    return { space, prefix: space.prefix, watch, mayKeep: space.mayKeep, invalidKey };
  }

  /** Before the write is acknowledged, and after L2 cannot give out older values any more. */
  endWrite(open: OpenWrite, outcome: WriteOutcome): void {
    const { items, spaces, clock } = this.#options;
    const isUncertain = outcome.kind === 'uncertain';
    const appliedByMs = clock.nowMs() + (isUncertain ? UNCERTAIN_HOLD_MS : 0);
    open.space.endWrite(appliedByMs);
    items.endWrite(open.watch, outcome);
    if (outcome.kind === 'untouched') return;
    const space = spaces.of(open.space.tableId);
    if (space.prefix !== open.prefix) {
      // The table was dropped as a whole meanwhile; what was read since may lack this write.
      space.noteWrite(appliedByMs);
      items.invalidate(space.prefix + open.invalidKey.key, isUncertain);
    }
    this.#dropPages(space, open.invalidKey, isUncertain);
  }

  /** Another node wrote; without keys it says no more than that the table is there. */
  invalidate({ tableId, keys, isUncertain }: Invalidation): void {
    const { items, spaces, clock, counters } = this.#options;
    if (keys.length === 0) return;
    const space = spaces.of(tableId);
    space.noteWrite(clock.nowMs() + (isUncertain ? UNCERTAIN_HOLD_MS : 0));
    if (keys === 'all') {
      counters.invalidatedTables += 1;
      this.dropTable(tableId, isUncertain);
      return;
    }
    counters.invalidatedKeys += keys.length;
    for (const invalidKey of keys) {
      items.invalidate(space.prefix + invalidKey.key, isUncertain);
      this.#dropPages(space, invalidKey, isUncertain);
    }
  }

  /** Nothing of the table that was read before is given out from now on, or kept. */
  dropTable(tableId: string, isUncertain: boolean): void {
    const { spaces, holds } = this.#options;
    const wasHolding = holds.isHolding;
    spaces.renew(tableId);
    // Holds were under the former keys.
    if (wasHolding || isUncertain) holds.hold(spaces.of(tableId).prefix);
  }

  /** As `dropTable`, for all tables. */
  dropAll(): void {
    const { items, pages, spaces, holds } = this.#options;
    const wasHolding = holds.isHolding;
    spaces.renewAll();
    items.clear();
    pages.clear();
    if (wasHolding) holds.holdAll();
  }

  #dropPages(space: TableSpace, { key, hashLength }: InvalidKey, isUncertain: boolean): void {
    const { pages, holds } = this.#options;
    const tags = [collectionTagOf(space, key.slice(0, hashLength)), tableTag(space)];
    pages.drop(tags);
    if (isUncertain) for (const tag of tags) holds.hold(tag);
  }
}
