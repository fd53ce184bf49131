import type { Scheduler, Timer } from '../replication/scheduler.ts';

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly fn: () => void;
}

/** Time that passes as fast as what happens in it: from one timer to the next. */
export class VirtualTime implements Scheduler {
  #nowMs = 1_000;
  #order = 0;
  readonly #due = new Set<Due>();

  nowMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, fn: () => void): Timer {
    this.#order += 1;
    const due = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, fn };
    this.#due.add(due);
    return { cancel: () => this.#due.delete(due) };
  }

  soon(fn: () => void): void {
    this.after(0, fn);
  }

  /** Lets time go on until the work is done. */
  async until<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    work.then(done, done);
    for (;;) {
      // Whatever needs no time is done before the next turn of the event loop.
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (isDone) return work;
      if (!this.#fireNext()) throw new Error('the work waits for nothing');
    }
  }

  async advance(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.after(ms, resolve);
    await this.until(promise);
  }

  #fireNext(): boolean {
    let next: Due | undefined;
    for (const due of this.#due) {
      const isEarlier =
        next === undefined ||
        due.atMs < next.atMs ||
        (due.atMs === next.atMs && due.order < next.order);
      if (isEarlier) next = due;
    }
    if (next === undefined) return false;
    this.#due.delete(next);
    this.#nowMs = next.atMs;
    next.fn();
    return true;
  }
}
