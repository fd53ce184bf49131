import { transactionFaults } from '../errors/transactions.ts';
import type { Attempt, ExecuteCall } from '../partition/transaction.ts';
import { claim } from './claim.ts';
import { areSamePlace, type Share } from './placement.ts';
import { reasonOfError } from './reasons.ts';
import { Outcomes, type Run, type RunParts, type RunResult } from './run.ts';

/** Too large for one entry of the log: it has to take the long way. */
export interface TooLarge {
  readonly kind: 'tooLarge';
  /** The attempt that the ledger has given already. */
  readonly attempt: number | undefined;
}

/**
 * A transaction whose items are in one partition: one entry of its log. If its ledger is elsewhere,
 * it is claimed there first, so that the token means one thing for all partitions; what was done is
 * recorded with the items.
 * @throws ClientFault; StoreError; the deadline's fault
 */
export async function runInOnePartition(
  parts: RunParts,
  run: Run,
  share: Share,
): Promise<RunResult | TooLarge> {
  const { placement } = run;
  if (areSamePlace(placement.ledger, share)) {
    const result = await execute(parts, run, share);
    return result === 'tooLarge' ? { kind: 'tooLarge', attempt: undefined } : result;
  }
  const claimed = await claim(parts, run);
  if (claimed.kind === 'repeated') return claimed;
  const attempt = { id: run.id, number: claimed.attempt };
  try {
    const result = await execute(parts, run, share);
    if (result === 'tooLarge') return { kind: 'tooLarge', attempt: claimed.attempt };
    // With no participants: the ledger has nothing to see to.
    if (result.kind !== 'refused')
      parts.finisher.forgetSoon(placement.ledger, { attempt, timestamp: 0 });
    else await release(parts, run, attempt);
    return result;
  } catch (error) {
    if (isMismatch(error)) await release(parts, run, attempt);
    throw error;
  }
}

async function execute(
  { calls, onStalled }: RunParts,
  { id, digest, runId, actions, deadline }: Run,
  share: Share,
): Promise<RunResult | 'tooLarge'> {
  const commands = actions.map(({ command }) => command);
  const call: ExecuteCall = { kind: 'execute', id, digest, runId, commands, exhaustedIndexes: [] };
  const outcomes = new Outcomes(actions);
  try {
    const answer = await calls.once(share, call, deadline);
    switch (answer.kind) {
      case 'repeated':
      case 'tooLarge':
        return answer.kind === 'repeated' ? answer : answer.kind;
      case 'mismatch':
        throw transactionFaults.tokenMismatch();
      case 'inProgress':
        throw transactionFaults.inProgress();
      case 'done':
      case 'refused':
        outcomes.add(share.indexes, answer.outcomes);
    }
  } catch (error) {
    // Refused as a whole, for want of throughput: nothing was done.
    const reason = reasonOfError(error);
    if (reason === undefined) throw error;
    return { kind: 'refused', reasons: actions.map(() => reason) };
  }
  for (const mark of outcomes.stalled()) onStalled(share, mark);
  const accepted = outcomes.accepted();
  return accepted === undefined
    ? { kind: 'refused', reasons: outcomes.reasons() }
    : { kind: 'committed', outcomes: accepted };
}

/** Lets the next request with the token begin at once. It is only a delay if this fails. */
async function release({ calls }: RunParts, run: Run, attempt: Attempt): Promise<void> {
  const call = { kind: 'decide', attempt, outcome: { kind: 'abort' } } as const;
  await calls.once(run.placement.ledger, call, run.deadline).catch(() => undefined);
}

function isMismatch(error: unknown): boolean {
  const { type } = transactionFaults.tokenMismatch();
  return typeof error === 'object' && error !== null && 'type' in error && error.type === type;
}
