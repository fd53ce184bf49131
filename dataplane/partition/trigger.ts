/**
 * A trigger of a table: where its change records are posted to, and how. Plain data, as descriptors
 * and configurations keep it; secrets are named, never held.
 *
 * @see reference/operator.md §2.1 (`triggers`); AWS Lambda, parameters of DynamoDB event source mappings
 */
export interface TriggerSchema {
  readonly name: string;
  /** When it was made, ms since 1970: one that was removed and made again begins anew. */
  readonly id: number;
  readonly target: TriggerTarget;
  /** A trigger that is not enabled keeps its place. */
  readonly enabled: boolean;
  /** Records of one event: 1 to 10,000. */
  readonly batchSize: number;
  /** How long a batch that is not full waits for more records: 0 to 300. */
  readonly maximumBatchingWindowSeconds: number;
  /** Where a partition begins that does not know the trigger yet. */
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST';
  /** Events of one partition that are under way at once, each with other partition keys: 1 to 10. */
  readonly parallelizationFactor: number;
  /** Tries after the first, up to 10,000; -1: without end. */
  readonly maximumRetryAttempts: number;
  /** Older records are given up, up to 604,800; -1: only those that the stream has lost. */
  readonly maximumRecordAgeSeconds: number;
  /** A batch that fails is halved before it is tried again. */
  readonly bisectBatchOnFunctionError: boolean;
  /** The target may say which records of a batch have failed. */
  readonly reportBatchItemFailures: boolean;
  /** JSON of event filter patterns, 5 at most: a record is sent if one matches, or there is none. */
  readonly filterPatterns: readonly string[];
  /** How long the target may take for an event: 1 to 900. */
  readonly timeoutSeconds: number;
  /** Told of records that are given up; undefined: they are logged and counted alone. */
  readonly deadLetter: TriggerTarget | undefined;
}

/** A trigger as it is asked for: it gets its `id` when it is made. */
export type TriggerSpecification = Omit<TriggerSchema, 'id'>;

/** An HTTP(S) address. */
export interface TriggerTarget {
  readonly url: string;
  /** PEM file with the authorities that vouch for it, instead of the system's. */
  readonly caBundle: string | undefined;
  readonly auth: TriggerAuth | undefined;
}

export interface TriggerAuth {
  /** HMAC: signs the body and its time. BEARER: sends the secret as a token. */
  readonly scheme: 'HMAC' | 'BEARER';
  /** File that holds the secret. */
  readonly secret: string;
}
