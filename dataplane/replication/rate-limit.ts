import { pause, type Scheduler } from './scheduler.ts';

/** Keeps what passes below so many bytes a second, in order of the calls. */
export class RateLimit {
  readonly #scheduler: Scheduler;
  readonly #bytesPerMs: number;
  #freeAtMs = Number.NEGATIVE_INFINITY;

  constructor(scheduler: Scheduler, bytesPerSecond: number) {
    this.#scheduler = scheduler;
    this.#bytesPerMs = bytesPerSecond / 1_000;
  }

  /** Resolves when these bytes may pass. */
  async pass(bytes: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#scheduler.monotonicMs();
    const startMs = Math.max(nowMs, this.#freeAtMs);
    this.#freeAtMs = startMs + bytes / this.#bytesPerMs;
    // Timers are coarse: what is due within a ms is due.
    if (startMs - nowMs >= 1) await pause(this.#scheduler, startMs - nowMs, signal);
  }
}
