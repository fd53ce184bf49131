/** The part of an election time-out that a lease lasts: followers may count ticks a little fast. */
const LEASE_PART = 0.8;
/** How much faster another machine's clock may run. */
const CLOCK_DRIFT = 0.01;

/**
 * The read lease of one leader: until when no other replica can have become leader.
 *
 * It counts from the moment before a read index round was asked for, since every member of the
 * quorum that answered has heard of this leader after that and elects nobody for an election
 * time-out. Void from the request of a transfer until the end of the term: the member that is told
 * to campaign does not wait.
 */
export class ReadLease {
  readonly #durationMs: number;
  #untilMs = Number.NEGATIVE_INFINITY;
  #isForfeited = false;

  constructor(electionTimeoutMs: number) {
    this.#durationMs = electionTimeoutMs * LEASE_PART * (1 - CLOCK_DRIFT);
  }

  /** Leadership was confirmed by a round that was asked for at `issuedMs`. */
  extend(issuedMs: number): void {
    this.#untilMs = Math.max(this.#untilMs, issuedMs + this.#durationMs);
  }

  holds(nowMs: number): boolean {
    return !this.#isForfeited && nowMs < this.#untilMs;
  }

  /** Half of it is spent, and a new round would be of use. */
  isDue(nowMs: number): boolean {
    return !this.#isForfeited && nowMs >= this.#untilMs - this.#durationMs / 2;
  }

  get isForfeited(): boolean {
    return this.#isForfeited;
  }

  /** For the rest of the term. */
  forfeit(): void {
    this.#isForfeited = true;
  }

  /** The transfer was refused before anybody heard of it. */
  unforfeit(): void {
    this.#isForfeited = false;
  }

  /** Another term, or the end of leadership. */
  reset(): void {
    this.#untilMs = Number.NEGATIVE_INFINITY;
    this.#isForfeited = false;
  }
}
