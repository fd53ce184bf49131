import { ClientFault } from '../errors/client-fault.ts';
import type { ActionOutcome } from '../partition/transaction.ts';
import type { CancellationReason, TransactionAction } from './requests.ts';

export const noReason: CancellationReason = { kind: 'none' };
export const conflictReason: CancellationReason = { kind: 'conflict' };

/**
 * What an action's outcome says of the whole.
 * @throws ClientFault for a fault that is no reason of one action
 */
export function reasonOf(
  outcome: ActionOutcome,
  { returnsItemOnFailure }: Pick<TransactionAction, 'returnsItemOnFailure'>,
): CancellationReason {
  switch (outcome.kind) {
    case 'accepted':
      return noReason;
    case 'conflict':
      return conflictReason;
    case 'conditionFailed':
      return { kind: 'conditionFailed', item: returnsItemOnFailure ? outcome.before : undefined };
    case 'fault': {
      const reason = reasonOfFault(outcome.fault);
      if (reason === undefined) throw outcome.fault;
      return reason;
    }
  }
}

/** Undefined for a fault that is of the request as a whole. */
export function reasonOfFault({ type, message = '' }: ClientFault): CancellationReason | undefined {
  switch (type) {
    case 'ValidationException':
      return { kind: 'validation', message };
    case 'ItemCollectionSizeLimitExceededException':
      return { kind: 'itemCollectionSize', message };
    case 'ProvisionedThroughputExceededException':
      return { kind: 'provisionedThroughput', message };
    case 'ThrottlingException':
    case 'RequestLimitExceeded':
      return { kind: 'throttled', message };
    case 'TransactionConflictException':
      return conflictReason;
    default:
      return undefined;
  }
}

/** Why a partition refused all of its part, if that can be said of each action. */
export function reasonOfError(error: unknown): CancellationReason | undefined {
  return error instanceof ClientFault ? reasonOfFault(error) : undefined;
}
