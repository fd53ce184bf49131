import { ClientFault, validationFault } from './client-fault.ts';
import { itemFaults } from './items.ts';

/** A clause does not give the item's key. Transactions report it as the reason of one action. */
export class StatementKeyFault extends ClientFault {
  constructor(message: string) {
    super('ValidationException', message);
  }
}

/**
 * A statement's failed condition with the item that it asked for, whose text stands in `Message`;
 * without an item, and of the other writes, it stands in `message`.
 * @see dynoxide 3.2.0, src/errors.rs (captures of 2026-10-10)
 */
export class StatementConditionFault extends ClientFault {}

/**
 * Faults of PartiQL statements: of their text, of what a statement asks for, and of tokens.
 *
 * Texts: public tests whose expectations were captured from the service between May and October 2026
 * (nubo-db/dynamodb-conformance and its successor paritysuite/dynamodb-conformance, nubo-db/dynoxide,
 * floci-io/floci); where they leave a case open, what DynamoDB Local answers.
 *
 * `place`: where it is in the statement, `<line>:<column>:<length>`, counted from 1.
 */
export const partiqlFaults = {
  conditionFailed: (item: unknown): StatementConditionFault => {
    const { type, message } = itemFaults.conditionFailed();
    return new StatementConditionFault(type, message, { Item: item });
  },
  /** Nothing follows where the text cannot even be cut into tokens. */
  notWellFormed: (detail = ''): ClientFault =>
    validationFault(`Statement wasn't well formed, can't be processed: ${detail}`),
  /** `operation`: what the text is instead of a statement, as the service's tree names it. */
  unsupportedOperation: (operation: string): ClientFault =>
    validationFault(`Unsupported operation: ${operation}`),

  // What a SELECT reads and shows.
  aliasing: (): ClientFault => validationFault('Aliasing is not supported'),
  valueOrPivot: (): ClientFault =>
    validationFault("Select projection doesn't support value or pivot keywords"),
  starWithOthers: (): ClientFault =>
    validationFault("Other attributes should not be present in the projection when '*' is used."),
  duplicateColumns: (name: string): ClientFault =>
    validationFault(`Duplicate identifiers in select clause: ${name}`),
  unexpectedPathComponent: (place: string): ClientFault =>
    validationFault(`Unexpected path component at ${place}`),
  wildcardInPath: (): ClientFault =>
    validationFault('Wildcard path component like a[*].b are not supported'),
  unpivotInPath: (): ClientFault =>
    validationFault('Unpivot path component like a.*.b are not supported'),
  listIndex: (index: string, place: string): ClientFault =>
    validationFault(`List index is not within the allowable range; index: [${index}] at ${place}`),
  unsupportedClause: (clause: string, place: string): ClientFault =>
    validationFault(`Unsupported clause: ${clause} at ${place}`),
  severalSources: (): ClientFault =>
    validationFault('Only select from a single table or index is supported.'),
  unexpectedSource: (): ClientFault => validationFault('Unexpected from source'),
  emptyPathComponent: (): ClientFault =>
    validationFault('Path component cannot be an empty string'),
  sourceTooLong: (): ClientFault =>
    validationFault('A path may contain at most 2 components in the FROM clause'),
  tableName: (): ClientFault =>
    validationFault(
      "Table name should be within the length [3, 255] and only contain 'a-z', 'A-Z', '0-9', '-', '_', '.'.",
    ),

  // ORDER BY.
  orderWithoutWhere: (): ClientFault =>
    validationFault('Must have WHERE clause in the statement when using ORDER BY clause.'),
  orderWithoutHash: (): ClientFault =>
    validationFault(
      'Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.',
    ),
  orderByOther: (name: string): ClientFault =>
    validationFault(`Attribute ${name} in ORDER BY clause must be part of the primary key`),
  orderByExpression: (type: string): ClientFault =>
    validationFault(`Argument to ORDER BY must be of type VariableReference. Type: ${type}`),
  orderNeedsHash: (): ClientFault =>
    validationFault(
      'Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause.',
    ),

  // WHERE.
  whereNotBoolean: (): ClientFault =>
    validationFault('WHERE clause must contain an expression that resolves to a boolean'),
  notOperand: (): ClientFault =>
    validationFault('The argument to NOT must be a Type or Expression'),
  andOrOperand: (): ClientFault => validationFault('The arguments to AND/OR must be Expressions'),
  missingCompared: (): ClientFault => validationFault('MISSING must be compared using IS operator'),
  isOperand: (): ClientFault =>
    validationFault(
      'The left hand side argument to IS must be a Variable Reference, Literal, or Path',
    ),
  isType: (type: string): ClientFault =>
    validationFault(
      `Unsupported data type for IS operator: ${type}. Supported data types are [MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST]`,
    ),
  inOperands: (): ClientFault =>
    validationFault(
      'IN operator must have a left hand argument of type Variable Reference and right hand argument of type Seq with at least one member',
    ),
  unknownFunction: (name: string, place: string): ClientFault =>
    validationFault(`Unrecognized function: ${name} at ${place}`),
  conditionOperator: (operator: string): ClientFault =>
    validationFault(`Unsupported operator in Condition Expression. Operator: ${operator}`),

  // SET and REMOVE.
  updateOperator: (operator: string): ClientFault =>
    validationFault(`Unsupported operator in Update Expression. Operator: ${operator}`),
  isInUpdate: (): ClientFault =>
    validationFault('IS operator is not supported in update expressions'),
  assignmentTarget: (place: string): ClientFault =>
    validationFault(`Unrecognized assignment target: at ${place}`),
  /** `name`: SET_ADD or SET_DELETE. */
  setFunctionArguments: (name: string, place: string): ClientFault =>
    validationFault(`${name} must have exactly two arguments at ${place}`),
  setFunctionTarget: (name: string, place: string): ClientFault =>
    validationFault(`The first argument to ${name} must equal the assignment value at ${place}`),
  setFunctionValue: (name: string, place: string): ClientFault =>
    validationFault(`The second argument to ${name} must be a value with type SET at ${place}`),

  // Literals. `path`: inside the value, from `root`.
  under: (fault: ClientFault, path: string): ClientFault =>
    new ClientFault(fault.type, `${fault.message} under ${path}`),
  nestingTooDeep: (path: string): ClientFault =>
    validationFault(`Nesting Levels have exceeded supported limits under ${path}`),
  emptySet: (): ClientFault => validationFault('Empty bags are not supported'),
  setMembers: (): ClientFault =>
    validationFault(
      'Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags',
    ),
  duplicateStrings: (members: readonly string[]): ClientFault =>
    validationFault(
      `One or more parameter values were invalid: Input collection [${members.join(', ')}] contains duplicates.`,
    ),
  duplicateNumbers: (members: readonly string[], path: string): ClientFault =>
    validationFault(
      `One or more parameter values were invalid: Input collection [${members.join(', ')}] contains duplicates! under ${path}`,
    ),
  literalType: (type: string, path: string, place: string): ClientFault =>
    validationFault(`Unsupported data type: ${type} under key ${path} at ${place}`),
  mapKey: (type: string, path: string): ClientFault =>
    validationFault(`Tuple keys must be of type String. Actual type: ${type} under ${path}`),
  duplicateMapKey: (key: string, path: string): ClientFault =>
    validationFault(`Duplicate keys in tuple. Key: ${key} under ${path}`),

  // Parameters.
  parameterCount: (): ClientFault =>
    validationFault("Number of parameters in request and statement don't match."),

  // INSERT.
  severalItems: (): ClientFault =>
    validationFault(
      'Unsupported operation: Inserting multiple items in a single statement is not supported, use "INSERT INTO tableName VALUE item" instead',
    ),
  itemNotMap: (): ClientFault =>
    validationFault(
      'Unsupported format in item expression. Please use struct format {...} to express item values for insert statement.',
    ),
  insertAt: (): ClientFault => validationFault('AT is not supported in insert statements.'),
  insertReturning: (): ClientFault => validationFault('RETURNING is not supported in INSERT'),
  insertSource: (): ClientFault =>
    validationFault(
      'FROM clause may only contain a single table name in data manipulation statements',
    ),
  duplicateItem: (): ClientFault =>
    new ClientFault('DuplicateItemException', 'Duplicate primary key exists in table'),

  // RETURNING.
  returningStar: (): ClientFault =>
    validationFault("Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause"),
  severalReturning: (): ClientFault =>
    validationFault('Invalid syntax with multiple returning elements in RETURNING clause'),
  /** `clause` as `MODIFIED OLD`. */
  deleteReturning: (clause: string): ClientFault =>
    validationFault(
      `Invalid returning clause: RETURNING ${clause} *. Only RETURNING ALL OLD * is allowed in DELETE statements.`,
    ),

  // The statement and the table.
  writeOnIndex: (): ClientFault => validationFault('This operation is not supported on an index'),
  indexAbsent: (): ClientFault => validationFault('The table does not have the specified index'),
  consistentReadOnGlobalIndex: (): ClientFault =>
    validationFault('Strongly consistent read is not supported on Global Secondary Indexes'),
  severalKeyAttributes: (): ClientFault =>
    validationFault(
      'PartiQL statements cannot be executed on tables with multi-attribute HASH keys or multi-attribute RANGE keys.',
    ),
  keyIncomplete: (): ClientFault =>
    new StatementKeyFault(
      'Where clause does not contain a mandatory equality on all key attributes',
    ),
  keyTwice: (attribute: string): ClientFault =>
    new StatementKeyFault(
      `Multiple conditions on same key ${attribute}. Only single item Update/Insert/Delete are supported`,
    ),
  keyType: (attribute: string): ClientFault =>
    new StatementKeyFault(
      `Key attribute's data type should match its data type in table's schema: Key ${attribute}`,
    ),
  tooManyReads: (): ClientFault =>
    validationFault('Too many decomposed read operations for a given query.'),
  overlappingReads: (): ClientFault =>
    validationFault('Overlapping conditions with range keys are not supported in where clause'),

  // NextToken.
  tokenInvalid: (): ClientFault => validationFault('Invalid NextToken'),
  tokenOfOther: (): ClientFault => validationFault('NextToken does not match request'),

  // Several statements in one request.
  batchMixed: (): ClientFault =>
    validationFault('Read and write requests together in the same batch is not supported.'),
  batchReadNeedsKey: (): ClientFault =>
    validationFault(
      'Select statements within BatchExecuteStatement must specify the primary key in the where clause.',
    ),
  existsOutsideTransaction: (): ClientFault =>
    validationFault('EXISTS can only be used in ExecuteTransaction write requests.'),
  transactionMixed: (): ClientFault =>
    validationFault(
      'ExecuteTransaction API does not support both read and write operations in the same request.',
    ),
  /** A fault of one statement of a transaction. */
  inTransaction: (index: number, fault: ClientFault): ClientFault =>
    new ClientFault(
      fault.type,
      `Validation failed in TransactStatements[${index}]: ${fault.message}`,
    ),
  returningInTransaction: (): ClientFault =>
    validationFault('RETURNING clause is not supported in ExecuteTransaction.'),
  indexInTransaction: (): ClientFault =>
    validationFault('Reads on indices are not supported within transactions.'),
  existsOnIndex: (): ClientFault =>
    validationFault('Operations on indices are not supported in transactions'),
  transactionReadNeedsKey: (): ClientFault =>
    validationFault(
      'Select statements within ExecuteTransaction must specify the primary key in the where clause.',
    ),
  existsNeedsCondition: (): ClientFault =>
    validationFault('EXISTS() must contain a single item read with additional condition'),
} as const;
