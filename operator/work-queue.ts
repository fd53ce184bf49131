import { backOffMs } from '../dataplane/kubernetes/back-off.ts';
import type { Clock, Random } from '../dataplane/kubernetes/clock.ts';

const BACK_OFF = { firstMs: 250, mostMs: 60_000, jitter: 0.2 } as const;

/** How a piece of work ended. */
export type WorkOutcome =
  /** Look again after so long; undefined: only when somebody adds the key. */
  | { readonly kind: 'done'; readonly againMs: number | undefined }
  /** Try again, later each time; not before `retryAfterMs`. */
  | { readonly kind: 'failed'; readonly retryAfterMs?: number | undefined };

export interface WorkQueueOptions {
  /** Keys that are worked on at once. */
  readonly workersCount: number;
  /** Must not throw. */
  readonly work: (key: string) => Promise<WorkOutcome>;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Keys that want work: each at most once in the queue, and each by one worker at a time.
 *
 * A key that is added while it is worked on is worked on once more afterwards, so that the last look is
 * always younger than the last change. Adding a key that waits, for its time or after a failure, brings
 * it to the queue at once: something has changed. Failures in a row are counted until a success.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  /** In the order they came. */
  readonly #queued = new Set<string>();
  readonly #running = new Set<string>();
  /** Changed while it was worked on. */
  readonly #dirty = new Set<string>();
  readonly #waiting = new Map<
    string,
    { readonly atMs: number; readonly timer: { cancel(): void } }
  >();
  readonly #failuresCounts = new Map<string, number>();
  #idle: PromiseWithResolvers<void> | undefined;
  #isStarted = false;
  #isClosed = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys may be added before. */
  start(): void {
    this.#isStarted = true;
    this.#startWorkers();
  }

  add(key: string): void {
    if (this.#isClosed) return;
    this.#cancelWait(key);
    if (this.#running.has(key)) this.#dirty.add(key);
    else this.#queued.add(key);
    this.#startWorkers();
  }

  /** The earlier time counts, if the key waits already. */
  addAfter(key: string, delayMs: number): void {
    if (this.#isClosed || this.#queued.has(key) || this.#dirty.has(key)) return;
    const { clock } = this.#options;
    const atMs = clock.monotonicMs() + delayMs;
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined && waiting.atMs <= atMs) return;
    this.#cancelWait(key);
    const timer = clock.after(delayMs, () => {
      this.#waiting.delete(key);
      this.add(key);
    });
    this.#waiting.set(key, { atMs, timer });
  }

  /** Keys that could be worked on now, were there a free worker. */
  get depth(): number {
    return this.#queued.size + this.#dirty.size;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** Keys that wait for their time. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Keys whose last work failed. */
  get failingCount(): number {
    return this.#failuresCounts.size;
  }

  /** Begins no more work; resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { timer } of this.#waiting.values()) timer.cancel();
    this.#waiting.clear();
    this.#queued.clear();
    this.#dirty.clear();
    if (this.#running.size === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  #startWorkers(): void {
    if (!this.#isStarted) return;
    for (const key of this.#queued) {
      if (this.#running.size >= this.#options.workersCount) return;
      this.#queued.delete(key);
      this.#running.add(key);
      void this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    const outcome = await this.#options.work(key);
    this.#running.delete(key);
    if (this.#isClosed) {
      if (this.#running.size === 0) this.#idle?.resolve();
      return;
    }
    const waitMs = this.#waitAfter(key, outcome);
    if (this.#dirty.delete(key)) this.#queued.add(key);
    else if (waitMs !== undefined) this.addAfter(key, waitMs);
    this.#startWorkers();
  }

  #waitAfter(key: string, outcome: WorkOutcome): number | undefined {
    if (outcome.kind === 'done') {
      this.#failuresCounts.delete(key);
      return outcome.againMs;
    }
    const failuresCount = (this.#failuresCounts.get(key) ?? 0) + 1;
    this.#failuresCounts.set(key, failuresCount);
    const ownMs = backOffMs(failuresCount, BACK_OFF, this.#options.random);
    return Math.max(ownMs, outcome.retryAfterMs ?? 0);
  }

  #cancelWait(key: string): void {
    this.#waiting.get(key)?.timer.cancel();
    this.#waiting.delete(key);
  }
}
