import { ClientFault, validationFault } from './client-fault.ts';

const INVALID = 'One or more parameter values were invalid: ';
const NOT_VALID = 'One or more parameter values are not valid. ';

/** What a key value is called in the texts about empty values. */
export type EmptyValueKind = 'string' | 'binary';

/**
 * Faults about one item or its key: key schema, sizes, index keys, start keys, failed conditions.
 * @see reference/dynamodb.md sections 4 and 6; dynoxide's CHANGELOG (newer captures) for the texts
 *   on empty key values
 */
export const itemFaults = {
  keySchemaMismatch: () => validationFault('The provided key element does not match the schema'),
  missingKey: (name: string) => validationFault(`${INVALID}Missing the key ${name} in the item`),
  keyTypeMismatch: (name: string, expected: string, actual: string) =>
    validationFault(
      `${INVALID}Type mismatch for key ${name} expected: ${expected} actual: ${actual}`,
    ),
  emptyKey: (name: string, kind: EmptyValueKind) =>
    validationFault(
      `${NOT_VALID}The AttributeValue for a key attribute cannot contain an empty ${kind} value. Key: ${name}`,
    ),
  hashKeyTooLong: () =>
    validationFault(
      `${INVALID}Size of hashkey has exceeded the maximum size limit of2048 bytes`, // no space: so it is
    ),
  rangeKeyTooLong: () =>
    validationFault(
      `${INVALID}Aggregated size of all range keys has exceeded the size limit of 1024 bytes`,
    ),
  keyPathNotScalar: (name: string, isIndexKey: boolean) =>
    validationFault(
      `Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: ${isIndexKey ? 'IndexKey' : 'Key'}: ${name}`,
    ),
  keyUpdated: (name: string) =>
    validationFault(`${INVALID}Cannot update attribute ${name}. This attribute is part of the key`),

  indexKeyTypeMismatch: (
    name: string,
    types: { readonly expected: string; readonly actual: string },
    indexName: string,
  ) =>
    validationFault(
      `${INVALID}Type mismatch for Index Key ${name} Expected: ${types.expected} Actual: ${types.actual} IndexName: ${indexName}`,
    ),
  emptyIndexKey: (name: string, kind: EmptyValueKind, indexName: string) =>
    validationFault(
      `${NOT_VALID}A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty ${kind} value. IndexName: ${indexName}, IndexKey: ${name}`,
    ),
  indexKeyUpdatedToWrongType: () =>
    validationFault(
      'The update expression attempted to update the secondary index key to unsupported type',
    ),
  indexKeyUpdatedBeyondSize: () =>
    validationFault(
      'The update expression attempted to update the secondary index key beyond allowed size limits',
    ),
  indexKeyUpdatedToEmpty: (kind: EmptyValueKind) =>
    validationFault(
      `${NOT_VALID}The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty ${kind} value.`,
    ),

  itemTooLarge: () => validationFault('Item size has exceeded the maximum allowed size'),
  updatedItemTooLarge: () =>
    validationFault('Item size to update has exceeded the maximum allowed size'),
  collectionTooLarge: () =>
    new ClientFault('ItemCollectionSizeLimitExceededException', 'Collection size exceeded.'),
  /** `item`: the current item, when the request asked for it. */
  conditionFailed: (item?: unknown) =>
    new ClientFault(
      'ConditionalCheckFailedException',
      'The conditional request failed',
      item === undefined ? undefined : { Item: item },
    ),
} as const;

/** Whether a fault's text is one of those about empty values for keys, of tables and of indexes. */
export function isEmptyKeyText(message: string): boolean {
  return message.startsWith(NOT_VALID);
}

const START_KEY_INVALID = 'The provided starting key is invalid';

/** Faults about ExclusiveStartKey (reference/dynamodb.md section 6; dynalite's captures). */
export const startKeyFaults = {
  invalid: () => validationFault(START_KEY_INVALID),
  /** Another fault of the key, e.g. a value too long. */
  because: (fault: ClientFault) => validationFault(`${START_KEY_INVALID}: ${fault.message ?? ''}`),
  outsideQuery: () =>
    validationFault(
      'The provided starting key is outside query boundaries based on provided conditions',
    ),
  outsideRangePredicate: () =>
    validationFault('The provided starting key does not match the range key predicate'),
  singleRow: () => validationFault('The query can return at most one row and cannot be restarted'),
  otherSegment: (segment: number, totalSegments: number) =>
    validationFault(
      `${START_KEY_INVALID}: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: ${totalSegments} Segment: ${segment}`,
    ),
} as const;

/** What ran out: a table or a global index, read or write. */
export interface ThrottledResource {
  readonly arn: string;
  readonly kind: 'Table' | 'Index';
  readonly operation: 'Read' | 'Write';
}

/**
 * Faults of throughput limits, with the reasons that newer SDKs show.
 * @see reference/dynamodb.md section 4; service model, documentation of the exceptions (messages)
 */
export const throughputFaults = {
  /** Provisioned mode. A table starved through its index has the text about indexes. */
  provisioned: (resource: ThrottledResource) =>
    new ClientFault(
      'ProvisionedThroughputExceededException',
      resource.kind === 'Table'
        ? 'The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.'
        : 'The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes with the UpdateTable API',
      {
        ThrottlingReasons: [reasonOf(resource, 'ProvisionedThroughputExceeded')],
      },
    ),
  /** On-demand mode with maximum request units. */
  onDemandMaximum: (resource: ThrottledResource) =>
    new ClientFault(
      'ThrottlingException',
      resource.kind === 'Table'
        ? 'Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly. If exceptions persist, check if you have a hot key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html.'
        : 'Throughput exceeds the current capacity for one or more global secondary indexes. DynamoDB is automatically scaling your index so please try again shortly.',
      {
        throttlingReasons: [reasonOf(resource, 'MaxOnDemandThroughputExceeded')],
      },
    ),
} as const;

function reasonOf(resource: ThrottledResource, limit: string) {
  return { reason: `${resource.kind}${resource.operation}${limit}`, resource: resource.arn };
}
