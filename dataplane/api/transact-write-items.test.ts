import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { music, type Server, startServer, users, type WireFault } from './server.fixture.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
  await server.createTable(music);
});
afterAll(() => server.close());

const TableName = 'Users';
const INVALID = 'One or more parameter values were invalid: ';
const put = (id: string, more: object = {}) => ({
  Put: { TableName, Item: { Id: { S: id } }, ...more },
});
const del = (id: string, more: object = {}) => ({
  Delete: { TableName, Key: { Id: { S: id } }, ...more },
});
const update = (id: string, more: object = {}) => ({
  Update: {
    TableName,
    Key: { Id: { S: id } },
    UpdateExpression: 'SET a = :a',
    ExpressionAttributeValues: { ':a': { S: 'x' } },
    ...more,
  },
});
const check = (id: string, ConditionExpression = 'attribute_exists(Id)', more: object = {}) => ({
  ConditionCheck: { TableName, Key: { Id: { S: id } }, ConditionExpression, ...more },
});
const isAbsent = { ConditionExpression: 'attribute_not_exists(Id)' };
const isThere = { ConditionExpression: 'attribute_exists(Id)' };

const write = (TransactItems: readonly object[], more: object = {}) =>
  server.call('TransactWriteItems', { TransactItems, ...more });
const fault = (TransactItems: readonly object[], more: object = {}) =>
  server.faultOf('TransactWriteItems', { TransactItems, ...more });
const item = async (id: string) =>
  (await server.call('GetItem', { TableName, Key: { Id: { S: id } }, ConsistentRead: true })).Item;

/** What a transaction that was cancelled answers, by code and message of each action. */
function cancelled(...reasons: readonly (readonly [Code: string, Message?: string])[]) {
  return {
    type: 'TransactionCanceledException',
    message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${reasons.map(([code]) => code).join(', ')}]`,
    members: {
      CancellationReasons: reasons.map(([Code, Message]) =>
        Message === undefined ? { Code } : { Code, Message },
      ),
    },
  };
}
const failed = ['ConditionalCheckFailed', 'The conditional request failed'] as const;

describe('all or nothing', () => {
  it('puts, updates, deletes and checks together', async () => {
    await write([put('old'), put('checked')]);
    expect(
      await write([put('new', isAbsent), update('made'), del('old'), check('checked')]),
    ).toEqual({});
    expect(await item('new')).toEqual({ Id: { S: 'new' } });
    expect(await item('made')).toEqual({ Id: { S: 'made' }, a: { S: 'x' } });
    expect(await item('old')).toBeUndefined();
    expect(await item('checked')).toEqual({ Id: { S: 'checked' } });
  });

  it('writes to several tables, and their indexes', async () => {
    const song = { Artist: { S: 'a' }, Song: { S: 's' }, Genre: { S: 'rock' }, Year: { N: '1' } };
    await write([put('fan'), { Put: { TableName: 'Music', Item: song } }]);
    await server.indexesCaughtUp('Music');
    const { Items } = await server.call('Query', {
      TableName: 'Music',
      IndexName: 'ByGenre',
      KeyConditionExpression: 'Genre = :g',
      ExpressionAttributeValues: { ':g': { S: 'rock' } },
    });
    expect(Items).toHaveLength(1);
  });

  it('does nothing when a condition fails, and says which', async () => {
    await write([put('there')]);
    const actions = [put('x', isAbsent), put('there', isAbsent), check('absent'), del('y')];
    expect(await fault(actions)).toEqual(cancelled(['None'], [...failed], [...failed], ['None']));
    expect(await item('x')).toBeUndefined();
  });

  it('shows the item as it is to an action that asks for it', async () => {
    const Item = { Id: { S: 'shown' }, n: { N: '7' } };
    await write([{ Put: { TableName, Item } }]);
    const shows = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
    const { members } = await fault([
      put('shown', { ...isAbsent, ...shows }),
      check('none', 'attribute_exists(Id)', shows),
    ]);
    const [Code, Message] = failed;
    expect(members).toEqual({
      CancellationReasons: [
        { Code, Message, Item },
        { Code, Message },
      ],
    });
  });

  it('takes names and values beside no expression', async () => {
    const unused = {
      ExpressionAttributeNames: { '#n': 'n' },
      ExpressionAttributeValues: { ':v': { S: 'v' } },
    };
    await write([put('with names', unused), del('none', unused)]);
    expect(await item('with names')).toEqual({ Id: { S: 'with names' } });
    const { message } = await fault([put('x', { ...unused, ...isAbsent })]);
    expect(message).toMatch(/^Value provided in ExpressionAttributeNames unused in expressions/);
  });

  it('an update that only removes makes no item', async () => {
    await write([
      update('none', { UpdateExpression: 'REMOVE a', ExpressionAttributeValues: undefined }),
    ]);
    expect(await item('none')).toBeUndefined();
  });
});

describe('a token', () => {
  it('makes a repeat do nothing', async () => {
    const add = {
      UpdateExpression: 'ADD n :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
    };
    const token = { ClientRequestToken: 'once', ReturnConsumedCapacity: 'TOTAL' };
    expect(await write([update('counted', add)], token)).toEqual({
      ConsumedCapacity: [{ TableName, CapacityUnits: 2, WriteCapacityUnits: 2 }],
    });
    expect(await write([update('counted', add)], token)).toEqual({
      ConsumedCapacity: [{ TableName, CapacityUnits: 2, ReadCapacityUnits: 2 }],
    });
    expect((await item('counted')).n).toEqual({ N: '1' });
  });

  it('is of one request: another with it is refused', async () => {
    const ClientRequestToken = 'mine';
    await write([put('a', { Item: { Id: { S: 'a' }, x: { N: '1' }, y: { N: '2' } } })], {
      ClientRequestToken,
    });
    // Only the order of attributes is another.
    await write([put('a', { Item: { y: { N: '2' }, Id: { S: 'a' }, x: { N: '1' } } })], {
      ClientRequestToken,
    });
    const mismatch = {
      type: 'IdempotentParameterMismatchException',
      message:
        'DynamoDB rejected the request because you retried a request with a different payload but with an idempotent token that was already used.',
    };
    expect(await fault([put('a')], { ClientRequestToken })).toEqual(mismatch);
    const song = { TableName: 'Music', Item: { Artist: { S: 'a' }, Song: { S: 's' } } };
    expect(await fault([{ Put: song }], { ClientRequestToken })).toEqual(mismatch);
  });

  it('may be used again after a cancellation', async () => {
    const ClientRequestToken = 'again';
    const actions = [put('again', isThere)];
    expect(await fault(actions, { ClientRequestToken })).toEqual(cancelled([...failed]));
    await write([put('again')]);
    expect(await write(actions, { ClientRequestToken })).toEqual({});
  });
});

describe('what it costs', () => {
  it('twice the units of the table, and once those of indexes', async () => {
    const song = { Artist: { S: 'c' }, Song: { S: 's' }, Genre: { S: 'pop' }, Year: { N: '1' } };
    const actions = [
      { Put: { TableName: 'Music', Item: song } },
      put('c1'),
      check('c2', isAbsent.ConditionExpression),
    ];
    expect(
      await write(actions, {
        ReturnConsumedCapacity: 'INDEXES',
        ReturnItemCollectionMetrics: 'SIZE',
      }),
    ).toEqual({
      ConsumedCapacity: [
        {
          TableName: 'Music',
          CapacityUnits: 4,
          WriteCapacityUnits: 4,
          Table: { CapacityUnits: 2, WriteCapacityUnits: 2 },
          LocalSecondaryIndexes: { ByYear: { CapacityUnits: 1, WriteCapacityUnits: 1 } },
          GlobalSecondaryIndexes: { ByGenre: { CapacityUnits: 1, WriteCapacityUnits: 1 } },
        },
        {
          TableName,
          CapacityUnits: 4,
          WriteCapacityUnits: 4,
          Table: { CapacityUnits: 4, WriteCapacityUnits: 4 },
        },
      ],
      ItemCollectionMetrics: {
        Music: [{ ItemCollectionKey: { Artist: { S: 'c' } }, SizeEstimateRangeGB: [0, 1] }],
      },
    });
  });

  it('a check, and a deletion, by the item that is there', async () => {
    const Item = { Id: { S: 'large' }, a: { S: 'x'.repeat(3_000) } };
    await write([{ Put: { TableName, Item } }]);
    const mode = { ReturnConsumedCapacity: 'TOTAL' };
    for (const action of [check('large'), del('large')]) {
      expect(await write([action], mode)).toEqual({
        ConsumedCapacity: [{ TableName, CapacityUnits: 6, WriteCapacityUnits: 6 }],
      });
    }
  });

  it('nothing of the table when it has no units left: a reason of each action', async () => {
    await server.createTable({
      ...users,
      TableName: 'Slow',
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 },
    });
    const puts = Array.from({ length: 50 }, (_, index) => ({
      Put: { TableName: 'Slow', Item: { Id: { S: `${index}` } } },
    }));
    for (let units = 300; units > 0; units -= 100) await write(puts);
    const text =
      'The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.';
    const reason = ['ProvisionedThroughputExceeded', text] as const;
    expect(await fault(puts.slice(0, 2))).toEqual(cancelled([...reason], [...reason]));
  });
});

describe('a fault of the whole request', () => {
  const validation = (message: string) => ({ type: 'ValidationException', message });
  const one = (text: string) => validation(`1 validation error detected: ${text}`);

  it.each([
    [
      'no items',
      [],
      {},
      one(
        "Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ),
    ],
    [
      'bad capacity',
      [put('a')],
      { ReturnConsumedCapacity: 'X' },
      one(
        "Value 'X' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]",
      ),
    ],
    [
      'both enumerations',
      [put('a')],
      { ReturnItemCollectionMetrics: 'Y', ReturnConsumedCapacity: 'X' },
      validation(
        "2 validation errors detected: Value 'X' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; Value 'Y' at 'returnItemCollectionMetrics' failed to satisfy constraint: Member must satisfy enum value set: [SIZE, NONE]",
      ),
    ],
    [
      'a long token, first',
      [put('a')],
      { ClientRequestToken: 'x'.repeat(37), ReturnConsumedCapacity: 'X' },
      validation(
        `2 validation errors detected: Value '${'x'.repeat(37)}' at 'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to 36; Value 'X' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]`,
      ),
    ],
    [
      'an empty token',
      [put('a')],
      { ClientRequestToken: '' },
      one(
        "Value '' at 'clientRequestToken' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ),
    ],
    [
      'a table name, by its place',
      [put('a'), update('b', { TableName: 'bad!name' })],
      {},
      one(
        "Value 'bad!name' at 'transactItems.2.member.update.tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
      ),
    ],
    [
      'what to return',
      [check('a', 'attribute_exists(Id)', { ReturnValuesOnConditionCheckFailure: 'X' })],
      {},
      one(
        "Value 'X' at 'transactItems.1.member.conditionCheck.returnValuesOnConditionCheckFailure' failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, NONE]",
      ),
    ],
    [
      'no member',
      [put('a'), {}],
      {},
      validation(
        'Invalid Request: TransactWriteRequest should contain Delete or Put or Update request',
      ),
    ],
    [
      'two members',
      [{ ...put('a'), ...del('a') }],
      {},
      validation('TransactItems can only contain one of Check, Put, Update or Delete'),
    ],
    ...[
      { value: { SS: [] }, text: `${INVALID}An string set  may not be empty` },
      {
        value: { SS: ['b', 'a', 'b'] },
        text: `${INVALID}Input collection [b, a, b] contains duplicates.`,
      },
      { value: { NS: ['1', '1'] }, text: 'Input collection contains duplicates' },
      { value: { N: 'x' }, text: 'The parameter cannot be converted to a numeric value: x' },
    ].map(({ value, text }): [string, object[], object, WireFault] => [
      `${JSON.stringify(value)} among the values, which is named`,
      [update('a', { ExpressionAttributeValues: { ':a': value } })],
      {},
      validation(`ExpressionAttributeValues contains invalid value: ${text} for key :a`),
    ]),
    [
      '{"NULL": false} among the values, which is not named',
      [update('a', { ExpressionAttributeValues: { ':a': { NULL: false } } })],
      {},
      validation(`${INVALID}Null attribute value types must have the value of true`),
    ],
    [
      'one item twice',
      [put('a'), check('a')],
      {},
      validation('Transaction request cannot include multiple operations on one item'),
    ],
    [
      'an empty condition',
      [put('a', { ConditionExpression: '' })],
      {},
      validation('Invalid ConditionExpression: The expression can not be empty;'),
    ],
    [
      'a condition that does not parse',
      [check('a', 'attribute_not_exists(')],
      {},
      validation('Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "("'),
    ],
    [
      'an unused value',
      [put('a', { ...isAbsent, ExpressionAttributeValues: { ':v': { S: 'x' } } })],
      {},
      validation('Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}'),
    ],
    [
      'an empty set',
      [put('a', { Item: { Id: { S: 'a' }, s: { SS: [] } } })],
      {},
      validation('One or more parameter values were invalid: An string set  may not be empty'),
    ],
    [
      'an empty key',
      [put('')],
      {},
      validation(
        'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: Id',
      ),
    ],
    [
      'an empty key of an update',
      [put('b'), update('')],
      {},
      validation(
        'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: Id',
      ),
    ],
    [
      'an item too large',
      [put('a', { Item: { Id: { S: 'a' }, a: { S: 'x'.repeat(409_600) } } })],
      {},
      validation('Item size has exceeded the maximum allowed size'),
    ],
    [
      'no such table',
      [put('a', { TableName: 'Nope' })],
      {},
      { type: 'ResourceNotFoundException', message: 'Requested resource not found' },
    ],
    [
      'a bad condition before a missing table',
      [put('a', { TableName: 'Nope' }), check('a', 'attribute_not_exists(')],
      {},
      validation('Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "("'),
    ],
    [
      'a missing table before one item twice',
      [put('a'), put('a'), put('a', { TableName: 'Nope' })],
      {},
      { type: 'ResourceNotFoundException', message: 'Requested resource not found' },
    ],
  ])('%s', async (_, actions, more, expected) => {
    expect(await fault(actions, more)).toEqual(expected);
  });

  it('no TransactItems', async () => {
    expect(await server.faultOf('TransactWriteItems', {})).toEqual(
      one("Value null at 'transactItems' failed to satisfy constraint: Member must not be null"),
    );
  });

  it('101 items', async () => {
    const { message } = await fault(Array.from({ length: 101 }, (_, index) => put(`${index}`)));
    expect(message).toMatch(
      /^1 validation error detected: Value '\[.+\]' at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100$/,
    );
  });

  it('more than 4 MB of items; deletions of large ones count by their keys', async () => {
    const a = { S: 'x'.repeat(350_000) };
    const puts = Array.from({ length: 12 }, (_, index) =>
      put(`${index}`, { Item: { Id: { S: `l${index}` }, a } }),
    );
    expect(await fault(puts)).toEqual({
      type: 'ValidationException',
      message:
        'Transaction payload size cannot exceed 4MB. Payload Size: : Transaction payload size cannot exceed 4MB. Payload Size: 4200062',
    });
    await write(puts.slice(0, 6));
    await write(puts.slice(6));
    await write(puts.map((_, index) => del(`l${index}`)));
    expect(await item('l0')).toBeUndefined();
  });
});

describe('what is wrong with one action is its reason', () => {
  const song = (Item: object) => ({ Put: { TableName: 'Music', Item } });
  it.each([
    [
      'a key of the wrong type',
      put('', { Item: { Id: { N: '5' } } }),
      'One or more parameter values were invalid: Type mismatch for key Id expected: S actual: N',
    ],
    [
      'no key',
      put('', { Item: { a: { S: 'x' } } }),
      'One or more parameter values were invalid: Missing the key Id in the item',
    ],
    [
      'the key of an update',
      update('', { Key: { Id: { N: '5' } } }),
      'The provided key element does not match the schema',
    ],
    [
      'the key of a deletion',
      del('', { Key: { Other: { S: 'x' } } }),
      'The provided key element does not match the schema',
    ],
    [
      'the key of a check',
      check('', 'attribute_exists(Id)', { Key: { Id: { L: [] } } }),
      'The provided key element does not match the schema',
    ],
    [
      'a key that is too long',
      put('x'.repeat(2049)),
      'One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes',
    ],
    [
      'the key of an index',
      song({ Artist: { S: 'a' }, Song: { S: 's' }, Year: { S: 'x' } }),
      'One or more parameter values were invalid: Type mismatch for Index Key Year Expected: N Actual: S IndexName: ByGenre',
    ],
    [
      'an update of the key',
      update('k', { UpdateExpression: 'SET Id = :a' }),
      'One or more parameter values were invalid: Cannot update attribute Id. This attribute is part of the key',
    ],
    [
      'an update that does not fit the item',
      update('k', { UpdateExpression: 'SET b.c = :a' }),
      'The document path provided in the update expression is invalid for update',
    ],
  ])('%s', async (_, action, message) => {
    expect(await fault([put('fine'), action])).toEqual(
      cancelled(['None'], ['ValidationError', message]),
    );
    expect(await item('fine')).toBeUndefined();
  });

  it('only the first of several, and no condition beside it', async () => {
    const wrong = (N: string) => ({ Put: { TableName, Item: { Id: { N } } } });
    expect(await fault([put('fine', isThere), wrong('7'), wrong('8')])).toEqual(
      cancelled(
        ['None'],
        [
          'ValidationError',
          'One or more parameter values were invalid: Type mismatch for key Id expected: S actual: N',
        ],
        ['None'],
      ),
    );
  });

  it('nothing of an update that makes an item of exactly 400 KB', async () => {
    const room = 409_600 - 'Id'.length - 'full'.length - 'b'.length;
    const more = {
      UpdateExpression: 'SET b = :a',
      ExpressionAttributeValues: { ':a': { S: 'y'.repeat(room) } },
    };
    expect(await write([update('full', more)])).toEqual({});
  });

  it('an item that an update makes too large', async () => {
    await write([put('grown', { Item: { Id: { S: 'grown' }, a: { S: 'x'.repeat(300_000) } } })]);
    const more = {
      UpdateExpression: 'SET b = :a',
      ExpressionAttributeValues: { ':a': { S: 'y'.repeat(200_000) } },
    };
    expect(await fault([update('grown', more)])).toEqual(
      cancelled(['ValidationError', 'Item size to update has exceeded the maximum allowed size']),
    );
  });
});
