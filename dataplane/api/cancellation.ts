import { itemFaults } from '../errors/items.ts';
import { partiqlFaults } from '../errors/partiql.ts';
import { transactionFaults } from '../errors/transactions.ts';
import type { CancellationReason } from '../transaction/requests.ts';

/** One element of `CancellationReasons`. */
interface WireReason {
  readonly Code: string;
  readonly Message?: string | undefined;
  readonly Item?: unknown;
}

/** TransactionCanceledException with a reason for each action, in their order. */
export function transactionCanceled(reasons: readonly CancellationReason[]) {
  return transactionFaults.canceled(reasons.map(wireReason));
}

function wireReason(reason: CancellationReason): WireReason {
  switch (reason.kind) {
    case 'none':
      return { Code: 'None' };
    case 'conditionFailed':
      return {
        Code: 'ConditionalCheckFailed',
        Message: itemFaults.conditionFailed().message,
        ...itemMember(reason.item),
      };
    case 'duplicateItem':
      return {
        Code: 'DuplicateItem',
        Message: partiqlFaults.duplicateItem().message,
        ...itemMember(reason.item),
      };
    case 'conflict':
      return { Code: 'TransactionConflict', Message: transactionFaults.conflict().message };
    case 'throttled':
      return { Code: 'ThrottlingError', Message: reason.message };
    case 'provisionedThroughput':
      return { Code: 'ProvisionedThroughputExceeded', Message: reason.message };
    case 'itemCollectionSize':
      return { Code: 'ItemCollectionSizeLimitExceeded', Message: reason.message };
    case 'validation':
      return { Code: 'ValidationError', Message: reason.message };
  }
}

function itemMember(json: Uint8Array | undefined): Pick<WireReason, 'Item'> {
  if (json === undefined) return {};
  const item: unknown = JSON.parse(Buffer.from(json).toString('utf8'));
  return { Item: item };
}
