import type { Scheduler, Timer } from '../replication/scheduler.ts';

interface ManualTimer {
  readonly atMs: number;
  readonly fn: () => void;
}

const MS_MAX = 60_000;

/** Time that stands still until it is advanced. */
export class ManualScheduler implements Scheduler {
  #nowMs = 1_000;
  readonly #timers = new Set<ManualTimer>();

  nowMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, fn: () => void): Timer {
    const timer = { atMs: this.#nowMs + Math.max(1, delayMs), fn };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  soon(fn: () => void): void {
    setImmediate(fn);
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    do await this.settle();
    while (this.#fireNext(endMs));
    this.#nowMs = endMs;
  }

  /** Lets time go on until the work is done; what it gave, and how long it took. */
  async until<T>(work: Promise<T>): Promise<{ readonly value: T; readonly tookMs: number }> {
    const startMs = this.#nowMs;
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    work.then(done, done);
    do {
      await this.settle();
      if (isDone) return { value: await work, tookMs: this.#nowMs - startMs };
    } while (this.#fireNext(startMs + MS_MAX));
    throw new Error('the work does not end');
  }

  #fireNext(untilMs: number): boolean {
    let next: ManualTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs <= untilMs && (next === undefined || timer.atMs < next.atMs)) next = timer;
    }
    if (next === undefined) return false;
    this.#timers.delete(next);
    this.#nowMs = next.atMs;
    next.fn();
    return true;
  }
}
