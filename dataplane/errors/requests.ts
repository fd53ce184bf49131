import { type ClientFault, requestValidationFault, validationFault } from './client-fault.ts';

/**
 * Faults of whole requests: constraints of the service model, and parameters that do not go
 * together. Texts: reference/dynamodb.md sections 5 and 6; where the service has changed since,
 * dynoxide 3.2.0's captures of October 2026.
 */

/** Texts of single constraints. */
export const constraintTexts = {
  notNull: 'Member must not be null',
  lengthMin: (min: number) => `Member must have length greater than or equal to ${min}`,
  lengthMax: (max: number) => `Member must have length less than or equal to ${max}`,
  valueMin: (min: number) => `Member must have value greater than or equal to ${min}`,
  valueMax: (max: number) => `Member must have value less than or equal to ${max}`,
  pattern: (pattern: string) => `Member must satisfy regular expression pattern: ${pattern}`,
  enumeration: (values: readonly string[]) =>
    `Member must satisfy enum value set: [${values.join(', ')}]`,
  mapKeys: (texts: readonly string[]) => `Map keys must satisfy constraint: [${texts.join(', ')}]`,
  mapValues: (texts: readonly string[]) =>
    `Map value must satisfy constraint: [${texts.join(', ')}]`,
} as const;

/** One violated constraint, in one of the three ways in which the service words it. */
export type ConstraintFailure =
  /** `Value '<value>' at '<path>' failed to satisfy constraint: <text>`; undefined shows as null. */
  | {
      readonly kind: 'value';
      readonly value: string | undefined;
      readonly path: string;
      readonly text: string;
    }
  /** `Value at '<path>' failed ...`: newer checks; the path starts with a capital. */
  | { readonly kind: 'member'; readonly path: string; readonly text: string }
  /** `Failed to satisfy constraint: <text>`. */
  | { readonly kind: 'bare'; readonly text: string };

const MIXING = 'Can not use both expression and non-expression parameters in the same request: ';

export const requestFaults = {
  /** All violated constraints of a request, in order; the caller has cut the list to its bound. */
  constraints: (failures: readonly ConstraintFailure[]) =>
    validationFault(
      `${failures.length} validation error${failures.length === 1 ? '' : 's'} detected: ` +
        failures.map(failureText).join('; '),
    ),
  /** Without the count before it: so UpdateItem reports some of its members. */
  constraint: (failure: ConstraintFailure) => validationFault(failureText(failure)),

  expressionsMixed: (legacy: readonly string[], expressions: readonly string[]) =>
    requestValidationFault(
      `${MIXING}Non-expression parameters: {${legacy.join(', ')}} Expression parameters: {${expressions.join(', ')}}`,
    ),
  namesWithoutExpression: () =>
    requestValidationFault('ExpressionAttributeNames can only be specified when using expressions'),
  /** `expressions`: parameters named as null after the text; single-item writes name none. */
  valuesWithoutExpression: (expressions: readonly string[]) =>
    requestValidationFault(
      'ExpressionAttributeValues can only be specified when using expressions' +
        (expressions.length === 0
          ? ''
          : `: ${expressions.join(' and ')} ${expressions.length === 1 ? 'is' : 'are'} null`),
    ),
  namesEmpty: () => requestValidationFault('ExpressionAttributeNames must not be empty'),
  valuesEmpty: () => requestValidationFault('ExpressionAttributeValues must not be empty'),
  nameKeyInvalid: (key: string) =>
    validationFault(`ExpressionAttributeNames contains invalid key: Syntax error; key: "${key}"`),
  valueKeyInvalid: (key: string) =>
    validationFault(`ExpressionAttributeValues contains invalid key: Syntax error; key: "${key}"`),
  attributeNameEmpty: () => requestValidationFault('Empty attribute name'),
  nameValueEmpty: (key: string) =>
    requestValidationFault(
      `ExpressionAttributeNames contains invalid value: Empty attribute name for key ${key}`,
    ),

  conditionalOperatorUnused: () =>
    requestValidationFault('ConditionalOperator cannot be used without Filter or Expected'),
  conditionalOperatorAlone: () =>
    requestValidationFault(
      'ConditionalOperator can only be used when Filter or Expected has two or more elements',
    ),
  /** The service's own list, which is not what it accepts. */
  conditionalOperatorUnknown: () =>
    requestValidationFault(
      'Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]',
    ),

  comparisonOperatorUnknown: () =>
    requestValidationFault(
      'One or more parameter values were invalid: Invalid comparison operator',
    ),

  returnValuesUnsupported: () => requestValidationFault('ReturnValues can only be ALL_OLD or NONE'),
  /** With the stray quote that the service writes. */
  attributeUpdateAction: () =>
    requestValidationFault("Member must satisfy enum value set: [ADD, DELETE, PUT]' for Action"),

  selectNeedsProjection: () =>
    prefixedFault(
      'Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES',
    ),
  selectWithProjection: (parameter: string, select: string) =>
    prefixedFault(
      `Cannot specify the ${parameter} when choosing to get ${select === 'COUNT' ? 'only the Count' : select}`,
    ),
  selectNeedsIndex: () =>
    prefixedFault('ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName'),
  selectAllOnPartialIndex: (index: string) =>
    validationFault(
      `One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index ${index} because its projection type is not ALL`,
    ),
  attributesNotProjected: (index: string, attributes: readonly string[]) =>
    validationFault(
      `One or more parameter values were invalid: Global secondary index ${index} does not project [${attributes.join(', ')}]`,
    ),
  filterNotProjected: (index: string, attributes: readonly string[]) =>
    validationFault(
      `One or more parameter values were invalid: Secondary index ${index} does not project one or more filter attributes: [${attributes.join(', ')}]`,
    ),

  keyConditionMissing: () =>
    validationFault(
      'Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.',
    ),
  indexAbsent: (index: string) =>
    validationFault(`The table does not have the specified index: ${index}`),
  indexBackfilling: (index: string) =>
    validationFault(`Cannot read from backfilling global secondary index: ${index}`),
  consistentReadOnGlobalIndex: () =>
    validationFault('Consistent reads are not supported on global secondary indexes'),
  /** `parameter`: `Filter Expression` or `QueryFilter`. */
  filterOnKey: (parameter: string, attribute: string) =>
    validationFault(
      `${parameter} can only contain non-primary key attributes: Primary key attribute: ${attribute}`,
    ),

  segmentNotBelowTotal: () =>
    validationFault(
      'The Segment parameter is zero-based and must be less than parameter TotalSegments',
    ),
  totalSegmentsMissing: () =>
    validationFault(
      'The TotalSegments parameter is required but was not present in the request when Segment parameter is present',
    ),
  segmentMissing: () =>
    validationFault(
      'The Segment parameter is required but was not present in the request when parameter TotalSegments is present',
    ),

  requestItemsMissing: (operation: string) =>
    validationFault(`The requestItems parameter is required for ${operation}`),
  duplicateKeys: () => validationFault('Provided list of item keys contains duplicates'),
  /** A write request with both of its members or neither. */
  writeRequestAmbiguous: () =>
    validationFault(
      'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes',
    ),
} as const;

function prefixedFault(message: string): ClientFault {
  return validationFault(`1 validation error detected: ${message}`);
}

function failureText(failure: ConstraintFailure): string {
  switch (failure.kind) {
    case 'value': {
      const shown = failure.value === undefined ? 'null' : `'${failure.value}'`;
      return `Value ${shown} at '${failure.path}' failed to satisfy constraint: ${failure.text}`;
    }
    case 'member':
      return `Value at '${failure.path}' failed to satisfy constraint: ${failure.text}`;
    case 'bare':
      return `Failed to satisfy constraint: ${failure.text}`;
  }
}
