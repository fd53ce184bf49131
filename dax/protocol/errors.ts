import { MAJOR } from './cbor-head.ts';
import { type ByteContent, CborWriter } from './cbor-writer.ts';

/** What went wrong, for an error reply (reference/dax-protocol.md section 13). */
export interface ReplyFault {
  /** DynamoDB's short exception name, e.g. `ValidationException`. */
  readonly type: string;
  readonly message: string | undefined;
  /** HTTP status that DynamoDB gives it. */
  readonly status: number;
  /** A write that may or may not have been done. */
  readonly isUncertain?: boolean;
  /** Of TransactionCanceledException: one for each item of the request, in order. */
  readonly cancellationReasons?: readonly CancellationReason[] | undefined;
}

/** Why an item made a transaction fail; also given for those that did not. */
export interface CancellationReason {
  /** `None`, `ConditionalCheckFailed`, ... */
  readonly code: string;
  readonly message: string | undefined;
  /** The old item's values without the key (`encodeItemValues`), if they were asked for. */
  readonly values: ByteContent | undefined;
}

/**
 * The code sequence of a fault: the end of section 13.
 *
 * `MissingAuthenticationTokenException` is for connections that never authorised or whose authorisation
 * has run out: clients sign again and retry by themselves. After `UnrecognizedClientException` and its
 * like they do not.
 */
export function codesOf({ type, status, isUncertain }: ReplyFault): readonly number[] {
  if (isUncertain === true) return UNCERTAIN_CODES;
  const codes = codesByType.get(type);
  if (codes !== undefined) return codes;
  return status >= 500 ? NODE_FAILURE_CODES : UNKNOWN_CODES;
}

/** The whole reply: codes, message, and always the info array with the true error code and status. */
export function errorReply(fault: ReplyFault, requestId: string): Buffer {
  const { cancellationReasons } = fault;
  const writer = new CborWriter();
  const codes = codesOf(fault);
  writer.head(MAJOR.array, codes.length);
  for (const code of codes) writer.integer(code);
  writer.text(fault.message ?? fault.type);
  writer.head(MAJOR.array, cancellationReasons === undefined ? 3 : 4);
  writer.text(requestId);
  writer.text(fault.type);
  writer.integer(fault.status);
  if (cancellationReasons !== undefined) writeReasons(writer, cancellationReasons);
  return writer.finish();
}

/**
 * The reply to requests on a connection without authorisation. `MissingAuthenticationTokenException`:
 * never authorised, or run out. `UnrecognizedClientException`: the key or the signature is wrong.
 */
export function authenticationReply(
  failure: {
    readonly type: 'MissingAuthenticationTokenException' | 'UnrecognizedClientException';
    readonly message: string;
  },
  requestId: string,
): Buffer {
  return errorReply({ ...failure, status: 400 }, requestId);
}

/** What the table store says of a request: 4.37.38.39 and a code of its own. */
function storeCodes(code: number): readonly number[] {
  return [4, 37, 38, 39, code];
}

const SIGN_AGAIN_CODES = [4, 23, 31, 33] as const;
const REFUSED_CODES = [4, 23, 31, 32] as const;

const codesByType: ReadonlyMap<string, readonly number[]> = new Map<string, readonly number[]>([
  ['ProvisionedThroughputExceededException', storeCodes(40)],
  ['ResourceNotFoundException', storeCodes(41)],
  ['ConditionalCheckFailedException', storeCodes(43)],
  ['ResourceInUseException', storeCodes(45)],
  ['ValidationException', storeCodes(46)],
  ['SerializationException', storeCodes(46)],
  ['InternalServerError', storeCodes(47)],
  ['ItemCollectionSizeLimitExceededException', storeCodes(48)],
  ['LimitExceededException', storeCodes(49)],
  ['ThrottlingException', storeCodes(50)],
  ['TransactionConflictException', storeCodes(57)],
  ['TransactionCanceledException', storeCodes(58)],
  ['TransactionInProgressException', storeCodes(59)],
  ['IdempotentParameterMismatchException', storeCodes(60)],
  ['RequestLimitExceeded', storeCodes(61)],
  ['AccessDeniedException', [4, 37, 38, 42]],
  ['UnknownOperationException', [4, 37, 38, 44]],
  ['MissingAuthenticationTokenException', SIGN_AGAIN_CODES],
  ['ExpiredTokenException', SIGN_AGAIN_CODES],
  ['UnrecognizedClientException', REFUSED_CODES],
  ['InvalidSignatureException', REFUSED_CODES],
  ['IncompleteSignatureException', REFUSED_CODES],
]);

/** A write whose outcome is unknown: Node does not retry it. */
const UNCERTAIN_CODES = [1, 37, 38, 53] as const;
const NODE_FAILURE_CODES = [3, 37, 54] as const;
/** A sequence that no client knows, so that the info array's error code is what users see. */
const UNKNOWN_CODES = [4, 23, 27] as const;

/** A flat array, three elements for each reason. */
function writeReasons(writer: CborWriter, reasons: readonly CancellationReason[]): void {
  writer.head(MAJOR.array, 3 * reasons.length);
  for (const { code, message, values } of reasons) {
    writer.text(code);
    if (message === undefined) writer.null();
    else writer.text(message);
    if (values === undefined) writer.null();
    else writer.byteString(values);
  }
}
