import { describe, expect, it } from 'vitest';
import { PayloadCache } from './payload-cache.ts';

const payload = (bytes: number) => Buffer.alloc(bytes);

describe('PayloadCache', () => {
  it('lets the oldest go over all groups, once they are in the store', () => {
    const cache = new PayloadCache(100);
    const [a, b] = [cache.newGroup(0), cache.newGroup(0)];
    cache.put(a, 1, { term: 1, payload: payload(60) });
    cache.put(b, 1, { term: 1, payload: payload(60) });
    expect(cache.get(a, 1, 1)).toBeDefined();
    cache.stored(b, 1);
    expect(cache.get(a, 1, 1)).toBeDefined();
    cache.stored(a, 1);
    expect(cache.get(a, 1, 1)).toBeUndefined();
    expect(cache.get(b, 1, 1)).toBeDefined();
    expect(cache.bytes).toBe(60);
  });

  it('knows entries by their term, and forgets those that were replaced', () => {
    const cache = new PayloadCache(100);
    const group = cache.newGroup(5);
    cache.put(group, 6, { term: 1, payload: payload(10) });
    cache.put(group, 6, { term: 2, payload: payload(20) });
    expect(cache.get(group, 6, 1)).toBeUndefined();
    expect(cache.get(group, 6, 2)).toHaveLength(20);
    cache.put(group, 7, { term: 2, payload: payload(90) });
    expect(cache.get(group, 6, 2)).toBeDefined();
    expect(cache.bytes).toBe(110);
  });

  it('lets go of the payloads of a group at once, others stay', () => {
    const cache = new PayloadCache(1_000_000);
    const [idle, busy] = [cache.newGroup(0), cache.newGroup(0)];
    cache.put(busy, 1, { term: 1, payload: payload(7) });
    for (let round = 1; round <= 5_000; round += 1) {
      cache.put(idle, round, { term: 1, payload: payload(10) });
      cache.clearStored(idle);
      expect(cache.get(idle, round, 1)).toBeDefined();
      cache.stored(idle, round);
      cache.clearStored(idle);
      expect(cache.get(idle, round, 1)).toBeUndefined();
    }
    expect(cache.bytes).toBe(7);
    expect(cache.placesCount).toBeLessThan(2_000);
    expect(cache.get(busy, 1, 1)).toHaveLength(7);
  });

  it('after letting go of much, the oldest still go first', () => {
    const cache = new PayloadCache(100);
    const [idle, first, second] = [cache.newGroup(9_999), cache.newGroup(9), cache.newGroup(9)];
    cache.put(first, 1, { term: 1, payload: payload(60) });
    for (let i = 1; i <= 3_000; i += 1) {
      cache.put(idle, i, { term: 1, payload: payload(1) });
      if (i % 10 === 0) cache.clear(idle);
    }
    cache.put(second, 1, { term: 1, payload: payload(60) });
    expect(cache.get(first, 1, 1)).toBeUndefined();
    expect(cache.get(second, 1, 1)).toBeDefined();
    expect(cache.bytes).toBe(60);
  });

  it('counts no bytes of a group that was cleared', () => {
    const cache = new PayloadCache(100);
    const gone = cache.newGroup(0);
    for (let i = 0; i < 50; i += 1) cache.put(gone, i, { term: 1, payload: payload(10) });
    cache.clear(gone);
    expect(cache.bytes).toBe(0);
  });
});
