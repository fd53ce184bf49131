import { ClientFault, type FaultType } from '../errors/client-fault.ts';

const throttlingTypes: ReadonlySet<FaultType> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
]);

/** Whether a part of a batch failed for want of throughput: the client is to send it again. */
export function isThrottling(thrown: unknown): thrown is ClientFault {
  return thrown instanceof ClientFault && throttlingTypes.has(thrown.type);
}

/** Whether a part of a batch met a transaction that is under way: the client is to send it again. */
export function isConflict(thrown: unknown): thrown is ClientFault {
  return thrown instanceof ClientFault && thrown.type === 'TransactionConflictException';
}
