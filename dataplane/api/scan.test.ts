import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { music, type Server, startServer, users } from './server.fixture.ts';

let server: Server;
const TableName = 'Users';
const items = Array.from({ length: 20 }, (_, index) => ({
  Id: { S: `user-${index}` },
  Even: { BOOL: index % 2 === 0 },
}));
beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
  await server.createTable(music);
  for (const Item of items) await server.call('PutItem', { TableName, Item });
});
afterAll(() => server.close());

const ids = (page: { Items: { Id: { S: string } }[] }) => page.Items.map(({ Id }) => Id.S);
const allIds = items.map(({ Id }) => Id.S).sort();

describe('Scan', () => {
  it('answers every item once', async () => {
    const page = await server.call('Scan', { TableName });
    expect(ids(page).sort()).toEqual(allIds);
    expect({ ...page, Items: undefined }).toEqual({ Count: 20, ScannedCount: 20 });
  });

  it('pages by Limit until there is no last key', async () => {
    const seen: string[] = [];
    let ExclusiveStartKey: object | undefined;
    do {
      const page = await server.call('Scan', { TableName, Limit: 7, ExclusiveStartKey });
      seen.push(...ids(page));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
    expect(seen.sort()).toEqual(allIds);
  });

  it('segments tile the table', async () => {
    const seen: string[] = [];
    for (let Segment = 0; Segment < 5; Segment++) {
      seen.push(...ids(await server.call('Scan', { TableName, Segment, TotalSegments: 5 })));
    }
    expect(seen.sort()).toEqual(allIds);
  });

  it('filters on keys too, and the old way', async () => {
    const byKey = await server.call('Scan', {
      TableName,
      FilterExpression: 'Id IN (:a, :b)',
      ExpressionAttributeValues: { ':a': { S: 'user-3' }, ':b': { S: 'user-4' } },
      ProjectionExpression: 'Even',
    });
    expect(byKey).toMatchObject({ Count: 2, ScannedCount: 20 });
    const legacy = await server.call('Scan', {
      TableName,
      ScanFilter: { Even: { ComparisonOperator: 'EQ', AttributeValueList: [{ BOOL: true }] } },
      Select: 'COUNT',
    });
    expect(legacy).toEqual({ Count: 10, ScannedCount: 20 });
  });

  const faults: [string, object, string][] = [
    [
      'numbers out of range and an empty table name, together and first',
      { TableName: '', Limit: 0, Segment: -1, TotalSegments: 1_000_001, Select: 'X' },
      "4 validation errors detected: Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1; Value at 'Segment' failed to satisfy constraint: Member must have value greater than or equal to 0; Value at 'TotalSegments' failed to satisfy constraint: Member must have value less than or equal to 1000000; Value at 'TableName' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      'no table name but wrong parameters',
      { Select: 'X', Segment: -1, ConditionalOperator: 'Y' },
      "4 validation errors detected: Value 'X' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]; Value null at 'tableName' failed to satisfy constraint: Member must not be null; Value 'Y' at 'conditionalOperator' failed to satisfy constraint: Member must satisfy enum value set: [OR, AND]; Value '-1' at 'segment' failed to satisfy constraint: Member must have value greater than or equal to 0",
    ],
    [
      'Segment alone',
      { TableName, Segment: 0 },
      'The TotalSegments parameter is required but was not present in the request when Segment parameter is present',
    ],
    [
      'TotalSegments alone',
      { TableName, TotalSegments: 2 },
      'The Segment parameter is required but was not present in the request when parameter TotalSegments is present',
    ],
    [
      'a segment that is not below their number',
      { TableName, Segment: 5, TotalSegments: 5 },
      'The Segment parameter is zero-based and must be less than parameter TotalSegments',
    ],
    [
      'mixed parameters',
      { TableName, FilterExpression: 'a = b', ScanFilter: {}, AttributesToGet: ['a'] },
      'Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet, ScanFilter} Expression parameters: {FilterExpression}',
    ],
    [
      'values without a filter',
      { TableName, ExpressionAttributeValues: { ':a': { S: 'a' } } },
      'ExpressionAttributeValues can only be specified when using expressions: FilterExpression is null',
    ],
    [
      'an unknown operator, with no count before it',
      { TableName, ScanFilter: { A: { ComparisonOperator: 'LIKE' } } },
      'One or more parameter values were invalid: Invalid comparison operator',
    ],
    [
      'an absent index',
      { TableName, IndexName: 'Absent' },
      'The table does not have the specified index: Absent',
    ],
    [
      'strong consistency of a global index',
      { TableName: 'Music', IndexName: 'ByGenre', ConsistentRead: true },
      'Consistent reads are not supported on global secondary indexes',
    ],
  ];
  it.each(faults)('refuses %s', async (_, body, message) => {
    expect(await server.faultOf('Scan', body)).toEqual({ type: 'ValidationException', message });
  });

  it('refuses a start key of another segment', async () => {
    const pages = await Promise.all(
      [0, 1].map((Segment) =>
        server.call('Scan', { TableName, Segment, TotalSegments: 2, Limit: 1 }),
      ),
    );
    const { message } = await server.faultOf('Scan', {
      TableName,
      Segment: 1,
      TotalSegments: 2,
      ExclusiveStartKey: pages[0].LastEvaluatedKey,
    });
    expect(message).toBe(
      'The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: 2 Segment: 1',
    );
  });
});

describe('an index that is being built', () => {
  it('is refused to readers until it is ACTIVE', async () => {
    await server.call('UpdateTable', {
      TableName,
      AttributeDefinitions: [
        ...users.AttributeDefinitions,
        { AttributeName: 'Town', AttributeType: 'S' },
      ],
      GlobalSecondaryIndexUpdates: [
        {
          Create: {
            IndexName: 'ByTown',
            KeySchema: [{ AttributeName: 'Town', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'ALL' },
          },
        },
      ],
    });
    const body = { TableName, IndexName: 'ByTown' };
    for (;;) {
      const { Table } = await server.call('DescribeTable', { TableName });
      const [index] = Table.GlobalSecondaryIndexes;
      if (index.IndexStatus === 'ACTIVE') break;
      const { type, message } = await server.faultOf('Scan', body);
      expect(type).toBe('ValidationException');
      expect([
        'The table does not have the specified index: ByTown',
        'Cannot read from backfilling global secondary index: ByTown',
      ]).toContain(message);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await server.call('Scan', body)).toEqual({ Items: [], Count: 0, ScannedCount: 0 });
  });
});
