/**
 * A fault of the caller, as it appears on the wire.
 *
 * Thrown by validation and evaluation at any depth and turned into a response by `endpoint/`.
 * It is deliberately no `Error`: it carries no stack (capturing one costs more than the request
 * itself) and means no defect of the server. Values are made only by the catalogue, the sibling
 * files of this folder, so that every wire text stands in one place.
 */
export class ClientFault {
  /** Short exception name, e.g. `ValidationException`. */
  readonly type: FaultType;
  /** Wire text; undefined where the service sends none (bad JSON, unknown target). */
  readonly message: string | undefined;
  /** Further members of the error body, e.g. `Item` or `ThrottlingReasons`. */
  readonly members: Readonly<Record<string, unknown>> | undefined;

  constructor(type: FaultType, message?: string, members?: Readonly<Record<string, unknown>>) {
    this.type = type;
    this.message = message;
    this.members = members;
  }
}

/** Namespace of each exception as the wire's `__type` shows it (reference/dynamodb.md section 4). */
export const faultNamespaces = {
  ConditionalCheckFailedException: 'com.amazonaws.dynamodb.v20120810',
  DuplicateItemException: 'com.amazonaws.dynamodb.v20120810',
  ExpiredIteratorException: 'com.amazonaws.dynamodb.v20120810',
  IdempotentParameterMismatchException: 'com.amazonaws.dynamodb.v20120810',
  ItemCollectionSizeLimitExceededException: 'com.amazonaws.dynamodb.v20120810',
  LimitExceededException: 'com.amazonaws.dynamodb.v20120810',
  ProvisionedThroughputExceededException: 'com.amazonaws.dynamodb.v20120810',
  RequestLimitExceeded: 'com.amazonaws.dynamodb.v20120810',
  ResourceInUseException: 'com.amazonaws.dynamodb.v20120810',
  ResourceNotFoundException: 'com.amazonaws.dynamodb.v20120810',
  TransactionCanceledException: 'com.amazonaws.dynamodb.v20120810',
  TransactionConflictException: 'com.amazonaws.dynamodb.v20120810',
  TransactionInProgressException: 'com.amazonaws.dynamodb.v20120810',
  TrimmedDataAccessException: 'com.amazonaws.dynamodb.v20120810',
  InternalServerError: 'com.amazonaws.dynamodb.v20120810',
  ValidationException: 'com.amazon.coral.validate',
  AccessDeniedException: 'com.amazon.coral.service',
  IncompleteSignatureException: 'com.amazon.coral.service',
  InvalidSignatureException: 'com.amazon.coral.service',
  MissingAuthenticationTokenException: 'com.amazon.coral.service',
  SerializationException: 'com.amazon.coral.service',
  ThrottlingException: 'com.amazon.coral.service',
  UnknownOperationException: 'com.amazon.coral.service',
  UnrecognizedClientException: 'com.amazon.coral.service',
} as const;

export type FaultType = keyof typeof faultNamespaces;

/** What another server of the API answered, of a type that is not in our catalogue; given on as it came. */
export class RelayedFault extends ClientFault {
  /** With its namespace, as `__type` had it. */
  readonly wireType: string;
  readonly status: number;

  constructor(
    answer: { readonly wireType: string; readonly status: number },
    message?: string,
    members?: Readonly<Record<string, unknown>>,
  ) {
    // The nearest thing to it: at fault is either the caller or the server.
    super(answer.status < 500 ? 'ValidationException' : 'InternalServerError', message, members);
    this.wireType = answer.wireType;
    this.status = answer.status;
  }

  /** Without its namespace. */
  get wireName(): string {
    return faultName(this.wireType);
  }
}

/** `ValidationException` of `com.amazon.coral.validate#ValidationException`. */
export function faultName(wireType: string): string {
  return wireType.slice(wireType.indexOf('#') + 1);
}

/** Shorthand for the most frequent kind. */
export function validationFault(message: string): ClientFault {
  return new ClientFault('ValidationException', message);
}

/**
 * A ValidationException of the family that PutItem, UpdateItem and DeleteItem put `1 validation
 * error detected: ` before, and every other operation reports as it is: empty and duplicate sets,
 * numbers, `{"NULL": false}`, expression syntax and size, unused names and values, expressions mixed
 * with legacy parameters (dynoxide 3.2.0, from captures of October 2026).
 */
export class RequestValidationFault extends ClientFault {
  /** The text of the service's older validation layer, where it is another. */
  readonly olderMessage: string | undefined;

  constructor(message: string, olderMessage?: string) {
    super('ValidationException', message);
    this.olderMessage = olderMessage;
  }
}

export function requestValidationFault(
  message: string,
  olderMessage?: string,
): RequestValidationFault {
  return new RequestValidationFault(message, olderMessage);
}

/**
 * What the service's older validation layer answers, which never prefixes: BatchWriteItem is read
 * by it, and a value with more than one type.
 * @see dynoxide 3.2.0, validation layers (captures of October 2026)
 */
export function inOlderWords(fault: ClientFault): ClientFault {
  return fault instanceof RequestValidationFault
    ? validationFault(fault.olderMessage ?? fault.message ?? '')
    : fault;
}

/** What PutItem, UpdateItem and DeleteItem answer for a fault: prefixed if it belongs to that family. */
export function withRequestValidationPrefix(fault: ClientFault): ClientFault {
  return fault instanceof RequestValidationFault
    ? validationFault(`1 validation error detected: ${fault.message}`)
    : fault;
}
