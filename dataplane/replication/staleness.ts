/** Most vouchers that wait for being applied; further ones take the place of the newest. */
const WAITING_MAX = 16;

interface Voucher {
  /** Monotonic; the message was not sent before. */
  readonly atMs: number;
  readonly commit: number;
}

/**
 * How old the state of a follower may be: its leader vouches, with every append and heartbeat, for
 * what was committed then; once that is applied here, the state is as fresh as that message. When that was
 * sent, `PeerClock` knows.
 *
 * Raft's own commit index in a heartbeat will not do: it is cut to what the follower is known to have.
 */
export class Staleness {
  #freshAtMs = Number.NEGATIVE_INFINITY;
  /** Oldest first; commits not applied here. */
  #waiting: Voucher[] = [];

  vouched(voucher: Voucher, appliedIndex: number): void {
    if (voucher.commit <= appliedIndex) {
      this.#freshAtMs = Math.max(this.#freshAtMs, voucher.atMs);
      return;
    }
    if (this.#waiting.length === WAITING_MAX) this.#waiting.pop();
    this.#waiting.push(voucher);
  }

  /** At a leader: a quorum confirmed that it led at that time, and what was committed is applied. */
  confirmed(atMs: number): void {
    this.#freshAtMs = Math.max(this.#freshAtMs, atMs);
  }

  applied(appliedIndex: number): void {
    let first = this.#waiting[0];
    while (first !== undefined && first.commit <= appliedIndex) {
      this.#freshAtMs = Math.max(this.#freshAtMs, first.atMs);
      this.#waiting.shift();
      first = this.#waiting[0];
    }
  }

  /** Another leader: what the one before said counts no more. */
  forgetWaiting(): void {
    this.#waiting = [];
  }

  /** Infinity before any message. */
  ms(nowMs: number): number {
    return nowMs - this.#freshAtMs;
  }
}
