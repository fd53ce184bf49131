import type { ActionOutcome, StalledMark } from '../partition/transaction.ts';
import type { Deadline } from './deadline.ts';
import type { Finisher } from './finisher.ts';
import type { TransactionCounts } from './metrics.ts';
import type { PartitionCalls, PartitionPlace } from './partition-calls.ts';
import type { Placement } from './placement.ts';
import { noReason, reasonOf } from './reasons.ts';
import type { CancellationReason, TransactionAction } from './requests.ts';

/** What all runs of a coordinator share. */
export interface RunParts {
  readonly calls: PartitionCalls;
  readonly finisher: Finisher;
  readonly counts: TransactionCounts;
  /** Told of each mark in the way whose coordinator may be gone. */
  readonly onStalled: (place: PartitionPlace, mark: StalledMark) => void;
}

/** One request on its way. */
export interface Run {
  /** 16 bytes: the token's, or random. */
  readonly id: Uint8Array;
  /** Random, of this request alone. */
  readonly runId: Uint8Array;
  readonly digest: Uint8Array;
  readonly hasToken: boolean;
  readonly actions: readonly TransactionAction[];
  readonly placement: Placement;
  readonly deadline: Deadline;
}

export type Accepted = Extract<ActionOutcome, { readonly kind: 'accepted' }>;

export type RunResult =
  /** One outcome an action, in their order. */
  | { readonly kind: 'committed'; readonly outcomes: readonly Accepted[] }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'refused'; readonly reasons: readonly CancellationReason[] };

/** Outcomes of actions, gathered from several partitions. */
export class Outcomes {
  readonly #actions: readonly TransactionAction[];
  readonly #all: (ActionOutcome | undefined)[];

  constructor(actions: readonly TransactionAction[]) {
    this.#actions = actions;
    this.#all = actions.map(() => undefined);
  }

  /** `outcomes`: one for each of `indexes`. */
  add(indexes: readonly number[], outcomes: readonly ActionOutcome[]): void {
    for (const [at, index] of indexes.entries()) this.#all[index] = outcomes[at];
  }

  /** All of them, if every action is accepted. */
  accepted(): readonly Accepted[] | undefined {
    const accepted = this.#all.filter((outcome) => outcome?.kind === 'accepted');
    return accepted.length === this.#all.length ? accepted : undefined;
  }

  /**
   * One an action; `none` of those nothing is known of.
   * @throws ClientFault that is no action's
   */
  reasons(): CancellationReason[] {
    return this.#actions.map((action, index) => {
      const outcome = this.#all[index];
      return outcome === undefined ? noReason : reasonOf(outcome, action);
    });
  }

  /** Marks of others that have been there for long. */
  *stalled(): Iterable<StalledMark> {
    for (const outcome of this.#all) {
      if (outcome?.kind === 'conflict' && outcome.stalled !== undefined) yield outcome.stalled;
    }
  }
}
