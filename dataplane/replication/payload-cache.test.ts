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

  it('counts no bytes of a group that was cleared for long', () => {
    const cache = new PayloadCache(100);
    const gone = cache.newGroup(0);
    for (let i = 0; i < 50; i += 1) cache.put(gone, i, { term: 1, payload: payload(10) });
    cache.clear(gone);
    expect(cache.bytes).toBeLessThanOrEqual(100);
  });
});
