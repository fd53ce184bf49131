import { transactionFaults } from '../errors/transactions.ts';
import type { ClaimCall } from '../partition/transaction.ts';
import type { Run, RunParts } from './run.ts';

export type Claimed =
  /** This run may go on, as this attempt. */
  | { readonly kind: 'claimed'; readonly attempt: number }
  /** It was done before, and has finished everywhere now. */
  | { readonly kind: 'repeated' };

/**
 * Makes the transaction this run's own.
 * @throws ClientFault TransactionInProgressException, IdempotentParameterMismatchException;
 *   the deadline's fault
 */
export async function claim({ calls, finisher }: RunParts, run: Run): Promise<Claimed> {
  const { id, digest, runId, deadline, placement } = run;
  const call: ClaimCall = { kind: 'claim', id, digest, runId };
  const answer = await calls.once(placement.ledger, call, deadline);
  switch (answer.kind) {
    case 'claimed':
      return answer;
    case 'inProgress':
      throw transactionFaults.inProgress();
    case 'mismatch':
      throw transactionFaults.tokenMismatch();
    case 'committed': {
      const { timestamp, participants } = answer;
      const committed = { attempt: { id, number: answer.attempt }, timestamp };
      // The run that committed it may have died before all had finished; the answer says it is done.
      await finisher.commitEverywhere(committed, participants, deadline);
      if (participants.length > 0) finisher.forgetSoon(placement.ledger, committed);
      return { kind: 'repeated' };
    }
  }
}
