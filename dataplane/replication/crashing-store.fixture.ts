import { MemoryStore } from '../storage/memory-store.ts';
import type {
  CommitOptions,
  Effect,
  KeyRange,
  Store,
  StoreIterator,
  StoreSnapshot,
} from '../storage/store.ts';
import { StoreError } from '../storage/store.ts';
import { turns } from './virtual-clock.fixture.ts';

/**
 * A store whose machine can lose power: what was committed without sync since the last synced commit
 * is lost from some point on.
 */
export class CrashingStore implements Store {
  readonly #inner: MemoryStore;
  readonly #random: () => number;
  readonly #journal: Effect[][] = [];
  #syncedCount = 0;
  #synced: Promise<void> = Promise.resolve();
  #unsynced: Promise<void> = Promise.resolve();
  #isDead = false;
  #hasFailed = false;
  #refused: StoreError | undefined;
  readonly #recoveries: (() => Promise<void>)[] = [];
  onCommit: () => void = () => {};

  private constructor(inner: MemoryStore, random: () => number, journal: readonly Effect[][]) {
    this.#inner = inner;
    this.#random = random;
    this.#journal.push(...journal);
    this.#syncedCount = journal.length;
  }

  static async open(random: () => number): Promise<CrashingStore> {
    return new CrashingStore(await MemoryStore.open(), random, []);
  }

  /** The store after the power is back. */
  async crash(): Promise<CrashingStore> {
    this.#isDead = true;
    const unsyncedCount = this.#journal.length - this.#syncedCount;
    const kept = this.#syncedCount + Math.floor(this.#random() * (unsyncedCount + 1));
    const journal = this.#journal.slice(0, kept);
    const inner = await MemoryStore.open();
    for (const effects of journal) await inner.commit(effects);
    return new CrashingStore(inner, this.#random, journal);
  }

  commit(effects: readonly Effect[], options?: CommitOptions): Promise<void> {
    const isSynced = options?.sync !== false;
    // A copy: the bytes of a payload belong to a frame.
    const own = effects.map(({ key, value }) => ({
      key: Buffer.from(key),
      value: value && Buffer.from(value),
    }));
    const work = async () => {
      await turns(1 + Math.floor(this.#random() * 3));
      if (this.#isDead) return new Promise<void>(() => {});
      if (this.#refused !== undefined) {
        // The write that failed may have got there all the same; those behind it have not.
        if (!this.#hasFailed && this.#random() < 0.5) {
          this.#journal.push(own);
          await this.#inner.commit(own);
        }
        this.#hasFailed = true;
        throw this.#refused;
      }
      const done = this.#inner.commit(own);
      this.#journal.push(own);
      this.onCommit();
      if (isSynced) this.#syncedCount = this.#journal.length;
      await done;
    };
    if (this.#refused !== undefined) return Promise.reject(this.#refused);
    const done = (isSynced ? this.#synced : this.#unsynced).then(work);
    const settled = done.catch(() => undefined);
    if (isSynced) this.#synced = settled;
    else this.#unsynced = settled;
    return done;
  }

  get writesRefused(): StoreError | undefined {
    return this.#refused;
  }

  /** Commits under way and to come fail. */
  fail(): void {
    this.#hasFailed = false;
    this.#refused = new StoreError('io', 'the disk failed');
  }

  async repair(): Promise<void> {
    await Promise.all([this.#synced, this.#unsynced]);
    for (const recover of this.#recoveries) await recover();
    this.#refused = undefined;
  }

  get(key: Uint8Array): Buffer | undefined {
    return this.#inner.get(key);
  }

  iterate(range: KeyRange): StoreIterator {
    return this.#inner.iterate(range);
  }

  snapshot(): StoreSnapshot {
    return this.#inner.snapshot();
  }

  async clear(start: Uint8Array, end: Uint8Array): Promise<void> {
    for (;;) {
      const iterator = this.#inner.iterate({ start, end, reverse: false, limit: 50 });
      const page = await iterator.next(50);
      await iterator.close();
      if (page.length === 0 || this.#isDead) return;
      await this.commit(page.map(([key]) => ({ key, value: undefined })));
    }
  }

  approximateBytes(): Promise<number> {
    return Promise.resolve(0);
  }

  onReopened(recover: () => Promise<void>): void {
    this.#recoveries.push(recover);
  }

  async close(): Promise<void> {
    this.#isDead = true;
    await this.#inner.close();
  }
}
