import { rangeOfPrefix } from '../partition/key-range.ts';
import { afterKey } from '../partition/key-space.ts';
import type { Store } from '../storage/store.ts';

/** A key and its value. */
export type Pair = readonly [Buffer, Buffer];

/**
 * Pages of all pairs of a range, in key order. Each page is read anew from where the last one
 * ended, so no snapshot is held while the caller works, and what was written meanwhile is seen.
 */
export async function* walk(
  store: Pick<Store, 'iterate'>,
  range: { readonly start: Buffer; readonly end: Buffer },
  pagePairs: number,
): AsyncGenerator<readonly Pair[]> {
  let { start } = range;
  for (;;) {
    const iterator = store.iterate({ start, end: range.end, reverse: false, limit: pagePairs });
    const pairs: Pair[] = [];
    try {
      for (;;) {
        const next = await iterator.next(pagePairs);
        if (next.length === 0) break;
        for (const pair of next) pairs.push(pair);
        if (pairs.length >= pagePairs) break;
      }
    } finally {
      await iterator.close();
    }
    const last = pairs.at(-1);
    if (last === undefined) return;
    start = afterKey(last[0]);
    yield pairs;
  }
}

/** Pages of one space of a partition. */
export function walkSpace(
  store: Pick<Store, 'iterate'>,
  prefix: Buffer,
  pagePairs: number,
): AsyncGenerator<readonly Pair[]> {
  return walk(store, rangeOfPrefix(prefix), pagePairs);
}
