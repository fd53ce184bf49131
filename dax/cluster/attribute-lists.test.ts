import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AttributeListLimits, AttributeLists } from './attribute-lists.ts';
import { FolderRegistryStore } from './folder-registry-store.ts';
import { MemoryRegistryStore } from './memory-registry-store.ts';
import { RegistryError, type RegistryStore } from './registry-store.ts';

/** Counts what is asked of a store, and may hold it up or fail it. */
class WatchedStore implements RegistryStore {
  readonly #store: RegistryStore;
  getsCount = 0;
  putsCount = 0;
  isAway = false;
  /** The put is done, but its answer is lost. */
  losesAnswers = false;

  constructor(store: RegistryStore) {
    this.#store = store;
  }

  async get(id: string) {
    this.getsCount += 1;
    if (this.isAway) throw new RegistryError('away');
    return this.#store.get(id);
  }

  async put(id: string, value: Record<string, unknown>, expectedVersion: string | undefined) {
    this.putsCount += 1;
    if (this.isAway) throw new RegistryError('away');
    const version = await this.#store.put(id, value, expectedVersion);
    if (this.losesAnswers) throw new RegistryError('no answer');
    return version;
  }
}

let records: MemoryRegistryStore;
let store: WatchedStore;
const listsOf = (limits: Partial<AttributeListLimits> = {}) => new AttributeLists(store, limits);

beforeEach(() => {
  records = new MemoryRegistryStore();
  store = new WatchedStore(records);
});

const LIMIT = { type: 'LimitExceededException' };

describe('ids', () => {
  it('are the same on all nodes, for ever, and name the same list', async () => {
    const id = await listsOf().idOf(['b', 'a']);
    expect(id).toBe(await listsOf().idOf(['b', 'a']));
    expect(await listsOf().namesOf(id)).toEqual(['b', 'a']);
    // It stands in what clients keep: a change of the hash would be a change of the format.
    expect(id).toBe(100_156_590_593_335);
  });

  it('differ with the order of names, and with where one name ends', async () => {
    const lists = listsOf();
    const ids = [['a', 'b'], ['b', 'a'], ['ab'], ['a,b'], ['a', 'b', ''], ['"a","b"']].map(
      async (names) => lists.idOf(names),
    );
    expect(new Set(await Promise.all(ids)).size).toBe(6);
  });

  it('of any list lead back to it, and are exact in JavaScript', async () => {
    const [one, other] = [listsOf(), listsOf()];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'binary' })), async (names) => {
        const id = await one.idOf(names);
        expect(Number.isSafeInteger(id) && id >= 1).toBe(true);
        expect(await other.namesOf(id)).toEqual(names);
      }),
    );
  });

  it('1 is the empty list, which no registry has to know', async () => {
    store.isAway = true;
    const lists = listsOf();
    expect(lists.idOf([])).toBe(1);
    expect(lists.namesOf(1)).toEqual([]);
  });

  it('that nobody defined have no list, whatever they are', async () => {
    const lists = listsOf();
    for (const id of [0, -1, 2, 1.5, Number.NaN, 2 ** 53, 2 ** 53 - 1, -(2 ** 60)]) {
      expect(await lists.namesOf(id)).toBeUndefined();
    }
  });

  it('that were defined elsewhere a moment ago are known', async () => {
    const [one, other] = [listsOf(), listsOf()];
    const id = await one.idOf(['a']);
    await expect(other.namesOf(id + 1)).resolves.toBeUndefined();
    expect(await other.namesOf(id)).toEqual(['a']);
  });

  it('are the same when several nodes define a list at the same time', async () => {
    const ids = Array.from({ length: 10 }, async () => listsOf().idOf(['x', 'y']));
    expect(new Set(await Promise.all(ids)).size).toBe(1);
  });

  it('survive a restart of a node that keeps them in a folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trestle lists '));
    const id = await new AttributeLists(new FolderRegistryStore(folder)).idOf(['a', 'b']);
    const again = new AttributeLists(new FolderRegistryStore(folder));
    expect(await again.namesOf(id)).toEqual(['a', 'b']);
    rmSync(folder, { recursive: true });
  });
});

describe('collisions', () => {
  it('of two lists give the later one another id, which all nodes find', async () => {
    const id = await listsOf().idOf(['a']);
    const stored = await records.get(`list/${id}`);
    const elsewhere = new MemoryRegistryStore();
    await elsewhere.put(`list/${id}`, { names: ['quite', 'another'] }, undefined);
    store = new WatchedStore(elsewhere);
    const salted = await listsOf().idOf(['a']);
    expect(salted).not.toBe(id);
    expect(await listsOf().idOf(['a'])).toBe(salted);
    expect(await listsOf().namesOf(salted)).toEqual(stored?.value.names);
    expect(await listsOf().namesOf(id)).toEqual(['quite', 'another']);
  });
});

describe('the registry', () => {
  it('is asked once for a list, and once for an id', async () => {
    const lists = listsOf();
    const ids = await Promise.all([lists.idOf(['a']), lists.idOf(['a'])]);
    const { getsCount } = store;
    expect(lists.idOf(['a'])).toBe(ids[0]);
    expect(lists.namesOf(ids[0])).toEqual(['a']);
    expect(store.getsCount).toBe(getsCount);

    const other = listsOf();
    await Promise.all([other.namesOf(ids[0]), other.namesOf(ids[0])]);
    expect(other.namesOf(ids[0])).toEqual(['a']);
    expect(other.idOf(['a'])).toBe(ids[0]);
    expect(store.getsCount).toBe(getsCount + 1);
  });

  it('has a list before its id is given out', async () => {
    const lists = listsOf();
    store.isAway = true;
    await expect(lists.idOf(['a'])).rejects.toBeInstanceOf(RegistryError);
    store.isAway = false;
    const id = await lists.idOf(['a']);
    expect((await records.get(`list/${id}`))?.value).toEqual({ names: ['a'] });
  });

  it('that took a list without saying so has it at the next attempt', async () => {
    const lists = listsOf();
    store.losesAnswers = true;
    await expect(lists.idOf(['a'])).rejects.toBeInstanceOf(RegistryError);
    store.losesAnswers = false;
    const id = await lists.idOf(['a']);
    expect(await listsOf().namesOf(id)).toEqual(['a']);
  });

  it('is asked again for an id after it failed', async () => {
    const id = await listsOf().idOf(['a']);
    const lists = listsOf();
    store.isAway = true;
    await expect(lists.namesOf(id)).rejects.toBeInstanceOf(RegistryError);
    store.isAway = false;
    expect(await lists.namesOf(id)).toEqual(['a']);
  });

  it('with a damaged list fails, rather than giving names away', async () => {
    await records.put('list/77', { names: ['a', 7] }, undefined);
    await expect(listsOf().namesOf(77)).rejects.toBeInstanceOf(RegistryError);
  });
});

describe('limits', () => {
  it('of names and bytes of a list', async () => {
    const lists = listsOf({ namesMax: 3, listBytesMax: 8 });
    expect(await lists.idOf(['a', 'b', 'c'])).toBeGreaterThan(1);
    expect(() => lists.idOf(['a', 'b', 'c', 'd'])).toThrow(expect.objectContaining(LIMIT));
    expect(await lists.idOf(['éé', 'éé'])).toBeGreaterThan(1);
    expect(() => lists.idOf(['éé', 'éé', 'x'])).toThrow(expect.objectContaining(LIMIT));
  });

  it('of lists of a cluster hold over all nodes, also after restarts; known lists stay', async () => {
    const limits = { listsMax: 6 };
    const [one, other] = [listsOf(limits), listsOf(limits)];
    for (let n = 0; n < 3; n += 1) await one.idOf([`one ${n}`]);
    await expect.poll(async () => (await records.get('lists'))?.value).toEqual({ count: 3 });
    for (let n = 0; n < 3; n += 1) await other.idOf([`other ${n}`]);
    await expect.poll(async () => (await records.get('lists'))?.value).toEqual({ count: 6 });
    const third = listsOf(limits);
    await expect(third.idOf(['one more'])).rejects.toMatchObject(LIMIT);
    expect(third.count).toBe(6);
    expect(await third.idOf(['one 0'])).toBeGreaterThan(1);
  });

  it('of memory let old lists go, which are asked for again', async () => {
    const lists = listsOf({ cacheCharsMax: 5_000 });
    const ids: number[] = [];
    for (let n = 0; n < 40; n += 1) ids.push(await lists.idOf([`name ${n}`]));
    expect(lists.namesOf(ids[39] ?? 0)).toEqual(['name 39']);
    expect(lists.namesOf(ids[0] ?? 0)).toBeInstanceOf(Promise);
    expect(await lists.namesOf(ids[0] ?? 0)).toEqual(['name 0']);
  });

  it('a list that is too long for memory is served all the same', async () => {
    const lists = listsOf({ cacheCharsMax: 300 });
    const names = ['x'.repeat(400)];
    const id = await lists.idOf(names);
    expect(await lists.idOf(names)).toBe(id);
    expect(await lists.namesOf(id)).toEqual(names);
  });
});
