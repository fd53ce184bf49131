import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { CommitQueue } from '../storage/commit-queue.ts';
import {
  type CommitOptions,
  closedError,
  type Effect,
  type KeyRange,
  type Store,
  StoreError,
  type StoreIterator,
  type StoreSnapshot,
} from '../storage/store.ts';
import { SyncLine } from '../storage/sync-line.ts';
import type { DiskTime, SimDisk } from './sim-disk.ts';
import type { Edit, Entry, SortedTree } from './sorted-tree.ts';

/**
 * A store on a simulated disk, with the behaviour of `ClassicStore` where disks misbehave: after a
 * failed write the handle takes no more, reads go on, and it is opened anew; a full disk refuses
 * writes until a probe went through.
 *
 * Values are handed out as they are kept, not copied: nobody may change them (`checksBytes`).
 */
export class SimStore implements Store {
  readonly #disk: SimDisk;
  readonly #time: DiskTime;
  readonly #onClosed: () => void;
  readonly #synced: CommitQueue;
  readonly #unsynced: CommitQueue;
  readonly #recoveries: (() => Promise<void>)[] = [];
  readonly #checksums = new WeakMap<Buffer, number>();
  #writesRefused: StoreError | undefined;
  /** Counts the handles; 0 while it is opened anew. Iterators and snapshots end with theirs. */
  #handle = 1;
  #handlesCount = 1;
  #hasFailed = false;
  #isProbing = false;
  /** `close` was called. */
  #isClosed = false;
  /** It is closed, and nothing can be read any more. */
  #isOver = false;
  /** Its process is gone: nothing is answered any more. */
  #isDead = false;
  #reopenSeconds = 1;

  /** For `SimDisk.open`. */
  constructor(disk: SimDisk, time: DiskTime, onClosed: () => void) {
    this.#disk = disk;
    this.#time = time;
    this.#onClosed = onClosed;
    const soon = (fn: () => void) => time.soon(fn);
    const { syncsApart } = disk.options;
    this.#synced = new CommitQueue(
      (effects) => this.#write(effects, !syncsApart),
      syncsApart ? new SyncLine(() => this.#sync(), syncsMax) : undefined,
      soon,
    );
    this.#unsynced = new CommitQueue((effects) => this.#write(effects, false), undefined, soon);
    this.spaceChanged();
  }

  get writesRefused(): StoreError | undefined {
    return this.#writesRefused;
  }

  get(key: Uint8Array): Buffer | undefined {
    this.#assertReadable();
    return this.#valueOf(this.#disk.log.visible.get(sortKey(key)));
  }

  commit(effects: readonly Effect[], options?: CommitOptions): Promise<void> {
    if (this.#isDead) {
      return new Promise(() => {});
    }
    const refused = this.#isClosed ? closedError() : this.#writesRefused;
    if (refused !== undefined) {
      return Promise.reject(refused);
    }
    return (options?.sync === false ? this.#unsynced : this.#synced).commit(effects);
  }

  iterate(range: KeyRange): StoreIterator {
    this.#assertReadable();
    const handle = this.#handle;
    const { snapshot } = range;
    const tree = snapshot instanceof SimSnapshot ? snapshot.tree : this.#disk.log.visible;
    let start = sortKey(range.start);
    let end = sortKey(range.end);
    let rest = range.limit ?? Number.POSITIVE_INFINITY;
    return {
      next: async (count) => {
        await this.#wait(this.#disk.options.pageUs, 'disk.page');
        this.#assertHandle(handle);
        const limit = Math.min(count, rest);
        const page = tree.page({ start, end, reverse: range.reverse, limit });
        rest -= page.length;
        const last = page.at(-1)?.key;
        if (last !== undefined && range.reverse) {
          end = last;
        } else if (last !== undefined) {
          start = `${last}\0`;
        }
        return page.map((entry) => [entry.bytes, this.#checked(entry.value)] as const);
      },
      close: async () => {},
    };
  }

  snapshot(): StoreSnapshot {
    this.#assertReadable();
    const handle = this.#handle;
    return new SimSnapshot(this.#disk.log.visible, (entry) => {
      this.#assertHandle(handle);
      return this.#valueOf(entry);
    });
  }

  async clear(start: Uint8Array, end: Uint8Array, signal?: AbortSignal): Promise<void> {
    const keys = this.iterate({ start, end, reverse: false, limit: undefined });
    for (;;) {
      signal?.throwIfAborted();
      const page = await keys.next(clearStepKeys);
      if (page.length === 0) {
        return;
      }
      await this.commit(page.map(([key]) => ({ key, value: undefined })));
    }
  }

  async approximateBytes(start: Uint8Array, end: Uint8Array): Promise<number> {
    this.#assertReadable();
    return this.#disk.log.visible
      .page({
        start: sortKey(start),
        end: sortKey(end),
        reverse: false,
        limit: Number.POSITIVE_INFINITY,
      })
      .reduce((sum, { bytes, value }) => sum + bytes.length + value.length, 0);
  }

  onReopened(recover: () => Promise<void>): void {
    this.#recoveries.push(recover);
  }

  async close(): Promise<void> {
    if (this.#isClosed || this.#isDead) {
      return;
    }
    this.#isClosed = true;
    await Promise.all([this.#synced.drained(), this.#unsynced.drained()]);
    if (!this.#isDead) {
      this.#isOver = true;
      this.#onClosed();
    }
  }

  /** For SimDisk: the process is gone, and nothing that it waits for comes any more. */
  die(): void {
    this.#isDead = true;
    this.#isClosed = true;
    this.#isOver = true;
  }

  /** For SimDisk: the store looks once a second, and learns of it with that delay. */
  spaceChanged(): void {
    if (this.#disk.space !== 'enough' || this.#writesRefused !== undefined) {
      const delayUs = this.#disk.random.int(tickUs);
      this.#time.afterUs(delayUs, 'disk.space', () => this.#checkSpace());
    }
  }

  async #write(effects: readonly Effect[], isSynced: boolean): Promise<void> {
    this.#assertTakesWrites();
    const { log, random, options } = this.#disk;
    const edits = effects.map((effect) => this.#editOf(effect));
    // Unsynced batches written meanwhile may come to stand behind a synced one, or before it.
    const early = isSynced && random.chance(0.5) ? log.append(edits) : undefined;
    await this.#wait(isSynced ? options.syncUs : options.pageUs, 'disk.write');
    const record = early ?? log.append(edits);
    const failure = this.#disk.takeFailure();
    if (failure !== undefined) {
      if (random.chance(0.5)) {
        log.drop(record);
      }
      throw this.#fail(failure);
    }
    log.complete(record);
    if (isSynced) log.sync(record);
  }

  async #sync(): Promise<void> {
    this.#assertTakesWrites();
    const { log, options } = this.#disk;
    const { last } = log;
    await this.#wait(options.syncUs, 'disk.sync');
    const failure = this.#disk.takeFailure();
    if (failure !== undefined) throw this.#fail(failure);
    if (last !== undefined) log.sync(last);
  }

  #fail(code: 'io' | 'full'): StoreError {
    this.#hasFailed = true;
    this.#reopenLater(this.#reopenSeconds);
    this.#reopenSeconds = Math.min(2 * this.#reopenSeconds, reopenSecondsMax);
    const why = code === 'full' ? 'No space left for' : 'The disk failed at';
    this.#writesRefused = new StoreError(code, `${why} the simulated disk.`);
    return this.#writesRefused;
  }

  #reopenLater(seconds: number): void {
    this.#time.afterUs(seconds * tickUs, 'disk.reopen', () => void this.#reopen());
  }

  async #reopen(): Promise<void> {
    if (this.#isClosed) {
      return;
    }
    if (this.#disk.space === 'none') {
      this.#reopenLater(1);
      return;
    }
    this.#handle = 0;
    await this.#wait(reopenUs, 'disk.opening');
    if (this.#isClosed) {
      return;
    }
    this.#disk.log.replay();
    this.#handlesCount += 1;
    this.#handle = this.#handlesCount;
    try {
      for (const recover of this.#recoveries) {
        await recover();
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#writesRefused =
        error instanceof StoreError ? error : new StoreError('io', message, { cause: error });
      this.#reopenLater(1);
      return;
    }
    this.#hasFailed = false;
    this.#checkSpace();
  }

  #checkSpace(): void {
    if (this.#hasFailed || this.#isClosed) {
      return;
    }
    const { space } = this.#disk;
    if (space === 'enough' && this.#writesRefused !== undefined && !this.#isProbing) {
      this.#isProbing = true;
      void this.#probe();
    } else if (space !== 'enough' && this.#writesRefused === undefined) {
      this.#writesRefused = new StoreError('full', 'Writes are refused: the disk is almost full.');
    }
  }

  /** Resumes writes if one goes through: the first pair, rewritten as it is. */
  async #probe(): Promise<void> {
    const everything = { start: '', end: '\u{100}', reverse: false, limit: 1 };
    const effects = this.#disk.log.visible
      .page(everything)
      .map(({ bytes, value }) => ({ key: bytes, value }));
    try {
      await Promise.all([this.#synced.drained(), this.#unsynced.drained()]);
      await this.#synced.commit(effects);
      this.#writesRefused = undefined;
      this.#reopenSeconds = 1;
    } catch (error) {
      assert(error instanceof StoreError, 'only the disk makes a probe fail');
    }
    this.#isProbing = false;
    this.spaceChanged();
  }

  async #wait(us: { readonly min: number; readonly max: number }, label: string): Promise<void> {
    const delayUs = us.max === 0 ? 0 : this.#disk.random.logBetween(us.min, us.max);
    await new Promise<void>((resolve) => this.#time.afterUs(delayUs, label, resolve));
    for (let stall = this.#disk.stalled; stall !== undefined; stall = this.#disk.stalled) {
      await stall;
      // An event of the process again, so that a paused or dead one does not run.
      await new Promise<void>((resolve) => this.#time.afterUs(0, label, resolve));
    }
    if (this.#isDead) {
      await new Promise(() => {});
    }
  }

  #editOf({ key, value }: Effect): Edit {
    const name = sortKey(key);
    if (value === undefined) {
      return { key: name, entry: undefined };
    }
    const kept = bufferOf(value);
    if (this.#disk.options.checksBytes) {
      this.#checksums.set(kept, crc32(kept));
    }
    return { key: name, entry: { key: name, bytes: bufferOf(key), value: kept } };
  }

  #valueOf(entry: Entry | undefined): Buffer | undefined {
    return entry === undefined ? undefined : this.#checked(entry.value);
  }

  #checked(value: Buffer): Buffer {
    const checksum = this.#checksums.get(value);
    assert(checksum === undefined || checksum === crc32(value), 'bytes of a value were changed');
    return value;
  }

  #assertReadable(): void {
    this.#assertHandle(this.#handle);
  }

  #assertHandle(handle: number): void {
    if (this.#isOver) {
      throw closedError();
    }
    if (handle === 0 || handle !== this.#handle) {
      throw new StoreError('io', 'The store is opened anew after a failed write: try again.');
    }
  }

  #assertTakesWrites(): void {
    if (this.#hasFailed) {
      throw this.#writesRefused ?? closedError();
    }
  }
}

/** As in `ClassicStore`. */
const syncsMax = 3;
/** Between two looks of the store at its disk. */
const tickUs = 1_000_000;
/** Longest pause between two attempts to open anew. */
const reopenSecondsMax = 60;
/** Opening anew takes this long. */
const reopenUs = { min: 10_000, max: 80_000 };
/** Keys removed by one commit of `clear`. */
const clearStepKeys = 1_000;

class SimSnapshot implements StoreSnapshot {
  readonly tree: SortedTree;
  readonly #read: (entry: Entry | undefined) => Buffer | undefined;

  constructor(tree: SortedTree, read: (entry: Entry | undefined) => Buffer | undefined) {
    this.tree = tree;
    this.#read = read;
  }

  get(key: Uint8Array): Buffer | undefined {
    return this.#read(this.tree.get(sortKey(key)));
  }

  async close(): Promise<void> {}
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function sortKey(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('latin1');
}
