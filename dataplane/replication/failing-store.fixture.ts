import type {
  CommitOptions,
  Effect,
  KeyRange,
  Store,
  StoreIterator,
  StoreSnapshot,
} from '../storage/store.ts';
import { StoreError } from '../storage/store.ts';

/** A store that fails when told to, as a full or broken disk would. */
export class FailingStore implements Store {
  readonly #inner: Store;
  readonly #recoveries: (() => Promise<void>)[] = [];
  #refused: StoreError | undefined;
  /** A failing commit gets to the disk all the same, though its caller does not hear of it. */
  keepsFailed = false;
  /** It is being opened anew: nothing can be read. */
  isOpening = false;
  commits = 0;
  syncedCommits = 0;

  constructor(inner: Store) {
    this.#inner = inner;
  }

  get writesRefused(): StoreError | undefined {
    return this.#refused;
  }

  fail(): void {
    this.#refused = new StoreError('io', 'the disk failed');
  }

  async repair(): Promise<void> {
    for (const recover of this.#recoveries) await recover();
    this.#refused = undefined;
  }

  get(key: Uint8Array): Buffer | undefined {
    if (this.isOpening) throw new StoreError('io', 'the store is opened anew');
    return this.#inner.get(key);
  }

  async commit(effects: readonly Effect[], options?: CommitOptions): Promise<void> {
    this.commits += 1;
    if (options?.sync !== false) this.syncedCommits += 1;
    if (this.#refused === undefined) return this.#inner.commit(effects, options);
    if (this.keepsFailed) await this.#inner.commit(effects, options);
    throw this.#refused;
  }

  iterate(range: KeyRange): StoreIterator {
    return this.#inner.iterate(range);
  }

  snapshot(): StoreSnapshot {
    return this.#inner.snapshot();
  }

  clear(start: Uint8Array, end: Uint8Array, signal?: AbortSignal): Promise<void> {
    return this.#refused === undefined
      ? this.#inner.clear(start, end, signal)
      : Promise.reject(this.#refused);
  }

  approximateBytes(start: Uint8Array, end: Uint8Array): Promise<number> {
    return this.#inner.approximateBytes(start, end);
  }

  onReopened(recover: () => Promise<void>): void {
    this.#recoveries.push(recover);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
