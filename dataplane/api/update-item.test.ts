import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { music, type Server, startServer, users } from './server.fixture.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
  await server.createTable(music);
  await server.call('PutItem', { TableName, Item: { Id: { S: 'there' } } });
});
afterAll(() => server.close());

const PREFIX = '1 validation error detected: ';
const INVALID = 'One or more parameter values were invalid: ';
const TableName = 'Users';

async function itemOf(id: string): Promise<unknown> {
  return (await server.call('GetItem', { TableName, Key: { Id: { S: id } } })).Item;
}

describe('UpdateItem', () => {
  it('creates an item of its key alone when there is nothing to update', async () => {
    const Key = { Id: { S: 'fresh' } };
    expect(await server.call('UpdateItem', { TableName, Key })).toEqual({});
    expect(await itemOf('fresh')).toEqual(Key);
  });

  const before = { Id: { S: 'r' }, A: { N: '1' }, M: { M: { x: { S: 'x' }, y: { S: 'y' } } } };
  const after = { Id: { S: 'r' }, A: { N: '3' }, M: { M: { y: { S: 'z' } } } };
  it.each([
    ['NONE', undefined],
    ['ALL_OLD', before],
    ['ALL_NEW', after],
    ['UPDATED_OLD', { A: { N: '1' }, M: { M: { x: { S: 'x' }, y: { S: 'y' } } } }],
    ['UPDATED_NEW', { A: { N: '3' }, M: { M: { y: { S: 'z' } } } }],
  ])('ReturnValues %s', async (ReturnValues, Attributes) => {
    await server.call('PutItem', { TableName, Item: before });
    const body = {
      TableName,
      Key: { Id: { S: 'r' } },
      UpdateExpression: 'SET M.y = :z REMOVE M.x ADD A :two',
      ExpressionAttributeValues: { ':z': { S: 'z' }, ':two': { N: '2' } },
      ReturnValues,
    };
    expect(await server.call('UpdateItem', body)).toEqual(
      Attributes === undefined ? {} : { Attributes },
    );
    expect(await itemOf('r')).toEqual(after);
  });

  it('shows no attributes where the update left nothing to show', async () => {
    const body = {
      TableName,
      Key: { Id: { S: 'none' } },
      UpdateExpression: 'REMOVE A',
      ReturnValues: 'UPDATED_NEW',
    };
    expect(await server.call('UpdateItem', body)).toEqual({});
  });

  describe('measures what an expression writes, beside the item that it makes', () => {
    const tooLarge = {
      type: 'ValidationException',
      message: 'Item size to update has exceeded the maximum allowed size',
    };
    const settingTo = (length: number, more: object = {}) => ({
      TableName,
      Key: { Id: { S: 'k' } },
      UpdateExpression: 'SET b = :b',
      ExpressionAttributeValues: { ':b': { S: 'x'.repeat(length) } },
      ...more,
    });
    const room = 409_600 - 3 - 19 - 'b'.length;

    it('to the byte, without what it leaves alone', async () => {
      const Item = { Id: { S: 'k' }, u: { S: 'y'.repeat(10) } };
      await server.call('PutItem', { TableName, Item });
      expect(await server.faultOf('UpdateItem', settingTo(room + 1))).toEqual(tooLarge);
      expect(await server.call('UpdateItem', settingTo(room))).toEqual({});
    });

    it('before the condition is looked at', async () => {
      const body = settingTo(room + 1, { ConditionExpression: 'attribute_exists(nothing)' });
      expect(await server.faultOf('UpdateItem', body)).toEqual(tooLarge);
    });

    it('and not of AttributeUpdates', async () => {
      const ofLength = (length: number) => ({
        TableName,
        Key: { Id: { S: 'legacy' } },
        AttributeUpdates: { b: { Value: { S: 'x'.repeat(length) } } },
      });
      const legacyRoom = 409_600 - 'Id'.length - 'legacy'.length - 'b'.length;
      expect(await server.faultOf('UpdateItem', ofLength(legacyRoom + 1))).toEqual(tooLarge);
      expect(await server.call('UpdateItem', ofLength(legacyRoom))).toEqual({});
    });
  });

  it('takes the legacy actions', async () => {
    await server.call('PutItem', {
      TableName,
      Item: { Id: { S: 'l' }, N: { N: '1' }, S: { SS: ['a', 'b'] }, G: { S: 'gone' } },
    });
    const body = {
      TableName,
      Key: { Id: { S: 'l' } },
      AttributeUpdates: {
        N: { Action: 'ADD', Value: { N: '2' } },
        S: { Action: 'DELETE', Value: { SS: ['a'] } },
        G: { Action: 'DELETE' },
        P: { Value: { N: '01' } },
      },
      ReturnValues: 'ALL_NEW',
    };
    expect(await server.call('UpdateItem', body)).toEqual({
      Attributes: { Id: { S: 'l' }, N: { N: '3' }, S: { SS: ['b'] }, P: { N: '1' } },
    });
  });

  it.each([
    ['REMOVE A', undefined],
    ['DELETE A :a REMOVE B', { ':a': { SS: ['a'] } }],
    // Parents that an item would have to have.
    ['REMOVE A.b', undefined],
    ['REMOVE A[0]', undefined],
  ])('makes no item of %s', async (UpdateExpression, ExpressionAttributeValues) => {
    const Key = { Id: { S: 'absent' } };
    const body = { TableName, Key, UpdateExpression, ExpressionAttributeValues };
    expect(await server.call('UpdateItem', { ...body, ReturnValues: 'ALL_NEW' })).toEqual({});
    expect(await server.call('GetItem', { TableName, Key })).toEqual({});
  });

  it('makes no item of legacy actions that only delete', async () => {
    const Key = { Id: { S: 'absent' } };
    const remove = { Action: 'DELETE' };
    const removeFrom = { Action: 'DELETE', Value: { SS: ['a'] } };
    const body = {
      TableName,
      Key,
      AttributeUpdates: { A: remove, B: removeFrom },
      ReturnValues: 'ALL_NEW',
    };
    expect(await server.call('UpdateItem', body)).toEqual({});
    expect(await server.call('GetItem', { TableName, Key })).toEqual({});
    const adds = {
      ...body,
      AttributeUpdates: { A: remove, N: { Action: 'ADD', Value: { N: '1' } } },
    };
    expect(await server.call('UpdateItem', adds)).toEqual({
      Attributes: { ...Key, N: { N: '1' } },
    });
  });

  it('refuses what fails its condition', async () => {
    const body = {
      TableName,
      Key: { Id: { S: 'c' } },
      UpdateExpression: 'SET A = :a',
      ConditionExpression: 'A = :a',
      ExpressionAttributeValues: { ':a': { S: 'a' } },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    };
    const failed = {
      type: 'ConditionalCheckFailedException',
      message: 'The conditional request failed',
    };
    expect(await server.faultOf('UpdateItem', body)).toEqual(failed);
    await server.call('PutItem', { TableName, Item: { Id: { S: 'c' }, A: { S: 'b' } } });
    expect(await server.faultOf('UpdateItem', body)).toEqual({
      ...failed,
      members: { Item: { Id: { S: 'c' }, A: { S: 'b' } } },
    });
  });

  const base = { TableName, Key: { Id: { S: 'f' } } };
  const text = { S: 'v' };
  const LONG = 'n'.repeat(65_536);
  const longName = { ExpressionAttributeNames: { '#n': LONG } };
  const faults: [string, object, string][] = [
    [
      'no parameters, with all enumerations',
      { ReturnConsumedCapacity: 'A', ReturnValues: 'B', ReturnItemCollectionMetrics: 'C' },
      "5 validation errors detected: Value 'A' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; Value null at 'tableName' failed to satisfy constraint: Member must not be null; Value 'B' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]; Value 'C' at 'returnItemCollectionMetrics' failed to satisfy constraint: Member must satisfy enum value set: [SIZE, NONE]; Value null at 'key' failed to satisfy constraint: Member must not be null",
    ],
    [
      'a table name with all that is wrong with it',
      { ...base, TableName: 'a!', ReturnValues: 'X' },
      "2 validation errors detected: Value 'a!' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value 'a!' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
    ],
    [
      'enumerations, one at a time',
      { ...base, ReturnValues: 'X', ReturnConsumedCapacity: 'X' },
      `${PREFIX}Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]`,
    ],
    [
      'an unknown capacity mode, with no count before it',
      { ...base, ReturnConsumedCapacity: 'X' },
      "Value 'X' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]",
    ],
    [
      'expression and legacy parameters',
      {
        ...base,
        UpdateExpression: 'REMOVE A',
        AttributeUpdates: {},
        Expected: {},
        ConditionExpression: 'a = b',
      },
      `${PREFIX}Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributeUpdates, Expected} Expression parameters: {UpdateExpression, ConditionExpression}`,
    ],
    [
      'an undefined value',
      { ...base, UpdateExpression: 'SET A = :v' },
      `${PREFIX}Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :v`,
    ],
    ...[
      { value: { SS: [] }, text: 'An string set  may not be empty' },
      { value: { NS: [] }, text: 'An number set  may not be empty' },
      { value: { BS: [] }, text: 'Binary sets should not be empty' },
    ].map(({ value, text }): [string, object, string] => [
      // getmoto/moto test_update_item_add_empty_set, test_update_item_unused_attributes (verified).
      `${JSON.stringify(value)} among the values, which it does not name`,
      { ...base, UpdateExpression: 'SET A = :v', ExpressionAttributeValues: { ':v': value } },
      `${PREFIX}${INVALID}${text}`,
    ]),
    [
      'an update of the key',
      {
        ...base,
        UpdateExpression: 'SET Id = :v',
        ExpressionAttributeValues: { ':v': { S: 'v' } },
      },
      `${INVALID}Cannot update attribute Id. This attribute is part of the key`,
    ],
    [
      'an unknown legacy action',
      { ...base, AttributeUpdates: { A: { Action: 'put', Value: { S: 'a' } } } },
      `${PREFIX}Member must satisfy enum value set: [ADD, DELETE, PUT]' for Action`,
    ],
    [
      'a legacy action without a value',
      { ...base, AttributeUpdates: { A: { Action: 'ADD' } } },
      `${INVALID}Only DELETE action is allowed when no attribute value is specified`,
    ],
    [
      'an empty attribute name',
      { ...base, AttributeUpdates: { '': { Value: { S: 'a' } } } },
      `${PREFIX}Empty attribute name`,
    ],
    ...[
      { UpdateExpression: 'SET #n = :v', ...longName, ExpressionAttributeValues: { ':v': text } },
      { UpdateExpression: 'SET A = B', ConditionExpression: '#n = A', ...longName },
      { AttributeUpdates: { [LONG]: { Value: text } } },
      { Expected: { [LONG]: { Value: text } } },
    ].map((members): [string, object, string] => [
      `an attribute name that is too long in ${Object.keys(members)}`,
      { ...base, ...members },
      `${PREFIX}Attribute name is too large, must be less than 65536 bytes`,
    ]),
    [
      'a path without its parent where there is an item',
      { ...base, Key: { Id: { S: 'there' } }, UpdateExpression: 'REMOVE A.b' },
      'The document path provided in the update expression is invalid for update',
    ],
    [
      'a path without its parent where there is no item and will be one',
      {
        ...base,
        UpdateExpression: 'SET C = :v REMOVE A.b',
        ExpressionAttributeValues: { ':v': text },
      },
      'The document path provided in the update expression is invalid for update',
    ],
    [
      'a source inside an index key',
      {
        TableName: 'Music',
        Key: { Artist: { S: 'a' }, Song: { S: 's' } },
        UpdateExpression: 'SET A = list_append(B, B), C = Genre[1]',
      },
      "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: Genre",
    ],
    [
      'a key of another shape',
      { ...base, Key: { Id: { S: 'f' }, A: { S: 'a' } } },
      'The provided key element does not match the schema',
    ],
    [
      'a source that the item does not have',
      { ...base, UpdateExpression: 'SET A = B' },
      'The provided expression refers to an attribute that does not exist in the item',
    ],
    [
      'an operand of another type',
      {
        TableName: 'Music',
        Key: { Artist: { S: 'a' }, Song: { S: 's' } },
        UpdateExpression: 'SET #y = :y',
        ExpressionAttributeNames: { '#y': 'Year' },
        ExpressionAttributeValues: { ':y': { S: 'y' } },
      },
      `${INVALID}Type mismatch for Index Key Year Expected: N Actual: S IndexName: ByGenre`,
    ],
  ];
  it.each(faults)('refuses %s', async (_, body, message) => {
    expect(await server.faultOf('UpdateItem', body)).toEqual({
      type: 'ValidationException',
      message,
    });
  });
});
