import type { Operation, Outcome, RegisterValue } from '../../dataplane/simulation/history.ts';
import type { SimRandom } from '../../dataplane/simulation/random.ts';

export interface WorkloadOptions {
  /** Of those that are written to at the same time. */
  readonly keysCount: number;
  /** Then other keys take over: so every item's history stays short enough to be searched. */
  readonly epochMs: number;
  /** Makes written values unique. */
  readonly client: string;
}

/** How often each kind of operation is chosen, for items that hold a text and for counters. */
const TEXT_WEIGHTS = { get: 30, getEventual: 10, put: 30, putIf: 22, delete: 8 } as const;
const COUNTER_WEIGHTS = { get: 25, getEventual: 10, add: 60, delete: 5 } as const;
/** Every so many operations look at an item that is not written to any more. */
const OLD_KEY_PART = 0.03;
const COUNTERS_PART = 0.4;

/** Draws the operations of one client. */
export class Workload {
  readonly #random: SimRandom;
  readonly #options: WorkloadOptions;
  /** What this client last knew of the keys of this epoch, for conditions that may hold. */
  #known = new Map<string, RegisterValue>();
  #epoch = 0;
  #values = 0;

  constructor(random: SimRandom, options: WorkloadOptions) {
    this.#random = random;
    this.#options = options;
  }

  next(atMs: number): { readonly key: string; readonly operation: Operation } {
    const epoch = Math.floor(atMs / this.#options.epochMs);
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#known = new Map();
    }
    const index = this.#random.int(this.#options.keysCount);
    if (epoch > 0 && this.#random.chance(OLD_KEY_PART)) {
      const kind = this.#random.chance(0.7) ? 'get' : 'getEventual';
      return { key: this.#key(this.#random.int(epoch), index), operation: { kind } };
    }
    const key = this.#key(epoch, index);
    const isCounter = index < this.#options.keysCount * COUNTERS_PART;
    return { key, operation: isCounter ? this.#counterOperation() : this.#textOperation(key) };
  }

  /** Learns from an answer. */
  learn(key: string, operation: Operation, outcome: Outcome): void {
    if (outcome.kind === 'conditionFailed') {
      if (outcome.old !== undefined) this.#known.set(key, outcome.old.value);
      return;
    }
    if (outcome.kind !== 'ok') return;
    switch (operation.kind) {
      case 'put':
      case 'putIf':
        this.#known.set(key, operation.value);
        break;
      case 'delete':
        this.#known.delete(key);
        break;
      default:
        this.#known.set(key, outcome.value);
    }
  }

  #key(epoch: number, index: number): string {
    return `epoch-${epoch}-item-${index}`;
  }

  #textOperation(key: string): Operation {
    const kind = this.#random.weighted<keyof typeof TEXT_WEIGHTS>(TEXT_WEIGHTS);
    switch (kind) {
      case 'put':
        return { kind, value: this.#newValue() };
      case 'putIf':
        return { kind, expected: this.#known.get(key), value: this.#newValue() };
      default:
        return { kind };
    }
  }

  /** Always by one: equal operations of unknown outcome are one choice to the checker, not many. */
  #counterOperation(): Operation {
    const kind = this.#random.weighted<keyof typeof COUNTER_WEIGHTS>(COUNTER_WEIGHTS);
    return kind === 'add' ? { kind, by: 1 } : { kind };
  }

  #newValue(): string {
    this.#values += 1;
    return `${this.#options.client}-${this.#values}`;
  }
}
