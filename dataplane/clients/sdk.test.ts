import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeEndpointsCommand,
  DescribeLimitsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  GetItemCommand,
  ListTagsOfResourceCommand,
  PutItemCommand,
  paginateListTables,
  paginateQuery,
  paginateScan,
  QueryCommand,
  ResourceInUseException,
  ResourceNotFoundException,
  ScanCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateItemCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nestedDocument } from './nested-document.ts';
import { type ServerProcess, sdkClient, startServer } from './server-process.ts';
import { waitFor } from './wait-for.ts';

const account = '111122223333';
/** For what becomes so by itself: expired items go in ten seconds, an index follows in less than one. */
const WAIT_MS = 40_000;

const server = { current: undefined as ServerProcess | undefined };
let client = sdkClient('http://127.0.0.1:1');

beforeAll(async () => {
  server.current = await startServer(['--in-memory', '--account', account]);
  client = sdkClient(server.current.endpoint);
});

afterAll(async () => {
  client.destroy();
  await server.current?.stop();
});

/** Orders by customer and number, with both kinds of index. */
async function makeOrders(name: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'customer', AttributeType: 'S' },
        { AttributeName: 'number', AttributeType: 'N' },
        { AttributeName: 'placed', AttributeType: 'S' },
        { AttributeName: 'status', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'customer', KeyType: 'HASH' },
        { AttributeName: 'number', KeyType: 'RANGE' },
      ],
      LocalSecondaryIndexes: [
        {
          IndexName: 'ByDate',
          KeySchema: [
            { AttributeName: 'customer', KeyType: 'HASH' },
            { AttributeName: 'placed', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'ByStatus',
          KeySchema: [
            { AttributeName: 'status', KeyType: 'HASH' },
            { AttributeName: 'placed', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['total'] },
        },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 1 }, { TableName: name });
}

function order(customer: string, number: number) {
  const day = String((number % 28) + 1).padStart(2, '0');
  return {
    customer: { S: customer },
    number: { N: String(number) },
    placed: { S: `2026-02-${day}` },
    total: { N: String(number * 10) },
    ...(number % 2 === 0 ? { status: { S: 'open' } } : {}),
  };
}

describe('client-dynamodb', () => {
  it('creates, describes, lists and deletes a table', async () => {
    await makeOrders('LifeCycle');
    const { Table: table } = await client.send(
      new DescribeTableCommand({ TableName: 'LifeCycle' }),
    );
    expect(table?.TableStatus).toBe('ACTIVE');
    expect(table?.TableArn).toBe(`arn:aws:dynamodb:us-east-1:${account}:table/LifeCycle`);
    expect(table?.CreationDateTime).toBeInstanceOf(Date);
    expect(table?.GlobalSecondaryIndexes?.map((index) => index.IndexName)).toEqual(['ByStatus']);

    const again = makeOrders('LifeCycle');
    await expect(again).rejects.toThrow(ResourceInUseException);

    const names: string[] = [];
    for await (const page of paginateListTables({ client, pageSize: 1 }, {})) {
      names.push(...(page.TableNames ?? []));
    }
    expect(names).toContain('LifeCycle');

    await client.send(new DeleteTableCommand({ TableName: 'LifeCycle' }));
    await waitUntilTableNotExists(
      { client, maxWaitTime: 20, minDelay: 1 },
      { TableName: 'LifeCycle' },
    );
    await expect(
      client.send(new GetItemCommand({ TableName: 'LifeCycle', Key: { customer: { S: 'a' } } })),
    ).rejects.toThrow(ResourceNotFoundException);
  });

  it('writes, reads, updates and deletes items under conditions', async () => {
    await makeOrders('Items');
    const item = order('ada', 1);
    const key = { customer: item.customer, number: item.number };
    await client.send(new PutItemCommand({ TableName: 'Items', Item: item }));
    const put = client.send(
      new PutItemCommand({
        TableName: 'Items',
        Item: { ...item, total: { N: '0' } },
        ConditionExpression: 'attribute_not_exists(customer)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    const failure = await put.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConditionalCheckFailedException);
    expect(failure).toMatchObject({ Item: item, message: 'The conditional request failed' });

    const updated = await client.send(
      new UpdateItemCommand({
        TableName: 'Items',
        Key: key,
        UpdateExpression: 'SET #t = #t + :more, notes = :notes REMOVE placed ADD tags :tags',
        ExpressionAttributeNames: { '#t': 'total' },
        ExpressionAttributeValues: {
          ':more': { N: '0.5' },
          ':notes': { L: [{ B: new Uint8Array([0, 255]) }, { NULL: true }] },
          ':tags': { SS: ['new', 'gift'] },
        },
        ReturnValues: 'ALL_NEW',
        ReturnConsumedCapacity: 'INDEXES',
      }),
    );
    expect(updated.Attributes).toEqual({
      customer: { S: 'ada' },
      number: { N: '1' },
      total: { N: '10.5' },
      notes: { L: [{ B: new Uint8Array([0, 255]) }, { NULL: true }] },
      tags: { SS: expect.arrayContaining(['gift', 'new']) },
    });
    expect(updated.ConsumedCapacity?.CapacityUnits).toBe(2);

    await client.send(new DeleteItemCommand({ TableName: 'Items', Key: key }));
    const { Item: gone } = await client.send(
      new GetItemCommand({ TableName: 'Items', Key: key, ConsistentRead: true }),
    );
    expect(gone).toBeUndefined();
  });

  it('writes in batches, pages through queries and scans, and answers from both indexes', async () => {
    await makeOrders('Pages');
    const orders = Array.from({ length: 50 }, (_, index) => order('grace', index + 1));
    for (const part of [orders.slice(0, 25), orders.slice(25)]) {
      const { UnprocessedItems: unprocessed } = await client.send(
        new BatchWriteItemCommand({
          RequestItems: { Pages: part.map((Item) => ({ PutRequest: { Item } })) },
        }),
      );
      expect(unprocessed).toEqual({});
    }
    const read = await client.send(
      new BatchGetItemCommand({
        RequestItems: {
          Pages: { Keys: orders.slice(0, 3).map(({ customer, number }) => ({ customer, number })) },
        },
      }),
    );
    expect(read.Responses?.Pages).toHaveLength(3);

    const query = {
      TableName: 'Pages',
      KeyConditionExpression: 'customer = :c AND #n BETWEEN :a AND :b',
      ExpressionAttributeNames: { '#n': 'number' },
      ExpressionAttributeValues: { ':c': { S: 'grace' }, ':a': { N: '5' }, ':b': { N: '40' } },
      ScanIndexForward: false,
    };
    const numbers: number[] = [];
    for await (const page of paginateQuery({ client, pageSize: 7 }, query)) {
      numbers.push(...(page.Items ?? []).map((item) => Number(item.number?.N)));
    }
    expect(numbers).toEqual(Array.from({ length: 36 }, (_, index) => 40 - index));

    let scanned = 0;
    for (const Segment of [0, 1, 2]) {
      const scan = { TableName: 'Pages', Segment, TotalSegments: 3 };
      for await (const page of paginateScan({ client, pageSize: 4 }, scan)) {
        scanned += page.Count ?? 0;
      }
    }
    expect(scanned).toBe(50);

    const byDate = await client.send(
      new QueryCommand({
        TableName: 'Pages',
        IndexName: 'ByDate',
        KeyConditionExpression: 'customer = :c AND begins_with(placed, :d)',
        ExpressionAttributeValues: { ':c': { S: 'grace' }, ':d': { S: '2026-02-0' } },
        ConsistentRead: true,
      }),
    );
    expect(byDate.Items?.every((item) => item.total === undefined)).toBe(true);
    expect(byDate.Count).toBe(orders.filter(({ placed }) => placed.S < '2026-02-10').length);

    const open = await waitFor(
      () =>
        client.send(
          new QueryCommand({
            TableName: 'Pages',
            IndexName: 'ByStatus',
            KeyConditionExpression: '#s = :open',
            FilterExpression: '#t > :least',
            ExpressionAttributeNames: { '#s': 'status', '#t': 'total' },
            ExpressionAttributeValues: { ':open': { S: 'open' }, ':least': { N: '100' } },
          }),
        ),
      ({ ScannedCount: count }) => count === 25,
      WAIT_MS,
    );
    expect(open.Count).toBe(20);
    const dates = (open.Items ?? []).map((item) => item.placed?.S ?? '');
    expect(dates).toEqual([...dates].sort());
  });

  it('adds a global index to a table that holds items, and removes it', async () => {
    await makeOrders('Growing');
    const orders = Array.from({ length: 25 }, (_, index) => order('alan', index + 1));
    await client.send(
      new BatchWriteItemCommand({
        RequestItems: { Growing: orders.map((Item) => ({ PutRequest: { Item } })) },
      }),
    );
    await client.send(
      new UpdateTableCommand({
        TableName: 'Growing',
        AttributeDefinitions: [{ AttributeName: 'total', AttributeType: 'N' }],
        GlobalSecondaryIndexUpdates: [
          {
            Create: {
              IndexName: 'ByTotal',
              KeySchema: [{ AttributeName: 'total', KeyType: 'HASH' }],
              Projection: { ProjectionType: 'ALL' },
            },
          },
        ],
      }),
    );
    const describe = () => client.send(new DescribeTableCommand({ TableName: 'Growing' }));
    await waitFor(
      describe,
      ({ Table: table }) =>
        table?.TableStatus === 'ACTIVE' &&
        table.GlobalSecondaryIndexes?.some(
          (index) => index.IndexName === 'ByTotal' && index.IndexStatus === 'ACTIVE',
        ) === true,
      WAIT_MS,
    );
    const indexed = await client.send(
      new ScanCommand({ TableName: 'Growing', IndexName: 'ByTotal' }),
    );
    expect(indexed.Count).toBe(25);

    await client.send(
      new UpdateTableCommand({
        TableName: 'Growing',
        GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'ByTotal' } }],
      }),
    );
    await waitFor(
      describe,
      ({ Table: table }) =>
        table?.TableStatus === 'ACTIVE' && table.GlobalSecondaryIndexes?.length === 1,
      WAIT_MS,
    );
  });

  it('keeps documents of 32 levels and refuses deeper ones', async () => {
    await makeOrders('Nested');
    const item = { ...order('deep', 1), document: nestedDocument(32) };
    await client.send(new PutItemCommand({ TableName: 'Nested', Item: item }));
    const { Item: found } = await client.send(
      new GetItemCommand({
        TableName: 'Nested',
        Key: { customer: { S: 'deep' }, number: { N: '1' } },
      }),
    );
    expect(found).toEqual(item);
    const deeper = { ...item, document: nestedDocument(34) };
    await expect(
      client.send(new PutItemCommand({ TableName: 'Nested', Item: deeper })),
    ).rejects.toThrow(
      'Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit',
    );
  });

  it('lets expired items go, and keeps those that were renewed', async () => {
    await makeOrders('Expiring');
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName: 'Expiring',
        TimeToLiveSpecification: { Enabled: true, AttributeName: 'expires' },
      }),
    );
    const { TimeToLiveDescription: description } = await client.send(
      new DescribeTimeToLiveCommand({ TableName: 'Expiring' }),
    );
    expect(description?.AttributeName).toBe('expires');
    const soon = String(Math.floor(Date.now() / 1000) + 1);
    const later = String(Math.floor(Date.now() / 1000) + 3600);
    for (const number of [1, 2]) {
      const item = { ...order('gone', number), expires: { N: soon } };
      await client.send(new PutItemCommand({ TableName: 'Expiring', Item: item }));
    }
    await client.send(
      new UpdateItemCommand({
        TableName: 'Expiring',
        Key: { customer: { S: 'gone' }, number: { N: '2' } },
        // With the keys of the index: should the item have gone already, it is there anew.
        UpdateExpression: 'SET expires = :later, #status = :status, placed = :placed',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: {
          ':later': { N: later },
          ':status': { S: 'open' },
          ':placed': order('gone', 2).placed,
        },
      }),
    );
    const scan = () => client.send(new ScanCommand({ TableName: 'Expiring' }));
    const { Items: left } = await waitFor(scan, ({ Count: count }) => count === 1, WAIT_MS);
    expect(left?.[0]?.number).toEqual({ N: '2' });
    await waitFor(
      () => client.send(new ScanCommand({ TableName: 'Expiring', IndexName: 'ByStatus' })),
      ({ Count: count }) => count === 1,
      WAIT_MS,
    );
  });

  it('tags tables, and tells limits and endpoints', async () => {
    await makeOrders('Tagged');
    const ResourceArn = `arn:aws:dynamodb:us-east-1:${account}:table/Tagged`;
    const Tags = [
      { Key: 'team', Value: 'red' },
      { Key: 'stage', Value: '' },
    ];
    await client.send(new TagResourceCommand({ ResourceArn, Tags }));
    await client.send(new UntagResourceCommand({ ResourceArn, TagKeys: ['stage'] }));
    const listed = await client.send(new ListTagsOfResourceCommand({ ResourceArn }));
    expect(listed.Tags).toEqual([{ Key: 'team', Value: 'red' }]);
    const limits = await client.send(new DescribeLimitsCommand({}));
    expect(limits.TableMaxReadCapacityUnits).toBeGreaterThan(0);
    const { Endpoints: endpoints } = await client.send(new DescribeEndpointsCommand({}));
    expect(endpoints).toHaveLength(1);
  });
});
