import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { music, type Server, startServer, users } from './server.fixture.ts';

let server: Server;
const a = { Id: { S: 'a' }, N: { N: '1' }, M: { M: { x: { S: 'x' }, y: { S: 'y' } } } };
const b = { Id: { S: 'b' }, N: { N: '2' } };
const key = (id: string) => ({ Id: { S: id } });
beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
  await server.createTable(music);
  for (const Item of [a, b]) await server.call('PutItem', { TableName: 'Users', Item });
});
afterAll(() => server.close());

describe('BatchGetItem', () => {
  it('answers what is there, table by table', async () => {
    const body = {
      RequestItems: {
        Users: { Keys: [key('a'), key('absent'), key('b')] },
        Music: { Keys: [{ Artist: { S: 'x' }, Song: { S: 'y' } }], ConsistentRead: true },
      },
      ReturnConsumedCapacity: 'TOTAL',
    };
    expect(await server.call('BatchGetItem', body)).toEqual({
      Responses: { Users: [a, b], Music: [] },
      UnprocessedKeys: {},
      ConsumedCapacity: [
        { TableName: 'Users', CapacityUnits: 1.5 },
        { TableName: 'Music', CapacityUnits: 1 },
      ],
    });
  });

  /** getmoto/moto test_batch_write_using_arn (verified on the service). */
  it('answers under the names that the request has, ARNs among them', async () => {
    const { Table } = await server.call('DescribeTable', { TableName: 'Users' });
    const RequestItems = { [Table.TableArn]: { Keys: [key('a')] }, Users: { Keys: [key('b')] } };
    expect(await server.call('BatchGetItem', { RequestItems })).toEqual({
      Responses: { [Table.TableArn]: [a], Users: [b] },
      UnprocessedKeys: {},
    });
  });

  it('projects per table', async () => {
    const Users = {
      Keys: [key('a')],
      ProjectionExpression: '#m.x',
      ExpressionAttributeNames: { '#m': 'M' },
      ExpressionAttributeValues: { ':v': { S: 'ignored' } },
    };
    expect(await server.call('BatchGetItem', { RequestItems: { Users } })).toEqual({
      Responses: { Users: [{ M: { M: { x: { S: 'x' } } } }] },
      UnprocessedKeys: {},
    });
  });

  it('leaves keys unprocessed beyond 16 MB of items', async () => {
    const Keys = Array.from({ length: 50 }, (_, index) => key(`big-${index}`));
    for (const Key of Keys) {
      const Item = { ...Key, A: { S: 'x'.repeat(400_000) } };
      await server.call('PutItem', { TableName: 'Users', Item });
    }
    const { Responses, UnprocessedKeys } = await server.call('BatchGetItem', {
      RequestItems: { Users: { Keys, ConsistentRead: true } },
    });
    expect(Responses.Users).toHaveLength(41);
    expect(UnprocessedKeys).toEqual({ Users: { Keys: Keys.slice(41), ConsistentRead: true } });
  });

  it('leaves throttled keys unprocessed, and fails when all are throttled', async () => {
    const TableName = 'Slow';
    await server.createTable({
      ...users,
      TableName,
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 },
    });
    const RequestItems = {
      Slow: {
        Keys: Array.from({ length: 70 }, (_, index) => key(`${index}`)),
        ConsistentRead: true,
      },
    };
    let left = 0;
    for (let calls = 0; left === 0 && calls < 10; calls++) {
      const { UnprocessedKeys } = await server.call('BatchGetItem', { RequestItems });
      left = UnprocessedKeys.Slow?.Keys.length ?? 0;
    }
    expect(left).toBeGreaterThan(0);
    const { type } = await server.faultOf('BatchGetItem', { RequestItems });
    expect(type).toBe('ProvisionedThroughputExceededException');
  });

  const Users = { Keys: [key('a')] };
  const keys = (length: number) => Array.from({ length }, (_, index) => key(`${index}`));
  const faults: [string, object, string][] = [
    [
      'no parameters',
      {},
      "1 validation error detected: Value null at 'requestItems' failed to satisfy constraint: Member must not be null",
    ],
    [
      'no tables',
      { RequestItems: {} },
      "1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      'no keys, before all else',
      { RequestItems: { Users: { Keys: [] } }, ReturnConsumedCapacity: 'X' },
      "1 validation error detected: Value at 'RequestItems.Users.member.Keys' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      'more than 100 keys of all tables',
      { RequestItems: { Users: { Keys: keys(60) }, Absent: { Keys: keys(41) } } },
      "1 validation error detected: Value at 'RequestItems.Users.member.Keys' failed to satisfy constraint: Member must have length less than or equal to 100",
    ],
    [
      'a bad table name with an unknown capacity mode',
      { RequestItems: { ab: Users }, ReturnConsumedCapacity: 'X' },
      `2 validation errors detected: Value '{"ab":{"Keys":[{"Id":{"S":"a"}}]}}' at 'requestItems' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]; Value 'X' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]`,
    ],
    [
      'missing Keys',
      { RequestItems: { Users: {} } },
      "1 validation error detected: Value null at 'requestItems.Users.member.keys' failed to satisfy constraint: Member must not be null",
    ],
    [
      'a key twice, whatever the order of its attributes and the form of its numbers',
      {
        RequestItems: {
          Music: {
            Keys: [
              { Artist: { N: '1' }, Song: { S: 'y' } },
              { Song: { S: 'y' }, Artist: { N: '1.0' } },
            ],
          },
        },
      },
      'Provided list of item keys contains duplicates',
    ],
    [
      'an expression for one table and the legacy parameter for another',
      {
        RequestItems: {
          Users: { ...Users, ProjectionExpression: 'N' },
          Music: { Keys: [], AttributesToGet: ['a'] },
        },
      },
      "1 validation error detected: Value at 'RequestItems.Music.member.Keys' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      'an expression for one table and the legacy parameter for another',
      {
        RequestItems: {
          Users: { ...Users, ProjectionExpression: 'N' },
          Music: { Keys: [{}], AttributesToGet: ['a'] },
        },
      },
      'Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}',
    ],
    [
      'a key of another shape',
      { RequestItems: { Users: { Keys: [{ Other: { S: 'a' } }] } } },
      'The provided key element does not match the schema',
    ],
  ];
  it.each(faults)('refuses %s', async (_, body, message) => {
    expect(await server.faultOf('BatchGetItem', body)).toEqual({
      type: 'ValidationException',
      message,
    });
  });

  it('refuses all of it when one table is absent', async () => {
    expect(
      await server.faultOf('BatchGetItem', { RequestItems: { Users, Absent: Users } }),
    ).toEqual({ type: 'ResourceNotFoundException', message: 'Requested resource not found' });
  });
});
