import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeEndpointsCommand,
  DescribeLimitsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  ExecuteStatementCommand,
  GetItemCommand,
  ListTablesCommand,
  ListTagsOfResourceCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TagResourceCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  UntagResourceCommand,
  UpdateItemCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  callOperation,
  startServer,
  type TestServer,
} from '../../dataplane/endpoint/endpoint.fixture.ts';
import { Authority } from '../../dataplane/replication/transport/authority.fixture.ts';
import { startTestNode, type TestNode } from './test-node.fixture.ts';

/** The JSON door of a node as the AWS SDK sees it. */

const folder = mkdtempSync(join(tmpdir(), 'trestle-door-'));
const [cert, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
let tables: TestServer;
let node: TestNode;
let ca: string;
/** Through the cache, and not. */
let client: DynamoDBClient;
let direct: DynamoDBClient;

beforeAll(async () => {
  const authority = new Authority();
  const files = authority.sign('localhost');
  authority.remove();
  ca = files.ca;
  writeFileSync(cert, files.cert);
  writeFileSync(key, files.key);
  tables = await startServer();
  const tls = ['--https-port', '0', '--tls-cert', cert, '--tls-key', key];
  node = await startTestNode(`http://127.0.0.1:${tables.port}`, tls);
  client = clientOf(node.port);
  direct = clientOf(tables.port);
  await createTable(direct, TABLE);
});

afterAll(async () => {
  client?.destroy();
  direct?.destroy();
  await node?.close();
  await tables?.close();
  rmSync(folder, { recursive: true, force: true });
});

const TABLE = 'Songs';
const Key = (id: string) => ({ Artist: { S: 'a' }, Song: { S: id } });

function clientOf(port: number): DynamoDBClient {
  return new DynamoDBClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
}

async function createTable(by: DynamoDBClient, TableName: string): Promise<void> {
  await by.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'Artist', AttributeType: 'S' },
        { AttributeName: 'Song', AttributeType: 'S' },
        { AttributeName: 'Genre', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'Artist', KeyType: 'HASH' },
        { AttributeName: 'Song', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'ByGenre',
          KeySchema: [{ AttributeName: 'Genre', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );
  await waitUntilTableExists({ client: direct, maxWaitTime: 30, minDelay: 1 }, { TableName });
}

let nextId = 0;
/** Of an item that nobody has looked at. */
let id: string;
beforeEach(() => {
  nextId += 1;
  id = `song-${nextId}`;
});

async function get(by: DynamoDBClient, more: object = {}) {
  const { Item } = await by.send(new GetItemCommand({ TableName: TABLE, Key: Key(id), ...more }));
  return Item;
}

/** Behind the cache's back: what it shows, and what it does not, tells who answered. */
function putDirectly(Plays: string) {
  return direct.send(
    new PutItemCommand({ TableName: TABLE, Item: { ...Key(id), Plays: { N: Plays } } }),
  );
}

describe('JSON door: reads', () => {
  it('GetItem is answered by the table once, and then by the cache', async () => {
    await putDirectly('1');
    const item = { ...Key(id), Plays: { N: '1' } };
    expect(await get(client)).toEqual(item);
    await putDirectly('2');
    expect(await get(client)).toEqual(item);
    expect(await get(client, { ProjectionExpression: 'Plays' })).toEqual({ Plays: { N: '1' } });
    expect(await get(client, { ConsistentRead: true })).toEqual({ ...item, Plays: { N: '2' } });
    expect(await get(client, { AttributesToGet: ['Plays'] })).toEqual({ Plays: { N: '2' } });
  });

  it('that there is no such item is cached, too', async () => {
    expect(await get(client)).toBeUndefined();
    await putDirectly('1');
    expect(await get(client)).toBeUndefined();
    expect(await get(client, { ConsistentRead: true })).toBeDefined();
  });

  it('a table has one cache, by whatever name it is called', async () => {
    await putDirectly('1');
    const byName = await get(client);
    await putDirectly('2');
    const TableName = `arn:aws:dynamodb:us-east-1:000000000000:table/${TABLE}`;
    expect(await get(client, { TableName })).toEqual(byName);
  });

  it('a read that cost nothing says so', async () => {
    await putDirectly('1');
    const read = () =>
      client.send(
        new GetItemCommand({ TableName: TABLE, Key: Key(id), ReturnConsumedCapacity: 'TOTAL' }),
      );
    expect((await read()).ConsumedCapacity).toEqual({ TableName: TABLE, CapacityUnits: 1 });
    expect((await read()).ConsumedCapacity).toEqual({ TableName: TABLE, CapacityUnits: 0 });
  });

  it('BatchGetItem takes from the cache what is there, and the rest from the tables', async () => {
    await putDirectly('1');
    await get(client);
    await putDirectly('2');
    const other = `${id}-other`;
    await direct.send(new PutItemCommand({ TableName: TABLE, Item: Key(other) }));
    const { Responses, UnprocessedKeys } = await client.send(
      new BatchGetItemCommand({
        RequestItems: { [TABLE]: { Keys: [Key(other), Key(id), Key(`${id}-absent`)] } },
      }),
    );
    expect(Responses?.[TABLE]).toEqual([Key(other), { ...Key(id), Plays: { N: '1' } }]);
    expect(UnprocessedKeys).toEqual({});
  });

  it('Query is cached by the whole request, and forgotten when its items are written', async () => {
    const Artist = { S: id };
    const query = (Limit: number) =>
      client
        .send(
          new QueryCommand({
            TableName: TABLE,
            KeyConditionExpression: 'Artist = :a',
            ExpressionAttributeValues: { ':a': Artist },
            Limit,
          }),
        )
        .then(({ Count }) => Count);
    const put = (by: DynamoDBClient, Song: string) =>
      by.send(new PutItemCommand({ TableName: TABLE, Item: { Artist, Song: { S: Song } } }));
    await put(direct, '1');
    expect(await query(10)).toBe(1);
    await put(direct, '2');
    expect(await query(10)).toBe(1);
    expect(await query(11)).toBe(2);
    await put(client, '3');
    expect(await query(10)).toBe(3);
  });

  it('Scan is cached, and forgotten when the table is written', async () => {
    const scan = async () => {
      const { Count } = await client.send(new ScanCommand({ TableName: TABLE, Select: 'COUNT' }));
      return Count ?? 0;
    };
    const before = await scan();
    await putDirectly('1');
    expect(await scan()).toBe(before);
    await client.send(new DeleteItemCommand({ TableName: TABLE, Key: Key('absent') }));
    expect(await scan()).toBe(before + 1);
  });

  it('a page that cost nothing says so', async () => {
    const query = async (ReturnConsumedCapacity: 'TOTAL' | 'NONE') => {
      const { ConsumedCapacity } = await client.send(
        new QueryCommand({
          TableName: TABLE,
          KeyConditionExpression: 'Artist = :a',
          ExpressionAttributeValues: { ':a': { S: id } },
          ReturnConsumedCapacity,
        }),
      );
      return ConsumedCapacity;
    };
    expect(await query('TOTAL')).toEqual({ TableName: TABLE, CapacityUnits: 1 });
    expect(await query('TOTAL')).toEqual({ TableName: TABLE, CapacityUnits: 0 });
    expect(await query('NONE')).toBeUndefined();
  });

  it('TransactGetItems asks the tables', async () => {
    await putDirectly('1');
    await get(client);
    await putDirectly('2');
    const { Responses } = await client.send(
      new TransactGetItemsCommand({ TransactItems: [{ Get: { TableName: TABLE, Key: Key(id) } }] }),
    );
    expect(Responses?.[0]?.Item?.Plays).toEqual({ N: '2' });
  });
});

describe('JSON door: writes', () => {
  /** What was written is read from the cache, and is in the table. */
  async function expectItem(item: object | undefined): Promise<void> {
    expect(await get(client)).toEqual(item);
    expect(await get(direct)).toEqual(item);
  }

  it('PutItem, UpdateItem and DeleteItem go through the cache to the table', async () => {
    await get(client);
    await client.send(
      new PutItemCommand({ TableName: TABLE, Item: { ...Key(id), n: { N: '1' } } }),
    );
    await expectItem({ ...Key(id), n: { N: '1' } });
    const update = { TableName: TABLE, Key: Key(id), UpdateExpression: 'ADD n :one' };
    const { Attributes, ...rest } = await client.send(
      new UpdateItemCommand({ ...update, ExpressionAttributeValues: { ':one': { N: '1' } } }),
    );
    expect([Attributes, Object.keys(rest)]).toEqual([undefined, ['$metadata']]);
    await expectItem({ ...Key(id), n: { N: '2' } });
    await client.send(new DeleteItemCommand({ TableName: TABLE, Key: Key(id) }));
    await expectItem(undefined);
  });

  it('a condition that does not hold is told as by the table, and shows that the cache is old', async () => {
    await putDirectly('1');
    await get(client);
    await putDirectly('2');
    const put = client.send(
      new PutItemCommand({
        TableName: TABLE,
        Item: Key(id),
        ConditionExpression: 'Plays = :one',
        ExpressionAttributeValues: { ':one': { N: '1' } },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    await expect(put).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
      message: 'The conditional request failed',
      Item: { ...Key(id), Plays: { N: '2' } },
    });
    expect((await get(client))?.Plays).toEqual({ N: '2' });
  });

  it('BatchWriteItem puts and deletes through the cache', async () => {
    const other = `${id}-other`;
    await client.send(new PutItemCommand({ TableName: TABLE, Item: Key(other) }));
    await get(client);
    await client.send(
      new BatchWriteItemCommand({
        RequestItems: {
          [TABLE]: [
            { PutRequest: { Item: { ...Key(id), n: { N: '7' } } } },
            { DeleteRequest: { Key: Key(other) } },
          ],
        },
      }),
    );
    await expectItem({ ...Key(id), n: { N: '7' } });
    id = other;
    await expectItem(undefined);
  });

  it('TransactWriteItems writes through the cache; one that is cancelled says why', async () => {
    await get(client);
    const put = { Put: { TableName: TABLE, Item: { ...Key(id), n: { N: '1' } } } };
    await client.send(new TransactWriteItemsCommand({ TransactItems: [put] }));
    await expectItem({ ...Key(id), n: { N: '1' } });
    const check = {
      ConditionCheck: {
        TableName: TABLE,
        Key: Key('absent'),
        ConditionExpression: 'attribute_exists(Song)',
      },
    };
    const cancelled = client.send(new TransactWriteItemsCommand({ TransactItems: [put, check] }));
    await expect(cancelled).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed' }],
    });
  });

  it('a transaction sent again with its token writes nothing, and leaves nothing old in the cache', async () => {
    const send = () =>
      client.send(
        new TransactWriteItemsCommand({
          ClientRequestToken: `token-${id}`,
          TransactItems: [{ Put: { TableName: TABLE, Item: { ...Key(id), n: { N: '1' } } } }],
        }),
      );
    await send();
    await client.send(
      new PutItemCommand({ TableName: TABLE, Item: { ...Key(id), n: { N: '2' } } }),
    );
    await send();
    await expectItem({ ...Key(id), n: { N: '2' } });
  });
});

describe('JSON door: tables', () => {
  it('operations on tables are done by the tables', async () => {
    const TableName = 'Made';
    await createTable(client, TableName);
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    const ResourceArn = Table?.TableArn ?? '';
    expect((await client.send(new ListTablesCommand({}))).TableNames).toContain(TableName);
    const Tags = [{ Key: 'a', Value: 'b' }];
    await client.send(new TagResourceCommand({ ResourceArn, Tags }));
    const tags = () => client.send(new ListTagsOfResourceCommand({ ResourceArn }));
    expect((await tags()).Tags).toEqual(Tags);
    await client.send(new UntagResourceCommand({ ResourceArn, TagKeys: ['a'] }));
    expect((await tags()).Tags).toEqual([]);
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName,
        TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      }),
    );
    const { TimeToLiveDescription } = await client.send(
      new DescribeTimeToLiveCommand({ TableName }),
    );
    expect(TimeToLiveDescription?.AttributeName).toBe('ttl');
    expect(
      (await client.send(new DescribeLimitsCommand({}))).TableMaxReadCapacityUnits,
    ).toBeGreaterThan(0);
    await client.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }));
    await client.send(new DeleteTableCommand({ TableName }));
  });

  it('a table that was deleted and made again has nothing of the old one', async () => {
    const TableName = 'Again';
    await createTable(client, TableName);
    const item = { TableName, Item: { ...Key('x'), n: { N: '1' } } };
    await client.send(new PutItemCommand(item));
    const read = async () =>
      (await client.send(new GetItemCommand({ TableName, Key: Key('x') }))).Item;
    expect(await read()).toEqual(item.Item);
    await client.send(new DeleteTableCommand({ TableName }));
    await expect
      .poll(() => read().catch((error: Error) => error.name))
      .toBe('ResourceNotFoundException');
    await expect
      .poll(() =>
        createTable(client, TableName).then(
          () => 'made',
          (error: Error) => error.name,
        ),
      )
      .toBe('made');
    expect(await read()).toBeUndefined();
  });

  it.each(['constructor', 'valueOf', '__proto__'])(
    'a table may be called %s',
    async (TableName) => {
      await createTable(client, TableName);
      const [first, second] = [Key('1'), Key('2')];
      await client.send(new PutItemCommand({ TableName, Item: first }));
      const RequestItems = JSON.parse(
        `{${JSON.stringify(TableName)}: [{"PutRequest": {"Item": ${JSON.stringify(second)}}}]}`,
      );
      await client.send(new BatchWriteItemCommand({ RequestItems }));
      const keys = `{"Keys": [${JSON.stringify(first)}, ${JSON.stringify(second)}]}`;
      const { text } = await callOperation(
        node.port,
        'BatchGetItem',
        JSON.parse(`{"RequestItems": {${JSON.stringify(TableName)}: ${keys}}}`),
      );
      expect(Object.entries(JSON.parse(text).Responses)).toEqual([[TableName, [first, second]]]);
    },
  );

  it('DescribeEndpoints names this door', async () => {
    const { Endpoints } = await client.send(new DescribeEndpointsCommand({}));
    expect(Endpoints?.map(({ Address }) => Address)).toEqual([`127.0.0.1:${node.port}`]);
  });

  it('has no PartiQL, as the service’s cache has none', async () => {
    const statement = client.send(
      new ExecuteStatementCommand({ Statement: `SELECT * FROM ${TABLE}` }),
    );
    await expect(statement).rejects.toMatchObject({ name: 'UnknownOperationException' });
  });
});

describe('JSON door: HTTPS', () => {
  it('serves the same by HTTPS', async () => {
    const { https = '' } = node.node.urls;
    const secure = new DynamoDBClient({
      endpoint: https.replace('127.0.0.1', 'localhost'),
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      requestHandler: { httpsAgent: new Agent({ ca }) },
    });
    await putDirectly('1');
    expect(await get(secure)).toEqual({ ...Key(id), Plays: { N: '1' } });
    secure.destroy();
  });
});
