import { beforeEach, describe, expect, it } from 'vitest';
import type { ResponseBody } from '../api/operation.ts';
import { streamOperations } from '../api/operations.ts';
import { tableNameOf } from '../catalog/arn.ts';
import { ClientFault } from '../errors/client-fault.ts';
import { itemBytes } from '../item/size.ts';
import { SHARD_AGE_MS, STREAM_RETENTION_MS } from '../partition/stream.ts';
import { RemoteStreams } from '../stream/remote-streams.ts';
import { table, threeZones } from './control.fixture.ts';
import { NodeCluster } from './node-cluster.fixture.ts';

const place = { region: 'eu-test-1', accountId: '123456789012' };
const enabled = { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' };

/** What of the answers is looked at. */
interface Shard {
  readonly ShardId: string;
  readonly ParentShardId?: string;
  readonly SequenceNumberRange: { readonly EndingSequenceNumber?: string };
}
interface StreamRecord {
  readonly eventName: string;
  readonly dynamodb: {
    readonly Keys: { readonly pk: { readonly S: string } };
    readonly NewImage?: { readonly v: { readonly N: string } };
    readonly OldImage?: { readonly v: { readonly N: string } };
    readonly SequenceNumber: string;
  };
}

let cluster: NodeCluster;
let streams: RemoteStreams;
beforeEach(async () => {
  cluster = await NodeCluster.open(threeZones);
  streams = streamsOf(cluster.router);
});

function streamsOf(router: NodeCluster['router']): RemoteStreams {
  return RemoteStreams.of(router, {
    clock: cluster.time,
    tableNameOf: (nameOrArn) => tableNameOf(nameOrArn, place),
  });
}

/** An operation of the API at the router. */
async function call<T>(name: string, body: object): Promise<T> {
  const operation = streamOperations.get(name);
  if (operation === undefined) throw new Error(name);
  const { tables } = cluster.router;
  const context = { tables, streams, clock: cluster.time, ...place, host: 'localhost' };
  const handled = async (): Promise<ResponseBody> => operation.handle({ ...body }, context);
  const answer = await cluster.time.during(handled());
  const json =
    answer instanceof Uint8Array ? Buffer.from(answer).toString() : JSON.stringify(answer);
  return JSON.parse(json) as T; // What the operation answers.
}

async function faultOf(name: string, body: object): Promise<string> {
  try {
    await call(name, body);
  } catch (error) {
    if (!(error instanceof ClientFault)) throw error;
    return error.type;
  }
  return 'none';
}

async function create(more: object = { StreamSpecification: enabled }): Promise<string> {
  await cluster.call('CreateTable', table(more));
  return untilActive();
}

/** Resolves with the ARN of the newest stream. */
async function untilActive(): Promise<string> {
  for (let tries = 0; tries < 600; tries++) {
    const { Table } = await cluster.call('DescribeTable', { TableName: 'Music' });
    const { TableStatus, LatestStreamArn } = Table as Record<string, string>;
    if (TableStatus === 'ACTIVE') return LatestStreamArn ?? '';
    await cluster.time.pass(100);
  }
  throw new Error('not ACTIVE within a minute');
}

async function put(pk: string, v: number): Promise<void> {
  const item = { pk: { S: pk }, v: { N: `${v}` } };
  const key = { pk: { S: pk } };
  const command = {
    kind: 'put',
    item,
    itemBytes: itemBytes(item),
    key,
    condition: undefined,
  } as const;
  const { tables } = cluster.router;
  await cluster.time.during(tables.openTable('Music').write(command));
}

async function describeStream(StreamArn: string) {
  const { StreamDescription } = await call<{
    StreamDescription: { readonly StreamStatus: string; readonly Shards: readonly Shard[] };
  }>('DescribeStream', { StreamArn });
  return StreamDescription;
}

/** All records of a shard that are there now. */
async function recordsOf(StreamArn: string, ShardId: string): Promise<StreamRecord[]> {
  const body = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' };
  let { ShardIterator } = await call<{ ShardIterator?: string }>('GetShardIterator', body);
  const all: StreamRecord[] = [];
  while (ShardIterator !== undefined) {
    const page: { Records: readonly StreamRecord[]; NextShardIterator?: string } = await call(
      'GetRecords',
      { ShardIterator, Limit: 7 },
    );
    if (page.Records.length === 0) return all;
    all.push(...page.Records);
    ShardIterator = page.NextShardIterator;
  }
  return all;
}

/** Values of each item in the order of the stream; each change must have found the one before. */
async function histories(StreamArn: string): Promise<Map<string, string[]>> {
  const { Shards } = await describeStream(StreamArn);
  const values = new Map<string, string[]>();
  // By id, so a parent comes before its children.
  for (const { ShardId } of Shards) {
    for (const { dynamodb } of await recordsOf(StreamArn, ShardId)) {
      const name = dynamodb.Keys.pk.S;
      const known = values.get(name) ?? [];
      expect(dynamodb.OldImage?.v.N).toBe(known.at(-1));
      values.set(name, [...known, dynamodb.NewImage?.v.N ?? '']);
    }
  }
  return values;
}

const names = Array.from({ length: 12 }, (_, index) => `item-${index}`);
const putAll = async (v: number) => {
  for (const name of names) await put(name, v);
};
const expected = (...values: number[]) =>
  new Map(names.map((name) => [name, values.map(String)] as const));

describe('streams through a router over real nodes', () => {
  it('have each change once and in order, also when leaders die and shards roll', async () => {
    const arn = await create();
    expect(await describeStream(arn)).toMatchObject({ StreamStatus: 'ENABLED' });
    await putAll(1);
    const killed = await cluster.kill('n1');
    await putAll(2);
    await cluster.start('n1', killed);
    cluster.time.jump(SHARD_AGE_MS);
    await putAll(3);
    await cluster.kill('n2');
    await putAll(4);
    expect(await histories(arn)).toEqual(expected(1, 2, 3, 4));
    const { Shards } = await describeStream(arn);
    expect(Shards).toHaveLength(8);
    const parents = Shards.filter(({ ParentShardId }) => ParentShardId !== undefined);
    expect(parents).toHaveLength(4);
  }, 60_000);

  it('are switched on and off while the router goes on', async () => {
    await create({});
    await putAll(1);
    await cluster.call('UpdateTable', { TableName: 'Music', StreamSpecification: enabled });
    const first = await untilActive();
    await putAll(2);
    const off = { TableName: 'Music', StreamSpecification: { StreamEnabled: false } };
    await cluster.call('UpdateTable', off);
    await untilActive();
    await putAll(3);
    expect(await describeStream(first)).toMatchObject({ StreamStatus: 'DISABLED' });
    await cluster.call('UpdateTable', { TableName: 'Music', StreamSpecification: enabled });
    const second = await untilActive();
    await putAll(4);
    const { Streams } = await call<{ Streams: readonly { StreamArn: string }[] }>('ListStreams', {
      TableName: 'Music',
    });
    expect(Streams.map(({ StreamArn }) => StreamArn)).toEqual([first, second].sort());
    const changesOf = async (arn: string) => {
      const { Shards } = await describeStream(arn);
      const records = await Promise.all(Shards.map(({ ShardId }) => ShardId));
      const lists: StreamRecord[] = [];
      for (const id of records) lists.push(...(await recordsOf(arn, id)));
      return new Set(lists.map(({ dynamodb }) => dynamodb.NewImage?.v.N));
    };
    expect(await changesOf(first)).toEqual(new Set(['2']));
    expect(await changesOf(second)).toEqual(new Set(['4']));
    const { Shards } = await describeStream(first);
    for (const { SequenceNumberRange } of Shards) {
      expect(SequenceNumberRange.EndingSequenceNumber).toBeDefined();
    }
  }, 60_000);

  it('are read for a day after their table was deleted, beside another one of its name', async () => {
    const arn = await create();
    await putAll(1);
    await cluster.call('DeleteTable', { TableName: 'Music' });
    await cluster.time.pass(2_000);
    expect(await describeStream(arn)).toMatchObject({ StreamStatus: 'DISABLED' });
    expect(await histories(arn)).toEqual(expected(1));
    const again = await create();
    expect(again).not.toBe(arn);
    await putAll(2);
    expect(await histories(arn)).toEqual(expected(1));
    expect(await histories(again)).toEqual(expected(2));
    const listed = await call<{ Streams: readonly object[] }>('ListStreams', {});
    expect(listed.Streams).toHaveLength(2);

    const killed = await cluster.kill('n3');
    await cluster.time.pass(3_000);
    expect(await histories(arn)).toEqual(expected(1));
    await cluster.start('n3', killed);
    cluster.time.jump(STREAM_RETENTION_MS);
    expect(await faultOf('DescribeStream', { StreamArn: arn })).toBe('ResourceNotFoundException');
    await cluster.time.pass(150_000);
    const ids = [...cluster.at('n1').host.all()].map(({ partitionId }) => partitionId);
    expect(ids.sort()).toEqual([0n, 5n, 6n, 7n, 8n]);
  }, 120_000);

  it('that the router has not heard of are looked for, and only the catalog says that there are none', async () => {
    const arn = await create({});
    expect(arn).toBe('');
    // Reports do not come to the router by themselves for a while.
    await cluster.call('UpdateTable', { TableName: 'Music', StreamSpecification: enabled });
    const enabledArn = await untilActive();
    expect(await describeStream(enabledArn)).toMatchObject({ StreamStatus: 'ENABLED' });
    const none = enabledArn.replace(/stream\/.*/, 'stream/2020-01-01T00:00:00.000');
    expect(await faultOf('DescribeStream', { StreamArn: none })).toBe('ResourceNotFoundException');
    for (const id of ['n1', 'n2', 'n3']) await cluster.kill(id);
    expect(await faultOf('DescribeStream', { StreamArn: none })).toBe('InternalServerError');
  }, 60_000);
});
