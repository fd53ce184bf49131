import { MemoryLevel } from 'memory-level';
import {
  type Effect,
  type KeyRange,
  type Store,
  StoreError,
  type StoreIterator,
  type StoreSnapshot,
} from './store.ts';

type Level = MemoryLevel<Uint8Array, Uint8Array>;

/** A store in memory: the same contract, nothing survives the process. */
export class MemoryStore implements Store {
  readonly writesRefused = undefined;
  readonly #level: Level = new MemoryLevel({ keyEncoding: 'buffer', valueEncoding: 'buffer' });
  #isClosed = false;

  static async open(): Promise<MemoryStore> {
    const store = new MemoryStore();
    await store.#level.open();
    return store;
  }

  get(key: Uint8Array): Buffer | undefined {
    this.#assertOpen();
    return this.#level.getSync(key) as Buffer | undefined;
  }

  async commit(effects: readonly Effect[]): Promise<void> {
    this.#assertOpen();
    await null;
    await this.#level.batch(effects.map(operationOf));
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
    return {
      next: async (count) => (await iterator.nextv(count)) as [Buffer, Buffer][],
      close: () => iterator.close(),
    };
  }

  snapshot(): StoreSnapshot {
    this.#assertOpen();
    return new MemorySnapshot(this.#level);
  }

  async clear(start: Uint8Array, end: Uint8Array): Promise<void> {
    this.#assertOpen();
    await this.#level.clear({ gte: start, lt: end });
  }

  async approximateBytes(start: Uint8Array, end: Uint8Array): Promise<number> {
    let bytes = 0;
    for await (const [key, value] of this.#level.iterator({ gte: start, lt: end })) {
      bytes += key.length + value.length;
    }
    return bytes;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#level.close();
  }

  #assertOpen(): void {
    if (this.#isClosed) {
      throw new StoreError('closed', 'The store is closed.');
    }
  }
}

class MemorySnapshot implements StoreSnapshot {
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
