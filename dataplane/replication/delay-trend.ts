import type { Scheduler } from './scheduler.ts';

/** The recent average is over about so many delays. */
const RECENT_COUNT = 8;
/** What is usual is forgotten at this rate: a disk that has become slower for good is usual after minutes. */
const FORGOTTEN_PER_SECOND = 0.01;
/** More than so many times what is usual, and more than the rest by chance, is slow. */
const SLOW_FACTOR = 2;
const SLACK_MS = 2;

/**
 * Tells whether what takes a certain time usually takes longer now: its recent average against the
 * least that this has been of late. So LEDBAT (RFC 6817) finds out that somebody else is waiting.
 */
export class DelayTrend {
  readonly #scheduler: Scheduler;
  #recentMs: number | undefined;
  #usualMs = Number.POSITIVE_INFINITY;
  #observedAtMs = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  observe(delayMs: number): void {
    const nowMs = this.#scheduler.monotonicMs();
    const recentMs = this.#recentMs ?? delayMs;
    this.#recentMs = recentMs + (delayMs - recentMs) / RECENT_COUNT;
    const seconds = (nowMs - this.#observedAtMs) / 1_000;
    const usualMs = this.#usualMs * (1 + FORGOTTEN_PER_SECOND) ** seconds;
    this.#usualMs = Math.min(usualMs, this.#recentMs);
    this.#observedAtMs = nowMs;
  }

  get isSlow(): boolean {
    return this.#recentMs !== undefined && this.#recentMs > SLOW_FACTOR * this.#usualMs + SLACK_MS;
  }
}
