import { describe, expect, it } from 'vitest';
import { CommitQueue } from './commit-queue.ts';
import { SyncLine } from './sync-line.ts';

/** Syncs that end when the test says so. */
function manualLine(syncsMax: number) {
  const ends: PromiseWithResolvers<void>[] = [];
  const line = new SyncLine(() => {
    const end = Promise.withResolvers<void>();
    ends.push(end);
    return end.promise;
  }, syncsMax);
  return { line, ends };
}

/** Long enough for everything that follows by itself. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('syncs side by side', () => {
  it('end in the order in which they began', async () => {
    const { line, ends } = manualLine(2);
    const order: string[] = [];
    const both = [
      line.begin().then(() => order.push('first')),
      line.begin().then(() => order.push('second')),
    ];
    ends[1]?.resolve();
    await turns();
    expect(order).toEqual([]);
    ends[0]?.resolve();
    await Promise.all(both);
    expect(order).toEqual(['first', 'second']);
  });

  it('fail with one that began before and fails', async () => {
    const { line, ends } = manualLine(2);
    const both = [line.begin(), line.begin()].map((sync) => sync.catch(String));
    ends[1]?.resolve();
    ends[0]?.reject(new Error('EIO'));
    expect(await Promise.all(both)).toEqual(['Error: EIO', 'Error: EIO']);
    const after = line.begin();
    ends[2]?.resolve();
    await after;
  });

  it('leave room for as many as may be', async () => {
    const { line, ends } = manualLine(2);
    await line.room();
    const first = line.begin();
    await line.room();
    void line.begin();
    let hasRoom = false;
    const room = line.room().then(() => {
      hasRoom = true;
    });
    await turns();
    expect(hasRoom).toBe(false);
    ends[0]?.resolve();
    await Promise.all([first, room]);
    ends[1]?.resolve();
    await line.idle();
  });
});

describe('a queue whose batches are synced beside', () => {
  function setUp() {
    const { line, ends } = manualLine(2);
    const written: string[][] = [];
    const queue = new CommitQueue(async (effects) => {
      written.push(effects.map(({ key }) => String(key)));
    }, line);
    const commit = (name: string) => queue.commit([{ key: Buffer.from(name), value: undefined }]);
    return { queue, commit, written, ends };
  }

  it('writes a batch while the one before is being synced, and no more than that', async () => {
    const { queue, commit, written, ends } = setUp();
    const all: Promise<void>[] = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      all.push(commit(name));
      await turns();
    }
    expect(written).toEqual([['a'], ['b']]);
    ends[0]?.resolve();
    await turns();
    expect(written).toEqual([['a'], ['b'], ['c', 'd']]);
    ends[1]?.resolve();
    ends[2]?.resolve();
    await Promise.all(all);
    await queue.drained();
  });

  it('a sync that fails fails what stands behind it, and nothing after', async () => {
    const { queue, commit, ends } = setUp();
    const all: Promise<unknown>[] = [];
    for (const name of ['a', 'b', 'c']) {
      all.push(commit(name).catch(String));
      await turns();
    }
    ends[0]?.reject(new Error('EIO'));
    expect(await Promise.all(all)).toEqual(Array(3).fill('Error: EIO'));
    ends[1]?.resolve();
    await turns();
    const after = commit('d');
    await turns();
    ends.at(-1)?.resolve();
    await after;
    await queue.drained();
  });

  it('a batch that was being written when a sync failed stands behind it', async () => {
    const { line, ends } = manualLine(2);
    const write = Promise.withResolvers<void>();
    let writes = 0;
    const queue = new CommitQueue(() => {
      writes += 1;
      return writes === 2 ? write.promise : Promise.resolve();
    }, line);
    const commit = (name: string) => queue.commit([{ key: Buffer.from(name), value: undefined }]);
    const first = commit('a').catch(String);
    await turns();
    const second = commit('b').catch(String);
    await turns();
    ends[0]?.reject(new Error('EIO'));
    await first;
    write.resolve();
    expect(await second).toBe('Error: EIO');
    await queue.drained();
  });

  it('is drained when the last sync has ended', async () => {
    const { queue, commit, ends } = setUp();
    const committed = commit('a');
    await turns();
    let isDrained = false;
    const drained = queue.drained().then(() => {
      isDrained = true;
    });
    await turns();
    expect(isDrained).toBe(false);
    ends[0]?.resolve();
    await Promise.all([committed, drained]);
  });
});
