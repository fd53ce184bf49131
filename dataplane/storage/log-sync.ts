import { closeSync, fdatasync, openSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The folder of a LevelDB, as far as its logs go. */
export interface LogFolder {
  /** When an entry was last added or removed, ns since 1970; file systems count in steps. */
  changedNs(): bigint;
  nowNs(): bigint;
  /** Names of the logs that are there. */
  list(): readonly string[];
  /** Undefined when it is gone. */
  open(name: string): number | undefined;
  /** Resolves when what was written to it before the call is on disk. */
  sync(file: number): Promise<void>;
  close(file: number): void;
}

/** Longer than the steps in which any usual file system counts time. */
const TIME_STEP_NS = 100_000_000n;

/**
 * Puts on disk what a LevelDB has written to its logs without syncing.
 *
 * LevelDB's own sync holds up every other write, for it is done by whoever is at the head of its queue.
 * Here it is done beside: what need not wait for the disk does not. All logs that are there are
 * synced, not only the last: LevelDB begins a new one whenever it likes and does not sync the one
 * before, whose contents are durable again only when they are in a table; then it is deleted.
 */
export class LogSync {
  readonly #folder: LogFolder;
  readonly #files = new Map<string, number>();
  /** Files that are gone, and may still be being synced. */
  #gone: number[] = [];
  #syncsCount = 0;
  /** The state of the folder that is known; undefined when it may have changed without showing it. */
  #seenNs: bigint | undefined;

  constructor(folder: LogFolder) {
    this.#folder = folder;
  }

  /**
   * Resolves when everything that was written before the call is on disk.
   * @throws the system's error
   */
  async sync(): Promise<void> {
    this.#look();
    this.#syncsCount += 1;
    try {
      // To the end of all, also when one fails: none may be closed before.
      const ends = await Promise.allSettled(
        Array.from(this.#files.values(), (file) => this.#folder.sync(file)),
      );
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    } finally {
      this.#syncsCount -= 1;
      this.#closeGone();
    }
  }

  /** Lets go of all files, once they are not being synced any more; the next call looks anew. */
  close(): void {
    this.#gone.push(...this.#files.values());
    this.#files.clear();
    this.#seenNs = undefined;
    this.#closeGone();
  }

  /** The number of a file that is closed may be another file's at once. */
  #closeGone(): void {
    if (this.#syncsCount > 0) return;
    for (const file of this.#gone) this.#folder.close(file);
    this.#gone = [];
  }

  /** Finds logs that have come since, if the folder has changed. */
  #look(): void {
    const changedNs = this.#folder.changedNs();
    if (changedNs === this.#seenNs) return;
    const nowNs = this.#folder.nowNs();
    const names = new Set(this.#folder.list());
    for (const [name, file] of this.#files) {
      if (names.has(name)) continue;
      this.#files.delete(name);
      this.#gone.push(file);
    }
    this.#closeGone();
    for (const name of names) {
      if (this.#files.has(name)) continue;
      const file = this.#folder.open(name);
      if (file !== undefined) this.#files.set(name, file);
    }
    // A log that comes within the same step of the clock would not change the time.
    const isOld = nowNs - changedNs > TIME_STEP_NS || changedNs - nowNs > TIME_STEP_NS;
    this.#seenNs = isOld ? changedNs : undefined;
  }
}

const fdatasyncAsync = promisify(fdatasync);

/** The logs in a folder on disk. */
export function logFolder(path: string): LogFolder {
  return {
    changedNs: () => statSync(path, { bigint: true }).mtimeNs,
    nowNs: () => BigInt(Date.now()) * 1_000_000n,
    list: () => readdirSync(path).filter((name) => name.endsWith('.log')),
    open: (name) => {
      try {
        return openSync(join(path, name), 'r');
      } catch (error) {
        const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
        // Its records have gone into a table meanwhile.
        if (isGone) return undefined;
        throw error;
      }
    },
    sync: (file) => fdatasyncAsync(file),
    close: (file) => closeSync(file),
  };
}
