/** Time and turns, given from outside so that a simulation can run a cluster on a clock of its own. */
export interface Scheduler {
  /** Ms since some moment; never goes back, and goes on while the process is stopped. */
  monotonicMs(): number;
  /** Calls `fn` once, after `delayMs`, or a little before or later. */
  after(delayMs: number, fn: () => void): Timer;
  /** Calls `fn` at the end of the event loop's turn. */
  soon(fn: () => void): void;
}

export interface Timer {
  /** Does nothing once the timer has fired. */
  cancel(): void;
}

/** The process's own clock and event loop. Its timers do not keep a process alive. */
export const systemScheduler: Scheduler = {
  monotonicMs: () => performance.now(),
  after(delayMs, fn) {
    const timeout = setTimeout(fn, delayMs).unref();
    return { cancel: () => clearTimeout(timeout) };
  },
  soon(fn) {
    setImmediate(fn);
  },
};
