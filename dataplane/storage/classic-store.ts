import { open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { operationOf } from './batch-operation.ts';
import { CommitQueue } from './commit-queue.ts';
import { FreeSpace } from './free-space.ts';
import { type Level, openLevel, reopenedMessage, storeError } from './level.ts';
import { LogSync, logFolder } from './log-sync.ts';
import { PageCache, type PageFill, type Pairs } from './page-cache.ts';
import { scrub } from './scrub.ts';
import {
  type CommitOptions,
  closedError,
  type Effect,
  type KeyRange,
  type Store,
  StoreError,
  type StoreIterator,
  type StoreSnapshot,
} from './store.ts';
import { SyncLine } from './sync-line.ts';
import { logBytes, type TableFile, unlistedTables } from './verify.ts';

export interface ClassicStoreOptions {
  /** The LevelDB folder, verified already. */
  readonly folder: string;
  readonly durability: 'fsync' | 'relaxed';
  /** See StoreOptions. */
  readonly syncsApart: boolean;
  readonly createIfMissing: boolean;
  readonly reserveBytes: number | undefined;
  readonly log: (event: string, fields: object) => void;
  /** Table files whose checksums are still to be compared, in the background. */
  readonly unverified: readonly TableFile[];
  /** Called once if one of them is damaged. */
  readonly onDamage: (error: StoreError) => void;
}

/**
 * A store on disk: one LevelDB behind a commit queue.
 *
 * After a failed write the log may end in the middle of a record, and LevelDB would lose at its next
 * start what is written behind it. So a handle that failed is never written to again: writes are
 * refused, reads go on, and once there is space the LevelDB is closed and opened anew, which puts
 * its logs into tables and starts a fresh log. For the tens of milliseconds that this takes, reads
 * throw StoreError `io`.
 */
export class ClassicStore implements Store {
  readonly #options: ClassicStoreOptions;
  readonly #space: FreeSpace;
  readonly #queue: CommitQueue;
  /** A queue of its own, so that what need not wait for the disk does not wait for a sync under way. */
  readonly #unsyncedQueue: CommitQueue;
  readonly #cache = new PageCache(pageCacheBytesMax);
  readonly #logSync: LogSync;
  readonly #timer: NodeJS.Timeout;
  /** Undefined while the LevelDB is opened anew, and after the end. */
  #level: Level | undefined;
  #hasFailed = false;
  readonly #recoveries: (() => Promise<void>)[] = [];
  #isClosed = false;
  #writesRefused: StoreError | undefined;
  #reopening: Promise<void> | undefined;
  #probing: Promise<void> | undefined;
  #compacting: Promise<void> | undefined;
  readonly #scrubbing: Promise<void>;
  readonly #stop = new AbortController();
  #ticksToReopen = 0;
  #reopenTicks = 0;
  #openedMs = performance.now();
  #uncheckedBytes = 0;
  #isUnsynced = false;

  private constructor(options: ClassicStoreOptions, level: Level) {
    this.#options = options;
    this.#level = level;
    this.#space = new FreeSpace(options.folder, options.reserveBytes);
    this.#logSync = new LogSync(logFolder(options.folder));
    const isSynced = options.durability === 'fsync';
    const isApart = isSynced && options.syncsApart;
    this.#queue = new CommitQueue(
      (effects, bytes) => this.#write(effects, bytes, isSynced && !isApart),
      isApart ? new SyncLine(() => this.#sync(), syncsMax) : undefined,
    );
    this.#unsyncedQueue = new CommitQueue((effects, bytes) => this.#write(effects, bytes, false));
    this.#checkSpace();
    this.#timer = setInterval(() => this.#tick(), tickMs).unref();
    this.#scrubbing = this.#scrub();
  }

  /** Throws StoreError. */
  static async open(options: ClassicStoreOptions): Promise<ClassicStore> {
    return new ClassicStore(options, await openLevel(options.folder, options));
  }

  get writesRefused(): StoreError | undefined {
    return this.#writesRefused;
  }

  get(key: Uint8Array): Buffer | undefined {
    const level = this.#level ?? this.#refuseAccess();
    try {
      // The buffer encoding yields Buffers; its types only say Uint8Array.
      return level.getSync(key) as Buffer | undefined;
    } catch (error) {
      throw storeError(error, this.#options.folder);
    }
  }

  commit(effects: readonly Effect[], options?: CommitOptions): Promise<void> {
    const refused = this.#isClosed ? closedError() : this.#writesRefused;
    if (refused !== undefined) return Promise.reject(refused);
    return (options?.sync === false ? this.#unsyncedQueue : this.#queue).commit(effects);
  }

  iterate(range: KeyRange): StoreIterator {
    const level = this.#level ?? this.#refuseAccess();
    const { snapshot } = range;
    const page = snapshot === undefined ? this.#cache.page(range) : undefined;
    if (page !== undefined && !isFill(page)) {
      return iterateOver(page);
    }
    const iterator = level.iterator({
      gte: range.start,
      lt: range.end,
      reverse: range.reverse,
      limit: range.limit ?? -1,
      highWaterMarkBytes: pageBytesMax,
      ...(snapshot instanceof ClassicSnapshot ? { snapshot: snapshot.inner } : {}),
    });
    const fail = (error: unknown): never => {
      throw this.#readError(error);
    };
    return {
      next: async (count) => {
        // As above: Buffers, by the buffer encoding.
        const pairs = await (iterator.nextv(count) as Promise<[Buffer, Buffer][]>).catch(fail);
        if (page !== undefined) {
          this.#cache.fill(page, pairs, count);
        }
        return pairs;
      },
      close: () => {
        if (page !== undefined) {
          this.#cache.endFill(page);
        }
        return iterator.close();
      },
    };
  }

  onReopened(recover: () => Promise<void>): void {
    this.#recoveries.push(recover);
  }

  snapshot(): StoreSnapshot {
    return new ClassicSnapshot(this.#level ?? this.#refuseAccess(), (error) =>
      this.#readError(error),
    );
  }

  async clear(start: Uint8Array, end: Uint8Array, signal?: AbortSignal): Promise<void> {
    const level = this.#level ?? this.#refuseAccess();
    const keys = level.keys({ gte: start, lt: end, highWaterMarkBytes: pageBytesMax });
    const bounds: Uint8Array[] = [start];
    try {
      for (let count = 0; ; count += clearStepKeys) {
        signal?.throwIfAborted();
        const page = await keys.nextv(clearStepKeys);
        const [first] = page;
        if (first === undefined) {
          break;
        }
        if (count > 0 && count % compactStepKeys === 0) {
          bounds.push(first);
        }
        await this.commit(page.map((key) => ({ key, value: undefined })));
      }
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : this.#readError(error);
    } finally {
      await keys.close();
    }
    if (bounds.length > 1) {
      this.#compactSoon([...bounds, end]);
    }
  }

  async approximateBytes(start: Uint8Array, end: Uint8Array): Promise<number> {
    const level = this.#level ?? this.#refuseAccess();
    return level.approximateSize(start, end);
  }

  async close(): Promise<void> {
    if (this.#isClosed) {
      return;
    }
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#drained();
    this.#stop.abort();
    await Promise.all([this.#reopening, this.#probing, this.#compacting, this.#scrubbing]);
    const level = this.#level;
    this.#level = undefined;
    await level?.close();
    this.#logSync.close();
    await this.#syncLogs();
  }

  async #drained(): Promise<void> {
    await Promise.all([this.#queue.drained(), this.#unsyncedQueue.drained()]);
  }

  async #write(effects: readonly Effect[], bytes: number, sync: boolean): Promise<void> {
    const level = this.#level;
    const refused = this.#hasFailed || level === undefined ? this.#writesRefused : undefined;
    if (level === undefined || refused !== undefined) {
      throw refused ?? closedError();
    }
    this.#isUnsynced = this.#options.durability === 'relaxed';
    try {
      // An array, not a chained batch: the native memory of the latter waits for the collector.
      await level.batch(effects.map(operationOf), { sync });
    } catch (error) {
      throw this.#failed(error);
    }
    this.#cache.committed(effects);
    this.#uncheckedBytes += bytes;
    if (this.#uncheckedBytes >= checkSpaceBytes) {
      this.#checkSpace();
    }
  }

  async #sync(): Promise<void> {
    try {
      await this.#logSync.sync();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #failed(error: unknown): StoreError {
    this.#hasFailed = true;
    this.#waitToReopen();
    return this.#refuseWrites(storeError(error, this.#options.folder));
  }

  #tick(): void {
    if (this.#hasFailed) {
      this.#ticksToReopen -= 1;
      if (this.#ticksToReopen <= 0) {
        this.#reopening ??= this.#reopen().finally(() => {
          this.#reopening = undefined;
        });
      }
    } else {
      this.#checkSpace();
    }
    if (this.#isUnsynced) {
      void this.#syncLogs();
    }
  }

  /** Never throws: what was written before the look is durable, whatever has become of the volume. */
  #checkSpace(): void {
    this.#uncheckedBytes = 0;
    try {
      if (this.#writesRefused === undefined && this.#space.isLow) {
        this.#refuseWrites(
          new StoreError(
            'full',
            `Writes are refused: less than ${this.#space.reserveBytes} bytes are free on the volume ` +
              `of ${this.#options.folder}.`,
          ),
        );
      } else if (this.#writesRefused !== undefined && this.#space.isEnough) {
        this.#probing ??= this.#probe().finally(() => {
          this.#probing = undefined;
        });
      }
    } catch (error) {
      if (this.#writesRefused === undefined) {
        this.#refuseWrites(storeError(error, this.#options.folder));
      }
    }
  }

  /**
   * Resumes writes if the handle still takes any: a compaction may have run out of space meanwhile,
   * which shows in the next write only. The probe rewrites the first pair as it is; nobody else
   * writes, since writes are refused.
   */
  async #probe(): Promise<void> {
    await this.#drained();
    const level = this.#level;
    if (this.#hasFailed || level === undefined) {
      return;
    }
    try {
      const [first] = await level.iterator({ limit: 1 }).all();
      if (first !== undefined) {
        await this.#queue.commit([{ key: first[0], value: first[1] }]);
      }
      this.#resumeWrites();
    } catch (error) {
      if (!this.#hasFailed) {
        this.#options.log('probeFailed', { reason: String(error) });
      }
    }
  }

  /**
   * Opens the LevelDB anew once there is space for what its logs hold, counting the tables that a
   * failed compaction left behind: only closing lets go of them.
   */
  async #reopen(): Promise<void> {
    const { folder } = this.#options;
    try {
      const reclaimable = sumBytes(await unlistedTables(folder));
      const needed = reopenLogFactor * (await logBytes(folder)) + reopenBytes;
      if (this.#level !== undefined && this.#space.availableBytes() + reclaimable < needed) {
        return;
      }
      const failed = this.#level;
      this.#level = undefined;
      await failed?.close();
      this.#logSync.close();
      this.#cache.clear(); // What failed may turn out to be on disk.
      for (const { path } of await unlistedTables(folder)) {
        await unlink(path);
      }
      this.#level = await openLevel(folder, { createIfMissing: false });
      this.#openedMs = performance.now();
      for (const recover of this.#recoveries) {
        await recover();
      }
      this.#hasFailed = false;
      this.#options.log('storeReopened', { availableBytes: this.#space.availableBytes() });
      this.#checkSpace();
    } catch (error) {
      this.#ticksToReopen = 1;
      this.#refuseWrites(storeError(error, folder));
    }
  }

  /** Waits longer each time if opening anew did not help for long: reads pause for it, too. */
  #waitToReopen(): void {
    const didHelp = performance.now() - this.#openedMs > soundMs;
    this.#reopenTicks = didHelp ? 1 : Math.min(2 * this.#reopenTicks || 1, reopenTicksMax);
    this.#ticksToReopen = this.#reopenTicks;
  }

  #refuseWrites(error: StoreError): StoreError {
    this.#writesRefused = error;
    this.#options.log('writesRefused', { code: error.code, reason: error.message });
    return error;
  }

  #resumeWrites(): void {
    this.#writesRefused = undefined;
    this.#options.log('writesResumed', { availableBytes: this.#space.availableBytes() });
  }

  async #scrub(): Promise<void> {
    const { unverified, onDamage, log } = this.#options;
    try {
      const damage = await scrub(unverified, this.#stop.signal);
      if (damage !== undefined) {
        log('tableDamaged', { reason: damage.message });
        onDamage(damage);
      }
    } catch (error) {
      log('scrubFailed', { reason: String(error) });
    }
  }

  /** Gives the space of a cleared range back, step by step so that closing need not wait for all. */
  #compactSoon(bounds: readonly Uint8Array[]): void {
    const before = this.#compacting ?? Promise.resolve();
    this.#compacting = before.then(async () => {
      for (const [index, start] of bounds.entries()) {
        const end = bounds[index + 1];
        const level = this.#level;
        if (end === undefined || level === undefined || this.#isClosed || this.#hasFailed) {
          return;
        }
        await level.compactRange(start, end);
      }
    });
    // Its failure shows in the next write, which then refuses further ones.
    this.#compacting = this.#compacting.catch(() => undefined);
  }

  /** Relaxed durability: puts on disk what the system still holds. LevelDB syncs its tables itself. */
  async #syncLogs(): Promise<void> {
    if (!this.#isUnsynced) {
      return;
    }
    this.#isUnsynced = false;
    const { folder, log } = this.#options;
    try {
      for (const name of await readdir(folder)) {
        if (name.endsWith('.log')) {
          await syncFile(join(folder, name));
        }
      }
    } catch (error) {
      log('syncFailed', { reason: String(error) });
    }
  }

  /** Why there is no LevelDB to read from. */
  #refuseAccess(): never {
    throw this.#isClosed ? closedError() : new StoreError('io', reopenedMessage);
  }

  #readError(error: unknown): StoreError {
    return this.#isClosed ? closedError() : storeError(error, this.#options.folder);
  }
}

/**
 * Syncs under way at once, where they are done apart: a write that comes just after one has begun need
 * not wait for its end. On a fast disk there are no more syncs for it.
 */
const syncsMax = 3;
/** Memory for pages that are read often. */
const pageCacheBytesMax = 16 * 1024 * 1024;
/** Free space is looked at, and failed handles are opened anew, this often. */
const tickMs = 1_000;
/** A handle that worked for so long was sound. */
const soundMs = 60_000;
/** Longest pause between two attempts to open anew. */
const reopenTicksMax = 60;
/** Free space is looked at after this many written bytes too. */
const checkSpaceBytes = 1024 * 1024;
/** Opening writes what the logs hold into tables; as much again is left for what follows. */
const reopenLogFactor = 2;
/** Space for a new manifest and log. */
const reopenBytes = 1024 * 1024;
/** Most bytes of keys and values that one native call of an iterator returns. */
const pageBytesMax = 1024 * 1024;
/** Keys removed by one commit of `clear`. */
const clearStepKeys = 1_000;
/** Keys whose range is compacted in one step after `clear`; a multiple of the above. */
const compactStepKeys = 100_000;

class ClassicSnapshot implements StoreSnapshot {
  readonly inner: ReturnType<Level['snapshot']>;
  readonly #level: Level;
  readonly #options;
  readonly #errorOf: (error: unknown) => StoreError;

  constructor(level: Level, errorOf: (error: unknown) => StoreError) {
    this.#level = level;
    this.#errorOf = errorOf;
    this.inner = level.snapshot();
    this.#options = { keyEncoding: 'buffer', valueEncoding: 'buffer', snapshot: this.inner };
  }

  get(key: Uint8Array): Buffer | undefined {
    try {
      return this.#level.getSync<Uint8Array, Buffer>(key, this.#options);
    } catch (error) {
      throw this.#errorOf(error);
    }
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

function isFill(page: Pairs | PageFill): page is PageFill {
  return 'group' in page;
}

function iterateOver(pairs: Pairs): StoreIterator {
  let position = 0;
  return {
    next: async (count) => {
      const taken =
        position === 0 && count >= pairs.length ? pairs : pairs.slice(position, position + count);
      position += taken.length;
      return taken;
    },
    close: async () => {},
  };
}

function sumBytes(tables: readonly TableFile[]): number {
  return tables.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function syncFile(path: string): Promise<void> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return; // Its records have gone into a table meanwhile.
    }
    throw error;
  }
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}
