import { partitionRange } from '../partition/key-space.ts';
import { ProposalError, type Replica } from '../replication/replica.ts';
import {
  closedError,
  type Effect,
  type KeyRange,
  type Store,
  StoreError,
  type StoreIterator,
  type StoreSnapshot,
} from '../storage/store.ts';
import { CATALOG_PARTITION } from './placement-records.ts';

/** Keys that `clear` removes in one step. */
const STEP_KEYS = 1_000;

const own = partitionRange(CATALOG_PARTITION);
const PREFIX_BYTES = own.start.length;

/**
 * The store of the catalog: the replicated state of partition 0, at the replica that leads it.
 *
 * Keys are those of partition 0, and stand under the replica's `storageId` in the node's store. A
 * commit goes through the log; reads are of what is applied here, which is all there is while this
 * replica leads. It serves one time of leadership: when that is over (`lose`), all fails for good, so
 * that nothing computed from what is old by then can be read or written, even if the same replica
 * leads again.
 */
export class ReplicatedStore implements Store {
  readonly #replica: Replica;
  readonly #nodeStore: Store;
  readonly #range: { readonly start: Buffer; readonly end: Buffer };
  readonly #underWay = new Set<Promise<void>>();
  #end: StoreError | undefined;
  #commitsCount = 0;

  /** @param replica leads, and is ready */
  constructor(replica: Replica, nodeStore: Store) {
    this.#replica = replica;
    this.#nodeStore = nodeStore;
    this.#range = partitionRange(replica.storageId);
  }

  get(key: Uint8Array): Buffer | undefined {
    this.#assertUsable();
    return this.#nodeStore.get(this.#storedKey(key));
  }

  /** Commits that were asked for so far. */
  get commitsCount(): number {
    return this.#commitsCount;
  }

  /** @throws StoreError `io`, with the ProposalError as its cause; `closed` */
  async commit(effects: readonly Effect[]): Promise<void> {
    this.#assertUsable();
    if (effects.length === 0) return;
    this.#commitsCount += 1;
    const proposal = this.#propose(effects);
    const settled = proposal.catch(() => {}); // The caller has the error.
    this.#underWay.add(settled);
    try {
      await proposal;
    } finally {
      this.#underWay.delete(settled);
    }
  }

  iterate(range: KeyRange): StoreIterator {
    this.#assertUsable();
    const { snapshot, ...rest } = range;
    const iterator = this.#nodeStore.iterate({
      ...rest,
      start: this.#storedBound(range.start),
      end: this.#storedBound(range.end),
      ...(snapshot instanceof ReplicatedSnapshot ? { snapshot: snapshot.inner } : {}),
    });
    return {
      next: async (count) => {
        const pairs = await iterator.next(count);
        return pairs.map(([key, value]) => [logicalKey(key), value] as const);
      },
      close: () => iterator.close(),
    };
  }

  snapshot(): StoreSnapshot {
    this.#assertUsable();
    return new ReplicatedSnapshot(this.#nodeStore.snapshot(), (key) => this.#storedKey(key));
  }

  async clear(start: Uint8Array, end: Uint8Array, signal?: AbortSignal): Promise<void> {
    const iterator = this.iterate({ start, end, reverse: false, limit: undefined });
    try {
      for (;;) {
        const pairs = await iterator.next(STEP_KEYS);
        signal?.throwIfAborted();
        if (pairs.length === 0) return;
        await this.commit(pairs.map(([key]) => ({ key, value: undefined })));
      }
    } finally {
      await iterator.close();
    }
  }

  approximateBytes(start: Uint8Array, end: Uint8Array): Promise<number> {
    return this.#nodeStore.approximateBytes(this.#storedBound(start), this.#storedBound(end));
  }

  get writesRefused(): StoreError | undefined {
    return this.#end;
  }

  /** Never: a commit whose outcome is open ends the leadership, and with it this store. */
  onReopened(): void {}

  /** Waits for commits under way. The node's store stays open. */
  async close(): Promise<void> {
    this.#end ??= closedError();
    await Promise.all(this.#underWay);
  }

  /** The replica does not lead any more. What is under way is settled by the replica itself. */
  lose(): void {
    this.#end ??= new StoreError('closed', 'The catalog is not led from here any more.');
  }

  async #propose(effects: readonly Effect[]): Promise<void> {
    const stored = effects.map(({ key, value }) => ({ key: this.#storedKey(key), value }));
    try {
      await this.#replica.propose(stored);
    } catch (cause) {
      if (!(cause instanceof ProposalError)) throw cause;
      throw new StoreError('io', `The catalog's group took no write: ${cause.message}`, { cause });
    }
  }

  #storedKey(key: Uint8Array): Buffer {
    if (
      key.length < PREFIX_BYTES ||
      Buffer.compare(key.subarray(0, PREFIX_BYTES), own.start) !== 0
    ) {
      throw new RangeError('The catalog keeps keys of partition 0 only.');
    }
    const stored = Buffer.from(key);
    stored.set(this.#range.start);
    return stored;
  }

  /** The bound of a range; keys of other partitions lie below or above all that is here. */
  #storedBound(bound: Uint8Array): Buffer {
    if (Buffer.compare(bound, own.start) <= 0) return this.#range.start;
    if (Buffer.compare(bound, own.end) >= 0) return this.#range.end;
    return this.#storedKey(bound);
  }

  #assertUsable(): void {
    if (this.#end !== undefined) throw this.#end;
  }
}

function logicalKey(stored: Buffer): Buffer {
  const key = Buffer.from(stored);
  key.set(own.start);
  return key;
}

class ReplicatedSnapshot implements StoreSnapshot {
  readonly inner: StoreSnapshot;
  readonly #storedKey: (key: Uint8Array) => Buffer;

  constructor(inner: StoreSnapshot, storedKey: (key: Uint8Array) => Buffer) {
    this.inner = inner;
    this.#storedKey = storedKey;
  }

  get(key: Uint8Array): Buffer | undefined {
    return this.inner.get(this.#storedKey(key));
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
