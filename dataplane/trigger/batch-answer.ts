import type { EventRecord } from './event-record.ts';

/** What came of posting an event. */
export type PostResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** Undefined: it is too large to be read. */
      readonly body: Buffer | undefined;
    }
  /** No answer, or none that can be taken: a timeout, a refused connection, a certificate. */
  | { readonly kind: 'failed'; readonly reason: string };

/** What it means for the batch. */
export type BatchOutcome =
  | { readonly kind: 'success' }
  /** Records from this sequence on are to be sent again. */
  | { readonly kind: 'partial'; readonly fromSequence: number; readonly status: number }
  | { readonly kind: 'failure'; readonly reason: string; readonly status: number | undefined };

/**
 * @param reportsItemFailures - whether the answer may name records that have failed: then those before
 *   the first of them are done. An empty answer, list or object is success; one that cannot be
 *   read, or names what was not sent, means that the whole batch has failed.
 * @see AWS Lambda, "Configuring partial batch response with DynamoDB and Lambda"
 */
export function outcomeOf(
  result: PostResult,
  records: readonly EventRecord[],
  reportsItemFailures: boolean,
): BatchOutcome {
  if (result.kind === 'failed') {
    return { kind: 'failure', reason: result.reason, status: undefined };
  }
  const { status, body } = result;
  const failed = (reason: string): BatchOutcome => ({ kind: 'failure', reason, status });
  if (status < 200 || status > 299) return failed(`the target answered ${status}`);
  if (!reportsItemFailures) return { kind: 'success' };
  if (body === undefined) return failed('the answer is too large');
  const identifiers = failedIdentifiers(body);
  if (identifiers === undefined) return failed('the answer is no list of batchItemFailures');
  if (identifiers.length === 0) return { kind: 'success' };
  const sequences = new Map(records.map((record) => [record.sequenceNumber, record.sequence]));
  let fromSequence = Number.POSITIVE_INFINITY;
  for (const identifier of identifiers) {
    const sequence = sequences.get(identifier);
    if (sequence === undefined) return failed('batchItemFailures names a record that was not sent');
    fromSequence = Math.min(fromSequence, sequence);
  }
  return fromSequence === records[0]?.sequence
    ? failed('the first record has failed')
    : { kind: 'partial', fromSequence, status };
}

/** Undefined for what is no answer; what is no identifier becomes an empty text. */
function failedIdentifiers(body: Buffer): readonly string[] | undefined {
  const text = body.toString('utf8').trim();
  if (text === '') return [];
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
  if (answer === null) return [];
  if (typeof answer !== 'object' || Array.isArray(answer)) return undefined;
  const failures: unknown = 'batchItemFailures' in answer ? answer.batchItemFailures : null;
  if (failures === null) return [];
  return Array.isArray(failures) ? failures.map(identifierOf) : undefined;
}

function identifierOf(failure: unknown): string {
  const hasIdentifier =
    typeof failure === 'object' && failure !== null && 'itemIdentifier' in failure;
  const identifier = hasIdentifier ? failure.itemIdentifier : undefined;
  return typeof identifier === 'string' ? identifier : '';
}
