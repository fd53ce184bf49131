import type { Clock } from './clock.ts';

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * Lets through at most `burst` at once and `perSecond` in the long run; others wait in the order they
 * came. Protects the API server from a client that has too much to do.
 */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #rate: Rate;
  readonly #waiting = new Set<() => void>();
  #tokens: number;
  #filledMs: number;
  #timer: { cancel(): void } | undefined;

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#filledMs = clock.monotonicMs();
  }

  /** Resolves when it is this caller's turn. @throws the signal's reason when it fires before */
  async take(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#fill();
    if (this.#waiting.size === 0 && this.#tokens >= 1) {
      this.#tokens -= 1;
      return;
    }
    await this.#turn(signal);
    signal?.throwIfAborted();
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const leave = () => {
      this.#waiting.delete(resolve);
      resolve();
    };
    this.#waiting.add(resolve);
    signal?.addEventListener('abort', leave, { once: true });
    this.#wake();
    return promise.finally(() => signal?.removeEventListener('abort', leave));
  }

  #fill(): void {
    const nowMs = this.#clock.monotonicMs();
    const gained = ((nowMs - this.#filledMs) / 1000) * this.#rate.perSecond;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + gained);
    this.#filledMs = nowMs;
  }

  #wake(): void {
    if (this.#timer !== undefined || this.#waiting.size === 0) return;
    // A whole ms later than exact: a timer that fires a fraction early would find no token.
    const waitMs = Math.ceil(((1 - this.#tokens) / this.#rate.perSecond) * 1000);
    this.#timer = this.#clock.after(Math.max(1, waitMs), () => {
      this.#timer = undefined;
      this.#serve();
      this.#wake();
    });
  }

  #serve(): void {
    this.#fill();
    for (const resolve of this.#waiting) {
      if (this.#tokens < 1) return;
      this.#tokens -= 1;
      this.#waiting.delete(resolve);
      resolve();
    }
  }
}
