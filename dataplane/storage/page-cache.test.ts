import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from './open.ts';
import { groupPrefixBytes, PageCache } from './page-cache.ts';
import type { KeyRange, Store } from './store.ts';

const groups = [
  Buffer.alloc(groupPrefixBytes, 0x11),
  Buffer.alloc(groupPrefixBytes, 0x12),
] as const;
const keyOf = (group: number, tail: number) =>
  Buffer.concat([groups[group === 0 ? 0 : 1], Buffer.of(tail)]);

function rangeOf(group: number, from: number, to: number): KeyRange {
  return { start: keyOf(group, from), end: keyOf(group, to), reverse: false, limit: undefined };
}

describe('PageCache', () => {
  const pairs = [[keyOf(0, 1), Buffer.from('a')]] as const;

  it('keeps a page once it is read to its end', () => {
    const cache = new PageCache(10_000);
    const fill = cache.page(rangeOf(0, 0, 9));
    if (fill === undefined || !('group' in fill)) throw new Error('nothing is cached yet');
    cache.fill(fill, pairs, 10);
    expect(cache.page(rangeOf(0, 0, 9))).toEqual(pairs);
  });

  it('does not keep a page that may go on', () => {
    const cache = new PageCache(10_000);
    const fill = cache.page(rangeOf(0, 0, 9));
    if (fill === undefined || !('group' in fill)) throw new Error('nothing is cached yet');
    cache.fill(fill, pairs, 1);
    cache.endFill(fill);
    expect(cache.page(rangeOf(0, 0, 9))).toHaveProperty('group');
  });

  it('does not keep a page whose group was written while it was read', () => {
    const cache = new PageCache(10_000);
    const fill = cache.page(rangeOf(0, 0, 9));
    if (fill === undefined || !('group' in fill)) throw new Error('nothing is cached yet');
    cache.committed([{ key: keyOf(0, 200), value: undefined }]);
    cache.fill(fill, pairs, 10);
    expect(cache.page(rangeOf(0, 0, 9))).toHaveProperty('group');
  });

  it('forgets the pages of a group that is written, and of no other', () => {
    const cache = new PageCache(10_000);
    for (const group of [0, 1]) {
      const fill = cache.page(rangeOf(group, 0, 9));
      if (fill === undefined || !('group' in fill)) throw new Error('nothing is cached yet');
      cache.fill(fill, [], 10);
    }
    cache.committed([{ key: keyOf(0, 3), value: Buffer.from('b') }]);
    expect(cache.page(rangeOf(0, 0, 9))).toHaveProperty('group');
    expect(cache.page(rangeOf(1, 0, 9))).toEqual([]);
  });

  it.each([
    ['crosses groups', { ...rangeOf(0, 0, 9), end: keyOf(1, 1) }],
    ['starts above the groups', { ...rangeOf(0, 0, 9), start: Buffer.of(1) }],
  ])('leaves a range alone that %s', (_, range) => {
    expect(new PageCache(10_000).page(range)).toBeUndefined();
  });

  it('takes the first key behind a group as the end of its range', () => {
    const [start, end] = groups;
    const range = { start, end, reverse: true, limit: 3 };
    const beyond = Buffer.concat([start.subarray(0, -1), Buffer.of(0x12)]);
    const cache = new PageCache(10_000);
    expect(cache.page({ ...range, end: beyond })).toHaveProperty('group');
    expect(cache.page({ ...range, end: Buffer.concat([beyond, Buffer.of(0)]) })).toBeUndefined();
  });
});

describe('a store with cached pages', () => {
  let folder: string;
  let store: Store;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trestle-pages-'));
    store = await openStore({ folder, durability: 'relaxed' });
  });

  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  async function read(range: KeyRange): Promise<[string, string][]> {
    const iterator = store.iterate(range);
    const found: [string, string][] = [];
    try {
      for (;;) {
        const next = await iterator.next(3);
        if (next.length === 0) return found;
        for (const [key, value] of next) found.push([key.toString('hex'), value.toString()]);
      }
    } finally {
      await iterator.close();
    }
  }

  const write = fc.record({
    kind: fc.constant('write' as const),
    group: fc.nat(1),
    tail: fc.nat(9),
    value: fc.option(fc.string({ maxLength: 3 }), { nil: undefined }),
  });
  const page = fc.record({
    kind: fc.constant('read' as const),
    group: fc.nat(1),
    from: fc.nat(9),
    reverse: fc.boolean(),
    limit: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  });

  it('reads what was written, whatever was read before and meanwhile', async () => {
    const model = new Map<string, string>();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(write, page), { maxLength: 40 }), async (steps) => {
        const running: Promise<unknown>[] = [];
        for (const step of steps) {
          if (step.kind === 'write') {
            const key = keyOf(step.group, step.tail);
            const value = step.value === undefined ? undefined : Buffer.from(step.value);
            // A read that is under way may end before or after this write.
            running.push(read(rangeOf(step.group, 0, 10)));
            await store.commit([{ key, value }]);
            if (step.value === undefined) model.delete(key.toString('hex'));
            else model.set(key.toString('hex'), step.value);
            continue;
          }
          const { reverse, limit } = step;
          const range = { ...rangeOf(step.group, step.from, 10), reverse, limit };
          expect(await read(range)).toEqual(expected(model, range));
          expect(await read(range)).toEqual(expected(model, range));
        }
        await Promise.all(running);
      }),
      { numRuns: 100 },
    );
  });
});

function expected(model: ReadonlyMap<string, string>, range: KeyRange): [string, string][] {
  const inRange = [...model]
    .filter(([key]) => {
      const bytes = Buffer.from(key, 'hex');
      return Buffer.compare(bytes, range.start) >= 0 && Buffer.compare(bytes, range.end) < 0;
    })
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (range.reverse) inRange.reverse();
  return inRange.slice(0, range.limit);
}
