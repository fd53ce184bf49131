import type { ConstraintFailure } from '../../errors/requests.ts';

/** Most failures that one ValidationException lists; the service stops looking there. */
export const FAILURES_COUNT_MAX = 10;

/** Gathers the violated constraints of one request, in order, up to the bound. */
export class ConstraintFailures {
  readonly #list: ConstraintFailure[] = [];

  get list(): readonly ConstraintFailure[] {
    return this.#list;
  }

  get isFull(): boolean {
    return this.#list.length >= FAILURES_COUNT_MAX;
  }

  add(failure: ConstraintFailure): void {
    if (!this.isFull) this.#list.push(failure);
  }
}
