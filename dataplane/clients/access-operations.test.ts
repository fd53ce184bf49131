import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as streams from '@aws-sdk/client-dynamodb-streams';
import { describe, expect, it } from 'vitest';
import {
  as,
  byTitle,
  denied,
  INDEX,
  Item,
  Key,
  oneScore,
  outcome,
  TABLE,
  TableName,
  usePolicyServer,
} from './policy-server.fixture.ts';

usePolicyServer();

const stream = `${TABLE}/stream/2026-11-21T00:00:00.000`;

type Send = (client: dynamodb.DynamoDBClient) => Promise<unknown>;

/** Each operation, and what the first denial is about. */
const operations: readonly [operation: string, action: string, resource: string, send: Send][] = [
  ['GetItem', 'GetItem', TABLE, (c) => c.send(new dynamodb.GetItemCommand({ TableName, Key }))],
  ['PutItem', 'PutItem', TABLE, (c) => c.send(new dynamodb.PutItemCommand({ TableName, Item }))],
  [
    'UpdateItem',
    'UpdateItem',
    TABLE,
    (c) => c.send(new dynamodb.UpdateItemCommand({ TableName, Key })),
  ],
  [
    'DeleteItem',
    'DeleteItem',
    TABLE,
    (c) => c.send(new dynamodb.DeleteItemCommand({ TableName, Key })),
  ],
  ['Query', 'Query', INDEX, (c) => c.send(new dynamodb.QueryCommand(byTitle))],
  ['Scan', 'Scan', TABLE, (c) => c.send(new dynamodb.ScanCommand({ TableName }))],
  [
    'BatchGetItem',
    'BatchGetItem',
    TABLE,
    (c) =>
      c.send(new dynamodb.BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: [Key] } } })),
  ],
  [
    'BatchWriteItem',
    'BatchWriteItem',
    TABLE,
    (c) =>
      c.send(
        new dynamodb.BatchWriteItemCommand({
          RequestItems: { [TableName]: [{ DeleteRequest: { Key } }] },
        }),
      ),
  ],
  [
    'TransactGetItems',
    'GetItem',
    TABLE,
    (c) =>
      c.send(
        new dynamodb.TransactGetItemsCommand({ TransactItems: [{ Get: { TableName, Key } }] }),
      ),
  ],
  [
    'TransactWriteItems',
    'PutItem',
    TABLE,
    (c) =>
      c.send(
        new dynamodb.TransactWriteItemsCommand({ TransactItems: [{ Put: { TableName, Item } }] }),
      ),
  ],
  [
    'ExecuteStatement',
    'PartiQLSelect',
    TABLE,
    (c) => c.send(new dynamodb.ExecuteStatementCommand({ Statement: 'SELECT * FROM GameScores' })),
  ],
  [
    'ExecuteTransaction',
    'PartiQLSelect',
    TABLE,
    (c) =>
      c.send(
        new dynamodb.ExecuteTransactionCommand({ TransactStatements: [{ Statement: oneScore }] }),
      ),
  ],
  [
    'CreateTable',
    'CreateTable',
    TABLE,
    (c) =>
      c.send(
        new dynamodb.CreateTableCommand({
          TableName,
          AttributeDefinitions: [],
          KeySchema: [],
        }),
      ),
  ],
  [
    'UpdateTable',
    'UpdateTable',
    TABLE,
    (c) => c.send(new dynamodb.UpdateTableCommand({ TableName })),
  ],
  [
    'DescribeTable',
    'DescribeTable',
    TABLE,
    (c) => c.send(new dynamodb.DescribeTableCommand({ TableName })),
  ],
  [
    'DescribeTimeToLive',
    'DescribeTimeToLive',
    TABLE,
    (c) => c.send(new dynamodb.DescribeTimeToLiveCommand({ TableName })),
  ],
  [
    'UpdateTimeToLive',
    'UpdateTimeToLive',
    TABLE,
    (c) =>
      c.send(
        new dynamodb.UpdateTimeToLiveCommand({
          TableName,
          TimeToLiveSpecification: { Enabled: false, AttributeName: 'x' },
        }),
      ),
  ],
  [
    'TagResource',
    'TagResource',
    TABLE,
    (c) =>
      c.send(
        new dynamodb.TagResourceCommand({ ResourceArn: TABLE, Tags: [{ Key: 'k', Value: 'v' }] }),
      ),
  ],
  [
    'UntagResource',
    'UntagResource',
    TABLE,
    (c) => c.send(new dynamodb.UntagResourceCommand({ ResourceArn: TABLE, TagKeys: ['k'] })),
  ],
  [
    'ListTagsOfResource',
    'ListTagsOfResource',
    TABLE,
    (c) => c.send(new dynamodb.ListTagsOfResourceCommand({ ResourceArn: TABLE })),
  ],
  ['ListTables', 'ListTables', '*', (c) => c.send(new dynamodb.ListTablesCommand({}))],
  ['DescribeLimits', 'DescribeLimits', '*', (c) => c.send(new dynamodb.DescribeLimitsCommand({}))],
  [
    'DescribeEndpoints',
    'DescribeEndpoints',
    '*',
    (c) => c.send(new dynamodb.DescribeEndpointsCommand({})),
  ],
  ['ListStreams', 'ListStreams', '*', onStreams((c) => c.send(new streams.ListStreamsCommand({})))],
  [
    'DescribeStream',
    'DescribeStream',
    stream,
    onStreams((c) => c.send(new streams.DescribeStreamCommand({ StreamArn: stream }))),
  ],
  [
    'GetShardIterator',
    'GetShardIterator',
    stream,
    onStreams((c) =>
      c.send(
        new streams.GetShardIteratorCommand({
          StreamArn: stream,
          ShardId: 'shardId-00000000000000000000-00000000',
          ShardIteratorType: 'LATEST',
        }),
      ),
    ),
  ],
  [
    'GetRecords',
    'GetRecords',
    stream,
    onStreams((c) => c.send(new streams.GetRecordsCommand({ ShardIterator: `${stream}|1|AAAA` }))),
  ],
  [
    'DeleteTable',
    'DeleteTable',
    `${TABLE}2`,
    (c) => c.send(new dynamodb.DeleteTableCommand({ TableName: 'GameScores2' })),
  ],
];

function onStreams(call: (client: streams.DynamoDBStreamsClient) => Promise<unknown>): Send {
  return async (client) => {
    const { endpoint, region, credentials } = client.config;
    if (endpoint === undefined) throw new Error('the client has an endpoint');
    const own = new streams.DynamoDBStreamsClient({ endpoint, region, credentials });
    try {
      return await call(own);
    } finally {
      own.destroy();
    }
  };
}

describe('with a policies file', () => {
  it.each(operations)(
    '%s is denied unless a policy allows it',
    async (_, action, resource, send) => {
      expect(await outcome(send(as('nobody')))).toBe(denied('nobody', action, resource));
      expect(await outcome(send(as('admin')))).toBe('allowed');
      expect(await outcome(send(as('root')))).toBe('allowed');
    },
  );

  it('nobody learns by a denial whether a table exists', async () => {
    const of = (table: string) =>
      outcome(as('nobody').send(new dynamodb.GetItemCommand({ TableName: table, Key })));
    expect(await of('GameScores')).toBe(denied('nobody', 'GetItem', TABLE));
    expect(await of('Absent')).toBe(
      denied('nobody', 'GetItem', TABLE.replace('GameScores', 'Absent')),
    );
    const ofAnn = (table: string) =>
      outcome(as('ann').send(new dynamodb.GetItemCommand({ TableName: table, Key })));
    expect(await ofAnn('Absent')).toBe(
      denied('ann', 'GetItem', TABLE.replace('GameScores', 'Absent')),
    );
  });
});
