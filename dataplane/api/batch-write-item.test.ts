import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { music, type Server, startServer, users } from './server.fixture.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
  await server.createTable(music);
});
afterAll(() => server.close());

const put = (id: string, attributes: object = {}) => ({
  PutRequest: { Item: { Id: { S: id }, ...attributes } },
});
const del = (id: string) => ({ DeleteRequest: { Key: { Id: { S: id } } } });
const PREFIX = '1 validation error detected: ';

describe('BatchWriteItem', () => {
  it('puts and deletes over several tables', async () => {
    await server.call('PutItem', { TableName: 'Users', Item: { Id: { S: 'old' } } });
    const song = { Artist: { S: 'x' }, Song: { S: 'y' } };
    const body = {
      RequestItems: {
        Users: [put('a'), put('b', { N: { N: '2' } }), del('old')],
        Music: [{ PutRequest: { Item: song } }],
      },
      ReturnConsumedCapacity: 'TOTAL',
      ReturnItemCollectionMetrics: 'SIZE',
    };
    expect(await server.call('BatchWriteItem', body)).toEqual({
      UnprocessedItems: {},
      ConsumedCapacity: [
        { TableName: 'Users', CapacityUnits: 3 },
        { TableName: 'Music', CapacityUnits: 1 },
      ],
      ItemCollectionMetrics: {
        Music: [{ ItemCollectionKey: { Artist: { S: 'x' } }, SizeEstimateRangeGB: [0, 1] }],
      },
    });
    const { Items } = await server.call('Scan', { TableName: 'Users' });
    expect(Items).toHaveLength(2);
  });

  it('says nothing more than it is asked for', async () => {
    const body = { RequestItems: { Users: [put('q')] }, ReturnConsumedCapacity: 'NONE' };
    expect(await server.call('BatchWriteItem', body)).toEqual({ UnprocessedItems: {} });
  });

  it('leaves throttled writes unprocessed, and fails when all are throttled', async () => {
    await server.createTable({
      ...users,
      TableName: 'Slow',
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 },
    });
    const RequestItems = { Slow: Array.from({ length: 24 }, (_, index) => put(`${index}`)) };
    let left: object[] = [];
    for (let calls = 0; left.length === 0 && calls < 20; calls++) {
      const { UnprocessedItems } = await server.call('BatchWriteItem', { RequestItems });
      left = UnprocessedItems.Slow ?? [];
    }
    expect(left.length).toBeGreaterThan(0);
    expect(RequestItems.Slow).toContainEqual(left[0]);
    const { type } = await server.faultOf('BatchWriteItem', { RequestItems });
    expect(type).toBe('ProvisionedThroughputExceededException');
  });

  const LENGTHS =
    'Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]';
  const faults: [string, object, string][] = [
    [
      'no parameters',
      {},
      `${PREFIX}Value null at 'requestItems' failed to satisfy constraint: Member must not be null`,
    ],
    [
      'no tables',
      { RequestItems: {} },
      'The requestItems parameter is required for BatchWriteItem',
    ],
    [
      'a table without writes, with other failures',
      {
        RequestItems: { Users: [] },
        ReturnConsumedCapacity: 'X',
        ReturnItemCollectionMetrics: 'Y',
      },
      `3 validation errors detected: Value '{Users=[]}' at 'requestItems' failed to satisfy constraint: ${LENGTHS}; Value 'X' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; Value 'Y' at 'returnItemCollectionMetrics' failed to satisfy constraint: Member must satisfy enum value set: [SIZE, NONE]`,
    ],
    [
      'a missing item',
      { RequestItems: { Users: [{ PutRequest: {} }] } },
      `${PREFIX}Value null at 'requestItems.Users.member.1.member.putRequest.item' failed to satisfy constraint: Member must not be null`,
    ],
    [
      'a write that is none',
      { RequestItems: { Users: [{}] } },
      'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes',
    ],
    [
      'a key twice',
      { RequestItems: { Users: [put('a'), del('a')] } },
      'Provided list of item keys contains duplicates',
    ],
    [
      'a missing key, without naming it',
      { RequestItems: { Users: [{ PutRequest: { Item: { N: { N: '1' } } } }] } },
      'The provided key element does not match the schema',
    ],
    [
      'a key of another type, without naming it',
      { RequestItems: { Users: [{ PutRequest: { Item: { Id: { N: '1' } } } }] } },
      'The provided key element does not match the schema',
    ],
    [
      'an item of more than 400 KB',
      { RequestItems: { Users: [put('a', { A: { S: 'x'.repeat(409_600) } })] } },
      'Item size has exceeded the maximum allowed size',
    ],
  ];
  it.each(faults)('refuses %s', async (_, body, message) => {
    expect(await server.faultOf('BatchWriteItem', body)).toEqual({
      type: 'ValidationException',
      message,
    });
  });

  it('refuses more than 25 writes of all tables', async () => {
    const many = (length: number) => Array.from({ length }, (_, index) => put(`${index}`));
    const { message } = await server.faultOf('BatchWriteItem', {
      RequestItems: { Users: many(20), Music: many(6) },
    });
    expect(message).toMatch(
      /^1 validation error detected: Value '\{Users=\[WriteRequest\(putRequest=PutRequest\(item=\{Id=AttributeValue\(s=0, n=null,/,
    );
    expect(message?.endsWith(`' at 'requestItems' failed to satisfy constraint: ${LENGTHS}`)).toBe(
      true,
    );
  });

  it('refuses a bad table name after all other constraints', async () => {
    const { message } = await server.faultOf('BatchWriteItem', {
      RequestItems: { ab: [{ DeleteRequest: { Key: {} } }] },
    });
    expect(message).toBe(
      `${PREFIX}Value '{ab=[WriteRequest(putRequest=null, deleteRequest=DeleteRequest(key={}))]}' at 'requestItems' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]`,
    );
  });

  it('refuses all of it when one table is absent, and writes nothing', async () => {
    const { type } = await server.faultOf('BatchWriteItem', {
      RequestItems: { Users: [put('unwritten')], Absent: [put('a')] },
    });
    expect(type).toBe('ResourceNotFoundException');
    const body = { TableName: 'Users', Key: { Id: { S: 'unwritten' } } };
    expect(await server.call('GetItem', body)).toEqual({});
  });
});
