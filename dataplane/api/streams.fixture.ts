import { afterEach, beforeEach } from 'vitest';
import { type Json, type Server, startServer } from './server.fixture.ts';

/** Tables with streams, and how their records are read, for the tests of the operations on streams. */

export const MINUTE_MS = 60_000;
/** Of no shard. */
export const SHARD_ID = 'shardId-00000001800000000000-00000000';
export const ABSENT_ARN =
  'arn:aws:dynamodb:us-east-1:000000000000:table/Absent/stream/2026-01-01T00:00:00.000';

let current: Server | undefined;

/** Gives each test a server of its own. */
export function useServer(): void {
  beforeEach(async () => {
    current = await startServer();
  });
  afterEach(() => current?.close());
}

export function server(): Server {
  if (current === undefined) throw new Error('no server');
  return current;
}

export const definition = (name: string, viewType: string | undefined) => ({
  TableName: name,
  AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
  // One partition: the order of all changes shows.
  BillingMode: 'PROVISIONED',
  ProvisionedThroughput: { ReadCapacityUnits: 100, WriteCapacityUnits: 100 },
  ...(viewType === undefined
    ? {}
    : { StreamSpecification: { StreamEnabled: true, StreamViewType: viewType } }),
});

/** @returns the ARN of the stream */
export async function makeTable(name = 'Music', viewType = 'NEW_AND_OLD_IMAGES'): Promise<string> {
  await server().createTable(definition(name, viewType));
  const { Table } = await server().call('DescribeTable', { TableName: name });
  return Table.LatestStreamArn;
}

export async function setStream(specification: object, TableName = 'Music'): Promise<Json> {
  const { TableDescription } = await server().call('UpdateTable', {
    TableName,
    StreamSpecification: specification,
  });
  await untilActive(TableName);
  return TableDescription;
}

export async function untilActive(TableName: string): Promise<void> {
  for (;;) {
    const { Table } = await server().call('DescribeTable', { TableName });
    if (Table.TableStatus === 'ACTIVE') return;
    await new Promise(setImmediate);
  }
}

export async function remove(TableName = 'Music'): Promise<void> {
  await server().call('DeleteTable', { TableName });
  while ((await server().call('ListTables', {})).TableNames.includes(TableName)) {
    await new Promise(setImmediate);
  }
}

export const put = (p: string, rest: object = {}, TableName = 'Music') =>
  server().call('PutItem', { TableName, Item: { p: { S: p }, ...rest } });

export async function shards(StreamArn: string): Promise<Json[]> {
  const { StreamDescription } = await server().call('DescribeStream', { StreamArn });
  return StreamDescription.Shards;
}

export async function iteratorOf(StreamArn: string, more: object = {}): Promise<string> {
  const [shard] = await shards(StreamArn);
  const { ShardIterator } = await server().call('GetShardIterator', {
    StreamArn,
    ShardId: shard.ShardId,
    ShardIteratorType: 'TRIM_HORIZON',
    ...more,
  });
  return ShardIterator;
}

export const read = (ShardIterator: string, more: object = {}) =>
  server().call('GetRecords', { ShardIterator, ...more });

/** All records of a stream, shard by shard, parents first. */
export async function records(StreamArn: string): Promise<Json[]> {
  const all: Json[] = [];
  for (const { ShardId } of await shards(StreamArn)) {
    let next: string | undefined = await iteratorOf(StreamArn, { ShardId });
    while (next !== undefined) {
      const { Records, NextShardIterator }: Json = await read(next);
      all.push(...Records);
      next = Records.length === 0 ? undefined : NextShardIterator;
    }
  }
  return all;
}

export const keysOf = (all: Json[]): string[] => all.map(({ dynamodb }) => dynamodb.Keys.p.S);
