import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  NumberValue,
  PutCommand,
  paginateQuery,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ServerProcess, sdkClient, startServer } from './server-process.ts';

const server = { current: undefined as ServerProcess | undefined };
let client = DynamoDBDocumentClient.from(sdkClient('http://127.0.0.1:1'));
const TableName = 'Songs';

beforeAll(async () => {
  server.current = await startServer(['--in-memory']);
  client = DynamoDBDocumentClient.from(sdkClient(server.current.endpoint), {
    marshallOptions: { removeUndefinedValues: true },
    unmarshallOptions: { wrapNumbers: (text) => NumberValue.from(text) },
  });
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'artist', AttributeType: 'S' },
        { AttributeName: 'title', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'artist', KeyType: 'HASH' },
        { AttributeName: 'title', KeyType: 'RANGE' },
      ],
    }),
  );
});

afterAll(async () => {
  client.destroy();
  await server.current?.stop();
});

it('document client: plain values of every type come back as they were', async () => {
  const item = {
    artist: 'every',
    title: 'type',
    text: 'ünïcödé \u{1F3B5}',
    empty: '',
    exact: NumberValue.from('12345678901234567890123456789012345678'),
    small: NumberValue.from('-1.5E-130'),
    yes: true,
    nothing: null,
    bytes: new Uint8Array([1, 2, 3]),
    strings: new Set(['a', 'b']),
    list: ['one', { two: [false] }, []],
    map: { 'with space': {}, 'dots.and[brackets]': { toString: 'x' } },
  };
  await client.send(new PutCommand({ TableName, Item: item }));
  const { Item: found } = await client.send(
    new GetCommand({ TableName, Key: { artist: 'every', title: 'type' } }),
  );
  // The service writes numbers out in full; the client keeps what it got.
  expect(found?.small.toString()).toBe(`-0.${'0'.repeat(129)}15`);
  expect({ ...found, small: item.small }).toEqual(item);
});

it('document client: names that JavaScript objects have by birth are attributes like others', async () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  for (const name of names) {
    await client.send(
      new UpdateCommand({
        TableName,
        Key: { artist: 'names', title: 'all' },
        UpdateExpression: 'SET #n = :v',
        ExpressionAttributeNames: { '#n': name },
        ExpressionAttributeValues: { ':v': `value of ${name}` },
      }),
    );
  }
  for (const name of names) {
    const { Items: items = [] } = await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'artist = :a',
        FilterExpression: '#n = :v AND attribute_type(#n, :s)',
        ExpressionAttributeNames: { '#n': name },
        ExpressionAttributeValues: { ':a': 'names', ':v': `value of ${name}`, ':s': 'S' },
      }),
    );
    expect(items).toHaveLength(1);
  }
});

it('document client: updates documents in place and returns what changed', async () => {
  const Key = { artist: 'paths', title: 'all' };
  await client.send(
    new PutCommand({ TableName, Item: { ...Key, info: { plays: 1, labels: ['a', 'b', 'c'] } } }),
  );
  const { Attributes: changed } = await client.send(
    new UpdateCommand({
      TableName,
      Key,
      UpdateExpression:
        'SET info.plays = info.plays + :one, info.labels[3] = :d, rating = if_not_exists(rating, :one) REMOVE info.labels[0]',
      ExpressionAttributeValues: { ':one': 1, ':d': 'd' },
      ReturnValues: 'UPDATED_NEW',
    }),
  );
  expect(JSON.parse(JSON.stringify(changed))).toMatchObject({ rating: { value: '1' } });
  const { Item: found } = await client.send(new GetCommand({ TableName, Key }));
  expect(found?.info.labels).toEqual(['b', 'c', 'd']);
  expect(found?.info.plays.toString()).toBe('2');
});

it('document client: batches, pages, scans and deletes', async () => {
  const titles = Array.from({ length: 25 }, (_, index) => `song ${String(index).padStart(2, '0')}`);
  await client.send(
    new BatchWriteCommand({
      RequestItems: {
        [TableName]: titles.map((title) => ({ PutRequest: { Item: { artist: 'many', title } } })),
      },
    }),
  );
  const found: string[] = [];
  const query = {
    TableName,
    KeyConditionExpression: 'artist = :a',
    ExpressionAttributeValues: { ':a': 'many' },
  };
  for await (const page of paginateQuery({ client, pageSize: 10 }, query)) {
    found.push(...(page.Items ?? []).map((item) => item.title));
  }
  expect(found).toEqual(titles);
  const { Responses: responses } = await client.send(
    new BatchGetCommand({
      RequestItems: {
        [TableName]: {
          Keys: [
            { artist: 'many', title: 'song 07' },
            { artist: 'many', title: 'no such song' },
          ],
          ProjectionExpression: 'title',
        },
      },
    }),
  );
  expect(responses?.[TableName]).toEqual([{ title: 'song 07' }]);
  for (const title of titles) {
    await client.send(new DeleteCommand({ TableName, Key: { artist: 'many', title } }));
  }
  const { Count: left } = await client.send(
    new ScanCommand({
      TableName,
      FilterExpression: 'artist = :a',
      ExpressionAttributeValues: { ':a': 'many' },
      Select: 'COUNT',
    }),
  );
  expect(left).toBe(0);
});
