import type { Scheduler, Timer } from '../replication/scheduler.ts';

/** The moment at which a run stops waiting. One timer for all that it waits for. */
export class Deadline {
  readonly #scheduler: Scheduler;
  readonly #atMs: number;
  readonly #passed = Promise.withResolvers<never>();
  readonly #aborted = new AbortController();
  readonly #timer: Timer;

  /** @param fault - what a wait is rejected with when the time is up */
  constructor(scheduler: Scheduler, afterMs: number, fault: () => unknown) {
    this.#scheduler = scheduler;
    this.#atMs = scheduler.monotonicMs() + afterMs;
    // Nobody may be waiting when it passes.
    this.#passed.promise.catch(() => undefined);
    this.#timer = scheduler.after(afterMs, () => {
      this.#passed.reject(fault());
      this.#aborted.abort();
    });
  }

  get hasPassed(): boolean {
    // Timers may fire before the clock is there.
    return this.#aborted.signal.aborted || this.#scheduler.monotonicMs() >= this.#atMs;
  }

  /** Fires when the time is up. */
  get signal(): AbortSignal {
    return this.#aborted.signal;
  }

  /** Of the work, or the fault if the time is up first; the work itself goes on. */
  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#passed.promise]);
  }

  /** Nothing waits any more. */
  cancel(): void {
    this.#timer.cancel();
  }
}
