import { type Effect, StoreError } from './store.ts';
import type { SyncLine } from './sync-line.ts';

/** Most commits that share one batch, and so one sync. */
const batchCommitsMax = 1_024;
/** A batch takes no further commit once it holds this many bytes of keys and values. */
const batchBytesMax = 4 * 1024 * 1024;
/** Most commits that wait for their batch. */
export const waitingCommitsMax = 100_000;
/** Most bytes of keys and values that wait for their batch. */
export const waitingBytesMax = 256 * 1024 * 1024;

/**
 * Writes one batch atomically; resolves when it is as durable as the store promises, or as it is
 * without the sync that follows. `bytes` are those of all keys and values.
 */
export type WriteBatch = (effects: readonly Effect[], bytes: number) => Promise<void>;

/**
 * Group commit: all commits that arrive while a batch is being written share the next one.
 *
 * A batch begins at the end of the event loop's turn, so that all requests which arrived in the same
 * turn share it. At most one batch is under way, so batches reach the log in the order of the calls and a failure
 * is known before anything is written behind it. When a batch fails, every commit behind it fails
 * with it, since it may have been computed from the effects of the failed one.
 *
 * With a `SyncLine`, batches are synced beside: one is written while those before it are being synced,
 * so that it need not wait for a sync that began too early for it.
 *
 * What waits is bounded by count and bytes: a commit beyond is refused, which sheds load before
 * memory runs out. (A single commit larger than the bound is taken when nothing else waits.)
 */
export class CommitQueue {
  readonly #write: WriteBatch;
  readonly #syncs: SyncLine | undefined;
  readonly #soon: (fn: () => void) => void;
  #waiting: Waiter[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | undefined;
  /** The latest, and how many there were: a batch that was under way meanwhile stands behind it. */
  #failure: unknown;
  #failuresCount = 0;

  /** @param soon calls at the end of the turn; by default of the event loop's */
  constructor(write: WriteBatch, syncs?: SyncLine, soon: (fn: () => void) => void = setImmediate) {
    this.#write = write;
    this.#syncs = syncs;
    this.#soon = soon;
  }

  commit(effects: readonly Effect[]): Promise<void> {
    const bytes = effectsBytes(effects);
    if (this.#isFull(bytes)) {
      return Promise.reject(
        new StoreError('io', `Too many writes wait for the disk (${this.#waiting.length}).`),
      );
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ effects, bytes, resolve, reject });
      this.#waitingBytes += bytes;
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing is under way and nothing waits. */
  async drained(): Promise<void> {
    while (this.#running !== undefined) {
      await this.#running;
      await this.#syncs?.idle();
    }
    await this.#syncs?.idle();
  }

  #isFull(bytes: number): boolean {
    return (
      this.#waiting.length > 0 &&
      (this.#waiting.length >= waitingCommitsMax || this.#waitingBytes + bytes > waitingBytesMax)
    );
  }

  async #run(): Promise<void> {
    await this.#endOfTurn();
    while (this.#waiting.length > 0) {
      await this.#syncs?.room();
      // A sync that failed has failed all that waited.
      if (this.#waiting.length > 0) {
        await this.#writeNext();
        await this.#endOfTurn();
      }
    }
    this.#running = undefined;
  }

  async #writeNext(): Promise<void> {
    const { batch, bytes } = this.#takeBatch();
    const failuresCount = this.#failuresCount;
    try {
      await this.#write(effectsOf(batch), bytes);
    } catch (error) {
      this.#fail(batch, error);
      return;
    }
    if (this.#failuresCount > failuresCount) {
      this.#fail(batch, this.#failure);
    } else if (this.#syncs === undefined) {
      resolveAll(batch);
    } else {
      this.#syncs.begin().then(
        () => resolveAll(batch),
        (error: unknown) => this.#fail(batch, error),
      );
    }
  }

  #endOfTurn(): Promise<void> {
    return new Promise((resolve) => this.#soon(resolve));
  }

  #takeBatch(): { readonly batch: readonly Waiter[]; readonly bytes: number } {
    let count = 0;
    let bytes = 0;
    for (const waiter of this.#waiting) {
      if (count > 0 && (count >= batchCommitsMax || bytes + waiter.bytes > batchBytesMax)) {
        break;
      }
      count += 1;
      bytes += waiter.bytes;
    }
    this.#waitingBytes -= bytes;
    if (count === this.#waiting.length) {
      const batch = this.#waiting;
      this.#waiting = [];
      return { batch, bytes };
    }
    return { batch: this.#waiting.splice(0, count), bytes };
  }

  #fail(batch: readonly Waiter[], error: unknown): void {
    this.#failure = error;
    this.#failuresCount += 1;
    const behind = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const waiter of batch) {
      waiter.reject(error);
    }
    for (const waiter of behind) {
      waiter.reject(error);
    }
  }
}

interface Waiter {
  readonly effects: readonly Effect[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function resolveAll(batch: readonly Waiter[]): void {
  for (const waiter of batch) {
    waiter.resolve();
  }
}

function effectsOf(batch: readonly Waiter[]): readonly Effect[] {
  const [only] = batch;
  if (batch.length === 1 && only !== undefined) {
    return only.effects;
  }
  const effects: Effect[] = [];
  for (const waiter of batch) {
    for (const effect of waiter.effects) {
      effects.push(effect);
    }
  }
  return effects;
}

function effectsBytes(effects: readonly Effect[]): number {
  let bytes = 0;
  for (const effect of effects) {
    bytes += effect.key.length + (effect.value?.length ?? 0);
  }
  return bytes;
}
