import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateScan,
  QueryCommand,
  UpdateItemCommand,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ClusterLoad } from './cluster-load.ts';
import { ClusterProcesses, type MemberProcess, type PeerOf } from './cluster-processes.ts';
import { waitFor } from './wait-for.ts';

/** Real processes: three storage nodes and a router, driven by the SDK with its own retries. */

const WAIT_MS = 60_000;
const TableName = 'Orders';
/** Its one partition. */
const CATALOG = '0';

/** Elections, snapshots and starts of processes, on a machine that may be busy. */
vi.setConfig({ testTimeout: 120_000 });

let cluster: ClusterProcesses;
let client: DynamoDBClient;

beforeAll(async () => {
  cluster = await ClusterProcesses.start();
  client = new DynamoDBClient({
    endpoint: cluster.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  await createTable(TableName);
});

afterAll(async () => {
  client?.destroy();
  await cluster?.close();
});

async function createTable(name: string): Promise<void> {
  const key = (AttributeName: string, KeyType: 'HASH' | 'RANGE') => ({ AttributeName, KeyType });
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'N' },
        { AttributeName: 'city', AttributeType: 'S' },
      ],
      KeySchema: [key('pk', 'HASH'), key('sk', 'RANGE')],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'ByCity',
          KeySchema: [key('city', 'HASH'), key('sk', 'RANGE')],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName: name });
}

interface Partition {
  readonly partitionId: string;
  readonly table: string | null;
  readonly index: string | null;
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  readonly replicaId: number;
  readonly items: number;
  readonly lastIndex: number;
  readonly appliedIndex: number;
  readonly role: string;
}

async function partitionsOf(node: MemberProcess): Promise<readonly Partition[]> {
  return (await node.admin('GET', '/partitions')).body.partitions;
}

/** A partition of the table that the tests write to. */
async function somePartition(): Promise<string> {
  const all = await partitionsOf(cluster.node('a-1'));
  const found = all.find(({ table, index }) => table === TableName && index === null);
  if (found === undefined) throw new Error('the table has no partition on a-1');
  return found.partitionId;
}

/** All nodes have the same of every partition of the table. */
async function replicasAreEven(): Promise<void> {
  await waitFor(
    async () => {
      const lists = await Promise.all(cluster.nodes.map(partitionsOf));
      return lists.map((list) =>
        list
          .filter(({ table }) => table === TableName)
          .map(({ partitionId, items, appliedIndex, voters, learners }) =>
            [partitionId, items, appliedIndex, voters.length, learners.length].join(),
          )
          .sort(),
      );
    },
    ([first, ...others]) =>
      first !== undefined &&
      first.length > 0 &&
      first.every((line) => line.endsWith(',3,0')) &&
      others.every((other) => other.join() === first.join()),
    WAIT_MS,
  );
}

describe('a cluster serves the API', () => {
  const item = { pk: { S: 'customer-1' }, sk: { N: '1' }, city: { S: 'Oslo' } };
  const Key = { pk: item.pk, sk: item.sk };

  it('puts, gets, updates, queries, scans and deletes', async () => {
    await client.send(new PutItemCommand({ TableName, Item: item }));
    const read = { TableName, Key, ConsistentRead: true };
    expect((await client.send(new GetItemCommand(read))).Item).toEqual(item);
    const updated = await client.send(
      new UpdateItemCommand({
        TableName,
        Key,
        UpdateExpression: 'ADD visits :one',
        ConditionExpression: 'city = :city',
        ExpressionAttributeValues: { ':one': { N: '1' }, ':city': { S: 'Oslo' } },
        ReturnValues: 'ALL_NEW',
      }),
    );
    expect(updated.Attributes).toEqual({ ...item, visits: { N: '1' } });
    const queried = await client.send(
      new QueryCommand({
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': item.pk },
      }),
    );
    expect(queried.Items).toEqual([updated.Attributes]);
    expect(await scan()).toEqual([updated.Attributes]);
    await client.send(new DeleteItemCommand({ TableName, Key }));
    expect((await client.send(new GetItemCommand(read))).Item).toBeUndefined();
  });

  it('refuses what embedded refuses, in the same words', async () => {
    const put = new PutItemCommand({
      TableName,
      Item: item,
      ConditionExpression: 'attribute_exists(pk)',
    });
    await expect(client.send(put)).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
      message: 'The conditional request failed',
    });
    await expect(
      client.send(new GetItemCommand({ TableName: 'Absent', Key })),
    ).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Requested resource not found',
    });
  });

  it('feeds global indexes', async () => {
    const items = Array.from({ length: 20 }, (_, index) => ({
      pk: { S: `customer-${index}` },
      sk: { N: '7' },
      city: { S: index % 2 === 0 ? 'Lima' : 'Pune' },
    }));
    await client.send(
      new BatchWriteItemCommand({
        RequestItems: { [TableName]: items.map((Item) => ({ PutRequest: { Item } })) },
      }),
    );
    const ofLima = new QueryCommand({
      TableName,
      IndexName: 'ByCity',
      KeyConditionExpression: 'city = :city',
      ExpressionAttributeValues: { ':city': { S: 'Lima' } },
    });
    await expect.poll(async () => (await client.send(ofLima)).Count, { timeout: WAIT_MS }).toBe(10);
  });

  it('makes and deletes tables', async () => {
    await createTable('Short');
    await client.send(new PutItemCommand({ TableName: 'Short', Item: item }));
    await client.send(new DeleteTableCommand({ TableName: 'Short' }));
    await waitUntilTableNotExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName: 'Short' });
    await expect(
      client.send(new DescribeTableCommand({ TableName: 'Short' })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('keeps three replicas of each partition, one a zone, all the same', async () => {
    await replicasAreEven();
    const partitions = await partitionsOf(cluster.node('b-1'));
    for (const { voters } of partitions) expect(voters).toEqual(['a-1', 'b-1', 'c-1']);
  });
});

async function scan() {
  const items = [];
  const pages = paginateScan({ client }, { TableName, ConsistentRead: true });
  for await (const { Items = [] } of pages) items.push(...Items);
  return items;
}

describe('the admin interface', () => {
  it('moves a leadership, and says who else is to be asked', async () => {
    const partitionId = await somePartition();
    const leader = await cluster.leaderOf(partitionId);
    const [follower, other] = cluster.nodes.filter((node) => node !== leader);
    if (follower === undefined || other === undefined) throw new Error('there are three nodes');
    const toNode = follower.member.id;
    const refused = await other.admin('POST', `/partitions/${partitionId}/leader`, { toNode });
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'notLeader', leader: leader.member.id },
    });
    const moved = await leader.admin('POST', `/partitions/${partitionId}/leader`, { toNode });
    expect(moved).toEqual({ status: 200, body: { partitionId, leader: toNode } });
    expect((await cluster.leaderOf(partitionId)).member.id).toBe(toNode);
  });

  it('shows metrics of nodes and routers', async () => {
    const ofNode = (await cluster.node('a-1').admin('GET', '/metrics')).body;
    expect(ofNode).toMatch(/trestle_consumed_write_capacity_units_total\{.*table="Orders".*\} \d/);
    expect(ofNode).toMatch(
      /trestle_raft_is_leader\{partition="\d+",table="Orders",index="ByCity"\}/,
    );
    expect(ofNode).toMatch(/trestle_fsync_seconds_count [1-9]/);
    // A process that stood still for a while is connected again soon.
    await cluster
      .node('a-1')
      .becomes('/metrics', ({ body }) => body.includes('trestle_peer_connected{peer="b-1"} 1'));
    const ofRouter = (await cluster.router.admin('GET', '/metrics')).body;
    expect(ofRouter).toMatch(
      /trestle_successful_request_latency_seconds_count\{operation="PutItem"\} [1-9]/,
    );
    await cluster.router.becomes('/metrics', ({ body }) =>
      body.includes('trestle_nodes_connected 3'),
    );
  });

  it('has operations on tables done, whichever node is asked', async () => {
    const Administered = { TableName: 'Administered' };
    const [a, b, c] = [cluster.node('a-1'), cluster.node('b-1'), cluster.node('c-1')];
    const definition = {
      ...Administered,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    };
    for (const node of [a, b, c]) {
      const rehearsed = await node.admin('POST', '/operations/CreateTable?dryRun=true', definition);
      expect(rehearsed.body).toMatchObject({ TableDescription: { TableStatus: 'CREATING' } });
    }
    expect((await a.admin('POST', '/operations/ListTables', {})).body.TableNames).not.toContain(
      'Administered',
    );
    expect((await a.admin('POST', '/operations/CreateTable', definition)).status).toBe(200);
    await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, Administered);
    const change = { ...Administered, DeletionProtectionEnabled: true };
    const rehearsed = await b.admin('POST', '/operations/UpdateTable?dryRun=true', change);
    expect(rehearsed.body.TableDescription.DeletionProtectionEnabled).toBe(true);
    const { Table } = await client.send(new DescribeTableCommand(Administered));
    expect(Table?.DeletionProtectionEnabled).toBe(false);
    expect(await c.admin('POST', '/operations/CreateTable', definition)).toEqual({
      status: 400,
      body: {
        __type: 'com.amazonaws.dynamodb.v20120810#ResourceInUseException',
        message: 'Table already exists: Administered',
      },
    });
    expect((await c.admin('POST', '/operations/DeleteTable', Administered)).status).toBe(200);
    await waitUntilTableNotExists({ client, maxWaitTime: 60, minDelay: 1 }, Administered);
  });

  it('founds nothing a second time', async () => {
    const again = await cluster.node('b-1').admin('POST', '/bootstrap', {});
    expect(again).toEqual({
      status: 200,
      body: { outcome: 'found', nodes: ['a-1', 'b-1', 'c-1'] },
    });
  });
});

describe('a cluster outlives its nodes', () => {
  it('goes on when the leader is killed, with no failed request', async () => {
    const partitionId = await somePartition();
    const leader = await cluster.leaderOf(partitionId);
    const load = new ClusterLoad(client, TableName, 'killed');
    load.start(8);
    await load.acknowledges(100);
    await leader.end('SIGKILL');
    const next = await cluster.leaderOf(partitionId);
    expect(next).not.toBe(leader);
    await load.acknowledges(200);
    leader.start();
    await leader.isReady();
    await load.acknowledges(100);
    expect(await load.stop()).toEqual({ failures: [], missing: [] });
    await replicasAreEven();
  });

  it('makes tables when the leader of the catalog is killed', async () => {
    const leader = await cluster.leaderOf('0');
    await leader.end('SIGKILL');
    await createTable('Meanwhile');
    leader.start();
    await leader.isReady();
    await client.send(new DeleteTableCommand({ TableName: 'Meanwhile' }));
    const gone = { client, maxWaitTime: 60, minDelay: 1 };
    await waitUntilTableNotExists(gone, { TableName: 'Meanwhile' });
  });

  it('hands leaderships over on SIGTERM', async () => {
    const partitionId = await somePartition();
    const leader = await cluster.leaderOf(partitionId);
    const load = new ClusterLoad(client, TableName, 'drained');
    load.start(8);
    await load.acknowledges(100);
    expect(await leader.end('SIGTERM')).toBe(0);
    // What a process has said may be read after its end.
    await expect.poll(() => leader.output).toMatch(/"leadershipsKept":0\b.*"drained"/);
    await load.acknowledges(100);
    expect(await load.stop()).toEqual({ failures: [], missing: [] });
    leader.start();
    await leader.isReady();
    await replicasAreEven();
  });

  it('goes on when a node is cut off, and heals', async () => {
    const partitionId = await somePartition();
    const leader = await cluster.leaderOf(partitionId);
    const load = new ClusterLoad(client, TableName, 'cut');
    load.start(8);
    await load.acknowledges(50);
    const cut = await leader.admin('POST', '/faults', { action: 'block' });
    expect(cut.body.links).toHaveLength(3);
    await leader.becomes('/readyz', ({ status }) => status === 503);
    await load.acknowledges(200);
    await leader.admin('POST', '/faults', { action: 'heal' });
    await leader.isReady();
    await load.acknowledges(50);
    expect(await load.stop()).toEqual({ failures: [], missing: [] });
    await replicasAreEven();
  });

  it('takes a node that lost its data for a new one, and brings it after', async () => {
    const lost = cluster.node('c-1');
    const before = await idsOf(lost);
    const load = new ClusterLoad(client, TableName, 'wiped');
    load.start(4);
    await load.acknowledges(50);
    await lost.end('SIGKILL');
    cluster.wipe('c-1');
    lost.start();
    await lost.isReady();
    await waitFor(
      () => idsOf(lost),
      (after) => after.size === before.size,
      WAIT_MS,
    );
    expect(await load.stop()).toEqual({ failures: [], missing: [] });
    await replicasAreEven();
    for (const [partitionId, replicaId] of await idsOf(lost)) {
      expect(replicaId).toBeGreaterThan(before.get(partitionId) ?? 0);
    }
  });

  it('works with a node that speaks the protocol of before', async () => {
    const old = cluster.node('b-1');
    await old.end('SIGTERM');
    old.start('--protocol-max', '1');
    await old.isReady();
    const status = await old.becomes('/status', ({ body }) =>
      body.peers?.every(({ isConnected }: PeerOf) => isConnected),
    );
    expect(status.body.peers).toMatchObject([
      { id: 'a-1', protocol: 1 },
      { id: 'c-1', protocol: 1 },
      { id: 'router-1', protocol: 1 },
    ]);
    const load = new ClusterLoad(client, TableName, 'mixed');
    load.start(4);
    await load.acknowledges(100);
    expect(await load.stop()).toEqual({ failures: [], missing: [] });
    await old.end('SIGTERM');
    old.start();
    await old.isReady();
  });
});

/** Replicas of the catalog and of the table; those of tables that were deleted before may still go. */
async function idsOf(node: MemberProcess): Promise<ReadonlyMap<string, number>> {
  const all = await partitionsOf(node);
  const list = all.filter(
    ({ partitionId, table }) => partitionId === CATALOG || table === TableName,
  );
  return new Map(list.map(({ partitionId, replicaId }) => [partitionId, replicaId]));
}
