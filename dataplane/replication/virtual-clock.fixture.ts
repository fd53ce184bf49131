import type { Scheduler, Timer } from './scheduler.ts';

/** Time that passes when a test says so; turns are those of the real event loop. */
export class VirtualClock implements Scheduler {
  #nowMs = 1_000_000;
  #timers: { atMs: number; fn: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, fn: () => void): Timer {
    const timer = { atMs: this.#nowMs + delayMs, fn };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  soon(fn: () => void): void {
    setImmediate(fn);
  }

  /** Moves on by `ms`, firing timers in order, with some turns of the event loop behind each step. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    while (this.#nowMs < endMs) {
      this.#nowMs = Math.min(this.#nowMs + STEP_MS, endMs);
      const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs);
      this.#timers = this.#timers.filter(({ atMs }) => atMs > this.#nowMs);
      due.sort((a, b) => a.atMs - b.atMs);
      for (const { fn } of due) fn();
      await turns(TURNS_A_STEP);
    }
  }
}

/** How far time moves between two looks at it. */
export const STEP_MS = 10;
const TURNS_A_STEP = 8;

export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
