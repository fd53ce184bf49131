import { LRUCache } from 'lru-cache';
import type { Effect, KeyRange } from './store.ts';

/** Keys that share so many first bytes form a group, in which pages are cached and invalidated. */
export const groupPrefixBytes = 25;

/** Pages of more bytes are read from LevelDB each time: one of them would push out too much else. */
const pageBytesMax = 64 * 1024;

/** What a cached pair costs beside its bytes: map entry, Buffer, and its backing store. */
const entryOverheadBytes = 256;

/** A page: all pairs of a range, up to its limit. */
export type Pairs = readonly (readonly [Buffer, Buffer])[];

/**
 * Short pages in front of LevelDB, in memory and bounded in bytes. A page read through the native
 * binding costs some 50 microseconds, most of it for the hop to another thread.
 *
 * Invariant: it holds nothing but what LevelDB holds, as far as anyone has been told. `committed`
 * must be called for every batch once it is durable and before its writers hear of it; a page that
 * was being read meanwhile is not kept.
 */
export class PageCache {
  readonly #groups: LRUCache<string, Group>;
  /** Pages being read, by group. */
  readonly #fills = new Map<string, Set<PageFill>>();

  constructor(bytesMax: number) {
    this.#groups = new LRUCache({
      maxSize: bytesMax,
      sizeCalculation: (group) => group.bytes,
    });
  }

  /** The whole page of a range, a promise-free list; or a way to fill it in; or neither. */
  page(range: KeyRange): Pairs | PageFill | undefined {
    const group = groupOf(range);
    if (group === undefined) return undefined;
    const key = pageKey(range);
    const pairs = this.#groups.get(group)?.pages.get(key);
    if (pairs !== undefined) return pairs;
    const fill: PageFill = { group, key, limit: range.limit, pairs: [], bytes: 0 };
    const fills = this.#fills.get(group);
    if (fills === undefined) this.#fills.set(group, new Set([fill]));
    else fills.add(fill);
    return fill;
  }

  /** Takes pairs that were read in answer to a request for `count`; keeps the page once it is whole. */
  fill(fill: PageFill, pairs: Pairs, count: number): void {
    for (const [key, value] of pairs) fill.bytes += key.length + value.length + entryOverheadBytes;
    fill.pairs.push(...pairs);
    // Below `pageBytesMax`, LevelDB cuts no answer short: fewer than asked for means the end.
    const isWhole = pairs.length < count || fill.pairs.length === fill.limit;
    if (fill.bytes > pageBytesMax) this.endFill(fill);
    else if (isWhole && this.endFill(fill)) this.#keep(fill);
  }

  /** The page is not read on. Returns whether what was read of it is still true. */
  endFill(fill: PageFill): boolean {
    const fills = this.#fills.get(fill.group);
    if (fills?.delete(fill) !== true) return false;
    if (fills.size === 0) this.#fills.delete(fill.group);
    return true;
  }

  /** Takes up the effects of a batch that is durable. */
  committed(effects: readonly Effect[]): void {
    if (this.#groups.size === 0 && this.#fills.size === 0) return;
    for (const { key } of effects) {
      const group = asBuffer(key).toString('latin1', 0, groupPrefixBytes);
      this.#groups.delete(group);
      this.#fills.delete(group);
    }
  }

  clear(): void {
    this.#groups.clear();
    this.#fills.clear();
  }

  #keep({ group, key, pairs, bytes }: PageFill): void {
    const { pages, bytes: before } = this.#groups.get(group) ?? { pages: new Map(), bytes: 0 };
    pages.set(key, pairs);
    // A new object, for the LRU cache looks at the size of such only.
    this.#groups.set(group, { pages, bytes: before + bytes + key.length + entryOverheadBytes });
  }
}

/** A page being read. */
export interface PageFill {
  readonly group: string;
  readonly key: string;
  readonly limit: number | undefined;
  readonly pairs: (readonly [Buffer, Buffer])[];
  bytes: number;
}

interface Group {
  readonly pages: Map<string, Pairs>;
  readonly bytes: number;
}

/** The group that all keys of the range belong to, if there is one. */
function groupOf({ start, end }: KeyRange): string | undefined {
  if (start.length < groupPrefixBytes) return undefined;
  const prefix = asBuffer(start).subarray(0, groupPrefixBytes);
  return isWithinPrefix(prefix, asBuffer(end)) ? prefix.toString('latin1') : undefined;
}

/** Whether every key below `end` and not below `prefix` begins with `prefix`. */
function isWithinPrefix(prefix: Buffer, end: Buffer): boolean {
  if (end.subarray(0, groupPrefixBytes).equals(prefix)) return true;
  // `end` may also be the first key behind the prefix: its last byte below 0xff counted up.
  let last = prefix.length - 1;
  while (last >= 0 && prefix[last] === 0xff) last -= 1;
  if (last < 0 || end.length !== last + 1) return false;
  return (
    end.subarray(0, last).equals(prefix.subarray(0, last)) && end[last] === (prefix[last] ?? 0) + 1
  );
}

function pageKey({ start, end, reverse, limit }: KeyRange): string {
  const tail = asBuffer(start).toString('latin1', groupPrefixBytes);
  return `${reverse ? '<' : '>'}${limit ?? ''}/${tail.length}/${tail}${asBuffer(end).toString('latin1')}`;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
