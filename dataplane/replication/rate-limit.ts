import { pause, type Scheduler } from './scheduler.ts';

/** A timer that is later than this means that others wait for the same processor or event loop. */
const LATE_MS = 5;
/** What a late timer leaves of the rate, and what one in time adds to it. */
const SLOWER = 0.7;
const FASTER = 1.05;

export interface RateOptions {
  readonly bytesPerSecondMax: number;
  /** However busy the machine is: what has to pass must get there one day. */
  readonly bytesPerSecondMin: number;
}

/**
 * Keeps what passes below so many bytes a second, in order of the calls, and gives way to whoever
 * works beside it: the rate falls while its own timers come late, and rises again when they do not.
 */
export class RateLimit {
  readonly #scheduler: Scheduler;
  readonly #bytesPerMsMax: number;
  readonly #bytesPerMsMin: number;
  #bytesPerMs: number;
  #freeAtMs = Number.NEGATIVE_INFINITY;

  constructor(scheduler: Scheduler, { bytesPerSecondMax, bytesPerSecondMin }: RateOptions) {
    this.#scheduler = scheduler;
    this.#bytesPerMsMax = bytesPerSecondMax / 1_000;
    this.#bytesPerMsMin = Math.min(bytesPerSecondMin, bytesPerSecondMax) / 1_000;
    this.#bytesPerMs = this.#bytesPerMsMax;
  }

  get bytesPerSecond(): number {
    return this.#bytesPerMs * 1_000;
  }

  /** Resolves when these bytes may pass. */
  async pass(bytes: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#scheduler.monotonicMs();
    const startMs = Math.max(nowMs, this.#freeAtMs);
    this.#freeAtMs = startMs + bytes / this.#bytesPerMs;
    // Timers are coarse: what is due within a ms is due.
    if (startMs - nowMs < 1) return;
    await pause(this.#scheduler, startMs - nowMs, signal);
    this.#adjust(this.#scheduler.monotonicMs() - startMs);
  }

  #adjust(lateMs: number): void {
    const wanted = this.#bytesPerMs * (lateMs > LATE_MS ? SLOWER : FASTER);
    this.#bytesPerMs = Math.max(this.#bytesPerMsMin, Math.min(this.#bytesPerMsMax, wanted));
  }
}
