import type { SimRandom } from './random.ts';

/** Virtual time 0, as UTC ms since 1970: 1 January 2026. */
export const simEpochMs = 1_767_225_600_000;

export interface ClockOptions {
  /** The wall clock is off by up to this, either way. */
  readonly wallSkewMsMax: number;
  /** The monotonic clock runs fast or slow by up to this part; at most 0.01. */
  readonly drift: number;
}

/**
 * The clocks of one machine. They survive its processes.
 *
 * The wall clock is off and may jump. The monotonic clock neither jumps nor stops, but runs a
 * little fast or slow, and timers run on it.
 */
export class SimClock {
  /** Local microseconds in one microsecond of virtual time. */
  readonly rate: number;
  readonly #startUs: number;
  #wallOffsetMs: number;

  constructor(random: SimRandom, { wallSkewMsMax, drift }: ClockOptions) {
    this.rate = 1 + drift * (2 * random.float() - 1);
    this.#startUs = random.between(0, 10_000_000_000);
    this.#wallOffsetMs = random.between(-wallSkewMsMax, wallSkewMsMax);
  }

  /** UTC as this machine believes, whole ms since 1970. */
  wallMs(nowUs: number): number {
    return Math.floor(simEpochMs + nowUs / 1_000 + this.#wallOffsetMs);
  }

  monotonicMs(nowUs: number): number {
    return (this.#startUs + nowUs * this.rate) / 1_000;
  }

  /** Virtual microseconds that pass while this machine counts `delayMs`. */
  virtualUs(delayMs: number): number {
    return Math.ceil((delayMs * 1_000) / this.rate);
  }

  /** Someone set the wall clock. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** What an NTP daemon does after a jump. */
  correct(): void {
    this.#wallOffsetMs = 0;
  }
}
