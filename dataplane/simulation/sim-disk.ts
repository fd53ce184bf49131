import assert from 'node:assert/strict';
import { DiskLog } from './disk-log.ts';
import type { SimRandom } from './random.ts';
import type { Death } from './sim-scheduler.ts';
import { SimStore } from './sim-store.ts';
import type { Entry } from './sorted-tree.ts';

/** Turns and waits of the process that has a disk open; a SimProcess is one. */
export interface DiskTime {
  soon(fn: () => void): void;
  afterUs(delayUs: number, label: string, fn: () => void): unknown;
}

export interface DiskOptions {
  /** A synced batch takes this long, in virtual microseconds; short times are as likely as long. */
  readonly syncUs: { readonly min: number; readonly max: number };
  /** An unsynced batch, and a page of an iterator. */
  readonly pageUs: { readonly min: number; readonly max: number };
  /** See `StoreOptions`: as storage nodes have it. */
  readonly syncsApart: boolean;
  /** Notices callers that change bytes they gave away or read; costs a checksum a value. */
  readonly checksBytes: boolean;
}

/** An SSD of the usual kind. */
export const defaultDiskOptions: DiskOptions = {
  syncUs: { min: 100, max: 5_000 },
  pageUs: { min: 20, max: 500 },
  syncsApart: true,
  checksBytes: false,
};

/**
 * `low`: the reserve is touched, which the store notices within a second, and no write fails.
 * `none`: the next write fails.
 */
export type DiskSpace = 'enough' | 'low' | 'none';

/**
 * The disk of one machine. It outlives the processes that open it, and has all the faults: it
 * stalls, fills up, fails, loses what was not synced, and changes bits.
 */
export class SimDisk {
  readonly random: SimRandom;
  readonly options: DiskOptions;
  readonly log = new DiskLog();
  /** Times it was wiped: who comes back with another count has forgotten everything. */
  wipesCount = 0;
  #store: SimStore | undefined;
  #space: DiskSpace = 'enough';
  #failsCount = 0;
  #stall: Promise<void> | undefined;
  #endStall: () => void = () => {};

  constructor(random: SimRandom, options: DiskOptions = defaultDiskOptions) {
    this.random = random;
    this.options = options;
  }

  get space(): DiskSpace {
    return this.#space;
  }

  /** Opens the store of a process, replaying the log. One at a time. */
  open(time: DiskTime): SimStore {
    assert(this.#store === undefined, 'a disk is open in one process');
    this.log.replay();
    this.#store = new SimStore(this, time, () => {
      this.#store = undefined;
    });
    return this.#store;
  }

  /** The process that had it open is gone. Returns how many unsynced batches went with it. */
  crash(death: Death): number {
    this.#store?.die();
    this.#store = undefined;
    if (death === 'power') {
      return this.log.losePower(this.random);
    }
    this.log.loseProcess(this.random);
    return 0;
  }

  /** From now on nothing is written and no page read, until `endStall`. */
  stall(): void {
    if (this.#stall === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#stall = promise;
      this.#endStall = resolve;
    }
  }

  endStall(): void {
    this.#stall = undefined;
    this.#endStall();
  }

  /** Resolves when the disk answers again; undefined when it does. */
  get stalled(): Promise<void> | undefined {
    return this.#stall;
  }

  setSpace(space: DiskSpace): void {
    this.#space = space;
    this.#store?.spaceChanged();
  }

  /** The next `count` writes fail; what they held may be on disk, or not. */
  failWrites(count: number): void {
    this.#failsCount = count;
  }

  /** Whether the write that ends now fails, and why. */
  takeFailure(): 'io' | 'full' | undefined {
    if (this.#failsCount > 0) {
      this.#failsCount -= 1;
      return 'io';
    }
    return this.#space === 'none' ? 'full' : undefined;
  }

  /**
   * Flips one bit of one durable value, of a key that matches. Returns the key, or undefined when
   * there is none. What reads it must notice: a store has no checksums of its own.
   */
  flipBit(matches: (key: Buffer) => boolean = () => true): Buffer | undefined {
    const candidates = this.log.durable
      .page({ start: '', end: keysEnd, reverse: false, limit: Number.POSITIVE_INFINITY })
      .filter(
        (entry) =>
          entry.value.length > 0 &&
          this.log.visible.get(entry.key) === entry &&
          matches(entry.bytes),
      );
    if (candidates.length === 0) {
      return undefined;
    }
    const { key, bytes, value }: Entry = this.random.pick(candidates);
    const damaged = Buffer.from(value);
    const index = this.random.int(damaged.length);
    damaged.writeUInt8(damaged.readUInt8(index) ^ (1 << this.random.int(8)), index);
    this.log.damage({ key, entry: { key, bytes, value: damaged } });
    return bytes;
  }

  /** A new, empty disk in its place; only while nobody has it open. */
  wipe(): void {
    assert(this.#store === undefined, 'a disk is not wiped under a running process');
    this.log.wipe();
    this.wipesCount += 1;
  }

  /** Ends all faults; damage and losses stay. */
  heal(): void {
    this.#failsCount = 0;
    this.setSpace('enough');
    this.endStall();
  }
}

/** Behind every key of bytes. */
const keysEnd = '\u{100}';
