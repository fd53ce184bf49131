import fc from 'fast-check';
import type { AttributeValue } from '../item/attribute-value.ts';
import { base64 } from './loose-requests.fixture.ts';
import type { JsonObject } from './operation.ts';

const validNumber = fc.oneof(
  fc.integer().map(String),
  fc.constantFrom('0', '1e125', '-1e-130', '9'.repeat(38), '0.5'),
);

/** Canonical AttributeValues of all types. */
const { value: validValue } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string().map((S) => ({ S })),
    validNumber.map((N) => ({ N })),
    base64.map((B) => ({ B })),
    fc.boolean().map((BOOL) => ({ BOOL })),
    fc.constant({ NULL: true }),
    fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 3 }).map((SS) => ({ SS })),
    fc
      .uniqueArray(fc.integer(), { minLength: 1, maxLength: 3 })
      .map((NS) => ({ NS: NS.map(String) })),
    fc.array(tie('value'), { maxLength: 3 }).map((L) => ({ L })),
    fc.dictionary(fc.string({ minLength: 1 }), tie('value'), { maxKeys: 3 }).map((M) => ({ M })),
  ),
}));

const validAttributes = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', '__proto__', 'toString'),
  validValue,
  { maxKeys: 4 },
);
const validText = fc.constantFrom('x', 'y', 'z');
const user = { TableName: 'Users', key: validText.map((S) => ({ Id: { S } })) };
const song = {
  TableName: 'Music',
  key: fc.record({
    Artist: validText.map((S) => ({ S })),
    Song: validText.map((S) => ({ S })),
  }),
};
const songIndexKeys = fc.record(
  { Year: fc.nat(3).map((year) => ({ N: `${year}` })), Genre: validText.map((S) => ({ S })) },
  { requiredKeys: [] },
);

/** A table's name with a key of it. */
const place = fc
  .constantFrom(user, song)
  .chain(({ TableName, key }) => fc.record({ TableName: fc.constant(TableName), Key: key }));

/** Expressions with what they use, no more and no less. */
function using(texts: readonly string[]): fc.Arbitrary<{ expression: string } & JsonObject> {
  return fc
    .tuple(fc.constantFrom(...texts), validValue, validValue)
    .map(([expression, first, second]) => ({
      expression,
      ...(expression.includes('#a') && { ExpressionAttributeNames: { '#a': 'a' } }),
      ...(/:[ab]/.test(expression) && {
        ExpressionAttributeValues: {
          ...(expression.includes(':a') && { ':a': first }),
          ...(expression.includes(':b') && { ':b': second }),
        },
      }),
    }));
}

function parameter(name: string, texts: readonly string[]): fc.Arbitrary<JsonObject> {
  return fc.oneof(
    fc.constant({}),
    using(texts).map(({ expression, ...rest }) => ({ [name]: expression, ...rest })),
  );
}

const conditionParameters = parameter('ConditionExpression', [
  'attribute_not_exists(#a)',
  'attribute_exists(#a) OR b = :b',
  'NOT (#a = :a) AND b <> :b',
  'size(#a) < :a OR contains(b, :b)',
  '#a IN (:a, :b)',
]);
const updateParameters = parameter('UpdateExpression', [
  'SET #a = :a, b = :b',
  'SET #a = if_not_exists(b, :a) REMOVE b, c[1]',
  'REMOVE #a',
  'SET c.d = :a',
  'SET b = list_append(b, :a)',
]);
const filterParameters = parameter('FilterExpression', [
  'attribute_exists(#a)',
  'b = :b OR #a > :a',
  'attribute_not_exists(c.d[0])',
]);
const segments = fc.oneof(
  fc.constant({}),
  fc.constantFrom(0, 1, 2).map((Segment) => ({ Segment, TotalSegments: 3 })),
);
const limit = fc.oneof(
  fc.constant({}),
  fc.integer({ min: 1, max: 4 }).map((Limit) => ({ Limit })),
);
const capacity = fc.record(
  { ReturnConsumedCapacity: fc.constantFrom('TOTAL', 'INDEXES', 'NONE') },
  { requiredKeys: [] },
);

function merged(...parts: fc.Arbitrary<object>[]): fc.Arbitrary<JsonObject> {
  return fc.tuple(...parts).map((objects) => Object.assign({}, ...objects));
}

function itemAt(at: { TableName: string; Key: object }, more: object, keys: object): JsonObject {
  const indexed = at.TableName === 'Music' ? keys : {};
  return { TableName: at.TableName, Item: { ...more, ...indexed, ...at.Key } };
}

const keyEquals = fc.constantFrom(
  { TableName: 'Users', KeyConditionExpression: 'Id = :k' },
  { TableName: 'Music', KeyConditionExpression: 'Artist = :k' },
  { TableName: 'Music', KeyConditionExpression: 'Artist = :k AND begins_with(Song, :k)' },
  { TableName: 'Music', IndexName: 'ByGenre', KeyConditionExpression: 'Genre = :k' },
  { TableName: 'Music', IndexName: 'ByYear', KeyConditionExpression: 'Artist = :k' },
);
/** A statement about one item with the parameters it uses. */
type ItemStatement = (at: Place, content: AttributeMap) => JsonObject;
type Place = { readonly TableName: string; readonly Key: AttributeMap };
type AttributeMap = Readonly<Record<string, AttributeValue>>;

function whereKey({ Key }: Place): { readonly where: string; readonly keys: AttributeValue[] } {
  const conditions = Object.keys(Key).map((name) => `"${name}" = ?`);
  return { where: `WHERE ${conditions.join(' AND ')}`, keys: Object.values(Key) };
}

function get(at: Place): JsonObject {
  const { where, keys } = whereKey(at);
  return { Statement: `SELECT * FROM ${at.TableName} ${where}`, Parameters: keys };
}

const insert: ItemStatement = ({ TableName, Key }, content) => {
  const item = Object.entries({ ...content, ...Key });
  const members = item.map(([name]) => `'${name}': ?`);
  return {
    Statement: `INSERT INTO ${TableName} VALUE {${members.join(', ')}}`,
    Parameters: item.map(([, each]) => each),
  };
};
const change: ItemStatement = (at, content) => {
  const { where, keys } = whereKey(at);
  const [value = { NULL: true }] = Object.values(content);
  return {
    Statement: `UPDATE ${at.TableName} SET a = ? REMOVE b, c[1] ${where} AND (a IS MISSING OR b <> 'x')`,
    Parameters: [value, ...keys],
  };
};
const remove: ItemStatement = (at) => {
  const { where, keys } = whereKey(at);
  return { Statement: `DELETE FROM ${at.TableName} ${where}`, Parameters: keys };
};
const check: ItemStatement = (at) => {
  const { where, keys } = whereKey(at);
  const select = `SELECT * FROM ${at.TableName} ${where} AND attribute_exists(a)`;
  return { Statement: `EXISTS(${select})`, Parameters: keys };
};

/** Statements of one kind, each about an item of its own. */
function statementsOf(...kinds: readonly ItemStatement[]): fc.Arbitrary<JsonObject[]> {
  return fc
    .uniqueArray(fc.tuple(place, validAttributes, fc.constantFrom(...kinds)), {
      minLength: 1,
      maxLength: 4,
      selector: ([at]) => JSON.stringify(at),
    })
    .map((members) => members.map(([at, content, statement]) => statement(at, content)));
}

const severalReads = fc.tuple(limit, fc.constantFrom('', ' ORDER BY Artist DESC, Song')).map(
  ([limits, order]): JsonObject => ({
    Statement: `SELECT Song, a FROM Music WHERE Artist IN ['x', 'y', 'z'] AND NOT b = 1${order}`,
    ...limits,
  }),
);
const scans = fc
  .tuple(limit, fc.constantFrom('Users', 'Music', 'Music.ByGenre', 'Music.ByYear'))
  .map(
    ([limits, source]): JsonObject => ({
      Statement: `SELECT * FROM ${source} WHERE attribute_exists(Genre) OR Id BETWEEN 'a' AND 'y'`,
      ...limits,
    }),
  );

/** One action of each kind in turn. */
function transactItem(
  [at, more, condition, update]: readonly [
    { TableName: string; Key: object },
    object,
    JsonObject,
    JsonObject,
  ],
  index: number,
): JsonObject {
  const { UpdateExpression } = update;
  if (index % 2 === 1 && UpdateExpression !== undefined) return { Update: { ...at, ...update } };
  if (index % 3 === 1) return { Delete: { ...at, ...condition } };
  if (index % 3 === 2 && condition.ConditionExpression !== undefined) {
    return { ConditionCheck: { ...at, ...condition } };
  }
  return { Put: { ...itemAt(at, more, {}), ...condition } };
}

/** Bodies by operation, with nothing wrong but what the items at hand make of them. For tests. */
export const validBodies: Record<string, fc.Arbitrary<JsonObject>> = {
  GetItem: merged(place, capacity, parameter('ProjectionExpression', ['#a, b, c[0].d', 'b'])),
  PutItem: merged(
    fc
      .tuple(place, validAttributes, songIndexKeys)
      .map(([at, more, keys]) => itemAt(at, more, keys)),
    capacity,
    conditionParameters,
    fc.constantFrom({}, { ReturnValues: 'ALL_OLD' }),
  ),
  DeleteItem: merged(place, capacity, conditionParameters),
  UpdateItem: merged(
    place,
    capacity,
    updateParameters,
    fc
      .constantFrom('NONE', 'ALL_OLD', 'ALL_NEW', 'UPDATED_OLD', 'UPDATED_NEW')
      .map((ReturnValues) => ({ ReturnValues })),
  ),
  Query: merged(
    keyEquals,
    validText.map((S) => ({ ExpressionAttributeValues: { ':k': { S } } })),
    limit,
    capacity,
    fc.boolean().map((ScanIndexForward) => ({ ScanIndexForward })),
  ),
  Scan: merged(
    fc.constantFrom(
      { TableName: 'Users' },
      { TableName: 'Music' },
      { TableName: 'Music', IndexName: 'ByGenre' },
    ),
    filterParameters,
    segments,
    limit,
    capacity,
  ),
  BatchGetItem: merged(
    fc
      .tuple(
        fc.uniqueArray(user.key, { minLength: 1, selector: JSON.stringify }),
        fc.uniqueArray(song.key, { minLength: 1, selector: JSON.stringify }),
      )
      .map(([users, songs]) => ({
        RequestItems: { Users: { Keys: users }, Music: { Keys: songs, ConsistentRead: true } },
      })),
    capacity,
  ),
  TransactGetItems: merged(
    fc
      .uniqueArray(place, { minLength: 1, maxLength: 4, selector: JSON.stringify })
      .map((places) => ({
        TransactItems: places.map((Get) => ({ Get })),
      })),
    capacity,
  ),
  TransactWriteItems: merged(
    fc
      .uniqueArray(fc.tuple(place, validAttributes, conditionParameters, updateParameters), {
        minLength: 1,
        maxLength: 4,
        selector: ([at]) => JSON.stringify(at),
      })
      .map((parts) => ({ TransactItems: parts.map(transactItem) })),
    capacity,
    fc.constantFrom({}, { ReturnItemCollectionMetrics: 'SIZE' }),
  ),
  ExecuteStatement: merged(
    fc.oneof(
      severalReads,
      scans,
      statementsOf(get, insert, change, remove).map(([first = {}]) => first),
    ),
    capacity,
  ),
  BatchExecuteStatement: merged(
    fc
      .oneof(statementsOf(get), statementsOf(insert, change, remove))
      .map((Statements) => ({ Statements })),
    capacity,
  ),
  ExecuteTransaction: merged(
    fc
      .oneof(statementsOf(get), statementsOf(insert, change, remove, check))
      .map((TransactStatements) => ({ TransactStatements })),
    capacity,
  ),
  BatchWriteItem: merged(
    fc
      .tuple(user.key, validAttributes, song.key, validAttributes)
      .map(([userKey, userMore, songKey, songMore]) => ({
        RequestItems: {
          Users: [{ PutRequest: { Item: { ...userMore, ...userKey } } }],
          Music: [{ PutRequest: { Item: { ...songMore, ...songKey } } }],
        },
      })),
    capacity,
  ),
};
