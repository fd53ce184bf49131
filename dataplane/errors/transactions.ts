import { ClientFault, validationFault } from './client-fault.ts';

/**
 * Faults of transactions. Texts: reference/dynamodb.md section 4 and the service model; newer captures
 * (October 2026) in nubo-db/dynamodb-conformance. Texts of our own are marked `Differs:`.
 */
export const transactionFaults = {
  /** `reasons`: one an action, in their order, as the wire shows them. */
  canceled: (reasons: readonly { readonly Code: string }[]) =>
    new ClientFault(
      'TransactionCanceledException',
      'Transaction cancelled, please refer cancellation reasons for specific reasons ' +
        `[${reasons.map(({ Code }) => Code).join(', ')}]`,
      { CancellationReasons: reasons },
    ),
  /** Of a single write. */
  conflict: () =>
    new ClientFault('TransactionConflictException', 'Transaction is ongoing for the item'),
  inProgress: () =>
    new ClientFault(
      'TransactionInProgressException',
      'The transaction with the given request token is already in progress.',
    ),
  /** Differs: the service's text is not known; this is the model's documentation. */
  tokenMismatch: () =>
    new ClientFault(
      'IdempotentParameterMismatchException',
      'DynamoDB rejected the request because you retried a request with a different payload but ' +
        'with an idempotent token that was already used.',
    ),
  /** Differs: our own. Status 500. */
  fateUnknown: () =>
    new ClientFault(
      'InternalServerError',
      'It is not known whether the transaction was done; repeat it with the same token to find out.',
    ),
  /** Differs: our own. Status 500; nothing was done. */
  notDone: () =>
    new ClientFault('InternalServerError', 'The transaction could not be done in time; try again.'),
  severalOnOneItem: () =>
    validationFault('Transaction request cannot include multiple operations on one item'),
  /** An element with several of its members. */
  severalActions: () =>
    validationFault('TransactItems can only contain one of Check, Put, Update or Delete'),
  /** An element with none. */
  noAction: () =>
    validationFault(
      'Invalid Request: TransactWriteRequest should contain Delete or Put or Update request',
    ),
  /**
   * Of what a transaction brings along or reads. The doubled text is the service's: a public client's
   * test quotes it, scylladb/scylladb test_transact.py has a part of it.
   */
  tooLarge: (bytes: number) => {
    const text = 'Transaction payload size cannot exceed 4MB. Payload Size: ';
    return validationFault(`${text}: ${text}${bytes}`);
  },
} as const;
