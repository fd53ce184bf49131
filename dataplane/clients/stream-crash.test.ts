import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  DynamoDBServiceException,
  PutItemCommand,
  paginateScan,
  UpdateItemCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBStreams } from '@aws-sdk/client-dynamodb-streams';
import { afterAll, expect, it } from 'vitest';
import { nameOf, Replay, type ReplayedRecord } from '../stream/replay.fixture.ts';
import { sdkClient, startServer } from './server-process.ts';

/**
 * A server that is killed again and again while it writes: the records of each table's stream,
 * replayed, are what the table holds, and each record says what came before it.
 */
const ROUNDS = 8;
const CONNECTIONS = 4;
const LOAD_MS = { least: 50, most: 250 };
/** By partitions: provisioned with few units, and on-demand. */
const tables = ['One', 'Four'] as const;

const folder = mkdtempSync(join(tmpdir(), 'trestle-stream-crash-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The test's own choices repeat with the same CRASH_SEED; what the machine does meanwhile does not. */
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);

it(`crash: after ${ROUNDS} kills streams tell what the tables hold (seed ${seed})`, {
  timeout: 120_000,
}, async () => {
  const random = randomOf(seed);
  let acknowledged = 0;
  let arns: readonly string[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const server = await startServer(['--data', folder]);
    const client = sdkClient(server.endpoint);
    const streams = streamsClient(server.endpoint);
    try {
      if (round === 0) arns = await Promise.all(tables.map((name) => makeTable(client, name)));
      const where = `round ${round}, seed ${seed}`;
      for (const [at, name] of tables.entries()) {
        const { items } = await replayed(streams, arns[at] ?? '');
        expect([...items.values()].map(nameOf).sort(), where).toEqual(await scanned(client, name));
      }
      if (round === ROUNDS) {
        await client.send(new DeleteTableCommand({ TableName: tables[0] }));
        break;
      }
      const writers = Array.from({ length: CONNECTIONS }, () => writeUntilCrash(client, random));
      // A crash at a random moment is what is tested.
      await delay(LOAD_MS.least + random(LOAD_MS.most - LOAD_MS.least));
      await server.kill();
      for (const count of await Promise.all(writers)) acknowledged += count;
    } finally {
      client.destroy();
      streams.destroy();
      await server.kill();
    }
  }
  expect(acknowledged).toBeGreaterThan(ROUNDS);
  await checkDeleted(arns[0] ?? '');
});

/** The last kill came right behind the deletion of a table: its stream is there all the same. */
async function checkDeleted(arn: string): Promise<void> {
  const server = await startServer(['--data', folder]);
  const streams = streamsClient(server.endpoint);
  try {
    const { recordsCount } = await replayed(streams, arn);
    expect(recordsCount).toBeGreaterThan(0);
  } finally {
    streams.destroy();
    await server.stop();
  }
}

function streamsClient(endpoint: string): DynamoDBStreams {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return new DynamoDBStreams({ endpoint, region: 'us-east-1', credentials });
}

/** @returns the ARN of the stream */
async function makeTable(client: DynamoDBClient, TableName: string): Promise<string> {
  await client.send(
    new CreateTableCommand({
      TableName,
      AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
      ...(TableName === 'One'
        ? { ProvisionedThroughput: { ReadCapacityUnits: 900, WriteCapacityUnits: 900 } }
        : { BillingMode: 'PAY_PER_REQUEST' }),
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 1 }, { TableName });
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  return Table?.LatestStreamArn ?? '';
}

/** @returns how many writes were acknowledged */
async function writeUntilCrash(
  client: DynamoDBClient,
  random: (bound: number) => number,
): Promise<number> {
  for (let acknowledged = 0; ; acknowledged++) {
    const TableName = tables[random(2)];
    const p = { S: `key ${random(12)}` };
    const x = { N: `${random(3)}` };
    try {
      const choice = random(4);
      if (choice === 0) await client.send(new DeleteItemCommand({ TableName, Key: { p } }));
      else if (choice === 1) {
        await client.send(
          new UpdateItemCommand({
            TableName,
            Key: { p },
            UpdateExpression: 'SET x = :x',
            ExpressionAttributeValues: { ':x': x },
          }),
        );
      } else await client.send(new PutItemCommand({ TableName, Item: { p, x } }));
    } catch (error) {
      if (error instanceof DynamoDBServiceException && error.$metadata.httpStatusCode) throw error;
      return acknowledged;
    }
  }
}

async function replayed(streams: DynamoDBStreams, StreamArn: string): Promise<Replay> {
  const replay = new Replay();
  const { StreamDescription } = await streams.describeStream({ StreamArn });
  for (const { ShardId } of StreamDescription?.Shards ?? []) {
    const from = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const;
    let { ShardIterator } = await streams.getShardIterator(from);
    const records: ReplayedRecord[] = [];
    while (ShardIterator !== undefined) {
      const page = await streams.getRecords({ ShardIterator });
      // Of texts and numbers, which the SDK leaves as they are.
      records.push(...((page.Records ?? []) as ReplayedRecord[]));
      ShardIterator = page.Records?.length === 0 ? undefined : page.NextShardIterator;
    }
    replay.take(records);
  }
  return replay;
}

async function scanned(client: DynamoDBClient, TableName: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { Items = [] } of paginateScan(
    { client },
    { TableName, ConsistentRead: true },
  )) {
    for (const { p, x } of Items) {
      names.push(
        nameOf({ p: { S: p?.S ?? '' }, ...(x?.N === undefined ? {} : { x: { N: x.N } }) }),
      );
    }
  }
  return names.sort();
}

/** The same numbers for the same seed (mulberry32). */
function randomOf(from: number): (bound: number) => number {
  let state = from >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
