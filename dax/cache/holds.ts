import type { Clock } from './clock.ts';
import { HOLDS_COUNT_MAX, UNCERTAIN_HOLD_MS } from './limits.ts';
import { PREFIX_LENGTH } from './table-spaces.ts';

/**
 * Cache keys and tags under which nothing is to be kept for a while: a write with unknown outcome may
 * still be done, and what was read before would then be old without anybody being told. A table's
 * prefix holds the whole table.
 *
 * Bounded: when more are held than can be named, everything is.
 */
export class Holds {
  readonly #clock: Clock;
  /** Ends by key, in order: each hold is as long as every other. */
  readonly #ends = new Map<string, number>();
  #allEndMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#ends.size;
  }

  hold(key: string): void {
    const nowMs = this.#clock.nowMs();
    this.#dropEnded(nowMs);
    if (this.#ends.size >= HOLDS_COUNT_MAX) this.holdAll();
    // To the end of the order, also when it is held already.
    this.#ends.delete(key);
    this.#ends.set(key, nowMs + UNCERTAIN_HOLD_MS);
  }

  holdAll(): void {
    this.#ends.clear();
    this.#allEndMs = this.#clock.nowMs() + UNCERTAIN_HOLD_MS;
  }

  /** @param key of an item, or a tag */
  isHeld(key: string): boolean {
    if (this.#ends.size === 0 && this.#allEndMs === 0) return false;
    const nowMs = this.#clock.nowMs();
    const table = key.slice(0, PREFIX_LENGTH);
    return nowMs < this.#allEndMs || this.#isNamed(key, nowMs) || this.#isNamed(table, nowMs);
  }

  /** Whether anything is held at the moment. */
  get isHolding(): boolean {
    const nowMs = this.#clock.nowMs();
    this.#dropEnded(nowMs);
    return this.#ends.size > 0 || nowMs < this.#allEndMs;
  }

  #isNamed(key: string, nowMs: number): boolean {
    return nowMs < (this.#ends.get(key) ?? 0);
  }

  #dropEnded(nowMs: number): void {
    for (const [key, endMs] of this.#ends) {
      if (endMs > nowMs) return;
      this.#ends.delete(key);
    }
  }
}
