import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  DynamoDBServiceException,
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
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CertificateReport } from '../admin/certificate-report.ts';
import { freePorts } from '../free-port.fixture.ts';
import { accountIdOf } from '../kubernetes/account.ts';
import { type KubeApi, startKubeApi } from '../kubernetes/kube-api.fixture.ts';
import { resources } from '../kubernetes/resources.ts';
import type { TableResource } from '../kubernetes/table-resource.ts';
import { parseKubernetesRouter } from '../kubernetes-router-options.ts';
import { startKubernetesRouter } from '../kubernetes-router-server.ts';
import { Authority } from '../replication/transport/authority.fixture.ts';
import { ROUTER_CERTIFICATE_NAME } from '../replication/transport/certificate.ts';
import type { RouterServer } from '../router-server.ts';
import { MemberProcess } from './cluster-processes.ts';
import { PlayedOperator } from './played-operator.ts';
import { waitFor } from './wait-for.ts';

/** A router of a namespace, with a real API server and real storage nodes; the operator is played. */

vi.setConfig({ testTimeout: 120_000 });

const REGION = 'eu-test-1';
const WAIT_MS = 60_000;
/** Of a call to the API server: a fault "at once" does not wait for it. */
const DEADLINE_MS = 30_000;

let api: KubeApi;
let namespace: string;
let authority: Authority;
let certificates: string;
let operator: PlayedOperator;
let router: TestRouter;
let client: DynamoDBClient;

interface TestRouter {
  readonly server: RouterServer;
  readonly endpoint: string;
  readonly health: string;
}

async function startRouter(id: string, more: readonly string[] = []): Promise<TestRouter> {
  const [port, tlsPort] = await freePorts(2);
  const file = (name: string) => join(certificates, `${name}.pem`);
  const server = await startKubernetesRouter(
    parseKubernetesRouter([
      ...['--kubernetes', '--namespace', namespace, '--id', id, '--region', REGION],
      ...['--port', '0', '--health-port', String(port), '--log-level', 'silent'],
      ...['--tls-port', String(tlsPort), '--tls-cert', file('cert'), '--tls-key', file('key')],
      ...['--ca', file('ca'), ...more],
    ]),
    { lookup: async () => operator.addresses },
  );
  const endpoint = /http:\S+:\d+/.exec(server.greeting)?.[0] ?? '';
  return { server, endpoint, health: `http://127.0.0.1:${port}` };
}

const ANY_KEY = { accessKeyId: 'local', secretAccessKey: 'local' };

function clientOf(
  { endpoint }: Pick<TestRouter, 'endpoint'>,
  credentials = ANY_KEY,
): DynamoDBClient {
  return new DynamoDBClient({ endpoint, region: REGION, credentials });
}

beforeAll(async () => {
  api = await startKubeApi();
  await api.applyCrds();
  vi.stubEnv('KUBECONFIG', api.kubeconfig);
  namespace = await api.newNamespace('router');
  authority = new Authority();
  certificates = mkdtempSync(join(tmpdir(), 'trestle router '));
  const names = [ROUTER_CERTIFICATE_NAME, 'localhost'];
  for (const [name, pem] of Object.entries(authority.sign(...names))) {
    writeFileSync(join(certificates, `${name}.pem`), pem);
  }
  operator = new PlayedOperator({
    authority,
    client: api.newClient(),
    namespace,
    region: REGION,
    network: `127.${20 + (process.pid % 200)}`,
  });
  router = await startRouter('router-1');
  client = clientOf(router);
});

afterAll(async () => {
  client?.destroy();
  await router?.server.close();
  await operator?.close();
  await api?.close();
  authority?.remove();
  rmSync(certificates, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

const arn = (table: string) =>
  `arn:aws:dynamodb:${REGION}:${accountIdOf(namespace)}:table/${table}`;

const simple = (TableName: string): CreateTableCommandInput => ({
  TableName,
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
});

const item = (pk: string) => ({ pk: { S: pk } });

async function resourceOf(tableName: string): Promise<TableResource> {
  const { items } = await api.client.list<TableResource>(resources.tables, {
    namespace,
    fieldSelector: `spec.tableName=${tableName}`,
  });
  const [found] = items;
  if (found === undefined) throw new Error(`no Table ${tableName}`);
  return found;
}

async function create(input: CreateTableCommandInput): Promise<void> {
  await client.send(new CreateTableCommand(input));
  await becomesActive(String(input.TableName));
}

async function becomesActive(TableName: string): Promise<void> {
  const wait = { client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 };
  await waitUntilTableExists(wait, { TableName });
}

async function statusOf(TableName: string): Promise<string | undefined> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  return Table?.TableStatus;
}

async function manifest(tableName: string, more: object = {}): Promise<void> {
  const spec = {
    tableName,
    billingMode: 'PAY_PER_REQUEST',
    attributeDefinitions: [{ attributeName: 'pk', attributeType: 'S' }],
    keySchema: [{ attributeName: 'pk', keyType: 'HASH' }],
    ...more,
  };
  await api.client.apply(
    resources.tables,
    { metadata: { name: tableName.toLowerCase(), namespace }, spec } as never,
    { fieldManager: 'gitops', force: false },
  );
  await waitFor(
    () => resourceOf(tableName),
    ({ status }) => status?.tableStatus === 'ACTIVE',
    WAIT_MS,
  );
}

/** `Name: message` of what the call fails with. */
async function faultOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof DynamoDBServiceException) return `${error.name}: ${error.message}`;
    throw error;
  }
  return 'no fault';
}

describe('a table that is made by CreateTable', () => {
  it('becomes a Table resource, and serves items once the operator has made it', async () => {
    await operator.sleep();
    const created = await client.send(
      new CreateTableCommand({ ...simple('Orders'), Tags: [{ Key: 'team', Value: 'shop' }] }),
    );
    const resource = await resourceOf('Orders');
    const { uid, creationTimestamp, labels } = resource.metadata;
    expect(resource.spec).toEqual({
      tableName: 'Orders',
      billingMode: 'PAY_PER_REQUEST',
      attributeDefinitions: [{ attributeName: 'pk', attributeType: 'S' }],
      keySchema: [{ attributeName: 'pk', keyType: 'HASH' }],
      tags: [{ key: 'team', value: 'shop' }],
      deletionPolicy: 'Delete',
      deletionProtectionEnabled: false,
      tableClass: 'STANDARD',
      storage: { size: '10Gi' },
      placement: {
        replicationFactor: 3,
        topologyKey: 'topology.kubernetes.io/zone',
        whenZonesInsufficient: 'Colocate',
        hostAntiAffinity: 'Preferred',
      },
    });
    expect(labels).toEqual({ 'trestle.dev/created-by': 'trestle-api' });
    expect(created.TableDescription).toMatchObject({
      TableName: 'Orders',
      TableStatus: 'CREATING',
      TableArn: arn('Orders'),
      TableId: uid,
      CreationDateTime: new Date(creationTimestamp ?? ''),
    });
    const { Table: early } = await client.send(new DescribeTableCommand({ TableName: 'Orders' }));
    expect(early?.TableStatus).toBe('CREATING');
    expect(await faultOf(client.send(new CreateTableCommand(simple('Orders'))))).toBe(
      'ResourceInUseException: Attempt to change a resource which is still in use: ' +
        'Table is being created: Orders',
    );
    const Item = item('1');
    expect(await faultOf(client.send(new PutItemCommand({ TableName: 'Orders', Item })))).toBe(
      'ResourceNotFoundException: Requested resource not found',
    );

    operator.wake();
    await becomesActive('Orders');
    await client.send(new PutItemCommand({ TableName: 'Orders', Item }));
    const read = { TableName: arn('Orders'), Key: Item, ConsistentRead: true };
    expect((await client.send(new GetItemCommand(read))).Item).toEqual(Item);
    const { Table } = await client.send(new DescribeTableCommand({ TableName: 'Orders' }));
    expect(Table).toMatchObject({
      TableStatus: 'ACTIVE',
      TableId: uid,
      CreationDateTime: new Date(creationTimestamp ?? ''),
    });
    expect(await faultOf(client.send(new CreateTableCommand(simple('Orders'))))).toBe(
      'ResourceInUseException: Table already exists: Orders',
    );
  });

  it('is changed in its resource, and shown UPDATING until the operator has done it', async () => {
    await operator.sleep();
    const updated = await client.send(
      new UpdateTableCommand({
        TableName: 'Orders',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'city', AttributeType: 'S' },
        ],
        GlobalSecondaryIndexUpdates: [
          {
            Create: {
              IndexName: 'ByCity',
              KeySchema: [{ AttributeName: 'city', KeyType: 'HASH' }],
              Projection: { ProjectionType: 'ALL' },
            },
          },
        ],
      }),
    );
    expect(updated.TableDescription?.TableStatus).toBe('UPDATING');
    const { spec } = await resourceOf('Orders');
    expect(spec.attributeDefinitions).toContainEqual({ attributeName: 'city', attributeType: 'S' });
    expect(spec.globalSecondaryIndexes).toEqual([
      {
        indexName: 'ByCity',
        keySchema: [{ attributeName: 'city', keyType: 'HASH' }],
        projection: { projectionType: 'ALL' },
      },
    ]);
    expect(await statusOf('Orders')).toBe('UPDATING');

    operator.wake();
    await waitFor(
      () => statusOf('Orders'),
      (status) => status === 'ACTIVE',
      WAIT_MS,
    );
    const Item = { ...item('2'), city: { S: 'Oslo' } };
    await client.send(new PutItemCommand({ TableName: 'Orders', Item }));
    const query = new QueryCommand({
      TableName: 'Orders',
      IndexName: 'ByCity',
      KeyConditionExpression: 'city = :city',
      ExpressionAttributeValues: { ':city': { S: 'Oslo' } },
    });
    const found = await waitFor(
      () => client.send(query),
      ({ Count }) => Count === 1,
      WAIT_MS,
    );
    expect(found.Items).toEqual([Item]);
  });

  it('loses an index and a definition, and nothing else', async () => {
    const before = await resourceOf('Orders');
    const update = { Delete: { IndexName: 'ByCity' } };
    await client.send(
      new UpdateTableCommand({ TableName: 'Orders', GlobalSecondaryIndexUpdates: [update] }),
    );
    const after = await resourceOf('Orders');
    const { globalSecondaryIndexes: _, ...rest } = before.spec;
    expect(after.spec).toEqual({
      ...rest,
      attributeDefinitions: [{ attributeName: 'pk', attributeType: 'S' }],
    });
    expect(after.metadata.labels).toEqual(before.metadata.labels);
  });

  it('takes tags and time to live', async () => {
    const ResourceArn = arn('Orders');
    await client.send(new TagResourceCommand({ ResourceArn, Tags: [{ Key: 'cost', Value: '7' }] }));
    await client.send(new UntagResourceCommand({ ResourceArn, TagKeys: ['team', 'none'] }));
    const { Tags } = await client.send(new ListTagsOfResourceCommand({ ResourceArn }));
    expect(Tags).toEqual([{ Key: 'cost', Value: '7' }]);
    expect((await resourceOf('Orders')).spec.tags).toEqual([{ key: 'cost', value: '7' }]);

    const TimeToLiveSpecification = { Enabled: true, AttributeName: 'ends' };
    const change = new UpdateTimeToLiveCommand({ TableName: 'Orders', TimeToLiveSpecification });
    await client.send(change);
    const describeTtl = () => client.send(new DescribeTimeToLiveCommand({ TableName: 'Orders' }));
    expect((await describeTtl()).TimeToLiveDescription?.TimeToLiveStatus).toMatch(/^ENABL/);
    await waitFor(
      describeTtl,
      ({ TimeToLiveDescription }) => TimeToLiveDescription?.TimeToLiveStatus === 'ENABLED',
      WAIT_MS,
    );
    expect(await faultOf(client.send(change))).toBe(
      'ValidationException: TimeToLive is already enabled',
    );
  });

  it('is deleted with its resource', async () => {
    const remove = (TableName: string) => client.send(new DeleteTableCommand({ TableName }));
    const DeletionProtectionEnabled = true;
    await create({ ...simple('Kept'), DeletionProtectionEnabled });
    await create(simple('Doomed'));
    expect(await faultOf(remove('Kept'))).toBe(
      'ValidationException: Resource cannot be deleted as it is currently protected against ' +
        'deletion. Disable deletion protection first.',
    );
    const { name } = (await resourceOf('Kept')).metadata;
    await api.client.delete(resources.tables, { namespace, name });
    const { metadata } = await resourceOf('Doomed');
    const { TableDescription } = await remove('Doomed');
    expect(TableDescription).toMatchObject({ TableStatus: 'DELETING', TableId: metadata.uid });
    expect(await faultOf(statusOf('Doomed'))).toBe(
      'ResourceNotFoundException: Requested resource not found: Table: Doomed not found',
    );
    await expect(resourceOf('Doomed')).rejects.toThrow('no Table');
  });
});

describe('a table that a manifest declares', () => {
  beforeAll(() =>
    manifest('Music', {
      tags: [{ key: 'team', value: 'radio' }],
      globalSecondaryIndexes: [
        {
          indexName: 'ByYear',
          keySchema: [{ attributeName: 'year', keyType: 'HASH' }],
          projection: { projectionType: 'ALL' },
        },
      ],
      attributeDefinitions: [
        { attributeName: 'pk', attributeType: 'S' },
        { attributeName: 'year', attributeType: 'N' },
      ],
    }),
  );

  it('is not changed where the manifest owns what is to change', async () => {
    const update = client.send(
      new UpdateTableCommand({
        TableName: 'Music',
        BillingMode: 'PROVISIONED',
        ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 5 },
        GlobalSecondaryIndexUpdates: [
          {
            Update: {
              IndexName: 'ByYear',
              ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 5 },
            },
          },
        ],
      }),
    );
    expect(await faultOf(update)).toBe(
      'ValidationException: One or more parameter values were invalid: ' +
        'fields of the Table music are owned by others: spec.billingMode (gitops). Change them there',
    );
    const drop = client.send(
      new UpdateTableCommand({
        TableName: 'Music',
        GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'ByYear' } }],
      }),
    );
    expect(await faultOf(drop)).toContain(
      'spec.globalSecondaryIndexes[indexName="ByYear"] (gitops)',
    );
    const untag = new UntagResourceCommand({ ResourceArn: arn('Music'), TagKeys: ['team'] });
    expect(await faultOf(client.send(untag))).toContain('spec.tags[key="team"] (gitops)');
  });

  it('takes what is its own beside it, and gives that up again', async () => {
    const ResourceArn = arn('Music');
    const Tags = [{ Key: 'cost', Value: '7' }];
    await client.send(new TagResourceCommand({ ResourceArn, Tags }));
    expect((await resourceOf('Music')).spec.tags).toEqual([
      { key: 'team', value: 'radio' },
      { key: 'cost', value: '7' },
    ]);
    await client.send(new UntagResourceCommand({ ResourceArn, TagKeys: ['cost'] }));
    expect((await resourceOf('Music')).spec.tags).toEqual([{ key: 'team', value: 'radio' }]);
  });
});

describe('a stream', () => {
  const streams = () =>
    new DynamoDBStreamsClient({
      endpoint: router.endpoint,
      region: REGION,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
  const enable = (StreamViewType: 'NEW_IMAGE' | 'KEYS_ONLY') => ({
    TableName: 'Trail',
    StreamSpecification: { StreamEnabled: true, StreamViewType },
  });
  const settled = async () => {
    await waitFor(
      () => statusOf('Trail'),
      (status) => status === 'ACTIVE',
      WAIT_MS,
    );
    const { Table } = await client.send(new DescribeTableCommand({ TableName: 'Trail' }));
    return Table?.LatestStreamArn ?? '';
  };
  const changesOf = async (sdk: DynamoDBStreamsClient, StreamArn: string) => {
    const { StreamDescription } = await sdk.send(new DescribeStreamCommand({ StreamArn }));
    const records: unknown[] = [];
    for (const { ShardId } of StreamDescription?.Shards ?? []) {
      const { ShardIterator } = await sdk.send(
        new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
      );
      const { Records = [] } = await sdk.send(new GetRecordsCommand({ ShardIterator }));
      records.push(...Records.map(({ dynamodb }) => dynamodb?.NewImage ?? dynamodb?.Keys));
    }
    return { status: StreamDescription?.StreamStatus, records };
  };

  it('is declared in the resource, and read from the nodes', async () => {
    const created = await client.send(
      new CreateTableCommand({ ...simple('Trail'), ...enable('NEW_IMAGE') }),
    );
    // It has no time of its own yet.
    expect(created.TableDescription).not.toHaveProperty('LatestStreamArn');
    expect((await resourceOf('Trail')).spec.streamSpecification).toEqual({
      streamEnabled: true,
      streamViewType: 'NEW_IMAGE',
    });
    await becomesActive('Trail');
    const first = await settled();
    expect(first).toMatch(new RegExp(`^${arn('Trail')}/stream/20`));
    await client.send(new PutItemCommand({ TableName: 'Trail', Item: item('a') }));
    const sdk = streams();
    expect(await changesOf(sdk, first)).toEqual({ status: 'ENABLED', records: [item('a')] });

    await client.send(
      new UpdateTableCommand({ TableName: 'Trail', StreamSpecification: { StreamEnabled: false } }),
    );
    expect((await resourceOf('Trail')).spec).not.toHaveProperty('streamSpecification');
    await settled();
    const again = await client.send(new UpdateTableCommand(enable('KEYS_ONLY')));
    expect(again.TableDescription).not.toHaveProperty('LatestStreamArn');
    const second = await settled();
    expect(second).not.toBe(first);
    await client.send(new PutItemCommand({ TableName: 'Trail', Item: item('b') }));
    expect(await changesOf(sdk, first)).toEqual({ status: 'DISABLED', records: [item('a')] });
    expect(await changesOf(sdk, second)).toEqual({ status: 'ENABLED', records: [item('b')] });

    const ofTable = await sdk.send(new ListStreamsCommand({ TableName: 'Trail' }));
    expect(ofTable.Streams?.map(({ StreamArn }) => StreamArn)).toEqual([first, second]);
    const all = await sdk.send(new ListStreamsCommand({}));
    expect(all.Streams?.map(({ StreamArn }) => StreamArn)).toEqual([second]);
    const none = `${arn('Trail')}/stream/2020-01-01T00:00:00.000`;
    await expect(sdk.send(new DescribeStreamCommand({ StreamArn: none }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    // With its table it is gone: so are its nodes.
    await client.send(new DeleteTableCommand({ TableName: 'Trail' }));
    await waitFor(
      () => client.send(new ListTablesCommand({})),
      ({ TableNames }) => TableNames?.includes('Trail') === false,
      WAIT_MS,
    );
    await expect(sdk.send(new DescribeStreamCommand({ StreamArn: second }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    sdk.destroy();
  });
});

describe('several tables', () => {
  it('are in one batch of writes and one of reads', async () => {
    await create(simple('Left'));
    await create(simple('Right'));
    const put = (pk: string) => ({ PutRequest: { Item: item(pk) } });
    const written = await client.send(
      new BatchWriteItemCommand({
        RequestItems: { Left: [put('a'), put('b')], [arn('Right')]: [put('c')] },
      }),
    );
    expect(written.UnprocessedItems).toEqual({});
    const { Responses } = await client.send(
      new BatchGetItemCommand({
        RequestItems: {
          Left: { Keys: [item('a'), item('b')] },
          Right: { Keys: [item('c'), item('d')] },
        },
      }),
    );
    expect(Responses?.Left).toHaveLength(2);
    expect(Responses?.Right).toEqual([item('c')]);
    const absent = new BatchWriteItemCommand({
      RequestItems: { Left: [put('a')], Gone: [put('a')] },
    });
    expect(await faultOf(client.send(absent))).toBe(
      'ResourceNotFoundException: Requested resource not found',
    );
    const elsewhere = arn('Right').replace(accountIdOf(namespace), '000000000001');
    const foreign = new BatchGetItemCommand({
      RequestItems: { [elsewhere]: { Keys: [item('c')] } },
    });
    expect(await faultOf(client.send(foreign))).toMatch('AccessDeniedException');
  });

  it('are in one transaction, and its token is known to every router', async () => {
    const second = await startRouter('router-5');
    const other = clientOf(second);
    const transfer = (via: DynamoDBClient) =>
      via.send(
        new TransactWriteItemsCommand({
          ClientRequestToken: 'of-two-tables',
          ReturnConsumedCapacity: 'TOTAL',
          TransactItems: [
            { Put: { TableName: 'Left', Item: { ...item('t'), n: { N: '1' } } } },
            { Put: { TableName: arn('Right'), Item: { ...item('t'), n: { N: '2' } } } },
          ],
        }),
      );
    const { ConsumedCapacity: first } = await transfer(client);
    expect(first?.map((table) => [table.TableName, table.WriteCapacityUnits])).toEqual([
      ['Left', 2],
      [arn('Right'), 2],
    ]);
    const { ConsumedCapacity: repeated } = await transfer(other);
    expect(repeated?.map((table) => table.ReadCapacityUnits)).toEqual([2, 2]);
    const { Responses } = await other.send(
      new TransactGetItemsCommand({
        TransactItems: ['Right', 'Left'].map((TableName) => ({
          Get: { TableName, Key: item('t'), ProjectionExpression: 'n' },
        })),
      }),
    );
    expect(Responses).toEqual([{ Item: { n: { N: '2' } } }, { Item: { n: { N: '1' } } }]);
    await other.send(
      new TransactWriteItemsCommand({
        TransactItems: ['Left', 'Right'].map((TableName) => ({
          Delete: { TableName, Key: item('t') },
        })),
      }),
    );
    other.destroy();
    await second.server.close();
  });

  it('are changed through several routers at once, and no change is lost', async () => {
    const second = await startRouter('router-4');
    const other = clientOf(second);
    const ResourceArn = arn('Right');
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    await Promise.all(
      keys.map((Key, index) =>
        (index % 2 === 0 ? client : other).send(
          new TagResourceCommand({ ResourceArn, Tags: [{ Key, Value: 'x' }] }),
        ),
      ),
    );
    const { spec } = await resourceOf('Right');
    expect(spec.tags?.map(({ key }) => key).toSorted()).toEqual(keys);
    const twice = await Promise.all(
      [client, other].map((each) => faultOf(each.send(new CreateTableCommand(simple('Twice'))))),
    );
    expect(twice.toSorted()).toEqual([
      'ResourceInUseException: Attempt to change a resource which is still in use: ' +
        'Table is being created: Twice',
      'no fault',
    ]);
    await becomesActive('Twice');
    await client.send(new DeleteTableCommand({ TableName: 'Twice' }));
    other.destroy();
    await second.server.close();
  });

  it('are listed in pages', async () => {
    const first = await client.send(new ListTablesCommand({ Limit: 2 }));
    expect(first).toMatchObject({ TableNames: ['Left', 'Music'], LastEvaluatedTableName: 'Music' });
    const ExclusiveStartTableName = first.LastEvaluatedTableName;
    const second = await client.send(new ListTablesCommand({ ExclusiveStartTableName }));
    expect(second.TableNames).toEqual(['Orders', 'Right']);
    expect(second.LastEvaluatedTableName).toBeUndefined();
  });
});

describe('as a process of its own', () => {
  it('serves, tells how it is, and ends in order', async () => {
    const [port, adminPort] = await freePorts(2);
    const member = {
      id: 'router-3',
      zone: 'a',
      host: '127.0.0.1',
      port: 0,
      adminPort: adminPort ?? 0,
    };
    const file = (name: string) => join(certificates, `${name}.pem`);
    const own = new MemberProcess(member, [
      ...['router', '--kubernetes', '--namespace', namespace, '--id', 'router-3'],
      ...['--region', REGION, '--port', String(port), '--health-port', String(adminPort)],
      ...['--tls-port', '0', '--tls-cert', file('cert'), '--tls-key', file('key')],
      ...['--ca', file('ca')],
    ]);
    // Longer than the test: nobody has to be quick to see that it drains.
    own.start('--drain-seconds', '300');
    await own.isReady();
    const other = clientOf({ endpoint: `http://127.0.0.1:${port}` });
    const { Items } = await other.send(new ScanCommand({ TableName: 'Right' }));
    expect(Items).toEqual([item('c')]);
    other.destroy();
    const { body } = await own.admin('GET', '/metrics');
    expect(body).toMatch(/^trestle_tables_known 4$/m);
    expect(body).toMatch(/^trestle_tables_connected 1$/m);
    expect(body).toMatch(/^trestle_api_server_age_seconds \d/m);
    own.signal('SIGTERM');
    await own.becomes('/readyz', (answer) => answer.body.reasons?.includes('stopping') === true);
    expect(await own.end('SIGTERM'), 'a second signal is not waited for').toBe(1);
    own.start('--drain-seconds', '1');
    await own.isReady();
    expect(await own.end('SIGTERM')).toBe(0);
  });
});

describe('its certificates', () => {
  it('are taken up when the files change, and neither a connection nor a request notices', async () => {
    const port = Number(/https:\S+?:(\d+)/.exec(router.server.greeting)?.[1]);
    const agent = new Agent({ ca: authority.ca, keepAlive: true, maxSockets: 1 });
    /** @returns status, and whether it went over the connection from before */
    const ask = async () => {
      const request = get({ host: 'localhost', port, agent, path: '/' });
      const [response] = await once(request, 'response');
      response.resume();
      await once(response, 'end');
      return [response.statusCode, request.reusedSocket];
    };
    const shown = async () => {
      const socket = connect({ host: 'localhost', port, ca: authority.ca });
      await once(socket, 'secureConnect');
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const trusted = async () => {
      const answer = await fetch(`${router.health}/certificates`);
      const report = (await answer.json()) as CertificateReport;
      expect(report.leaves.map(({ use }) => use)).toEqual(['peers', 'clients']);
      return report.trusted.length;
    };
    expect(await ask()).toEqual([200, false]);
    const before = await shown();
    expect(await trusted()).toBe(1);
    const other = new Authority();
    const { cert, key } = authority.sign(ROUTER_CERTIFICATE_NAME, 'localhost');
    const files = { ca: `${authority.ca}${other.ca}`, cert, key };
    for (const [name, pem] of Object.entries(files)) {
      writeFileSync(join(certificates, `${name}.pem`), pem);
    }
    await waitFor(
      async () => {
        expect(await ask()).toEqual([200, true]);
        await client.send(new PutItemCommand({ TableName: 'Left', Item: item('renewed') }));
        return (await trusted()) === 2 && (await shown()) !== before;
      },
      (isSo) => isSo,
      WAIT_MS,
    );
    agent.destroy();
    other.remove();
  });
});

describe('with policies', () => {
  it('callers do what these allow, by keys of tables that were made elsewhere too', async () => {
    const key = { accessKeyId: 'AKIDANN', secretAccessKey: 'secret of ann' };
    const files = mkdtempSync(join(tmpdir(), 'trestle access '));
    const file = (name: string, content: unknown) => {
      writeFileSync(join(files, name), JSON.stringify(content));
      return join(files, name);
    };
    const Statement = {
      Effect: 'Allow',
      Action: 'dynamodb:PutItem',
      Resource: arn('*'),
      Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': 'ann' } },
    };
    const document = { Version: '2012-10-17', Statement };
    const policies = [{ name: 'own', subjects: ['user/ann'], document }];
    const restrained = await startRouter('router-3', [
      ...['--credentials', file('credentials', [{ ...key, principal: 'user/ann' }])],
      ...['--policies', file('policies', { policies })],
    ]);
    const ann = clientOf(restrained, key);
    try {
      const put = (pk: string) =>
        ann.send(new PutItemCommand({ TableName: 'Left', Item: item(pk) }));
      await put('ann');
      expect(await faultOf(put('bob'))).toBe(
        `AccessDeniedException: User: arn:aws:iam::${accountIdOf(namespace)}:user/ann is not authorized to perform: dynamodb:PutItem on resource: ${arn('Left')}`,
      );
      expect(await faultOf(ann.send(new ListTablesCommand({})))).toContain('AccessDeniedException');
    } finally {
      ann.destroy();
      await restrained.server.close();
      rmSync(files, { recursive: true });
    }
  });
});

describe('without the API server', () => {
  it('items are served, descriptions too, and changes of tables fail at once', async () => {
    await api.stop();
    const late = await startRouter('router-2');
    const other = clientOf(late);
    try {
      const Item = item('outage');
      await client.send(new PutItemCommand({ TableName: 'Left', Item }));
      expect(await statusOf('Left')).toBe('ACTIVE');
      const startMs = performance.now();
      const noRetries = clientOf(router);
      noRetries.config.retryMode = async () => 'standard';
      noRetries.config.maxAttempts = async () => 1;
      expect(await faultOf(noRetries.send(new CreateTableCommand(simple('Never'))))).toBe(
        'InternalServerError: The Kubernetes API server cannot be reached: tables cannot be ' +
          'created or changed now; try again.',
      );
      expect(performance.now() - startMs).toBeLessThan(DEADLINE_MS);
      noRetries.destroy();

      // A router that has never heard of the API server finds tables by DNS.
      await waitFor(
        () => fetch(`${late.health}/readyz`).then(({ status }) => status),
        (status) => status === 200,
        WAIT_MS,
      );
      const RequestItems = { Left: { Keys: [Item] }, Right: { Keys: [item('c')] } };
      const { Responses } = await other.send(new BatchGetItemCommand({ RequestItems }));
      expect(Responses).toEqual({ Left: [Item], Right: [item('c')] });
      const { TableNames } = await other.send(new ListTablesCommand({}));
      expect(TableNames).toEqual(['Left', 'Music', 'Orders', 'Right']);
      const { Table } = await other.send(new DescribeTableCommand({ TableName: 'Right' }));
      expect(Table?.TableStatus).toBe('ACTIVE');
    } finally {
      await api.restart();
    }
    await waitFor(
      () => fetch(`${late.health}/metrics`).then((answer) => answer.text()),
      (text) => /trestle_api_server_age_seconds \d/.test(text),
      WAIT_MS,
    );
    await other.send(
      new TagResourceCommand({ ResourceArn: arn('Right'), Tags: [{ Key: 'a', Value: 'b' }] }),
    );
    const { TableDescription } = await other.send(new DeleteTableCommand({ TableName: 'Left' }));
    expect(TableDescription?.TableStatus).toBe('DELETING');
    await waitFor(
      () => faultOf(statusOf('Left')),
      (fault) => fault.startsWith('ResourceNotFoundException'),
      WAIT_MS,
    );
    other.destroy();
    await late.server.close();
  });
});
