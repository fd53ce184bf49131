/**
 * Lets one through in a while: for what is to be done now and then for each of many objects, and can wait,
 * so that a thousand of them ask no more of the API server than ten.
 */
export class Pace {
  readonly #nowMs: () => number;
  readonly #everyMs: number;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: () => number, everyMs: number) {
    this.#nowMs = nowMs;
    this.#everyMs = everyMs;
  }

  /** Whether it is the caller's turn, which it then has had. A clock that was set back holds nobody up. */
  take(): boolean {
    const nowMs = this.#nowMs();
    if (Math.abs(nowMs - this.#lastMs) < this.#everyMs) return false;
    this.#lastMs = nowMs;
    return true;
  }
}
