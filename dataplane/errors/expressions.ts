import {
  type ClientFault,
  type RequestValidationFault,
  requestValidationFault,
  validationFault,
} from './client-fault.ts';

/**
 * Faults of expressions and of the legacy parameters that became them.
 *
 * Texts: reference/dynamodb.md section 6; what it leaves open is from public reports of the
 * service's answers. A static fault of an expression belongs to the family that PutItem and
 * UpdateItem prefix (`RequestValidationFault`); what shows only on the item does not.
 */

/** The request parameter an expression came in; part of every static fault but those of PartiQL. */
export type ExpressionKind =
  | 'ConditionExpression'
  | 'FilterExpression'
  | 'KeyConditionExpression'
  | 'ProjectionExpression'
  | 'UpdateExpression'
  | 'PartiQL';

type Static = RequestValidationFault;

/** As the service lists them: in no order, but always so. Statements have another list (floci-io/floci). */
const TYPE_NAMES = '{B,NULL,SS,BOOL,L,BS,N,NS,S,M}';
const STATEMENT_TYPE_NAMES = '{N,BS,L,B,NULL,M,S,SS,NS,BOOL}';

const OPV = 'One or more parameter values were invalid: ';

/** `Invalid <Kind>: <reason>`; a statement's faults are the bare reason. */
function invalid(kind: ExpressionKind, reason: string): Static {
  return requestValidationFault(kind === 'PartiQL' ? reason : `Invalid ${kind}: ${reason}`);
}

/** What can be said of one expression without the item. */
export const expressionFaults = {
  empty: (kind: ExpressionKind): Static => invalid(kind, 'The expression can not be empty;'),
  tooLarge: (kind: ExpressionKind): Static =>
    invalid(kind, 'Expression size has exceeded the maximum allowed size;'),
  /** The filter of a Scan still has the older text, with the size. */
  tooLargeInScan: (bytes: number): Static =>
    invalid(
      'FilterExpression',
      `Expression size has exceeded the maximum allowed size; expression size: ${bytes}`,
    ),
  syntax: (kind: ExpressionKind, token: string, near: string): Static =>
    invalid(kind, `Syntax error; token: "${token}", near: "${near}"`),
  redundantParentheses: (kind: ExpressionKind): Static =>
    invalid(kind, 'The expression has redundant parentheses;'),
  tooManyOperators: (kind: ExpressionKind, count: number): Static =>
    invalid(kind, `The expression contains too many operators; operator count: ${count}`),
  reservedWord: (kind: ExpressionKind, word: string): Static =>
    invalid(kind, `Attribute name is a reserved keyword; reserved keyword: ${word}`),
  listIndexTooLarge: (kind: ExpressionKind, index: string): Static =>
    invalid(kind, `List index is not within the allowable range; index: [${index}]`),
  pathTooDeep: (kind: ExpressionKind, levels: number): Static =>
    invalid(kind, `The document path has too many nesting levels; nesting levels: ${levels}`),
  unknownFunction: (kind: ExpressionKind, name: string): Static =>
    invalid(kind, `Invalid function name; function: ${name}`),
  /** An update function in a condition, or the other way round. */
  functionOfOtherKind: (kind: ExpressionKind, name: string): Static =>
    invalid(
      kind,
      `The function is not allowed in ${kind === 'UpdateExpression' ? 'an update' : 'a condition'} expression; function: ${name}`,
    ),
  misusedFunction: (kind: ExpressionKind, name: string): Static =>
    invalid(
      kind,
      `The function is not allowed to be used this way in an expression; function: ${name}`,
    ),
  undefinedName: (kind: ExpressionKind, name: string): Static =>
    invalid(
      kind,
      `An expression attribute name used in the document path is not defined; attribute name: ${name}`,
    ),
  undefinedValue: (kind: ExpressionKind, name: string): Static =>
    invalid(
      kind,
      `An expression attribute value used in expression is not defined; attribute value: ${name}`,
    ),
  operandCount: (kind: ExpressionKind, name: string, count: number): Static =>
    invalid(
      kind,
      `Incorrect number of operands for operator or function; operator or function: ${name}, number of operands: ${count}`,
    ),
  tooManyInOperands: (kind: ExpressionKind, count: number): Static =>
    invalid(
      kind,
      `The IN operator is provided with too many operands; number of operands: ${count}`,
    ),
  needsPath: (kind: ExpressionKind, name: string): Static =>
    invalid(kind, `Operator or function requires a document path; operator or function: ${name}`),
  /** `type` is a short type name, or a list of them in braces where a path stands. */
  operandType: (kind: ExpressionKind, name: string, type: string): Static =>
    invalid(
      kind,
      `Incorrect operand type for operator or function; operator or function: ${name}, operand type: ${type}`,
    ),
  unknownTypeName: (kind: ExpressionKind, type: string): Static =>
    invalid(
      kind,
      `Invalid attribute type name found; type: ${type}, valid types: ${kind === 'PartiQL' ? STATEMENT_TYPE_NAMES : TYPE_NAMES}`,
    ),
  /** `path` as `[a, [0], b]`. */
  operandsNotDistinct: (kind: ExpressionKind, operator: string, path: string): Static =>
    invalid(
      kind,
      `The first operand must be distinct from the remaining operands for this operator or function; operator: ${operator}, first operand: ${path}`,
    ),
  /** Bounds as `S:a`. */
  betweenTypes: (kind: ExpressionKind, lower: string, upper: string): Static =>
    invalid(
      kind,
      `The BETWEEN operator requires same data type for lower and upper bounds; ${boundTexts(lower, upper)}`,
    ),
  betweenOrder: (kind: ExpressionKind, lower: string, upper: string): Static =>
    invalid(
      kind,
      `The BETWEEN operator requires upper bound to be greater than or equal to lower bound; ${boundTexts(lower, upper)}`,
    ),
  repeatedSection: (kind: ExpressionKind, section: string): Static =>
    invalid(kind, `The "${section}" section can only be used once in an update expression;`),
  overlappingPaths: (kind: ExpressionKind, one: string, two: string): Static =>
    invalid(
      kind,
      `Two document paths overlap with each other; must remove or rewrite one of these paths; path one: ${one}, path two: ${two}`,
    ),
  conflictingPaths: (kind: ExpressionKind, one: string, two: string): Static =>
    invalid(
      kind,
      `Two document paths conflict with each other; must remove or rewrite one of these paths; path one: ${one}, path two: ${two}`,
    ),
  /** The value of an ADD or DELETE action; `type` as `STRING`. */
  actionOperandType: (section: 'ADD' | 'DELETE', type: string): Static =>
    invalid(
      'UpdateExpression',
      `Incorrect operand type for operator or function; operator: ${section}, operand type: ${type}, typeSet: ALLOWED_FOR_${section}_OPERAND`,
    ),
} as const;

function boundTexts(lower: string, upper: string): string {
  return `lower bound operand: AttributeValue: {${lower}}, upper bound operand: AttributeValue: {${upper}}`;
}

/** The maps that an expression's `#n` and `:v` stand for. */
export const substitutionFaults = {
  unusedNames: (names: readonly string[]): Static =>
    requestValidationFault(
      `Value provided in ExpressionAttributeNames unused in expressions: keys: {${names.join(', ')}}`,
    ),
  unusedValues: (names: readonly string[]): Static =>
    requestValidationFault(
      `Value provided in ExpressionAttributeValues unused in expressions: keys: {${names.join(', ')}}`,
    ),
  keyTooLong: (parameter: SubstitutionParameter, bytes: number): Static =>
    requestValidationFault(
      `${parameter} contains invalid key: The expression attribute map contains a key that is too long; size of key: ${bytes}`,
    ),
  tooLarge: (parameter: SubstitutionParameter): Static =>
    requestValidationFault(`${parameter} exceeds max size`),
} as const;

export type SubstitutionParameter = 'ExpressionAttributeNames' | 'ExpressionAttributeValues';

/** What shows only when an update meets its item. */
export const updateFaults = {
  attributeMissing: (): ClientFault =>
    validationFault(
      'The provided expression refers to an attribute that does not exist in the item',
    ),
  operandType: (): ClientFault =>
    validationFault('An operand in the update expression has an incorrect data type'),
  invalidPath: (): ClientFault =>
    validationFault('The document path provided in the update expression is invalid for update'),
  /** @see service model dynamodb 2012-08-10, TransactionCanceledException */
  nestingTooDeep: (): ClientFault =>
    validationFault('Nesting Levels have exceeded supported limits'),
  /** The same as `operandType`, for AttributeUpdates. */
  legacyTypeMismatch: (): ClientFault => validationFault('Type mismatch for attribute to update'),
} as const;

/** Rules of key conditions beyond those of conditions. */
export const keyConditionFaults = {
  operator: (operator: string): ClientFault =>
    validationFault(`Invalid operator used in KeyConditionExpression: ${operator}`),
  nestedOperation: (): ClientFault =>
    invalid('KeyConditionExpression', 'KeyConditionExpressions cannot contain nested operations'),
  nestedAttribute: (): ClientFault =>
    invalid(
      'KeyConditionExpression',
      'KeyConditionExpressions cannot have conditions on nested attributes',
    ),
  repeatedAttribute: (): ClientFault =>
    invalid(
      'KeyConditionExpression',
      'KeyConditionExpressions must only contain one condition per key',
    ),
  noAttribute: (): ClientFault =>
    validationFault('Invalid condition in KeyConditionExpression: No key attribute specified'),
  severalAttributes: (): ClientFault =>
    validationFault(
      'Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition',
    ),
  attributeNotFirst: (operator: string): ClientFault =>
    validationFault(
      `Invalid condition in KeyConditionExpression: ${operator} operator must have the key attribute as its first operand`,
    ),
  /** `keyAttributes`: how many the key of the table or index has. */
  count: (conditions: number, keyAttributes: number): ClientFault =>
    validationFault(
      `The number of query conditions (${conditions}) exceeds the number of key attributes defined in the schema (${keyAttributes})`,
    ),
  /** On a key of several hash or range attributes. */
  hashNotEqual: (attributes: readonly string[]): ClientFault =>
    validationFault(
      `HASH key attributes ${attributes.join(', ')} must have equality conditions specified in the query`,
    ),
  /** `last`: the last range attribute that has a condition. */
  rangeNotEqual: (attributes: readonly string[], last: string): ClientFault =>
    validationFault(
      `RANGE key attributes ${attributes.join(', ')} must have equality conditions specified in the query because a condition is present on key attribute ${last}`,
    ),
  missedAttribute: (attribute: string): ClientFault =>
    validationFault(`Query condition missed key schema element: ${attribute}`),
  notSupported: (): ClientFault => validationFault('Query key condition not supported'),
  valueType: (): ClientFault =>
    validationFault(`${OPV}Condition parameter type does not match schema type`),
  notIndexable: (): ClientFault =>
    validationFault('Attempted conditional constraint is not an indexable operation'),
} as const;

/** Expected, AttributeUpdates, KeyConditions, QueryFilter, ScanFilter, AttributesToGet. */
export const legacyFaults = {
  argumentCount: (operator: string): ClientFault =>
    validationFault(`${OPV}Invalid number of argument(s) for the ${operator} ComparisonOperator`),
  argumentTypesDiffer: (): ClientFault =>
    validationFault(`${OPV}AttributeValues inside AttributeValueList must be of same type`),
  argumentType: (operator: string, type: string): ClientFault =>
    validationFault(
      `${OPV}ComparisonOperator ${operator} is not valid for ${type} AttributeValue type`,
    ),
  betweenOrder: (): ClientFault =>
    validationFault(
      'The BETWEEN condition was provided a range where the lower bound is greater than the upper bound',
    ),
  valueAndList: (attribute: string): ClientFault =>
    validationFault(
      `${OPV}Value and AttributeValueList cannot be used together for Attribute: ${attribute}`,
    ),
  existsAndOperator: (attribute: string): ClientFault =>
    validationFault(
      `${OPV}Exists and ComparisonOperator cannot be used together for Attribute: ${attribute}`,
    ),
  operatorWithoutValue: (operator: string, attribute: string): ClientFault =>
    validationFault(
      `${OPV}Value or AttributeValueList must be used with ComparisonOperator: ${operator} for Attribute: ${attribute}`,
    ),
  listWithoutOperator: (attribute: string): ClientFault =>
    validationFault(
      `${OPV}AttributeValueList can only be used with a ComparisonOperator for Attribute: ${attribute}`,
    ),
  /** `exists` as in the request: true, or absent, which counts as true. */
  existsWithoutValue: (exists: true | undefined, attribute: string): ClientFault =>
    validationFault(
      `${OPV}Value must be provided when Exists is ${exists ?? 'null'} for Attribute: ${attribute}`,
    ),
  valueNotExists: (attribute: string): ClientFault =>
    validationFault(`${OPV}Value cannot be used when Exists is false for Attribute: ${attribute}`),
  updateWithoutValue: (): ClientFault =>
    validationFault(`${OPV}Only DELETE action is allowed when no attribute value is specified`),
  /** `type` as the short name. */
  updateActionType: (action: 'ADD' | 'DELETE', type: string): ClientFault =>
    validationFault(
      action === 'ADD'
        ? `${OPV}ADD action is not supported for the type ${type}`
        : `${OPV}DELETE action with value is not supported for the type ${type}`,
    ),
  duplicateAttribute: (attribute: string): ClientFault =>
    validationFault(`${OPV}Duplicate value in attribute name: ${attribute}`),
} as const;
