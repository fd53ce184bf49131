/** Pauses between tries: 100 ms at first, doubling up to 5 s. */
export class Backoff {
  #ms = BACKOFF_MS_MIN;

  nextMs(): number {
    const ms = this.#ms;
    this.#ms = Math.min(2 * ms, BACKOFF_MS_MAX);
    return ms;
  }
}

const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 5_000;

/** Runs at most so many pieces of work at once; the others wait in order. */
export class WorkLimit {
  readonly #countMax: number;
  readonly #waiting: (() => void)[] = [];
  #count = 0;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    while (this.#count >= this.#countMax) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
    this.#count += 1;
    try {
      return await work();
    } finally {
      this.#count -= 1;
      this.#waiting.shift()?.();
    }
  }
}

/**
 * What the promise gives, unless the signal fires first; the promise is then left to itself.
 * @throws the signal's reason
 */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {}); // Nobody is told any more.
    throw signal.reason;
  }
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
