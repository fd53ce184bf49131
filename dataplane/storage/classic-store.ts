import { ClassicLevel } from 'classic-level';
import { CommitQueue } from './commit-queue.ts';
import {
  type Effect,
  type KeyRange,
  type Store,
  StoreError,
  type StoreIterator,
  type StoreSnapshot,
} from './store.ts';

type Level = ClassicLevel<Uint8Array, Uint8Array>;

/** Keys removed by one step of `clear`. */
const clearStepKeys = 1_000;

/** A store on disk: one LevelDB. */
export class ClassicStore implements Store {
  readonly #level: Level;
  readonly #queue: CommitQueue;
  #isClosed = false;
  #writesRefused: StoreError | undefined;

  private constructor(level: Level, sync: boolean) {
    this.#level = level;
    this.#queue = new CommitQueue((effects) => level.batch(effects.map(operationOf), { sync }));
  }

  static async open(folder: string, durability: 'fsync' | 'relaxed'): Promise<ClassicStore> {
    const level: Level = new ClassicLevel(folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      cacheSize: 32 * 1024 * 1024,
    });
    try {
      await level.open();
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      const isLocked = cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED';
      throw new StoreError(
        isLocked ? 'locked' : 'io',
        isLocked
          ? `Another process has the data folder open: ${folder}`
          : `Cannot open the data folder ${folder}: ${cause instanceof Error ? cause.message : error}`,
        { cause: error },
      );
    }
    return new ClassicStore(level, durability === 'fsync');
  }

  get writesRefused(): StoreError | undefined {
    return this.#writesRefused;
  }

  get(key: Uint8Array): Buffer | undefined {
    this.#assertOpen();
    return this.#level.getSync(key) as Buffer | undefined;
  }

  commit(effects: readonly Effect[]): Promise<void> {
    this.#assertOpen();
    return this.#queue.commit(effects);
  }

  iterate(range: KeyRange): StoreIterator {
    this.#assertOpen();
    const { snapshot } = range;
    const iterator = this.#level.iterator({
      gte: range.start,
      lt: range.end,
      reverse: range.reverse,
      limit: range.limit ?? -1,
      highWaterMarkBytes: 1024 * 1024,
      fillCache: true,
      ...(snapshot instanceof ClassicSnapshot ? { snapshot: snapshot.inner } : {}),
    });
    return {
      next: (count) => iterator.nextv(count) as Promise<[Buffer, Buffer][]>,
      close: () => iterator.close(),
    };
  }

  snapshot(): StoreSnapshot {
    this.#assertOpen();
    return new ClassicSnapshot(this.#level);
  }

  async clear(start: Uint8Array, end: Uint8Array): Promise<void> {
    this.#assertOpen();
    const keys = this.#level.keys({ gte: start, lt: end });
    try {
      for (;;) {
        const page = await keys.nextv(clearStepKeys);
        if (page.length === 0) {
          return;
        }
        await this.#queue.commit(page.map((key) => ({ key, value: undefined })));
      }
    } finally {
      await keys.close();
    }
  }

  approximateBytes(start: Uint8Array, end: Uint8Array): Promise<number> {
    this.#assertOpen();
    return this.#level.approximateSize(start, end);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#queue.drained();
    await this.#level.close();
  }

  #assertOpen(): void {
    if (this.#isClosed) {
      throw new StoreError('closed', 'The store is closed.');
    }
  }
}

class ClassicSnapshot implements StoreSnapshot {
  readonly inner;
  readonly #level: Level;

  constructor(level: Level) {
    this.#level = level;
    this.inner = level.snapshot();
  }

  get(key: Uint8Array): Buffer | undefined {
    return this.#level.getSync(key, { snapshot: this.inner }) as Buffer | undefined;
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

function operationOf({ key, value }: Effect) {
  return value === undefined
    ? ({ type: 'del', key } as const)
    : ({ type: 'put', key, value } as const);
}
