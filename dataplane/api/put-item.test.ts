import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { music, type Server, startServer, users } from './server.fixture.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
  await server.createTable(music);
});
afterAll(() => server.close());

const song = {
  Artist: { S: 'Nina' },
  Song: { S: 'Sinnerman' },
  Year: { N: '1965' },
  Genre: { S: 'Jazz' },
};
const PREFIX = '1 validation error detected: ';
const INVALID = 'One or more parameter values were invalid: ';

describe('PutItem', () => {
  it('creates, replaces as a whole, and shows the old item when asked', async () => {
    const put = (item: object, more: object = {}) =>
      server.call('PutItem', { TableName: 'Users', Item: { Id: { S: 'a' }, ...item }, ...more });
    expect(await put({ A: { N: '1' } })).toEqual({});
    expect(await put({ B: { N: '2' } }, { ReturnValues: 'ALL_OLD' })).toEqual({
      Attributes: { Id: { S: 'a' }, A: { N: '1' } },
    });
    expect(await put({}, { ReturnValues: 'NONE' })).toEqual({});
    expect(await server.call('GetItem', { TableName: 'Users', Key: { Id: { S: 'a' } } })).toEqual({
      Item: { Id: { S: 'a' } },
    });
  });

  it('stores numbers in normal form and attributes with names of the prototype', async () => {
    const Item = JSON.parse(
      '{"Id":{"S":"p"},"__proto__":{"N":"1.50"},"constructor":{"M":{"__proto__":{"S":"x"}}}}',
    );
    await server.call('PutItem', { TableName: 'Users', Item });
    const { Item: stored } = await server.call('GetItem', {
      TableName: 'Users',
      Key: { Id: { S: 'p' } },
    });
    expect(JSON.stringify(stored)).toBe(
      '{"Id":{"S":"p"},"__proto__":{"N":"1.5"},"constructor":{"M":{"__proto__":{"S":"x"}}}}',
    );
  });

  it('reports capacity by index and the size of the item collection', async () => {
    const body = {
      TableName: 'Music',
      Item: song,
      ReturnConsumedCapacity: 'INDEXES',
      ReturnItemCollectionMetrics: 'SIZE',
    };
    expect(await server.call('PutItem', body)).toEqual({
      ConsumedCapacity: {
        TableName: 'Music',
        CapacityUnits: 3,
        Table: { CapacityUnits: 1 },
        LocalSecondaryIndexes: { ByYear: { CapacityUnits: 1 } },
        GlobalSecondaryIndexes: { ByGenre: { CapacityUnits: 1 } },
      },
      ItemCollectionMetrics: {
        ItemCollectionKey: { Artist: { S: 'Nina' } },
        SizeEstimateRangeGB: [0, 1],
      },
    });
  });

  it('has no item collection metrics without local indexes', async () => {
    const Item = { Id: { S: 'm' } };
    const body = { TableName: 'Users', Item, ReturnItemCollectionMetrics: 'SIZE' };
    expect(await server.call('PutItem', body)).toEqual({});
  });

  it('refuses what fails its condition, showing the item only when asked', async () => {
    const Item = { Id: { S: 'c' }, A: { N: '1' } };
    await server.call('PutItem', { TableName: 'Users', Item });
    const body = { TableName: 'Users', Item, ConditionExpression: 'attribute_not_exists(Id)' };
    const failed = {
      type: 'ConditionalCheckFailedException',
      message: 'The conditional request failed',
    };
    expect(await server.faultOf('PutItem', body)).toEqual(failed);
    expect(
      await server.faultOf('PutItem', { ...body, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
    ).toEqual({ ...failed, members: { Item } });
    expect(
      await server.faultOf('PutItem', {
        TableName: 'Users',
        Item,
        Expected: { Id: { Exists: false } },
      }),
    ).toEqual(failed);
    expect(
      await server.call('PutItem', {
        TableName: 'Users',
        Item,
        Expected: { A: { Value: { N: '1.0' } }, B: { ComparisonOperator: 'NOT_NULL' } },
        ConditionalOperator: 'OR',
      }),
    ).toEqual({});
  });

  const base = { TableName: 'Users', Item: { Id: { S: 'f' } } };
  const withItem = (attributes: object) => ({ ...base, Item: { Id: { S: 'f' }, ...attributes } });
  const faults: [string, object, string][] = [
    [
      'no parameters',
      {},
      "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null; Value null at 'item' failed to satisfy constraint: Member must not be null",
    ],
    [
      'an empty table name, whatever else',
      { TableName: '', ReturnValues: 'X' },
      `${PREFIX}Value at 'TableName' failed to satisfy constraint: Member must have length greater than or equal to 1`,
    ],
    [
      'unknown enumeration values, together',
      {
        ...base,
        ReturnConsumedCapacity: 'A',
        ReturnItemCollectionMetrics: 'B',
        ReturnValues: 'C',
        ReturnValuesOnConditionCheckFailure: 'D',
      },
      "4 validation errors detected: Value 'A' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]; Value 'B' at 'returnItemCollectionMetrics' failed to satisfy constraint: Member must satisfy enum value set: [SIZE, NONE]; Value 'D' at 'returnValuesOnConditionCheckFailure' failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, NONE]",
    ],
    [
      'ReturnValues of updates',
      { ...base, ReturnValues: 'ALL_NEW' },
      `${PREFIX}ReturnValues can only be ALL_OLD or NONE`,
    ],
    [
      'an empty set',
      withItem({ A: { SS: [] } }),
      `${PREFIX}${INVALID}An string set  may not be empty`,
    ],
    [
      'expression and legacy condition',
      { ...base, ConditionExpression: 'attribute_exists(Id)', Expected: { A: { Exists: false } } },
      `${PREFIX}Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}`,
    ],
    [
      'values without expression',
      { ...base, ExpressionAttributeValues: { ':a': { S: 'a' } } },
      `${PREFIX}ExpressionAttributeValues can only be specified when using expressions`,
    ],
    [
      'an unused value',
      {
        ...base,
        ConditionExpression: 'attribute_exists(Id)',
        ExpressionAttributeValues: { ':a': { S: 'a' } },
      },
      `${PREFIX}Value provided in ExpressionAttributeValues unused in expressions: keys: {:a}`,
    ],
    [
      'an empty condition',
      { ...base, ConditionExpression: '' },
      `${PREFIX}Invalid ConditionExpression: The expression can not be empty;`,
    ],
    [
      'ConditionalOperator with nothing to join',
      { ...base, ConditionalOperator: 'AND' },
      `${PREFIX}ConditionalOperator cannot be used without Filter or Expected`,
    ],
    [
      'ConditionalOperator with one condition',
      { ...base, Expected: { A: { Exists: false } }, ConditionalOperator: 'AND' },
      `${PREFIX}ConditionalOperator can only be used when Filter or Expected has two or more elements`,
    ],
    [
      'an unknown ConditionalOperator',
      {
        ...base,
        Expected: { A: { Exists: false }, B: { Exists: false } },
        ConditionalOperator: 'XOR',
      },
      `${PREFIX}Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]`,
    ],
    [
      'an unknown operator',
      { ...base, Expected: { A: { ComparisonOperator: 'LIKE' } } },
      `${PREFIX}${INVALID}Invalid comparison operator`,
    ],
    [
      'a condition that contradicts itself',
      { ...base, Expected: { A: { Exists: false, Value: { S: 'a' } } } },
      `${PREFIX}${INVALID}Value cannot be used when Exists is false for Attribute: A`,
    ],
    [
      'an empty attribute name in Expected',
      { ...base, Expected: { '': { Exists: false } } },
      `${PREFIX}Empty attribute name`,
    ],
    [
      'a condition on something inside a key',
      {
        ...base,
        ConditionExpression: 'Id.a = :a',
        ExpressionAttributeValues: { ':a': { S: 'a' } },
      },
      "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: Id",
    ],
    [
      'a missing key',
      { ...base, Item: { A: { S: 'a' } } },
      `${INVALID}Missing the key Id in the item`,
    ],
    [
      'a key of another type',
      { ...base, Item: { Id: { N: '1' } } },
      `${INVALID}Type mismatch for key Id expected: S actual: N`,
    ],
    [
      'an item of more than 400 KB',
      withItem({ A: { S: 'x'.repeat(409_600) } }),
      'Item size has exceeded the maximum allowed size',
    ],
  ];
  it.each(faults)('refuses %s', async (_, body, message) => {
    expect(await server.faultOf('PutItem', body)).toEqual({ type: 'ValidationException', message });
  });

  it('takes an item of exactly 400 KB', async () => {
    const Item = { Id: { S: 'big' }, A: { S: 'x'.repeat(409_600 - 2 - 3 - 1) } };
    expect(await server.call('PutItem', { TableName: 'Users', Item })).toEqual({});
  });

  it('reports sizes before an absent table, and keys after it', async () => {
    const big = { TableName: 'Absent', Item: { A: { S: 'x'.repeat(409_600) } } };
    expect((await server.faultOf('PutItem', big)).message).toBe(
      'Item size has exceeded the maximum allowed size',
    );
    expect(await server.faultOf('PutItem', { TableName: 'Absent', Item: {} })).toEqual({
      type: 'ResourceNotFoundException',
      message: 'Requested resource not found',
    });
  });
});
