import { type Effect, type Store, StoreError } from '../storage/store.ts';
import { storageIdBytes } from './effects-codec.ts';
import { STORAGE_ID_END, STORAGE_ID_MIN, storageCounterKey } from './log-keys.ts';
import { encodeStorageCounter } from './replica-records.ts';
import type { ReplicationLog } from './replication-log.ts';

/** A new storage id, with the effect that keeps it from being given out again. */
export type StorageId = Effect & { readonly storageId: bigint };

/**
 * The states of a node's replicas in its store: gives out the ids under which they are kept, and
 * removes those that nobody needs any more, one after the other, in the background.
 */
export class StateStorage {
  readonly #store: Store;
  readonly #log: ReplicationLog;
  readonly #closing = new AbortController();
  #next = STORAGE_ID_MIN;
  #clearing: Promise<void> = Promise.resolve();
  readonly #unused = new Set<bigint>();

  constructor(options: { readonly store: Store; readonly log: ReplicationLog }) {
    this.#store = options.store;
    this.#log = options.log;
  }

  start(next: bigint): void {
    if (next > this.#next) this.#next = next;
  }

  takeStorageId(): StorageId {
    const storageId = this.#next;
    this.#next += 1n;
    return { storageId, key: storageCounterKey, value: encodeStorageCounter(this.#next) };
  }

  /** Removes a state. What is left of it when the node ends is found at its next start. */
  clear(storageId: bigint): void {
    if (this.#unused.has(storageId)) return;
    this.#unused.add(storageId);
    this.#clearing = this.#clearing.then(() => this.#clear(storageId));
  }

  /** Resolves when nothing is being removed. */
  idle(): Promise<void> {
    return this.#clearing;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#clearing;
  }

  async #clear(storageId: bigint): Promise<void> {
    const { signal } = this.#closing;
    try {
      if (!signal.aborted) {
        await this.#store.clear(storageIdBytes(storageId), stateEnd(storageId), signal);
      }
    } catch (error) {
      if (!signal.aborted && !(error instanceof StoreError)) throw error;
      this.#log('stateNotCleared', { storageId: String(storageId), reason: String(error) });
    }
    this.#unused.delete(storageId);
  }
}

/** The first key behind a state. */
export function stateEnd(storageId: bigint): Buffer {
  return storageId + 1n === STORAGE_ID_END ? Buffer.alloc(9, 0xff) : storageIdBytes(storageId + 1n);
}
