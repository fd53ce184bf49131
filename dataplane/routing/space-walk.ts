import { rangeOfPrefix } from '../partition/key-range.ts';
import { afterKey } from '../partition/key-space.ts';
import type { Store } from '../storage/store.ts';

/** A key and its value. */
export type Pair = readonly [Buffer, Buffer];

/**
 * Pages of all pairs of a range, in key order: up to `pagePairs` each, and as many as the store hands
 * over at once, which bounds the bytes of large items. Each page is read anew from where the last one
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
    let pairs: readonly Pair[];
    try {
      pairs = await iterator.next(pagePairs);
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
