import type { Clock } from './clock.ts';

/**
 * A signal that fires when the caller's does, or when the time is up. Only for as long as it is
 * needed: `release` leaves nothing behind at the caller's signal, which may live as long as the process.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #parent: AbortSignal | undefined;
  readonly #reason: () => Error;
  readonly #onParent = () => this.#controller.abort(this.#parent?.reason);
  #timer: { cancel(): void };

  /** @param reason what the signal says when the time is up */
  constructor(
    clock: Clock,
    ms: number,
    { parent, reason }: { readonly parent: AbortSignal | undefined; readonly reason: () => Error },
  ) {
    this.#clock = clock;
    this.#parent = parent;
    this.#reason = reason;
    this.#timer = this.#start(ms);
    if (parent?.aborted === true) this.#onParent();
    parent?.addEventListener('abort', this.#onParent, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The time begins anew. */
  extend(ms: number): void {
    this.#timer.cancel();
    this.#timer = this.#start(ms);
  }

  release(): void {
    this.#timer.cancel();
    this.#parent?.removeEventListener('abort', this.#onParent);
  }

  #start(ms: number): { cancel(): void } {
    return this.#clock.after(ms, () => this.#controller.abort(this.#reason()));
  }
}
