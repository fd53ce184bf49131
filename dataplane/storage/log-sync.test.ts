import { randomBytes } from 'node:crypto';
import { fstatSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { operationOf } from './batch-operation.ts';
import { CommitQueue } from './commit-queue.ts';
import { openLevel } from './level.ts';
import { type LogFolder, LogSync, logFolder } from './log-sync.ts';
import { SyncLine } from './sync-line.ts';

/** A folder of which the test knows what was synced. */
class FakeFolder implements LogFolder {
  names: string[] = ['1.log'];
  ns = 5_000_000_000n;
  changed = 1_000_000_000n;
  synced: string[] = [];
  lists = 0;
  readonly open_ = new Map<number, string>();
  #next = 10;

  changedNs(): bigint {
    return this.changed;
  }
  nowNs(): bigint {
    return this.ns;
  }
  list(): readonly string[] {
    this.lists += 1;
    return this.names;
  }
  open(name: string): number | undefined {
    if (!this.names.includes(name)) return undefined;
    this.#next += 1;
    this.open_.set(this.#next, name);
    return this.#next;
  }
  async sync(file: number): Promise<void> {
    this.synced.push(this.open_.get(file) ?? '?');
  }
  close(file: number): void {
    this.open_.delete(file);
  }
}

describe('sync of logs', () => {
  it('syncs the log each time, and looks into the folder only when that has changed', async () => {
    const folder = new FakeFolder();
    const logs = new LogSync(folder);
    for (let call = 0; call < 3; call += 1) await logs.sync();
    expect(folder.synced).toEqual(['1.log', '1.log', '1.log']);
    expect(folder.lists).toBe(1);
  });

  it('syncs the log before as well when another one has begun', async () => {
    const folder = new FakeFolder();
    const logs = new LogSync(folder);
    await logs.sync();
    folder.names = ['1.log', '2.log'];
    folder.changed = folder.ns;
    folder.synced = [];
    await logs.sync();
    expect(folder.synced).toEqual(['1.log', '2.log']);
  });

  it('finds a log that has come within the same step of the clock', async () => {
    const folder = new FakeFolder();
    folder.changed = folder.ns - 1_000_000n;
    const logs = new LogSync(folder);
    await logs.sync();
    folder.names = ['1.log', '2.log'];
    folder.synced = [];
    await logs.sync();
    expect(folder.synced).toEqual(['1.log', '2.log']);
  });

  it('finds it also when the clock was set back meanwhile', async () => {
    const folder = new FakeFolder();
    const logs = new LogSync(folder);
    await logs.sync();
    folder.ns = 2_000_000n;
    folder.changed = 1_000_000n;
    folder.names = ['1.log', '2.log'];
    folder.synced = [];
    await logs.sync();
    expect(folder.synced).toEqual(['1.log', '2.log']);
  });

  it('lets go of a log that is gone, and of one that goes while it looks', async () => {
    const folder = new FakeFolder();
    const logs = new LogSync(folder);
    await logs.sync();
    folder.names = ['2.log'];
    folder.changed = folder.ns;
    const { list } = folder;
    folder.list = () => [...list.call(folder), '3.log'];
    await logs.sync();
    expect([...folder.open_.values()]).toEqual(['2.log']);
    logs.close();
    expect(folder.open_.size).toBe(0);
  });

  it('closes a file that is gone only when it is not being synced any more', async () => {
    const folder = new FakeFolder();
    const logs = new LogSync(folder);
    const ends: (() => void)[] = [];
    folder.sync = () => new Promise((resolve) => ends.push(resolve));
    const first = logs.sync();
    folder.names = ['2.log'];
    folder.changed = folder.ns;
    const second = logs.sync();
    expect([...folder.open_.values()]).toEqual(['1.log', '2.log']);
    logs.close();
    ends[1]?.();
    await second;
    expect(folder.open_.size).toBe(2);
    ends[0]?.();
    await first;
    expect(folder.open_.size).toBe(0);
  });

  it('fails when a log cannot be synced', async () => {
    const folder = new FakeFolder();
    folder.names = ['1.log', '2.log'];
    folder.sync = (file) =>
      folder.open_.get(file) === '2.log' ? Promise.reject(new Error('EIO')) : Promise.resolve();
    await expect(new LogSync(folder).sync()).rejects.toThrow('EIO');
  });
});

describe('the logs in a folder', () => {
  it('are found, opened and synced; other files are left alone', async () => {
    const path = await mkdtemp(join(tmpdir(), 'trestle-logs-'));
    onTestFinished(() => rm(path, { recursive: true }));
    await writeFile(join(path, '000007.log'), 'x');
    await writeFile(join(path, '000005.ldb'), 'x');
    const folder = logFolder(path);
    expect(folder.list()).toEqual(['000007.log']);
    expect(folder.open('000009.log')).toBeUndefined();
    const before = folder.changedNs();
    const logs = new LogSync(folder);
    await logs.sync();
    // The file system counts time in steps: until it shows, the log is made anew.
    const changedNs = async () => {
      await rm(join(path, '000008.log'), { force: true });
      await writeFile(join(path, '000008.log'), 'x');
      return folder.changedNs();
    };
    await expect.poll(changedNs, { interval: 1 }).not.toBe(before);
    await logs.sync();
    logs.close();
  });
});

describe('a LevelDB whose logs are synced apart', () => {
  it('has every commit on disk when it resolves, also while logs follow each other', async () => {
    const path = await mkdtemp(join(tmpdir(), 'trestle-logs-'));
    onTestFinished(() => rm(path, { recursive: true }));
    const level = await openLevel(path, { createIfMissing: true });
    const disk = new WatchedFolder(path);
    const logs = new LogSync(disk);
    const queue = new CommitQueue(
      (effects) => level.batch(effects.map(operationOf), { sync: false }),
      // Late, so that the next log may have begun by then.
      new SyncLine(() => delay(2).then(() => logs.sync()), 3),
    );
    const filler = {
      type: 'put',
      key: Buffer.from('filler'),
      value: Buffer.alloc(2 ** 20),
    } as const;
    let isWriting = true;
    const unsynced = (async () => {
      while (isWriting) await level.batch([filler], { sync: false });
    })();
    await Promise.all(
      Array.from({ length: 4 }, async (_, writer) => {
        for (let count = 0; count < 40; count += 1) {
          const marker = randomBytes(16);
          // Often enough that no end of a block cuts every one of them.
          const value = Buffer.alloc(256 * 1024, marker);
          await queue.commit([{ key: Buffer.from(`${writer}/${count}`), value }]);
          expect(disk.isDurable(marker)).toBe(true);
        }
      }),
    );
    isWriting = false;
    await unsynced;
    expect(disk.namesCount).toBeGreaterThan(2);
    await queue.drained();
    await level.close();
    logs.close();
  }, 60_000);
});

/** Remembers how much of each log was there when the latest sync began that has ended. */
class WatchedFolder implements LogFolder {
  readonly #path: string;
  readonly #inner: LogFolder;
  readonly #names = new Map<number, string>();
  readonly #syncedBytes = new Map<string, number>();

  constructor(path: string) {
    this.#path = path;
    this.#inner = logFolder(path);
  }

  get namesCount(): number {
    return this.#syncedBytes.size;
  }

  /** In what was synced of some log, or in no log: then it is in a table, which LevelDB has synced. */
  isDurable(marker: Buffer): boolean {
    const logs = this.list().map((name) => {
      const text = bytesOf(join(this.#path, name));
      return { text, synced: text.subarray(0, this.#syncedBytes.get(name) ?? 0) };
    });
    const isInLog = logs.some(({ text }) => text.includes(marker));
    return !isInLog || logs.some(({ synced }) => synced.includes(marker));
  }

  changedNs(): bigint {
    return this.#inner.changedNs();
  }
  nowNs(): bigint {
    return this.#inner.nowNs();
  }
  list(): readonly string[] {
    return this.#inner.list();
  }
  open(name: string): number | undefined {
    const file = this.#inner.open(name);
    if (file !== undefined) this.#names.set(file, name);
    return file;
  }
  async sync(file: number): Promise<void> {
    const name = this.#names.get(file) ?? '';
    const { size } = fstatSync(file);
    await this.#inner.sync(file);
    this.#syncedBytes.set(name, Math.max(size, this.#syncedBytes.get(name) ?? 0));
  }
  close(file: number): void {
    this.#inner.close(file);
  }
}

/** LevelDB deletes logs at any moment. */
function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return Buffer.alloc(0);
    throw error;
  }
}
