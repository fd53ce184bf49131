import type { Scheduler, Timer } from '../replication/scheduler.ts';

interface Waiting {
  readonly atMs: number;
  readonly order: number;
  readonly fn: () => void;
}

/**
 * Time that passes only when nothing else is left to do: waits of any length are over at once, in
 * their order.
 */
export class VirtualTime implements Scheduler {
  #nowMs = Date.UTC(2026, 10, 26);
  #wallAheadMs = 0;
  #order = 0;
  readonly #timers = new Set<Waiting>();
  /** Of several that wait, the one that lets time pass. */
  #driver: object | undefined;

  nowMs(): number {
    return Math.floor(this.#nowMs + this.#wallAheadMs);
  }

  /** The wall clock is set forward; nobody waits any shorter. */
  jump(byMs: number): void {
    this.#wallAheadMs += byMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, fn: () => void): Timer {
    this.#order += 1;
    const waiting = { atMs: this.#nowMs + Math.max(1, delayMs), order: this.#order, fn };
    this.#timers.add(waiting);
    return { cancel: () => this.#timers.delete(waiting) };
  }

  soon(fn: () => void): void {
    setImmediate(fn);
  }

  /** Lets time pass until the state is reached; fails after `limitMs` of it. */
  async until(
    isReached: () => boolean,
    { limitMs = 120_000, what = String(isReached) } = {},
  ): Promise<void> {
    const endMs = this.#nowMs + limitMs;
    const self = {};
    try {
      for (;;) {
        for (let turn = 0; turn < TURNS; turn++) {
          if (isReached()) return;
          await new Promise((resolve) => setImmediate(resolve));
        }
        this.#driver ??= self;
        const isTooLate = this.#driver === self ? !this.#advance(endMs) : this.#nowMs > endMs;
        if (isTooLate) throw new Error(`not reached: ${what}`);
      }
    } finally {
      if (this.#driver === self) this.#driver = undefined;
    }
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    let isOver = false;
    this.after(ms, () => {
      isOver = true;
    });
    await this.until(() => isOver && this.#nowMs >= endMs, { limitMs: ms + 1 });
  }

  /** What the promise gives, with all the time it takes. */
  async during<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => {
      isSettled = true;
    });
    settled.catch(() => {});
    await this.until(() => isSettled, {
      limitMs: limitMs ?? 120_000,
      what: 'a promise is settled',
    });
    return settled;
  }

  /** To the next timer; false when there is none before that time. */
  #advance(endMs: number): boolean {
    const next = this.#next();
    if (next === undefined || next.atMs > endMs) return false;
    this.#timers.delete(next);
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    next.fn();
    return true;
  }

  #next(): Waiting | undefined {
    let next: Waiting | undefined;
    for (const each of this.#timers) {
      const isSooner =
        next === undefined ||
        each.atMs < next.atMs ||
        (each.atMs === next.atMs && each.order < next.order);
      if (isSooner) next = each;
    }
    return next;
  }
}

/** Turns of the event loop in which a store in memory has done what it was asked for. */
const TURNS = 4;
