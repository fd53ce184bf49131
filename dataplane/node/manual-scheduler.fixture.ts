import type { Scheduler, Timer } from '../replication/scheduler.ts';

interface Pending {
  readonly atMs: number;
  readonly order: number;
  readonly fn: () => void;
}

/** Time stands still until a test moves it; turns of the event loop are the real ones. */
export class ManualScheduler implements Scheduler {
  #monotonicMs = 5_000_000;
  #wallOffsetMs = 1_700_000_000_000;
  #pending: Pending[] = [];
  #order = 0;

  nowMs(): number {
    return Math.floor(this.#wallOffsetMs + this.#monotonicMs);
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, fn: () => void): Timer {
    this.#order += 1;
    const timer: Pending = { atMs: this.#monotonicMs + delayMs, order: this.#order, fn };
    this.#pending.push(timer);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== timer);
      },
    };
  }

  soon(fn: () => void): void {
    setImmediate(fn);
  }

  /** The wall clock is set. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Lets so much time pass, with turns for what the timers set off. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#monotonicMs + byMs;
    for (;;) {
      await turns();
      const [next] = this.#pending
        .filter(({ atMs }) => atMs <= endMs)
        .sort((one, other) => one.atMs - other.atMs || one.order - other.order);
      if (next === undefined) break;
      this.#pending = this.#pending.filter((timer) => timer !== next);
      this.#monotonicMs = Math.max(this.#monotonicMs, next.atMs);
      next.fn();
    }
    this.#monotonicMs = endMs;
    await turns();
  }

  /** Lets time pass in small steps until the state is reached; fails after a minute of it. */
  async until(holds: () => boolean, stepMs = 10): Promise<void> {
    for (let passedMs = 0; !holds(); passedMs += stepMs) {
      if (passedMs > 60_000) throw new Error('the state is not reached within a minute');
      await this.advance(stepMs);
    }
  }
}

/** Some turns of the event loop: enough for what waits for nothing but the store. */
export async function turns(count = 12): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
