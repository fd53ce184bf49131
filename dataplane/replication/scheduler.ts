/**
 * Time and turns, as everything below `replication/`, `node/` and `routing/` sees them: given from
 * outside, so that a simulation can run a whole cluster on a clock of its own.
 */
export interface Scheduler {
  /** UTC, ms since 1970. May jump either way: for stamps and deadlines between machines only. */
  nowMs(): number;
  /** Ms since some moment. Never goes back and does not follow changes of the system's clock. */
  monotonicMs(): number;
  /** Calls `fn` once, after `delayMs`. */
  after(delayMs: number, fn: () => void): Timer;
  /** Calls `fn` at the end of the event loop's turn: what arrives before it shares its work. */
  soon(fn: () => void): void;
}

export interface Timer {
  /** Does nothing once the timer has fired. */
  cancel(): void;
}

/** The process's own clocks and event loop. Its timers do not keep a process alive. */
export const systemScheduler: Scheduler = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, fn) {
    const timeout = setTimeout(fn, delayMs).unref();
    return { cancel: () => clearTimeout(timeout) };
  },
  soon(fn) {
    setImmediate(fn);
  },
};

/** Resolves after `delayMs`, or at once when the signal fires. */
export function pause(scheduler: Scheduler, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = scheduler.after(delayMs, resolve);
  const stop = () => {
    timer.cancel();
    resolve();
  };
  signal?.addEventListener('abort', stop, { once: true });
  return promise.finally(() => signal?.removeEventListener('abort', stop));
}
