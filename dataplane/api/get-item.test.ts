import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { music, type Server, startServer, users } from './server.fixture.ts';

let server: Server;
const item = { Id: { S: 'a' }, Name: { S: 'ünï' }, Tags: { L: [{ S: 'x' }, { S: 'y' }] } };

beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
  await server.createTable(music);
  await server.call('PutItem', { TableName: 'Users', Item: item });
});
afterAll(() => server.close());

describe('GetItem', () => {
  it('answers the item', async () => {
    const body = { TableName: 'Users', Key: { Id: { S: 'a' } } };
    expect(await server.call('GetItem', body)).toEqual({ Item: item });
  });

  it('answers without an Item member where there is none', async () => {
    const body = { TableName: 'Users', Key: { Id: { S: 'b' } } };
    expect(await server.call('GetItem', body)).toEqual({});
  });

  it('takes the ARN of the table for its name', async () => {
    const { Table } = await server.call('DescribeTable', { TableName: 'Users' });
    const body = {
      TableName: Table.TableArn,
      Key: { Id: { S: 'a' } },
      ReturnConsumedCapacity: 'TOTAL',
    };
    expect(await server.call('GetItem', body)).toEqual({
      Item: item,
      ConsumedCapacity: { TableName: Table.TableArn, CapacityUnits: 0.5 },
    });
  });

  it('ignores expression values, which it does not know', async () => {
    const body = {
      TableName: 'Users',
      Key: { Id: { S: 'a' } },
      ProjectionExpression: 'Id',
      ExpressionAttributeValues: { bad: {} },
    };
    expect(await server.call('GetItem', body)).toEqual({ Item: { Id: { S: 'a' } } });
  });

  it('is answered synchronously, so that the hot path waits for nobody', async () => {
    const { operations } = await import('./operations.ts');
    const body = { TableName: 'Users', Key: { Id: { S: 'a' } } };
    expect(operations.get('GetItem')?.handle(body, server.context)).toBeInstanceOf(Uint8Array);
  });

  it.each([
    ['NONE', undefined],
    ['TOTAL', { TableName: 'Users', CapacityUnits: 1 }],
    ['INDEXES', { TableName: 'Users', CapacityUnits: 1, Table: { CapacityUnits: 1 } }],
  ])('ReturnConsumedCapacity %s', async (ReturnConsumedCapacity, ConsumedCapacity) => {
    const Key = { Id: { S: 'absent' } };
    const body = { TableName: 'Users', Key, ConsistentRead: true, ReturnConsumedCapacity };
    expect((await server.call('GetItem', body)).ConsumedCapacity).toEqual(ConsumedCapacity);
  });

  it('projects paths of documents, and whole attributes the old way', async () => {
    const body = { TableName: 'Users', Key: { Id: { S: 'a' } } };
    expect(
      await server.call('GetItem', {
        ...body,
        ProjectionExpression: '#t[1], Id',
        ExpressionAttributeNames: { '#t': 'Tags' },
      }),
    ).toEqual({ Item: { Tags: { L: [{ S: 'y' }] }, Id: { S: 'a' } } });
    expect(await server.call('GetItem', { ...body, AttributesToGet: ['Name', 'No'] })).toEqual({
      Item: { Name: { S: 'ünï' } },
    });
  });

  const key = { Id: { S: 'a' } };
  const faults: [string, object, string][] = [
    [
      'no parameters',
      {},
      "2 validation errors detected: Value null at 'key' failed to satisfy constraint: Member must not be null; Value null at 'tableName' failed to satisfy constraint: Member must not be null",
    ],
    [
      'empty table name',
      { TableName: '', ReturnConsumedCapacity: 'X' },
      "1 validation error detected: Value at 'TableName' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      'short table name',
      { TableName: 'a!', Key: key },
      "1 validation error detected: Value 'a!' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
    ],
    [
      'table name of wrong characters',
      { TableName: 'bad table!@#', Key: key },
      "1 validation error detected: Value 'bad table!@#' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
    ],
    [
      'unknown capacity mode and no attributes',
      { TableName: 'Users', Key: key, ReturnConsumedCapacity: 'X', AttributesToGet: [] },
      "2 validation errors detected: Value 'X' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; Value '[]' at 'attributesToGet' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      'expression and legacy parameter',
      { TableName: 'Users', Key: key, ProjectionExpression: 'a', AttributesToGet: ['a'] },
      'Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}',
    ],
    [
      'names without expression',
      { TableName: 'Users', Key: key, ExpressionAttributeNames: { '#a': 'a' } },
      'ExpressionAttributeNames can only be specified when using expressions',
    ],
    [
      'no names',
      {
        TableName: 'Users',
        Key: key,
        ProjectionExpression: 'a',
        ExpressionAttributeNames: {},
      },
      'ExpressionAttributeNames must not be empty',
    ],
    [
      'name of a wrong form',
      {
        TableName: 'Users',
        Key: key,
        ProjectionExpression: 'a',
        ExpressionAttributeNames: { 'a b': 'a' },
      },
      'ExpressionAttributeNames contains invalid key: Syntax error; key: "a b"',
    ],
    [
      'empty name',
      {
        TableName: 'Users',
        Key: key,
        ProjectionExpression: 'a',
        ExpressionAttributeNames: { '#a': '' },
      },
      'ExpressionAttributeNames contains invalid value: Empty attribute name for key #a',
    ],
    [
      'name for a name that is too long',
      {
        TableName: 'Users',
        Key: key,
        ProjectionExpression: '#a',
        ExpressionAttributeNames: { '#a': 'n'.repeat(65_536) },
      },
      'Attribute name is too large, must be less than 65536 bytes',
    ],
    [
      'unused name',
      {
        TableName: 'Users',
        Key: key,
        ProjectionExpression: 'a',
        ExpressionAttributeNames: { '#a': 'a' },
      },
      'Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}',
    ],
    [
      'attribute asked for twice',
      { TableName: 'Users', Key: key, AttributesToGet: ['a', 'b', 'a'] },
      'One or more parameter values were invalid: Duplicate value in attribute name: a',
    ],
    [
      'value without type',
      { TableName: 'Users', Key: { Id: {} } },
      'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes',
    ],
    [
      'key of another type',
      { TableName: 'Users', Key: { Id: { N: '1' } } },
      'The provided key element does not match the schema',
    ],
    [
      'key with a further attribute',
      { TableName: 'Users', Key: { ...key, a: { N: '1' } } },
      'The provided key element does not match the schema',
    ],
    [
      'path into the key',
      {
        TableName: 'Music',
        Key: { Artist: { S: 'a' }, Song: { S: 'b' } },
        ProjectionExpression: 'Artist[0]',
      },
      "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: Artist",
    ],
  ];
  it.each(faults)('refuses: %s', async (_, body, message) => {
    expect(await server.faultOf('GetItem', body)).toEqual({
      type: 'ValidationException',
      message,
    });
  });

  it('refuses an absent table after all that can be said without it', async () => {
    expect(await server.faultOf('GetItem', { TableName: 'Absent', Key: key })).toEqual({
      type: 'ResourceNotFoundException',
      message: 'Requested resource not found',
    });
    const { type } = await server.faultOf('GetItem', {
      TableName: 'Absent',
      Key: key,
      ProjectionExpression: '',
    });
    expect(type).toBe('ValidationException');
  });
});
