import { setTimeout as delay } from 'node:timers/promises';
import {
  type AttributeValue,
  CreateTableCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  DynamoDBServiceException,
  PutItemCommand,
  paginateScan,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  UpdateTableCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBStreams, type ShardIteratorType } from '@aws-sdk/client-dynamodb-streams';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { mulberry32 } from '../node/mulberry32.fixture.ts';
import { nameOf, Replay, type ReplayedRecord } from '../stream/replay.fixture.ts';
import { ClusterProcesses, type MemberProcess } from './cluster-processes.ts';
import { waitFor } from './wait-for.ts';

/**
 * Real processes: consumers read a stream while its leaders, and the router, are killed, paused and
 * started again. They keep their iterators through all of that. In the end what they have read is, of each
 * item, every change once and in order, and leads to the table.
 */

const TableName = 'Changes';
/** In an order, and of nodes, that the seed says. */
const FAULTS = ['nodeKilled', 'nodePaused', 'routerKilled'] as const;
const WRITERS_COUNT = 4;
const KEYS_PER_WRITER = 3;
/** A fault lasts until so many writes of each writer were acknowledged behind it. */
const WRITES_PER_FAULT = 3;
const WAIT_MS = 60_000;
const POLL_MS = 20;

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);

let cluster: ClusterProcesses;
let client: DynamoDBClient;
let streams: DynamoDBStreams;

beforeAll(async () => {
  cluster = await ClusterProcesses.start();
  const settings = {
    endpoint: cluster.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
  client = new DynamoDBClient(settings);
  streams = new DynamoDBStreams(settings);
  await client.send(
    new CreateTableCommand({
      TableName,
      // On demand: several partitions, which different nodes lead.
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName });
});

afterAll(async () => {
  client?.destroy();
  streams?.destroy();
  await cluster?.close();
});

it(`streams: read through faults they have each change once and in order (seed ${seed})`, async () => {
  const random = mulberry32(seed);
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  const arn = Table?.LatestStreamArn ?? '';
  // Nothing is written yet: both have to see all that will be.
  const readers = await Promise.all([
    StreamReading.begin(arn, 'TRIM_HORIZON'),
    StreamReading.begin(arn, 'LATEST'),
  ]);
  const stop = new AbortController();
  const writers = Array.from(
    { length: WRITERS_COUNT },
    (_, at) => new Writer(at, mulberry32(seed + at)),
  );
  const writing = Promise.all(writers.map((writer) => writer.run(stop.signal)));
  const faulting = async () => {
    await goesOn(writers);
    for (const fault of shuffled(FAULTS, random)) await makeFault(fault, random, writers);
    stop.abort();
  };
  await Promise.all([writing, faulting()]);
  const StreamSpecification = { StreamEnabled: false };
  await client.send(new UpdateTableCommand({ TableName, StreamSpecification }));

  const [first, second] = await Promise.all(readers.map((reader) => reader.end()));
  const replay = new Replay();
  for (const records of first ?? []) replay.take(records);
  expect([...replay.items.values()].map(nameOf).sort()).toEqual(await scanned());
  expect(second).toEqual(first);
  const read = new Set(first?.flat().map(({ dynamodb }) => versionOf(dynamodb.NewImage)));
  const acknowledged = writers.flatMap((writer) => writer.acknowledged);
  expect(acknowledged.filter((version) => !read.has(version))).toEqual([]);
  expect(acknowledged.length).toBeGreaterThan(WRITERS_COUNT * WRITES_PER_FAULT);
});

/** Something ends or stands still, writes go on all the same, and it comes back. */
async function makeFault(
  fault: (typeof FAULTS)[number],
  random: () => number,
  writers: readonly Writer[],
): Promise<void> {
  const [node] = shuffled(cluster.nodes, random);
  if (node === undefined) throw new Error('a cluster has nodes');
  switch (fault) {
    case 'nodeKilled':
      await node.end('SIGKILL');
      await goesOn(writers);
      return restarted(node);
    case 'nodePaused':
      node.signal('SIGSTOP');
      try {
        return await goesOn(writers);
      } finally {
        node.signal('SIGCONT');
      }
    case 'routerKilled':
      await cluster.router.end('SIGKILL');
      await restarted(cluster.router);
      return goesOn(writers);
  }
}

async function goesOn(writers: readonly Writer[]): Promise<void> {
  await Promise.all(writers.map((writer) => writer.acknowledges(WRITES_PER_FAULT)));
}

function shuffled<T>(list: readonly T[], random: () => number): readonly T[] {
  const keyed = list.map((value) => ({ value, key: random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
}

async function restarted(member: MemberProcess): Promise<void> {
  member.start();
  await member.isReady();
}

/** An earlier try whose answer was lost is still at the items. */
const UNDER_WAY = ['TransactionConflictException', 'TransactionCanceledException'];

/** Tries again while the cluster cannot say; other faults of the service are the test's. */
async function persistently<T>(send: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + WAIT_MS;
  for (;;) {
    try {
      return await send();
    } catch (error) {
      const isFinal =
        error instanceof DynamoDBServiceException &&
        error.$fault === 'client' &&
        !UNDER_WAY.includes(error.name);
      if (isFinal || performance.now() > endMs) throw error;
      await delay(POLL_MS);
    }
  }
}

/** Writes items of its own, one after the other. */
class Writer {
  /** Versions that were written for sure, by a put or an update. */
  readonly acknowledged: string[] = [];
  readonly #at: number;
  readonly #random: () => number;

  constructor(at: number, random: () => number) {
    this.#at = at;
    this.#random = random;
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let count = 0; !signal.aborted; count++) {
      const versions = await persistently(() =>
        this.#write(`${this.#at + 1}${`${count}`.padStart(6, '0')}`),
      );
      this.acknowledged.push(...versions);
    }
  }

  async acknowledges(count: number): Promise<void> {
    const wished = this.acknowledged.length + count;
    await waitFor(
      async () => this.acknowledged.length,
      (length) => length >= wished,
      WAIT_MS,
    );
  }

  /** @returns versions that are written when it resolves */
  async #write(version: string): Promise<readonly string[]> {
    const key = this.#key();
    const v = { N: version };
    switch (Math.floor(this.#random() * 4)) {
      case 0:
        await client.send(new DeleteItemCommand({ TableName, Key: key }));
        return [];
      case 1:
        await client.send(
          new UpdateItemCommand({
            TableName,
            Key: key,
            UpdateExpression: 'SET v = :v',
            ExpressionAttributeValues: { ':v': v },
          }),
        );
        return [version];
      case 2: {
        const items = Array.from({ length: KEYS_PER_WRITER }, (_, at) => ({ ...this.#key(at), v }));
        const TransactItems = items.map((Item) => ({ Put: { TableName, Item } }));
        await client.send(new TransactWriteItemsCommand({ TransactItems }));
        return [version];
      }
      default:
        await client.send(new PutItemCommand({ TableName, Item: { ...key, v } }));
        return [version];
    }
  }

  #key(at = Math.floor(this.#random() * KEYS_PER_WRITER)): Record<string, AttributeValue> {
    return { pk: { S: `${this.#at}-${at}` } };
  }
}

/** Reads all shards that a stream has, each to its end, with the iterators of the beginning. */
class StreamReading {
  readonly #shards: readonly Promise<readonly ReplayedRecord[]>[];

  static async begin(
    StreamArn: string,
    ShardIteratorType: ShardIteratorType,
  ): Promise<StreamReading> {
    const { StreamDescription } = await streams.describeStream({ StreamArn });
    const iterators = await Promise.all(
      (StreamDescription?.Shards ?? []).map(async ({ ShardId }) => {
        const from = { StreamArn, ShardId, ShardIteratorType };
        return (await streams.getShardIterator(from)).ShardIterator;
      }),
    );
    return new StreamReading(iterators);
  }

  private constructor(iterators: readonly (string | undefined)[]) {
    this.#shards = iterators.map((iterator) => readShard(iterator));
  }

  /** The records of each shard, once all are at their ends. */
  end(): Promise<readonly (readonly ReplayedRecord[])[]> {
    return Promise.all(this.#shards);
  }
}

async function readShard(from: string | undefined): Promise<readonly ReplayedRecord[]> {
  const records: ReplayedRecord[] = [];
  for (let ShardIterator = from; ShardIterator !== undefined; ) {
    const iterator = ShardIterator;
    const page = await persistently(() =>
      streams.getRecords({ ShardIterator: iterator, Limit: 7 }),
    );
    // Of texts and numbers, which the SDK leaves as they are.
    records.push(...((page.Records ?? []) as ReplayedRecord[]));
    ShardIterator = page.NextShardIterator;
    if (page.Records?.length === 0) await delay(POLL_MS);
  }
  return records;
}

function versionOf(image: ReplayedRecord['dynamodb']['NewImage']): string | undefined {
  const v = image?.v;
  return v !== undefined && 'N' in v ? v.N : undefined;
}

async function scanned(): Promise<readonly string[]> {
  const names: string[] = [];
  const pages = paginateScan({ client }, { TableName, ConsistentRead: true });
  for await (const { Items = [] } of pages) {
    for (const { pk, v } of Items)
      names.push(nameOf({ pk: { S: pk?.S ?? '' }, v: { N: v?.N ?? '' } }));
  }
  return names.sort();
}
