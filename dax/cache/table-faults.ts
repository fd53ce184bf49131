import { ClientFault, type FaultType } from '../../dataplane/errors/client-fault.ts';
import { TableCallError } from '../tables/table-calls.ts';

const throttlingTypes: ReadonlySet<FaultType> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
]);

/** Refused for want of throughput alone: nothing was done, and nothing is known about the data. */
export function isThrottling(error: unknown): boolean {
  return error instanceof ClientFault && throttlingTypes.has(error.type);
}

/** What an error of a write call says about the items. */
export function effectOf(error: unknown): 'none' | 'doubtful' | 'uncertain' {
  if (error instanceof TableCallError) return error.isUncertain ? 'uncertain' : 'none';
  if (!(error instanceof ClientFault)) return 'uncertain';
  if (isThrottling(error)) return 'none';
  switch (error.type) {
    // It may have been done, or may still be.
    case 'InternalServerError':
    case 'TransactionInProgressException':
      return 'uncertain';
    // Nothing was done; but why may be news to the cache: a condition that does not hold, say.
    default:
      return 'doubtful';
  }
}

/** The table is not there, or not under this name. */
export function isTableAbsent(error: unknown): boolean {
  return error instanceof ClientFault && error.type === 'ResourceNotFoundException';
}
