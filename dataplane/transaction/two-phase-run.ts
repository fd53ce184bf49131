import { ClientFault } from '../errors/client-fault.ts';
import { transactionFaults } from '../errors/transactions.ts';
import type { Attempt, PrepareAnswer, PrepareCall } from '../partition/transaction.ts';
import { claim } from './claim.ts';
import { isGone } from './partition-calls.ts';
import { elementsAt, namedPlace, type Share } from './placement.ts';
import { reasonOfError } from './reasons.ts';
import { type Accepted, Outcomes, type Run, type RunParts, type RunResult } from './run.ts';

/** Times that a run begins anew, after its attempt was aborted by somebody who thought it dead. */
const ATTEMPTS_MAX = 3;

/** What a participant has said; an error: it may or may not have marked its items. */
type Prepared =
  | { readonly share: Share; readonly answer: PrepareAnswer }
  | { readonly share: Share; readonly error: unknown };

/**
 * A transaction over several partitions: prepared at each, decided in the ledger, finished at each.
 * Of its attempts only this run ever decides one, so what this run did not decide is not committed.
 */
export class TwoPhaseRun {
  readonly #parts: RunParts;
  readonly #run: Run;
  /** Number of the attempt that is this run's; undefined before it has claimed one. */
  #attempt: number | undefined;

  /** @param attempt - if the ledger has given this run one already */
  constructor(parts: RunParts, run: Run, attempt: number | undefined) {
    this.#parts = parts;
    this.#run = run;
    this.#attempt = attempt;
  }

  /** @throws ClientFault; StoreError; the deadline's fault */
  async result(): Promise<RunResult> {
    for (let tries = 0; tries < ATTEMPTS_MAX; tries++) {
      const result = await this.#try();
      if (result !== 'overtaken') return result;
      this.#parts.counts.retries += 1;
      this.#attempt = undefined;
    }
    throw transactionFaults.inProgress();
  }

  async #try(): Promise<RunResult | 'overtaken'> {
    const begun = await this.#begin();
    if ('kind' in begun) return begun;
    const { attempt, prepared } = begun;
    const outcomes = new Outcomes(this.#run.actions);
    for (const each of prepared) {
      if ('answer' in each) outcomes.add(each.share.indexes, each.answer.outcomes);
    }
    const accepted = outcomes.accepted();
    if (accepted === undefined) {
      await this.#abort(attempt, prepared);
      return { kind: 'refused', reasons: this.#reasons(prepared, outcomes) };
    }
    try {
      return await this.#commit(attempt, prepared, accepted);
    } catch (error) {
      // It may be committed; that a table is gone would say that nothing was done.
      throw isGone(error) ? transactionFaults.fateUnknown() : error;
    }
  }

  /** Claims the transaction and marks its items. */
  async #begin(): Promise<
    { attempt: Attempt; prepared: readonly Prepared[] } | { readonly kind: 'repeated' }
  > {
    const { id, hasToken } = this.#run;
    if (this.#attempt === undefined && !hasToken) return this.#beginNew();
    if (this.#attempt === undefined) {
      const claimed = await claim(this.#parts, this.#run);
      if (claimed.kind === 'repeated') return claimed;
      this.#attempt = claimed.attempt;
    }
    const attempt = { id, number: this.#attempt };
    return { attempt, prepared: await this.#prepare(attempt) };
  }

  /**
   * A new id, which nobody else has: the attempt is the first, so items are marked while the ledger
   * is asked. With a token this would mark them for an attempt that may be another run's, perhaps of
   * another request.
   */
  async #beginNew(): Promise<
    { attempt: Attempt; prepared: readonly Prepared[] } | { readonly kind: 'repeated' }
  > {
    const first = { id: this.#run.id, number: 1 };
    const [claimed, prepared] = await Promise.allSettled([
      claim(this.#parts, this.#run),
      this.#prepare(first),
    ]);
    if (prepared.status === 'rejected') throw prepared.reason;
    if (claimed.status === 'rejected') {
      await this.#abort(first, prepared.value);
      throw claimed.reason;
    }
    if (claimed.value.kind === 'repeated') return claimed.value;
    this.#attempt = claimed.value.attempt;
    if (this.#attempt === 1) return { attempt: first, prepared: prepared.value };
    // Somebody has found a mark before the claim was there, and aborted the attempt.
    await this.#drop(first, prepared.value);
    const attempt = { id: this.#run.id, number: this.#attempt };
    return { attempt, prepared: await this.#prepare(attempt) };
  }

  /** Never rejects. */
  #prepare(attempt: Attempt): Promise<readonly Prepared[]> {
    const { placement, actions, deadline } = this.#run;
    const { calls, onStalled } = this.#parts;
    const ledger = namedPlace(placement.ledger);
    return Promise.all(
      placement.shares.map(async (share): Promise<Prepared> => {
        const commands = elementsAt(actions, share.indexes).map(({ command }) => command);
        const call: PrepareCall = {
          kind: 'prepare',
          attempt,
          ledger,
          commands,
          exhaustedIndexes: [],
        };
        try {
          const answer = await calls.once(share, call, deadline);
          for (const outcome of answer.outcomes) {
            if (outcome.kind !== 'conflict' || outcome.stalled === undefined) continue;
            onStalled(share, outcome.stalled);
          }
          return { share, answer };
        } catch (error) {
          return { share, error };
        }
      }),
    );
  }

  async #commit(
    attempt: Attempt,
    prepared: readonly Prepared[],
    accepted: readonly Accepted[],
  ): Promise<RunResult | 'overtaken'> {
    const { calls, finisher } = this.#parts;
    const { placement, deadline } = this.#run;
    const participants = placement.shares.map(namedPlace);
    const least = prepared.map((each) => ('answer' in each ? each.answer.timestampMin : 0));
    const timestamp = Math.max(...least);
    const outcome = await calls.untilDone(
      placement.ledger,
      { kind: 'decide', attempt, outcome: { kind: 'commit', timestamp, participants } },
      deadline,
    );
    if (outcome.kind === 'aborted') {
      await this.#drop(attempt, prepared);
      return 'overtaken';
    }
    const committed = { attempt, timestamp: outcome.timestamp };
    await finisher.commitEverywhere(committed, participants, deadline);
    finisher.forgetSoon(placement.ledger, committed);
    return { kind: 'committed', outcomes: accepted };
  }

  /** As far as it can be done in time; what is left is found by recovery and aborted, too. */
  async #abort(attempt: Attempt, prepared: readonly Prepared[]): Promise<void> {
    const { calls } = this.#parts;
    const { placement, deadline } = this.#run;
    const call = { kind: 'decide', attempt, outcome: { kind: 'abort' } } as const;
    await Promise.allSettled([
      calls.untilDone(placement.ledger, call, deadline),
      this.#drop(attempt, prepared),
    ]);
  }

  /** Drops the marks of an attempt that is not committed. */
  async #drop(attempt: Attempt, prepared: readonly Prepared[]): Promise<void> {
    const { finisher } = this.#parts;
    const { deadline } = this.#run;
    const outcome = { kind: 'abort' } as const;
    const marked = prepared.filter((each) => !isRefused(each));
    await Promise.allSettled(
      marked.map(({ share }) => finisher.finish(share, { attempt, outcome }, deadline)),
    );
  }

  /**
   * @throws why a participant did not answer, if none of the actions is in the way; a fault that is
   *   no action's
   */
  #reasons(prepared: readonly Prepared[], outcomes: Outcomes) {
    const reasons = outcomes.reasons();
    let unexplained: unknown;
    for (const each of prepared) {
      if (!('error' in each)) continue;
      const reason = reasonOfError(each.error);
      if (reason === undefined) unexplained ??= each.error;
      else for (const index of each.share.indexes) reasons[index] = reason;
    }
    const isExplained = reasons.some(({ kind }) => kind !== 'none');
    if (unexplained !== undefined && !isExplained) throw notDoneBecause(unexplained);
    return reasons;
  }
}

/** It has said that it marked nothing. */
function isRefused(prepared: Prepared): boolean {
  if ('answer' in prepared) {
    return prepared.answer.outcomes.some(({ kind }) => kind !== 'accepted');
  }
  return reasonOfError(prepared.error) !== undefined;
}

/** This run has decided nothing, so what became of it is known, whatever a participant says. */
function notDoneBecause(error: unknown): unknown {
  const isUnknown = error instanceof ClientFault && error.type === 'InternalServerError';
  return isUnknown ? transactionFaults.notDone() : error;
}
