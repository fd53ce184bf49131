import { describe, expect, it } from 'vitest';
import { ItemCache } from './item-cache.ts';
import { StoredItem } from './record.ts';

const stored = (text: string, version: number) =>
  StoredItem.of({ p: { S: text } }, 10, { version, writtenMicros: 1e15 });

describe('item cache', () => {
  it('holds no memory but that of its items, however small a part of a slab they were', () => {
    const cache = new ItemCache(1_000_000);
    cache.offer('read', stored('a', 1));
    cache.written('read', stored('b', 2));
    const record = cache.get('read')?.stored?.record;
    expect(record?.buffer.byteLength).toBe(record?.length);
  });

  it('takes up the newest of several writes', () => {
    const cache = new ItemCache(1_000_000);
    cache.offer('a', stored('second', 2));
    cache.written('a', stored('first', 1));
    expect(cache.get('a')?.stored?.item).toEqual({ p: { S: 'second' } });
  });

  it('empties a cell once the item is replaced, deleted, forgotten or pushed out', () => {
    const cache = new ItemCache(10_000);
    const replaced = cache.offer('a', stored('1', 1));
    const deleted = cache.offer('b', stored('1', 1));
    const forgotten = cache.offer('c', stored('1', 1));
    const pushedOut = cache.offer('d', stored('1', 1));
    cache.written('a', stored('2', 2));
    cache.written('b', undefined);
    cache.forget('c');
    for (let index = 0; index < 100; index++) cache.offer(`more ${index}`, stored('1', 1));
    for (const cell of [replaced, deleted, forgotten, pushedOut]) {
      expect(cell?.stored).toBeUndefined();
    }
  });
});
