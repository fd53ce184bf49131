import type { ConstraintFailure } from '../../errors/requests.ts';

/** Most failures that one ValidationException lists; the service stops looking there. */
export const FAILURES_COUNT_MAX = 10;

/** Gathers the violated constraints of one request, in order, up to the bound. */
export class ConstraintFailures {
  #list: ConstraintFailure[] = [];
  #isFinal = false;

  get list(): readonly ConstraintFailure[] {
    return this.#list;
  }

  get isFull(): boolean {
    return this.#isFinal || this.#list.length >= FAILURES_COUNT_MAX;
  }

  add(failure: ConstraintFailure): void {
    if (!this.isFull) this.#list.push(failure);
  }

  /** Reports these failures alone and no others: the service looks no further than a bad table name. */
  replaceAll(failures: readonly ConstraintFailure[]): void {
    if (this.#isFinal) return;
    this.#list = failures.slice(0, FAILURES_COUNT_MAX);
    this.#isFinal = true;
  }
}
