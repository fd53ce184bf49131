import { describe, expect, it } from 'vitest';
import type { Store, StoreError } from '../storage/store.ts';
import { SimRandom } from './random.ts';
import { defaultDiskOptions, SimDisk } from './sim-disk.ts';
import type { SimStore } from './sim-store.ts';
import { SimWorld } from './sim-world.ts';

class Bench {
  readonly world: SimWorld;
  readonly disk: SimDisk;
  readonly #clock;

  constructor(seed: string | number, syncsApart = true) {
    this.world = new SimWorld(seed);
    this.disk = new SimDisk(this.world.random.fork('disk'), {
      ...defaultDiskOptions,
      syncsApart,
      checksBytes: true,
    });
    this.#clock = this.world.newClock('m', { wallSkewMsMax: 0, drift: 0 });
  }

  open(): SimStore {
    return this.disk.open(this.world.startProcess('m', this.#clock));
  }

  /** Runs the world until the promise settles. */
  async settle<T>(promise: Promise<T>): Promise<T | StoreError> {
    let settled: { readonly value: T | StoreError } | undefined;
    promise.then(
      (value) => {
        settled = { value };
      },
      (error) => {
        settled = { value: error };
      },
    );
    await this.world.run(() => settled !== undefined);
    return (settled as { value: T | StoreError } | undefined)?.value as T | StoreError;
  }
}

const bytes = (text: string) => Buffer.from(text);
const put = (name: string, value: string) => ({ key: bytes(name), value: bytes(value) });
const read = (store: Store, name: string) => store.get(bytes(name))?.toString();

/** How many of n0, n1, ... are there, and that none is missing between. */
function prefixOf(store: Store): number {
  let count = 0;
  while (read(store, `n${count}`) !== undefined) {
    count += 1;
  }
  expect(read(store, `n${count + 1}`)).toBeUndefined();
  return count;
}

describe.each([false, true])('crash, syncs apart: %s', (syncsApart) => {
  it('a loss of power keeps what was synced and a prefix of the rest', async () => {
    const kept = new Set<number>();
    for (let seed = 0; seed < 60; seed += 1) {
      const bench = new Bench(seed, syncsApart);
      const store = bench.open();
      await bench.settle(store.commit([put('n0', ''), put('synced', 'yes')]));
      for (let index = 1; index < 5; index += 1) {
        await bench.settle(store.commit([put(`n${index}`, '')], { sync: false }));
      }
      bench.disk.crash('power');
      const reopened = bench.open();
      expect(read(reopened, 'synced')).toBe('yes');
      kept.add(prefixOf(reopened));
    }
    expect([...kept].sort()).toEqual([1, 2, 3, 4, 5]);
  });
  it('a killed process loses nothing that readers had seen', async () => {
    const kept = new Set<number>();
    for (let seed = 0; seed < 40; seed += 1) {
      const bench = new Bench(seed, syncsApart);
      const store = bench.open();
      await bench.settle(store.commit([put('n0', '')], { sync: false }));
      // Under way when the process dies: there or not.
      const commit = store.commit([put('n1', '')]);
      await bench.world.runFor(0.05);
      let hasSettled = false;
      void commit.finally(() => {
        hasSettled = true;
      });
      bench.disk.crash('kill');
      await bench.world.runFor(100);
      expect(hasSettled).toBe(false);
      kept.add(prefixOf(bench.open()));
    }
    expect([...kept].sort()).toEqual([1, 2]);
  });
  it('a synced commit makes earlier unsynced ones durable', async () => {
    for (let seed = 0; seed < 30; seed += 1) {
      const bench = new Bench(seed, syncsApart);
      const store = bench.open();
      await bench.settle(store.commit([put('a', '1')], { sync: false }));
      await bench.settle(store.commit([put('b', '1')]));
      bench.disk.crash('power');
      expect(read(bench.open(), 'a')).toBe('1');
    }
  });
  it('any mix: what was acknowledged as synced is there, and a second crash changes nothing', async () => {
    for (let seed = 0; seed < 60; seed += 1) {
      const bench = new Bench(`mixed ${seed}`, syncsApart);
      const random = new SimRandom(seed);
      const store = bench.open();
      const synced: number[] = [];
      for (let index = 0; index < 30; index += 1) {
        const sync = random.chance(0.3);
        const commit = store.commit([put('last', `${index}`), put(`n${index}`, '')], { sync });
        if (random.chance(0.5)) {
          await bench.settle(commit);
          synced.push(...(sync ? [index] : []));
        }
      }
      bench.disk.crash(random.pick(['kill', 'power']));
      const reopened = bench.open();
      for (const index of synced) {
        expect(read(reopened, `n${index}`), `seed ${seed}`).toBe('');
      }
      const last = read(reopened, 'last');
      expect(last === undefined || read(reopened, `n${last}`) === '', `seed ${seed}`).toBe(true);
      bench.disk.crash('power');
      expect(read(bench.open(), 'last')).toBe(last);
    }
  });
  it('wipe: everything is gone', async () => {
    const bench = new Bench(1, syncsApart);
    await bench.settle(bench.open().commit([put('a', '1')]));
    bench.disk.crash('kill');
    bench.disk.wipe();
    expect(read(bench.open(), 'a')).toBeUndefined();
    expect(bench.disk.wipesCount).toBe(1);
  });
});

describe('syncs apart', () => {
  it('show a commit before it is durable', async () => {
    const lost = new Set<boolean>();
    for (let seed = 0; seed < 20; seed += 1) {
      const bench = new Bench(seed, true);
      const store = bench.open();
      void store.commit([put('a', '1')]);
      await bench.world.run(() => read(store, 'a') === '1');
      bench.disk.crash('power');
      lost.add(read(bench.open(), 'a') === undefined);
    }
    expect([...lost].sort()).toEqual([false, true]);
  });
});

describe('faults', () => {
  it('stall: commits wait until it ends', async () => {
    const bench = new Bench(1);
    const store = bench.open();
    bench.disk.stall();
    const commit = store.commit([put('a', '1')]);
    await bench.world.runFor(5_000);
    expect(read(store, 'a')).toBeUndefined();
    bench.world.afterMs(1, 'endStall', () => bench.disk.endStall());
    await bench.settle(commit);
    expect(read(store, 'a')).toBe('1');
  });
  it('io error: the outcome is open until the store is opened anew, and recover comes first', async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 30; seed += 1) {
      const bench = new Bench(seed);
      const store = bench.open();
      const recovered: (string | undefined)[] = [];
      store.onReopened(async () => {
        expect(store.writesRefused?.code).toBe('io');
        recovered.push(read(store, 'a'));
      });
      await bench.settle(store.commit([put('a', 'old')]));
      bench.disk.failWrites(1);
      const failing = store.commit([put('a', 'new')]);
      failing.catch(() => {});
      await bench.world.runFor(0.05);
      const behind = store.commit([put('b', '1')]);
      behind.catch(() => {});
      expect(await bench.settle(failing)).toMatchObject({ code: 'io' });
      expect(read(store, 'a')).toBe('old');
      expect(await bench.settle(behind)).toMatchObject({ code: 'io' });
      expect(await bench.settle(store.commit([]))).toMatchObject({ code: 'io' });
      await bench.world.run(() => store.writesRefused === undefined);
      expect(recovered).toHaveLength(1);
      outcomes.add(recovered[0] ?? '');
      expect(read(store, 'b')).toBeUndefined();
      expect(await bench.settle(store.commit([put('b', '2')]))).toBeUndefined();
      expect(read(store, 'a')).toBe(recovered[0]);
    }
    expect([...outcomes].sort()).toEqual(['new', 'old']);
  });
  it('io error: readers of the old handle are told to try again', async () => {
    const bench = new Bench(3);
    const store = bench.open();
    await bench.settle(store.commit([put('a', '1')]));
    const snapshot = store.snapshot();
    bench.disk.failWrites(1);
    await bench.settle(store.commit([put('b', '1')]));
    let isReadable = true;
    await bench.world.run(() => {
      try {
        store.get(bytes('a'));
      } catch {
        isReadable = false;
      }
      return !isReadable;
    });
    await bench.world.run(() => store.writesRefused === undefined);
    expect(() => snapshot.get(bytes('a'))).toThrow(expect.objectContaining({ code: 'io' }));
  });
  it('recover that fails is called again', async () => {
    const bench = new Bench(4);
    const store = bench.open();
    let calls = 0;
    store.onReopened(async () => {
      calls += 1;
      if (calls < 3) {
        throw new Error('not yet');
      }
    });
    bench.disk.failWrites(1);
    await bench.settle(store.commit([put('a', '1')]));
    await bench.world.run(() => store.writesRefused === undefined);
    expect(calls).toBe(3);
  });
  it('low space: writes are refused within a second, nothing fails, and they resume', async () => {
    const bench = new Bench(5);
    const store = bench.open();
    let reopened = 0;
    store.onReopened(async () => {
      reopened += 1;
    });
    await bench.settle(store.commit([put('a', '1')]));
    bench.disk.setSpace('low');
    await bench.world.runFor(1_001);
    expect(await bench.settle(store.commit([put('b', '1')]))).toMatchObject({ code: 'full' });
    expect(read(store, 'a')).toBe('1');
    bench.disk.setSpace('enough');
    await bench.world.run(() => store.writesRefused === undefined);
    expect([reopened, read(store, 'a'), read(store, 'b')]).toEqual([0, '1', undefined]);
  });
  it('no space: the write fails, and the store is opened anew once there is some', async () => {
    const bench = new Bench(6);
    const store = bench.open();
    let reopened = 0;
    store.onReopened(async () => {
      reopened += 1;
    });
    bench.disk.setSpace('none');
    expect(await bench.settle(store.commit([put('a', '1')]))).toMatchObject({ code: 'full' });
    await bench.world.runFor(10_000);
    expect([reopened, store.writesRefused?.code]).toEqual([0, 'full']);
    bench.disk.heal();
    await bench.world.run(() => store.writesRefused === undefined);
    expect(reopened).toBe(1);
  });
  it('flipBit: one bit of one durable value differs', async () => {
    const bench = new Bench(7);
    const store = bench.open();
    await bench.settle(store.commit([put('a', 'aaaa'), put('b', 'bbbb')]));
    const flipped = bench.disk.flipBit((key) => key.toString() === 'b');
    expect(flipped?.toString()).toBe('b');
    const found = store.get(bytes('b')) ?? Buffer.alloc(0);
    const bits = [...found].reduce(
      (sum, byte) => sum + (byte ^ 0x62).toString(2).replaceAll('0', '').length,
      0,
    );
    expect([bits, read(store, 'a')]).toEqual([1, 'aaaa']);
    bench.disk.crash('power');
    expect(bench.open().get(bytes('b'))).toEqual(found);
  });
  it('checksBytes: a caller that changes what it gave away is found out', async () => {
    const bench = new Bench(8);
    const store = bench.open();
    const value = bytes('value');
    await bench.settle(store.commit([{ key: bytes('a'), value }]));
    value[0] = 0;
    expect(() => store.get(bytes('a'))).toThrow('bytes of a value were changed');
  });
});
