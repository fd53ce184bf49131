import type { Effect, Store, StoreError } from '../storage/store.ts';
import { DelayTrend } from './delay-trend.ts';
import type { ReplicationMetrics } from './metrics.ts';
import type { Scheduler } from './scheduler.ts';

/** Counts work under way, and tells when there is none. */
export class UnderWay {
  #count = 0;
  #waiting: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  begin(): void {
    this.#count += 1;
  }

  end(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves when nothing is under way, at once if so. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/**
 * All commits of replication on one node. None ever rejects: the first that fails is told to
 * `onFailure`, and from then on the node halts until its state has been read again.
 */
export class StoreCommits {
  readonly underWay = new UnderWay();
  /** Of durable commits. */
  readonly delay: DelayTrend;
  readonly #store: Store;
  readonly #scheduler: Scheduler;
  readonly #metrics: ReplicationMetrics;
  readonly #onFailure: (error: Error) => void;

  constructor(options: {
    readonly store: Store;
    readonly scheduler: Scheduler;
    readonly metrics: ReplicationMetrics;
    readonly onFailure: (error: Error) => void;
  }) {
    this.#store = options.store;
    this.#scheduler = options.scheduler;
    this.#metrics = options.metrics;
    this.#onFailure = options.onFailure;
    this.delay = new DelayTrend(options.scheduler);
  }

  /** What is to be committed cannot be read: as bad as a commit that failed. */
  unreadable(error: StoreError): void {
    this.#onFailure(error);
  }

  /** Resolves with whether it is done: durable if `sync`, else visible. */
  async commit(effects: readonly Effect[], { sync }: { readonly sync: boolean }): Promise<boolean> {
    const startMs = this.#scheduler.monotonicMs();
    this.underWay.begin();
    try {
      await this.#store.commit(effects, { sync });
    } catch (error) {
      this.#onFailure(error instanceof Error ? error : new Error(String(error)));
      return false;
    } finally {
      this.underWay.end();
    }
    if (sync) {
      const tookMs = this.#scheduler.monotonicMs() - startMs;
      this.#metrics.syncedCommitMs.observe(tookMs);
      this.delay.observe(tookMs);
    }
    return true;
  }
}
