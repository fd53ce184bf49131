import { describe, expect, it } from 'vitest';
import { CommitQueue, waitingBytesMax } from './commit-queue.ts';
import type { Effect } from './store.ts';

/** A disk whose writes end when the test says so. */
class ManualDisk {
  readonly batches: (readonly Effect[])[] = [];
  readonly #ends: PromiseWithResolvers<void>[] = [];
  #started = Promise.withResolvers<void>();

  readonly write = (effects: readonly Effect[]): Promise<void> => {
    const end = Promise.withResolvers<void>();
    this.batches.push(effects);
    this.#ends.push(end);
    this.#started.resolve();
    return end.promise;
  };

  /** Resolves when a write is under way. */
  async underWay(): Promise<void> {
    await this.#started.promise;
  }

  succeed(): void {
    this.#started = Promise.withResolvers();
    this.#ends.at(-1)?.resolve();
  }

  fail(error: Error): void {
    this.#started = Promise.withResolvers();
    this.#ends.at(-1)?.reject(error);
  }
}

describe('CommitQueue', () => {
  it('commits of one turn share a batch, in the order of the calls', async () => {
    const { disk, queue } = setUp();
    const commits = ['a', 'b', 'c'].map((name) => queue.commit([effect(name)]));
    await disk.underWay();
    disk.succeed();
    await Promise.all(commits);
    expect(names(disk)).toEqual([['a', 'b', 'c']]);
  });

  it('commits that arrive during a write share the next batch', async () => {
    const { disk, queue } = setUp();
    const first = queue.commit([effect('a')]);
    await disk.underWay();
    const later = [queue.commit([effect('b')]), queue.commit([effect('c')])];
    disk.succeed();
    await first;
    await disk.underWay();
    disk.succeed();
    await Promise.all(later);
    expect(names(disk)).toEqual([['a'], ['b', 'c']]);
  });

  it('commits resolve in order', async () => {
    const { disk, queue } = setUp();
    const order: number[] = [];
    const commits = [1, 2, 3].map((index) =>
      queue.commit([effect('a')]).then(() => order.push(index)),
    );
    await disk.underWay();
    disk.succeed();
    await Promise.all(commits);
    expect(order).toEqual([1, 2, 3]);
  });

  it('a failed batch fails all commits behind it, and none after', async () => {
    const { disk, queue } = setUp();
    const first = queue.commit([effect('a')]);
    await disk.underWay();
    const behind = queue.commit([effect('b')]);
    disk.fail(new Error('disk'));
    await expect(first).rejects.toThrow('disk');
    await expect(behind).rejects.toThrow('disk');
    const after = queue.commit([effect('c')]);
    await disk.underWay();
    disk.succeed();
    await after;
    expect(names(disk)).toEqual([['a'], ['c']]);
  });

  it('a large commit has a batch of its own', async () => {
    const { disk, queue } = setUp();
    const large = { key: Buffer.from('large'), value: Buffer.alloc(5 * 1024 * 1024) };
    const commits = [queue.commit([effect('a')]), queue.commit([large])];
    await disk.underWay();
    disk.succeed();
    await commits[0];
    await disk.underWay();
    disk.succeed();
    await commits[1];
    expect(names(disk)).toEqual([['a'], ['large']]);
  });

  it('what waits is bounded: a commit beyond is refused at once', async () => {
    const { disk, queue } = setUp();
    const half = { key: Buffer.from('half'), value: Buffer.alloc(waitingBytesMax / 2) };
    const first = queue.commit([half]);
    await disk.underWay();
    const second = queue.commit([half]);
    await expect(queue.commit([half])).rejects.toMatchObject({ code: 'io' });
    disk.succeed();
    await first;
    await disk.underWay();
    disk.succeed();
    await second;
  });

  it('drained resolves when the last batch has ended', async () => {
    const { disk, queue } = setUp();
    await queue.drained();
    const commit = queue.commit([effect('a')]);
    const drained = queue.drained();
    await disk.underWay();
    disk.succeed();
    await drained;
    await commit;
    expect(disk.batches.length).toBe(1);
  });
});

function setUp() {
  const disk = new ManualDisk();
  return { disk, queue: new CommitQueue(disk.write) };
}

function effect(name: string): Effect {
  return { key: Buffer.from(name), value: Buffer.from('') };
}

function names(disk: ManualDisk): string[][] {
  return disk.batches.map((batch) => batch.map(({ key }) => Buffer.from(key).toString()));
}
