import { setTimeout as sleep } from 'node:timers/promises';
import type { IndexChange } from '../partition/index-change.ts';
import { IndexBatch, type IndexPartition } from '../partition/index-partition.ts';
import { pendingKey } from '../partition/key-space.ts';
import { type Effect, type Store, StoreError } from '../storage/store.ts';
import { type PartitionList, partitionOf } from './partition-map.ts';

/** Writes to the table wait while more changes, or bytes of changes, than this wait. */
export const WAITING_CHANGES_MAX = 10_000;
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

/** Changes, and bytes of changes, applied in one batch. */
const BATCH_CHANGES_MAX = 500;
const BATCH_BYTES_MAX = 2 * 1024 * 1024;

/** Pause before a batch is tried again that the store refused, e.g. because the disk is full. */
const RETRY_MS = 500;

interface Waiting {
  readonly change: IndexChange;
  /** Prefix of the pending space of the base partition. */
  readonly pendingPrefix: Buffer;
  readonly bytes: number;
}

/**
 * Brings a global index after its table: applies changes to the index's partitions in the order in
 * which they were committed, several in a batch, each together with the deletion of its pending
 * record. So every change is applied once, also across a crash.
 */
export class IndexFeeder {
  readonly indexId: number;
  readonly partitions: PartitionList<IndexPartition>;
  readonly #store: Store;
  readonly #stop = new AbortController();
  #queue: Waiting[] = [];
  #queueBytes = 0;
  #enqueued = 0;
  #applied = 0;
  #running: Promise<void> | undefined;
  #progress = Promise.withResolvers<void>();
  /** Why the index cannot go on. */
  #failure: StoreError | undefined;
  #reloads = 0;

  constructor(indexId: number, partitions: PartitionList<IndexPartition>, store: Store) {
    this.indexId = indexId;
    this.partitions = partitions;
    this.#store = store;
  }

  /** Takes changes that are durable as pending records of one base partition. */
  enqueue(changes: readonly IndexChange[], pendingPrefix: Buffer): void {
    for (const change of changes) {
      const bytes = changeBytes(change);
      this.#queue.push({ change, pendingPrefix, bytes });
      this.#queueBytes += bytes;
    }
    this.#enqueued += changes.length;
    if (!this.#isStopped) this.#running ??= this.#run();
  }

  /** Too much waits: writes to the table must wait too. */
  get isFull(): boolean {
    return this.#queue.length > WAITING_CHANGES_MAX || this.#queueBytes > WAITING_BYTES_MAX;
  }

  /**
   * Resolves when there is room for changes.
   * @throws StoreError when the index cannot go on, or the store refuses writes: then there may be no
   *   room for long
   */
  async room(): Promise<void> {
    while (this.isFull) {
      if (this.#store.writesRefused !== undefined) throw this.#store.writesRefused;
      await this.#nextProgress();
    }
  }

  /**
   * Resolves when all changes enqueued so far are applied.
   * @throws StoreError when the index cannot go on
   */
  async caughtUp(): Promise<void> {
    for (let reloads = -1; reloads !== this.#reloads; ) {
      reloads = this.#reloads;
      const target = this.#enqueued;
      while (this.#applied < target && reloads === this.#reloads) await this.#nextProgress();
    }
  }

  /**
   * Forgets the queue and takes up the totals that the store holds, after writes failed whose outcome
   * was open until now. The changes still pending are to be enqueued again. Writes are refused
   * meanwhile, so no batch succeeds.
   */
  reload(): void {
    for (const partition of this.partitions) partition.reload();
    this.#queue = [];
    this.#queueBytes = 0;
    this.#applied = this.#enqueued;
    this.#reloads += 1;
    this.#tellProgress();
  }

  /** Stops after the batch under way; what waits stays pending in the store. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#failure ??= new StoreError('closed', 'The index is closed.');
    this.#progress.resolve();
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted || this.#failure !== undefined;
  }

  async #nextProgress(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#progress.promise;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 && !this.#isStopped) {
      const batch = this.#nextBatch();
      try {
        await this.#apply(batch);
      } catch (error) {
        await this.#retryLater(error);
        continue;
      }
      this.#queue.splice(0, batch.length);
      for (const { bytes } of batch) this.#queueBytes -= bytes;
      this.#applied += batch.length;
      this.#tellProgress();
    }
    this.#running = undefined;
  }

  #nextBatch(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      if (count > 0 && (count >= BATCH_CHANGES_MAX || bytes > BATCH_BYTES_MAX)) break;
      bytes += waiting.bytes;
      count += 1;
    }
    return this.#queue.slice(0, count);
  }

  async #apply(batch: readonly Waiting[]): Promise<void> {
    const entries = new IndexBatch(this.#store, (key) => partitionOf(this.partitions, key));
    const effects: Effect[] = [];
    for (const { change, pendingPrefix } of batch) {
      entries.add(change);
      const key = pendingKey(pendingPrefix, change.indexId, change.sequence);
      effects.push({ key, value: undefined });
    }
    await this.#store.commit([...entries.effects(), ...effects]);
    entries.committed();
  }

  /** A full disk may get room again; damage does not heal, and a closed store stays closed. */
  async #retryLater(error: unknown): Promise<void> {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'damaged' || error.code === 'closed') {
      this.#failure = error;
      this.#tellProgress();
      return;
    }
    this.#tellProgress(); // Whoever waits for room is to see that the store refuses.
    // Stopping cuts the pause short, by rejecting.
    await sleep(RETRY_MS, undefined, { signal: this.#stop.signal, ref: false }).catch(() => {});
  }

  #tellProgress(): void {
    this.#progress.resolve();
    this.#progress = Promise.withResolvers<void>();
  }
}

function changeBytes({ removedKey, put }: IndexChange): number {
  return (removedKey?.length ?? 0) + (put === undefined ? 0 : put.key.length + put.record.length);
}
