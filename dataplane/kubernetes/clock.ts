/** Time as this folder and the operator see it: given from outside, so that tests move it by hand. */
export interface Clock {
  /** UTC, ms since 1970. May jump: for stamps that people read only. */
  nowMs(): number;
  /** Ms since some moment. Never goes back and does not follow changes of the system's clock. */
  monotonicMs(): number;
  /** Calls `fn` once, after `delayMs`. */
  after(delayMs: number, fn: () => void): { cancel(): void };
}

/** The process's own clocks. Its timers do not keep a process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, fn) {
    const timeout = setTimeout(fn, delayMs).unref();
    return { cancel: () => clearTimeout(timeout) };
  },
};

/** From 0 to below 1, as `Math.random`. */
export type Random = () => number;

/** Resolves after `delayMs`, or at once when the signal fires. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(delayMs, resolve);
  const stop = () => {
    timer.cancel();
    resolve();
  };
  signal?.addEventListener('abort', stop, { once: true });
  return promise.finally(() => signal?.removeEventListener('abort', stop));
}

/** `ms`, a share of it more or less at random: what starts together should not return together. */
export function jittered(ms: number, share: number, random: Random): number {
  return ms * (1 - share + 2 * share * random());
}
