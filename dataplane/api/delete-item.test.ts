import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Server, startServer, users } from './server.fixture.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
});
afterAll(() => server.close());

const PREFIX = '1 validation error detected: ';
const TableName = 'Users';

describe('DeleteItem', () => {
  it('deletes, and succeeds where there is nothing to delete', async () => {
    const Item = { Id: { S: 'a' }, A: { N: '1' } };
    await server.call('PutItem', { TableName, Item });
    const body = { TableName, Key: { Id: { S: 'a' } }, ReturnValues: 'ALL_OLD' };
    expect(await server.call('DeleteItem', body)).toEqual({ Attributes: Item });
    expect(await server.call('DeleteItem', body)).toEqual({});
  });

  it('refuses what fails its condition', async () => {
    const body = {
      TableName,
      Key: { Id: { S: 'absent' } },
      ConditionExpression: 'attribute_exists(Id)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    };
    expect(await server.faultOf('DeleteItem', body)).toEqual({
      type: 'ConditionalCheckFailedException',
      message: 'The conditional request failed',
    });
  });

  it('reports capacity', async () => {
    const body = { TableName, Key: { Id: { S: 'absent' } }, ReturnConsumedCapacity: 'TOTAL' };
    expect(await server.call('DeleteItem', body)).toEqual({
      ConsumedCapacity: { TableName, CapacityUnits: 1 },
    });
  });

  const base = { TableName, Key: { Id: { S: 'f' } } };
  const faults: [string, object, string][] = [
    [
      'no parameters',
      {},
      "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null; Value null at 'key' failed to satisfy constraint: Member must not be null",
    ],
    [
      'unknown enumeration values, together',
      { ...base, ReturnValues: 'A', ReturnConsumedCapacity: 'B' },
      "2 validation errors detected: Value 'B' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]",
    ],
    [
      'ReturnValues of updates, before expressions',
      { ...base, ReturnValues: 'UPDATED_NEW', ConditionExpression: '' },
      `${PREFIX}ReturnValues can only be ALL_OLD or NONE`,
    ],
    [
      'a syntax error',
      { ...base, ConditionExpression: 'a =' },
      `${PREFIX}Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "="`,
    ],
    [
      'a key of another type',
      { ...base, Key: { Id: { N: '1' } } },
      'The provided key element does not match the schema',
    ],
  ];
  it.each(faults)('refuses %s', async (_, body, message) => {
    expect(await server.faultOf('DeleteItem', body)).toEqual({
      type: 'ValidationException',
      message,
    });
  });
});
