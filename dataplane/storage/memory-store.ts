import { MemoryLevel } from 'memory-level';
import { operationOf } from './batch-operation.ts';
import {
  closedError,
  type Effect,
  type KeyRange,
  type Store,
  type StoreIterator,
  type StoreSnapshot,
} from './store.ts';

/**
 * A store in memory: the same contract, and nothing outlives the process.
 *
 * memory-level keeps a persistent red-black tree, so a snapshot costs nothing.
 */
export class MemoryStore implements Store {
  readonly writesRefused = undefined;
  readonly #level: Level = new MemoryLevel({ keyEncoding: 'buffer', valueEncoding: 'buffer' });
  #isClosed = false;
  #lastCommit: Promise<void> | undefined;

  static async open(): Promise<MemoryStore> {
    const store = new MemoryStore();
    await store.#level.open();
    return store;
  }

  get(key: Uint8Array): Buffer | undefined {
    this.#assertOpen();
    // The buffer encoding yields Buffers; its types only say Uint8Array. So do the casts below.
    return this.#level.getSync(key) as Buffer | undefined;
  }

  async commit(effects: readonly Effect[]): Promise<void> {
    this.#assertOpen();
    this.#lastCommit = this.#apply(effects);
    await this.#lastCommit;
  }

  iterate(range: KeyRange): StoreIterator {
    this.#assertOpen();
    const { snapshot } = range;
    const iterator = this.#level.iterator({
      gte: range.start,
      lt: range.end,
      reverse: range.reverse,
      limit: range.limit ?? -1,
      ...(snapshot instanceof MemorySnapshot ? { snapshot: snapshot.inner } : {}),
    });
    const fail = (error: unknown): never => {
      throw this.#isClosed ? closedError() : error;
    };
    return {
      next: (count) => (iterator.nextv(count) as Promise<[Buffer, Buffer][]>).catch(fail),
      close: () => iterator.close(),
    };
  }

  snapshot(): StoreSnapshot {
    this.#assertOpen();
    return new MemorySnapshot(this.#level);
  }

  async clear(start: Uint8Array, end: Uint8Array, signal?: AbortSignal): Promise<void> {
    for await (const page of this.#pages(start, end)) {
      signal?.throwIfAborted();
      await this.commit(page.map(([key]) => ({ key, value: undefined })));
    }
  }

  async approximateBytes(start: Uint8Array, end: Uint8Array): Promise<number> {
    let bytes = 0;
    for await (const page of this.#pages(start, end)) {
      for (const [key, value] of page) {
        bytes += key.length + value.length;
      }
    }
    return bytes;
  }

  /** Memory does not fail to be written. */
  onReopened(): void {}

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      await this.#lastCommit;
      await this.#level.close();
    }
  }

  /** Only after the caller has its promise: readers must not see what is not committed. */
  async #apply(effects: readonly Effect[]): Promise<void> {
    await null;
    await this.#level.batch(effects.map(operationOf));
  }

  /** The pairs of a range in steps, with a turn of the event loop in between. */
  async *#pages(start: Uint8Array, end: Uint8Array) {
    const iterator = this.iterate({ start, end, reverse: false, limit: undefined });
    try {
      for (;;) {
        const page = await iterator.next(stepKeys);
        if (page.length === 0) {
          return;
        }
        yield page;
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      await iterator.close();
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) {
      throw closedError();
    }
  }
}

type Level = MemoryLevel<Uint8Array, Uint8Array>;

/** Keys handled between two turns of the event loop. */
const stepKeys = 1_000;

class MemorySnapshot implements StoreSnapshot {
  readonly inner: ReturnType<Level['snapshot']>;
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
