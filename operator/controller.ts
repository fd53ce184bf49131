import type { Logger } from 'pino';
import { type Clock, jittered, type Random, systemClock } from '../dataplane/kubernetes/clock.ts';
import { Deadline } from '../dataplane/kubernetes/deadline.ts';
import { KubeError } from '../dataplane/kubernetes/kube-error.ts';
import type { Change } from '../dataplane/kubernetes/list-watch.ts';
import type { KubeObject } from '../dataplane/kubernetes/object.ts';
import { DurationHistogram } from './duration-histogram.ts';
import { type WorkOutcome, WorkQueue } from './work-queue.ts';

const WORKERS_COUNT = 4;
const RESYNC_MS = 5 * 60_000;
const RESYNC_JITTER = 0.2;
/** A pass only asks and writes; what it waits for it comes back to. */
const PASS_MS_MAX = 2 * 60_000;
/** Until a leader that lost touch has ended or is sure again. */
const HELD_MS = 1000;

// biome-ignore lint/suspicious/noConfusingVoidType: a pass that ends without a wish returns nothing
export type ReconcileResult = { readonly requeueAfterMs?: number | undefined } | void;

export interface ControllerOptions {
  /** In logs and metrics: `table`. */
  readonly name: string;
  /**
   * One pass: from the key (`keyOf` of the object) to the whole wanted state. Level-triggered: it reads
   * what is, and may be called at any time, also for an object that is gone.
   * @param signal fires when the controller is closed or the pass takes longer than two minutes
   */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult>;
  /** Whether the object is still there: then it is looked at again every few minutes, whatever happens. */
  readonly exists: (key: string) => boolean;
  /** This process leads, at this moment. */
  readonly mayAct: () => boolean;
  readonly log: Logger;
  readonly workersCount?: number;
  readonly resyncMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** What passes came to; counters only rise. */
export interface ReconcileCounts {
  succeeded: number;
  /** Ended with a wish to come back. */
  requeued: number;
  /** The API server refused, or could not be reached: tried again. */
  failed: number;
  /** Written with an outdated version, or the object went away: looked at again. */
  conflicted: number;
  /** Ended by something that nobody expected. */
  defective: number;
}

/** A cache that must be whole before the first pass. */
export interface Source {
  readonly synced: Promise<void>;
}

/**
 * Changes in, passes out: a work queue of keys, four workers, back-off for each key, and a pass for
 * each object every five minutes even if nothing is heard.
 *
 * A pass that fails does not end the process, not even by a defect: one object that cannot be
 * reconciled must not keep the others from it. The log and `counts` tell.
 */
export class Controller {
  readonly name: string;
  readonly counts: ReconcileCounts = {
    succeeded: 0,
    requeued: 0,
    failed: 0,
    conflicted: 0,
    defective: 0,
  };
  readonly durationsMs = new DurationHistogram();
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Logger;
  readonly #queue: WorkQueue;
  readonly #controller = new AbortController();

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#log = options.log.child({ controller: options.name });
    this.#queue = new WorkQueue({
      workersCount: options.workersCount ?? WORKERS_COUNT,
      work: (key) => this.#pass(key),
      clock: this.#clock,
      random: this.#random,
    });
  }

  /** For `onChange` of a ListWatch. @param keysOf objects whose state depends on what changed */
  onChange<T extends KubeObject>(
    keysOf: (change: Change<T>) => Iterable<string>,
  ): (change: Change<T>) => void {
    return (change) => {
      for (const key of keysOf(change)) this.#queue.add(key);
    };
  }

  add(key: string): void {
    this.#queue.add(key);
  }

  /** Begins with passes as soon as all sources are whole. Rejects if one is closed before. */
  async start(sources: readonly Source[]): Promise<void> {
    await Promise.all(sources.map(({ synced }) => synced));
    if (!this.#controller.signal.aborted) this.#queue.start();
  }

  /** Keys that could be worked on now, were there a free worker. */
  get depth(): number {
    return this.#queue.depth;
  }

  /** Keys that are worked on. */
  get runningCount(): number {
    return this.#queue.runningCount;
  }

  /** Keys whose last pass failed. */
  get failingCount(): number {
    return this.#queue.failingCount;
  }

  /** Begins no more passes and ends those under way. */
  async close(): Promise<void> {
    this.#controller.abort(new Error('the controller is closed'));
    await this.#queue.close();
  }

  async #pass(key: string): Promise<WorkOutcome> {
    if (!this.#options.mayAct()) return { kind: 'done', againMs: HELD_MS };
    const startMs = this.#clock.monotonicMs();
    const deadline = new Deadline(this.#clock, PASS_MS_MAX, {
      parent: this.#controller.signal,
      reason: () => KubeError.timeout(`a pass of ${key}`, PASS_MS_MAX),
    });
    try {
      const result = await this.#options.reconcile(key, deadline.signal);
      return this.#done(key, result?.requeueAfterMs);
    } catch (error) {
      if (this.#controller.signal.aborted) return { kind: 'failed' };
      return this.#failed(key, error);
    } finally {
      deadline.release();
      this.durationsMs.observe(this.#clock.monotonicMs() - startMs);
    }
  }

  #done(key: string, requeueAfterMs: number | undefined): WorkOutcome {
    if (requeueAfterMs === undefined) this.counts.succeeded += 1;
    else this.counts.requeued += 1;
    const { exists, resyncMs = RESYNC_MS } = this.#options;
    if (!exists(key)) return { kind: 'done', againMs: requeueAfterMs };
    const againMs = jittered(resyncMs, RESYNC_JITTER, this.#random);
    return { kind: 'done', againMs: Math.min(againMs, requeueAfterMs ?? againMs) };
  }

  #failed(key: string, error: unknown): WorkOutcome {
    if (!(error instanceof KubeError)) {
      this.counts.defective += 1;
      this.#log.error({ key, err: error }, 'a pass ended by a defect');
      return { kind: 'failed' };
    }
    const { status, reason, message, causes, retryAfterMs } = error;
    // Others have written meanwhile: the caches will show it, and the next pass begins from there.
    const isConflict =
      status === 404 || (status === 409 && reason === 'Conflict' && !causes.length);
    if (isConflict) this.counts.conflicted += 1;
    else this.counts.failed += 1;
    const level = isConflict ? 'debug' : 'warn';
    this.#log[level]({ key, status, reason, message, causes }, 'a pass failed');
    return { kind: 'failed', retryAfterMs };
  }
}
