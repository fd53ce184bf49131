import fc from 'fast-check';
import type { JsonObject } from './operation.ts';

const names = [
  'a',
  'Id',
  'Artist',
  'Song',
  'Year',
  'Genre',
  '__proto__',
  'constructor',
  'toString',
  '',
  'ü',
];
const name = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...names) }, fc.string());
const number = fc.oneof(
  fc.integer().map(String),
  fc.double().map(String),
  fc.constantFrom(
    '0',
    '-0',
    '1e125',
    '1e-130',
    '9'.repeat(38),
    '1e126',
    '1E400',
    '',
    'abc',
    '.5',
    '+1',
  ),
);
export const base64 = fc
  .uint8Array({ maxLength: 9 })
  .map((bytes) => Buffer.from(bytes).toString('base64'));

/** Members of an AttributeValue, mostly valid. */
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string().map((S) => ({ S })),
    number.map((N) => ({ N })),
    base64.map((B) => ({ B })),
    fc.boolean().map((BOOL) => ({ BOOL })),
    fc.boolean().map((NULL) => ({ NULL })),
    fc.array(fc.string(), { maxLength: 3 }).map((SS) => ({ SS })),
    fc.array(number, { maxLength: 3 }).map((NS) => ({ NS })),
    fc.array(base64, { maxLength: 3 }).map((BS) => ({ BS })),
    fc.array(tie('value'), { maxLength: 3 }).map((L) => ({ L })),
    fc.dictionary(name, tie('value'), { maxKeys: 3 }).map((M) => ({ M })),
  ),
}));

const attributes = fc.dictionary(name, value, { maxKeys: 4 });
const text = fc.constantFrom('x', 'y', 'z', '');
const userKey = text.map((S) => ({ Id: { S } }));
const songKey = fc.record({
  Artist: text.map((S) => ({ S })),
  Song: text.map((S) => ({ S })),
});
const songItem = fc
  .tuple(songKey, attributes, number)
  .map(([key, more, N]) => ({ ...more, ...key, Year: { N }, Genre: { S: 'Jazz' } }));
const anyKey = fc.oneof(
  { weight: 4, arbitrary: userKey },
  { weight: 4, arbitrary: songKey },
  attributes,
);

const fragments = [
  'a',
  '#a',
  '#b',
  ':a',
  ':b',
  '=',
  '<>',
  '<',
  '>=',
  'AND',
  'OR',
  'NOT',
  'BETWEEN',
  'IN',
  '(',
  ')',
  ',',
  '.',
  '[0]',
  '[99999999999]',
  'SET',
  'REMOVE',
  'ADD',
  'DELETE',
  '+',
  '-',
  'if_not_exists(a, :a)',
  'list_append(a, :a)',
  'attribute_exists(a)',
  'attribute_not_exists(#a)',
  'begins_with(a, :a)',
  'contains(#a, :b)',
  'size(a)',
  'attribute_type(a, :a)',
  'a = :a',
  '#a = :b',
  'Artist = :a',
  'Id = :a',
  'Song > :b',
  'name',
  'a.b[1].c',
  '\u0000',
  '🎵',
  '"',
];
const expression = fc.oneof(
  fc.array(fc.constantFrom(...fragments), { maxLength: 9 }).map((parts) => parts.join(' ')),
  fc.constantFrom(
    'Artist = :a',
    'Artist = :a AND Song > :b',
    'Genre = :a',
    'SET a = :a',
    'SET #a = if_not_exists(#b, :a), a[1] = :b REMOVE b',
    'ADD #a :a DELETE #b :b',
    'attribute_exists(#a) AND NOT (a = :a OR #b <> :b)',
    '#a, #b.c[0]',
  ),
);
const substitutions = {
  ExpressionAttributeNames: fc.dictionary(fc.constantFrom('#a', '#b', 'x'), name),
  ExpressionAttributeValues: fc.dictionary(fc.constantFrom(':a', ':b', 'x'), value),
};
const operator = fc.constantFrom(
  'EQ',
  'NE',
  'IN',
  'LE',
  'LT',
  'GE',
  'GT',
  'BETWEEN',
  'NOT_NULL',
  'NULL',
  'CONTAINS',
  'NOT_CONTAINS',
  'BEGINS_WITH',
  'LIKE',
);
const condition = fc.record(
  { ComparisonOperator: operator, AttributeValueList: fc.array(value, { maxLength: 3 }) },
  { requiredKeys: ['ComparisonOperator'] },
);
const conditions = fc.dictionary(name, condition, { maxKeys: 3 });
const expected = fc.dictionary(
  name,
  fc.record(
    {
      Value: value,
      Exists: fc.boolean(),
      ComparisonOperator: operator,
      AttributeValueList: fc.array(value, { maxLength: 3 }),
    },
    { requiredKeys: [] },
  ),
  { maxKeys: 3 },
);
const tableName = fc.constantFrom('Users', 'Music', 'Music', 'Absent', 'ab', '');
const reports = {
  ReturnConsumedCapacity: fc.constantFrom('TOTAL', 'INDEXES', 'NONE', 'X'),
  ReturnItemCollectionMetrics: fc.constantFrom('SIZE', 'NONE', 'X'),
  ReturnValues: fc.constantFrom('NONE', 'ALL_OLD', 'ALL_NEW', 'UPDATED_OLD', 'UPDATED_NEW', 'X'),
  ReturnValuesOnConditionCheckFailure: fc.constantFrom('ALL_OLD', 'NONE', 'X'),
};
const condParameters = {
  ...reports,
  ...substitutions,
  ConditionExpression: expression,
  Expected: expected,
  ConditionalOperator: fc.constantFrom('AND', 'OR', 'X'),
};
const reading = {
  ...substitutions,
  ReturnConsumedCapacity: reports.ReturnConsumedCapacity,
  ProjectionExpression: expression,
  AttributesToGet: fc.array(name, { maxLength: 3 }),
  ConsistentRead: fc.boolean(),
};
const paging = {
  ...reading,
  IndexName: fc.constantFrom('ByYear', 'ByGenre', 'Absent'),
  Select: fc.constantFrom(
    'COUNT',
    'ALL_ATTRIBUTES',
    'ALL_PROJECTED_ATTRIBUTES',
    'SPECIFIC_ATTRIBUTES',
  ),
  Limit: fc.constantFrom(1, 2, 0, -1, 1.5, 1e300),
  ExclusiveStartKey: fc.oneof(anyKey, songItem),
  FilterExpression: expression,
  ConditionalOperator: fc.constantFrom('AND', 'OR', 'X'),
};

function body(
  required: Record<string, fc.Arbitrary<unknown>>,
  optional: Record<string, fc.Arbitrary<unknown>> = {},
): fc.Arbitrary<JsonObject> {
  return fc
    .tuple(fc.record(required), fc.subarray(Object.keys(optional), { maxLength: 4 }))
    .chain(([given, chosen]) =>
      fc
        .record(
          Object.fromEntries(
            chosen.flatMap((key) => (optional[key] ? [[key, optional[key]]] : [])),
          ),
        )
        .map((more) => ({ ...given, ...more })),
    );
}

const statementWords = [
  ...fragments,
  'SELECT',
  'FROM',
  'WHERE',
  'INSERT INTO',
  'VALUE',
  'UPDATE',
  'DELETE FROM',
  'RETURNING ALL OLD *',
  'EXISTS',
  'ORDER BY',
  'IS MISSING',
  'Users',
  'Music.ByGenre',
  '*',
  '?',
  "'x'",
  '{',
  '}',
  '<<',
  '>>',
];
const statement = body(
  {
    Statement: fc.oneof(
      fc
        .array(fc.constantFrom(...statementWords), { maxLength: 9 })
        .map((words) => words.join(' ')),
      fc.constantFrom(
        'SELECT * FROM Users WHERE Id = ?',
        'SELECT a, b.c FROM Music WHERE Artist = ? AND Song > ? ORDER BY Song DESC',
        'SELECT * FROM Music.ByGenre WHERE Genre = ? AND "Year" IN (?, ?)',
        "INSERT INTO Users VALUE {'Id': ?, 'a': ?}",
        'UPDATE Users SET a = ? REMOVE b[0] WHERE Id = ? AND a <> ? RETURNING MODIFIED NEW *',
        'DELETE FROM Music WHERE Artist = ? AND Song = ? RETURNING ALL OLD *',
        'EXISTS(SELECT * FROM Users WHERE Id = ? AND a IS MISSING)',
      ),
    ),
    Parameters: fc.array(
      fc.oneof(
        value,
        text.map((S) => ({ S })),
      ),
      { maxLength: 4 },
    ),
  },
  {
    ConsistentRead: fc.boolean(),
    Limit: fc.constantFrom(1, 2, 0, -1, 1.5, 1e300),
    NextToken: fc.constantFrom('', 'x', 'x'.repeat(40_000)),
    ...reports,
  },
);
const anyItem = fc.oneof(
  songItem,
  fc.tuple(attributes, userKey).map(([more, key]) => ({ ...more, ...key })),
  attributes,
);
/** Bodies by operation, of the right types and with anything else wrong. For tests. */
export const looseBodies: Record<string, fc.Arbitrary<JsonObject>> = {
  PutItem: body({ TableName: tableName, Item: anyItem }, condParameters),
  GetItem: body({ TableName: tableName, Key: anyKey }, reading),
  DeleteItem: body({ TableName: tableName, Key: anyKey }, condParameters),
  UpdateItem: body(
    { TableName: tableName, Key: anyKey },
    {
      ...condParameters,
      UpdateExpression: expression,
      AttributeUpdates: fc.dictionary(
        name,
        fc.record(
          { Action: fc.constantFrom('ADD', 'PUT', 'DELETE', 'X'), Value: value },
          { requiredKeys: [] },
        ),
      ),
    },
  ),
  Query: body(
    { TableName: tableName },
    {
      ...paging,
      KeyConditionExpression: expression,
      KeyConditions: conditions,
      QueryFilter: conditions,
      ScanIndexForward: fc.boolean(),
    },
  ),
  Scan: body(
    { TableName: tableName },
    {
      ...paging,
      ScanFilter: conditions,
      Segment: fc.constantFrom(0, 1, 5, -1, 1e9),
      TotalSegments: fc.constantFrom(1, 2, 1_000_000, 0),
    },
  ),
  BatchGetItem: body(
    {
      RequestItems: fc.dictionary(
        tableName,
        body({ Keys: fc.array(anyKey, { maxLength: 4 }) }, reading),
        { maxKeys: 2 },
      ),
    },
    reports,
  ),
  TransactGetItems: body(
    {
      TransactItems: fc.array(
        fc.oneof(
          body({ TableName: tableName, Key: anyKey }, reading).map((Get) => ({ Get })),
          fc.constant({}),
        ),
        { maxLength: 4 },
      ),
    },
    reports,
  ),
  TransactWriteItems: body(
    {
      TransactItems: fc.array(
        fc.oneof(
          body({ TableName: tableName, Item: anyItem }, condParameters).map((Put) => ({ Put })),
          body({ TableName: tableName, Key: anyKey }, condParameters).map((Delete) => ({ Delete })),
          body(
            { TableName: tableName, Key: anyKey, UpdateExpression: expression },
            condParameters,
          ).map((Update) => ({ Update })),
          body(
            { TableName: tableName, Key: anyKey, ConditionExpression: expression },
            condParameters,
          ).map((ConditionCheck) => ({ ConditionCheck })),
          fc.constant({}),
        ),
        { maxLength: 4 },
      ),
    },
    { ...reports, ClientRequestToken: fc.constantFrom('a', 'b', '', 'x'.repeat(40)) },
  ),
  ExecuteStatement: statement,
  BatchExecuteStatement: body({ Statements: fc.array(statement, { maxLength: 4 }) }, reports),
  ExecuteTransaction: body(
    { TransactStatements: fc.array(statement, { maxLength: 4 }) },
    { ...reports, ClientRequestToken: fc.constantFrom('a', 'b', '', 'x'.repeat(40)) },
  ),
  BatchWriteItem: body(
    {
      RequestItems: fc.dictionary(
        tableName,
        fc.array(
          fc.oneof(
            anyItem.map((Item) => ({ PutRequest: { Item } })),
            anyKey.map((Key) => ({ DeleteRequest: { Key } })),
            fc.constant({}),
          ),
          { maxLength: 4 },
        ),
        { maxKeys: 2 },
      ),
    },
    reports,
  ),
};
