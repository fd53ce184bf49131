import { pause, type Scheduler } from './scheduler.ts';

export interface RateOptions {
  readonly bytesPerSecondMax: number;
  /** However busy the machine is: what has to pass must get there one day. */
  readonly bytesPerSecondMin: number;
  /** Whether what passes holds others up, as far as the caller can see. */
  readonly isInTheWay: () => boolean;
  /** Whether others have to wait all the same. */
  readonly isUrgent: () => boolean;
}

/** A timer that is later than this means that others wait for the same processor or event loop. */
const LATE_MS = 2;
/** How often the rate changes, what is left of it then, and what is added to it else. */
const STEP_MS = 250;
const SLOWER = 0.7;
const FASTER = 1.1;

/**
 * Keeps what passes below so many bytes a second, in order of the calls, and gives way to whoever
 * works beside it: it begins at the minimum, rises while nobody is held up, and falls as soon as
 * somebody is (additive steps would take minutes on a fast machine; so both are shares).
 */
export class RateLimit {
  readonly #scheduler: Scheduler;
  readonly #isInTheWay: () => boolean;
  readonly #isUrgent: () => boolean;
  readonly #bytesPerMsMax: number;
  readonly #bytesPerMsMin: number;
  #bytesPerMs: number;
  #freeAtMs = Number.NEGATIVE_INFINITY;
  #isLate = false;
  #stepAtMs = Number.NEGATIVE_INFINITY;

  constructor(scheduler: Scheduler, options: RateOptions) {
    this.#scheduler = scheduler;
    this.#isInTheWay = options.isInTheWay;
    this.#isUrgent = options.isUrgent;
    this.#bytesPerMsMax = options.bytesPerSecondMax / 1_000;
    this.#bytesPerMsMin = Math.min(options.bytesPerSecondMin, options.bytesPerSecondMax) / 1_000;
    this.#bytesPerMs = this.#bytesPerMsMin;
  }

  get bytesPerSecond(): number {
    return this.#bytesPerMs * 1_000;
  }

  /** Resolves when these bytes may pass. */
  async pass(bytes: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#scheduler.monotonicMs();
    this.#step(nowMs);
    const startMs = Math.max(nowMs, this.#freeAtMs);
    this.#freeAtMs = startMs + bytes / this.#bytesPerMs;
    // Timers are coarse: what is due within a ms is due.
    if (startMs - nowMs < 1) return;
    await pause(this.#scheduler, startMs - nowMs, signal);
    if (this.#scheduler.monotonicMs() - startMs > LATE_MS) this.#isLate = true;
  }

  #step(nowMs: number): void {
    if (nowMs - this.#stepAtMs < STEP_MS) return;
    if (this.#isUrgent()) this.#bytesPerMs = this.#bytesPerMsMax;
    // What passed long ago says nothing about now.
    else if (nowMs - this.#stepAtMs > 100 * STEP_MS) this.#bytesPerMs = this.#bytesPerMsMin;
    else this.#change(this.#isLate || this.#isInTheWay() ? SLOWER : FASTER);
    this.#isLate = false;
    this.#stepAtMs = nowMs;
  }

  #change(factor: number): void {
    const wanted = this.#bytesPerMs * factor;
    this.#bytesPerMs = Math.max(this.#bytesPerMsMin, Math.min(this.#bytesPerMsMax, wanted));
  }
}
