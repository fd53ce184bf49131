import { CallFailed } from '../routing/call-failure.ts';
import { type Forwarder, repeatable } from '../routing/forwarder.ts';

/** A call of a table, and whether the forwarder says for certain that it was not carried out. */
export interface WatchedCall<T> {
  readonly result: Promise<T>;
  readonly isCertain: () => boolean;
}

/**
 * Finds out what a router knows of a call that failed. Clients are told `InternalServerError` either
 * way, but for the checker one that was certainly not carried out is worth much more.
 */
export class CallOutcomes {
  static readonly #all = new WeakMap<Forwarder, CallOutcomes>();
  #current: { failure: unknown } | undefined;

  static of(forwarder: Forwarder): CallOutcomes {
    let outcomes = CallOutcomes.#all.get(forwarder);
    if (outcomes === undefined) {
      outcomes = new CallOutcomes(forwarder);
      CallOutcomes.#all.set(forwarder, outcomes);
    }
    return outcomes;
  }

  private constructor(forwarder: Forwarder) {
    for (const name of ['callLeader', 'callNearest'] as const) {
      const original: Forwarder['callLeader'] = forwarder[name].bind(forwarder);
      forwarder[name] = (partition, method, body, options = repeatable) => {
        // A table calls the forwarder before it waits for anything.
        const noted = this.#current;
        const result = original(partition, method, body, options);
        if (noted !== undefined) {
          result.catch((error: unknown) => {
            noted.failure = error;
          });
        }
        return result;
      };
    }
  }

  watch<T>(perform: () => Promise<T>): WatchedCall<T> {
    const noted: { failure: unknown } = { failure: undefined };
    this.#current = noted;
    const result = perform();
    this.#current = undefined;
    return {
      result,
      isCertain: () => noted.failure instanceof CallFailed && certain.has(noted.failure.code),
    };
  }
}

const certain: ReadonlySet<string> = new Set(['unavailable', 'overloaded', 'noPartition']);
