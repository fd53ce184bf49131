import { once } from 'node:events';
import { createRequire } from 'node:module';
import {
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  UpdateTableCommand,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import {
  type _Record,
  DescribeStreamCommand,
  DynamoDBStreams,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
  ResourceNotFoundException,
  type Shard,
} from '@aws-sdk/client-dynamodb-streams';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServerProcess, sdkClient, startServer } from './server-process.ts';
import { waitFor } from './wait-for.ts';

/** Streams as the AWS SDK, and a consumer library that no one here wrote, see them. */

const server = { current: undefined as ServerProcess | undefined };
let client = sdkClient('http://127.0.0.1:1');
let streams = streamsClient('http://127.0.0.1:1');

function streamsClient(endpoint: string): DynamoDBStreams {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return new DynamoDBStreams({ endpoint, region: 'us-east-1', credentials });
}

beforeAll(async () => {
  server.current = await startServer(['--in-memory']);
  client = sdkClient(server.current.endpoint);
  streams = streamsClient(server.current.endpoint);
});

afterAll(async () => {
  client.destroy();
  streams.destroy();
  await server.current?.stop();
});

/** @returns the ARN of the stream */
async function makeTable(TableName: string, units = 10): Promise<string> {
  await client.send(
    new CreateTableCommand({
      TableName,
      AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
      ProvisionedThroughput: { ReadCapacityUnits: units, WriteCapacityUnits: units },
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 1 }, { TableName });
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  return Table?.LatestStreamArn ?? '';
}

const put = (TableName: string, p: string, x: string) =>
  client.send(new PutItemCommand({ TableName, Item: { p: { S: p }, x: { S: x } } }));

async function shardsOf(StreamArn: string): Promise<readonly Shard[]> {
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
  return StreamDescription?.Shards ?? [];
}

async function iteratorOf(StreamArn: string, { ShardId }: Shard): Promise<string | undefined> {
  const { ShardIterator } = await streams.send(
    new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
  );
  return ShardIterator;
}

async function recordsOf(StreamArn: string): Promise<readonly _Record[]> {
  const all: _Record[] = [];
  for (const shard of await shardsOf(StreamArn)) {
    let ShardIterator = await iteratorOf(StreamArn, shard);
    while (ShardIterator !== undefined) {
      const page = await streams.send(new GetRecordsCommand({ ShardIterator }));
      all.push(...(page.Records ?? []));
      ShardIterator = page.Records?.length === 0 ? undefined : page.NextShardIterator;
    }
  }
  return all;
}

describe('the AWS SDK', () => {
  it('reads the changes of a table, with both images and their times', async () => {
    const TableName = 'Changes';
    const arn = await makeTable(TableName);
    const Key = { p: { S: 'a' } };
    await put(TableName, 'a', '1');
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key,
        UpdateExpression: 'SET x = :x',
        ExpressionAttributeValues: { ':x': { S: '2' } },
      }),
    );
    await client.send(new DeleteItemCommand({ TableName, Key }));
    const records = await recordsOf(arn);
    expect(records.map(({ eventName }) => eventName)).toEqual(['INSERT', 'MODIFY', 'REMOVE']);
    expect(records[1]).toMatchObject({
      eventSource: 'aws:dynamodb',
      awsRegion: 'us-east-1',
      dynamodb: {
        Keys: Key,
        OldImage: { x: { S: '1' } },
        NewImage: { x: { S: '2' } },
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
    });
    const time = records[1]?.dynamodb?.ApproximateCreationDateTime;
    expect(Math.abs(Date.now() - (time?.getTime() ?? 0))).toBeLessThan(60_000);
    const { Streams } = await streams.send(new ListStreamsCommand({ TableName }));
    expect(Streams).toMatchObject([{ StreamArn: arn, TableName }]);
  });

  it('sees the writes of a transaction once each, and nothing of its checks', async () => {
    const TableName = 'Transacted';
    const arn = await makeTable(TableName);
    await put(TableName, 'checked', '1');
    await put(TableName, 'deleted', '1');
    await client.send(
      new TransactWriteItemsCommand({
        TransactItems: [
          { Put: { TableName, Item: { p: { S: 'put' } } } },
          { Delete: { TableName, Key: { p: { S: 'deleted' } } } },
          {
            ConditionCheck: {
              TableName,
              Key: { p: { S: 'checked' } },
              ConditionExpression: 'attribute_exists(p)',
            },
          },
        ],
      }),
    );
    await expect(
      client.send(
        new TransactWriteItemsCommand({
          TransactItems: [
            { Put: { TableName, Item: { p: { S: 'never' } } } },
            {
              ConditionCheck: {
                TableName,
                Key: { p: { S: 'checked' } },
                ConditionExpression: 'attribute_not_exists(p)',
              },
            },
          ],
        }),
      ),
    ).rejects.toThrow('Transaction cancelled');
    const changes = (await recordsOf(arn)).map(
      ({ eventName, dynamodb }) => `${eventName} ${dynamodb?.Keys?.p?.S}`,
    );
    expect(changes.slice(0, 2)).toEqual(['INSERT checked', 'INSERT deleted']);
    expect(changes.slice(2).sort()).toEqual(['INSERT put', 'REMOVE deleted']);
  });

  it('reads a stream that was disabled, and one whose table was deleted', async () => {
    const TableName = 'Ended';
    const arn = await makeTable(TableName);
    await put(TableName, 'a', '1');
    await client.send(
      new UpdateTableCommand({ TableName, StreamSpecification: { StreamEnabled: false } }),
    );
    await waitFor(
      async () => {
        const { Table } = await client.send(new DescribeTableCommand({ TableName }));
        return Table?.TableStatus;
      },
      (status) => status === 'ACTIVE',
      10_000,
    );
    await put(TableName, 'a', '2');
    expect(await recordsOf(arn)).toHaveLength(1);
    await client.send(new DeleteTableCommand({ TableName }));
    await waitUntilTableNotExists({ client, maxWaitTime: 20, minDelay: 1 }, { TableName });
    expect(await recordsOf(arn)).toHaveLength(1);
    expect((await shardsOf(arn))[0]?.SequenceNumberRange?.EndingSequenceNumber).toBeDefined();
  });

  it('gets the exceptions of the service', async () => {
    const arn = await makeTable('Faults');
    const StreamArn = arn.replace(/[0-9]{3}$/, '999x');
    await expect(streams.send(new DescribeStreamCommand({ StreamArn }))).rejects.toThrow(
      ResourceNotFoundException,
    );
    await expect(
      streams.send(new GetRecordsCommand({ ShardIterator: `${arn}|1|AAAA` })),
    ).rejects.toMatchObject({ name: 'ValidationException', message: 'Invalid ShardIterator' });
  });
});

/** A consumer of one shard. @see npm package dynamodb-streams-readable (MIT) */
interface Consumer {
  on(event: 'data', listener: (records: readonly _Record[]) => void): this;
  on(event: 'checkpoint', listener: (sequenceNumber: string) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  close(): void;
}

type OpenConsumer = (
  client: DynamoDBStreams,
  arn: string,
  options: {
    readonly shardId?: string | undefined;
    readonly iterator?: 'LATEST' | 'TRIM_HORIZON';
    readonly startAfter?: string;
    readonly limit?: number;
    readonly readInterval: number;
  },
) => Consumer;

const openConsumer: OpenConsumer = createRequire(import.meta.url)('dynamodb-streams-readable');

describe('dynamodb-streams-readable', () => {
  /** Reads every shard until `isDone`. */
  async function consume(
    arn: string,
    options: Partial<Parameters<OpenConsumer>[2]>,
    isDone: (texts: readonly string[]) => boolean,
  ): Promise<{ texts: readonly string[]; checkpoint: string }> {
    const texts: string[] = [];
    let checkpoint = '';
    const consumers = (await shardsOf(arn)).map(({ ShardId }) =>
      openConsumer(streams, arn, { shardId: ShardId, readInterval: 5, limit: 7, ...options })
        .on('data', (records) => {
          for (const { dynamodb } of records) texts.push(dynamodb?.NewImage?.x?.S ?? '');
        })
        .on('checkpoint', (sequenceNumber) => {
          checkpoint = sequenceNumber;
        }),
    );
    const failed = Promise.race(
      consumers.map(async (consumer) => {
        const [error] = await once(consumer as never, 'error');
        throw error;
      }),
    );
    failed.catch(() => {}); // whoever waits below hears of it
    await Promise.race([failed, waitFor(async () => texts, isDone, 20_000)]);
    for (const consumer of consumers) consumer.close();
    return { texts, checkpoint };
  }

  it('reads all changes of a table in their order, while they are made', async () => {
    const TableName = 'Consumed';
    const arn = await makeTable(TableName);
    const expected = Array.from({ length: 60 }, (_, index) => `${index}`);
    const writing = (async () => {
      for (const x of expected) await put(TableName, 'a', x);
    })();
    const { texts } = await consume(arn, {}, ({ length }) => length >= expected.length);
    await writing;
    expect(texts).toEqual(expected);
  });

  it('goes on behind its checkpoint', async () => {
    const TableName = 'Resumed';
    const arn = await makeTable(TableName);
    for (const x of ['1', '2']) await put(TableName, 'a', x);
    const first = await consume(arn, { iterator: 'TRIM_HORIZON' }, ({ length }) => length === 2);
    for (const x of ['3', '4']) await put(TableName, 'a', x);
    const { checkpoint: startAfter } = first;
    const second = await consume(arn, { startAfter }, ({ length }) => length >= 2);
    expect([first.texts, second.texts]).toEqual([
      ['1', '2'],
      ['3', '4'],
    ]);
  });

  it('reads all shards of a larger table', async () => {
    const TableName = 'Larger';
    const arn = await makeTable(TableName, 3_000);
    expect((await shardsOf(arn)).length).toBeGreaterThan(1);
    const expected = Array.from({ length: 80 }, (_, index) => `${index}`);
    await Promise.all(expected.map((x) => put(TableName, `key ${x}`, x)));
    const { texts } = await consume(arn, {}, ({ length }) => length >= expected.length);
    expect([...texts].sort()).toEqual([...expected].sort());
  });
});
