import { setTimeout as delay } from 'node:timers/promises';
import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  UpdateTableCommand,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cacheScenarios } from './cache-scenarios.ts';
import { command } from './command.ts';
import { Installation, type Pod } from './installation.ts';
import { KindCluster, type Worker } from './kind-cluster.ts';
import { LoadHandle } from './load.ts';
import type { LoadWindow } from './load-messages.ts';
import { dump, Report } from './report.ts';
import { until } from './until.ts';

const NAMESPACE = 'e2e';
const EXAMPLES = 'hack/examples/kubernetes';
const REPOSITORY = 'localhost/trestle';
const TABLE = 'Load';

/** How long a partition may take no writes while a leader is lost. */
const FAILOVER_MS_MAX = 5_000;
/** A planned move should cost nothing beyond what requests take anyway on the machine. */
const PLANNED_MS_MAX = 1_000;
const OPERATOR_REQUESTS_PER_SECOND_MAX = 1;
const OUTAGE_MS = 120_000;
const SETTLE_MS = 15_000;

/** Where nodes can pull nothing: the image of Redis that was put into the cluster. */
const redisImage = process.env.TRESTLE_REDIS_IMAGE ?? '';
const redis = redisImage === '' ? [] : redisValues(redisImage);

const report = new Report();
let cluster: KindCluster;
let installation: Installation;
let client: DynamoDBClient;
let load: LoadHandle;
/** metadata.name of the table under load. */
let loaded: string;
/** The longest time without a write of one key while nothing happened: the machine's own. */
let noiseMs = 0;
/** Of this run, so that no older image of the nodes is taken for it. */
const tag = `e2e-${Date.now().toString(36)}`;

beforeAll(async () => {
  cluster = await KindCluster.open(process.env.TRESTLE_E2E_CLUSTER ?? 'trestle-e2e');
  installation = new Installation(cluster, NAMESPACE);
  await removeFormerRun();
  await command('hack/image', [`${REPOSITORY}:${tag}`]);
  await command('docker', ['tag', `${REPOSITORY}:${tag}`, `${REPOSITORY}:${tag}-next`]);
  await cluster.loadImage(`${REPOSITORY}:${tag}`);
  await cluster.loadImage(`${REPOSITORY}:${tag}-next`);
  if (redisImage !== '') await cluster.loadImage(redisImage);
  await cluster.kubectl('create', 'namespace', NAMESPACE);
  const enforce = 'pod-security.kubernetes.io/enforce=restricted';
  await cluster.kubectl('label', 'namespace', NAMESPACE, enforce);
});

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  console.error(`what there was to see is in ${await dump(cluster, NAMESPACE, task.name)}`);
});

afterAll(async () => {
  load?.close();
  client?.destroy();
  await report.write();
  await command('docker', ['rmi', `${REPOSITORY}:${tag}`, `${REPOSITORY}:${tag}-next`]);
  if (process.env.TRESTLE_E2E_KEEP !== 'yes') await cluster?.delete();
});

/** With --keep, an earlier run has left things: also another release's definition, which ours could not take over. */
async function removeFormerRun(): Promise<void> {
  const has = await cluster.kubectl('get', 'namespaces', '-o', 'name');
  if (has.includes(`namespace/${NAMESPACE}\n`)) await removeNamespace();
  const definition = ['crd', 'tables.trestle.dev'];
  await cluster
    .kubectl('annotate', ...definition, 'trestle.dev/allow-crd-deletion=true')
    .catch(() => undefined);
  await cluster.kubectl('delete', ...definition, '--ignore-not-found');
}

async function removeNamespace(): Promise<void> {
  const protection = '{"spec":{"deletionProtectionEnabled":false,"deletionPolicy":"Delete"}}';
  const tables = await installation.kubectl('get', 'tables', '-o', 'name').catch(() => '');
  for (const table of tables.split('\n').filter((line) => line !== '')) {
    await installation.kubectl('patch', table, '--type=merge', '-p', protection);
    await installation.kubectl('delete', table, '--wait=false');
    // The operator may be gone: its finalizer too, then.
    const free = '{"metadata":{"finalizers":null}}';
    await installation.kubectl('patch', table, '--type=merge', '-p', free).catch(() => '');
  }
  await installation.uninstall().catch(() => undefined);
  await cluster.kubectl('delete', 'namespace', NAMESPACE, '--timeout=180s');
}

/** Runs an action under load and notes what clients saw. */
async function underLoad(scenario: string, action: () => Promise<void>): Promise<LoadWindow> {
  const startMs = performance.now();
  const window = await load.during(action);
  report.add(scenario, startMs, window);
  return window;
}

function expectNothingLost(window: LoadWindow): void {
  expect(window.errors).toEqual([]);
  expect(window.wrongReads).toEqual([]);
}

/** What took longer than promised: told of at the end, since a slow machine is no reason to try no more. */
const late: string[] = [];

/** @param limitMs - of the machine's noise at present */
async function expectWithin(
  window: LoadWindow,
  what: string,
  limitMs: (noiseMs: number) => number,
): Promise<void> {
  expectNothingLost(window);
  const { longestGapMs } = window;
  if (longestGapMs < limitMs(noiseMs)) return;
  // The machine may have become busier since the noise was taken.
  const quiet = await underLoad('nothing happens, once more', () => delay(2 * SETTLE_MS));
  const limit = limitMs(Math.max(noiseMs, quiet.longestGapMs));
  if (longestGapMs < limit) return;
  late.push(`${what}: ${Math.round(longestGapMs)} ms, not below ${Math.round(limit)} ms`);
}

function expectUnseen(window: LoadWindow, what: string): Promise<void> {
  return expectWithin(window, what, (noise) => PLANNED_MS_MAX + 1.5 * noise);
}

function expectFailover(window: LoadWindow, what: string): Promise<void> {
  return expectWithin(window, what, (noise) => FAILOVER_MS_MAX + noise);
}

async function zoneOf(pod: Pod): Promise<Worker> {
  const worker = (await cluster.workers()).find(({ name }) => name === pod.node);
  if (worker === undefined) throw new Error(`${pod.name} is on ${pod.node}, which is no worker`);
  return worker;
}

describe('Trestle on kind', () => {
  it('installs', async () => {
    const startMs = performance.now();
    await installation.install([`image.repository=${REPOSITORY}`, `image.tag=${tag}`, ...redis]);
    await installation.rolledOut('operator');
    await installation.rolledOut('router');
    report.add('install', startMs);
    for (const component of ['operator', 'router']) {
      const pods = await installation.pods(`app.kubernetes.io/component=${component}`);
      expect(new Set(pods.map(({ node }) => node)).size).toBe(2);
    }
    client = await installation.client();
  });

  it('passes helm test, which leaves no table', async () => {
    const startMs = performance.now();
    expect(await installation.test()).toContain('Succeeded');
    report.add('helm test', startMs);
    expect(await installation.kubectl('get', 'tables', '-o', 'name')).toBe('');
  });

  it('makes tables of manifests', async () => {
    const startMs = performance.now();
    for (const name of ['employees', 'music', 'production']) {
      await installation.kubectl('apply', '-f', `${EXAMPLES}/${name}.yaml`);
    }
    for (const name of ['employees', 'music', 'orders']) await installation.tableWhole(name);
    report.add('three tables by manifest', startMs);
    const zones = (await installation.storagePods('music')).map(({ node }) => node);
    expect(new Set(zones).size).toBe(3);
  });

  it('shows in kubectl get tables how they are', async () => {
    const lines = (await installation.kubectl('get', 'tables')).trim().split('\n');
    const cells = lines.map((line) => line.trim().split(/\s+/).slice(0, 4).join(' '));
    expect(cells).toEqual([
      'NAME TABLE STATUS READY',
      'employees Employees ACTIVE True',
      'music Music ACTIVE True',
      'orders prod.Orders ACTIVE True',
    ]);
  });

  it('serves tables of manifests, with their indexes', async () => {
    const { TableNames } = await client.send(new ListTablesCommand());
    expect(TableNames).toEqual(['Employees', 'Music', 'prod.Orders']);
    const Item = {
      Artist: { S: 'No One You Know' },
      SongTitle: { S: 'Call Me Today' },
      AlbumTitle: { S: 'Somewhat Famous' },
      Genre: { S: 'Country' },
      Year: { N: '1998' },
    };
    await client.send(new PutItemCommand({ TableName: 'Music', Item }));
    const { Artist, SongTitle } = Item;
    const key = { TableName: 'Music', Key: { Artist, SongTitle }, ConsistentRead: true };
    expect((await client.send(new GetItemCommand(key))).Item).toEqual(Item);
    const byGenre = new QueryCommand({
      TableName: 'Music',
      IndexName: 'ByGenre',
      KeyConditionExpression: 'Genre = :g',
      ExpressionAttributeValues: { ':g': Item.Genre },
    });
    await until(
      async () => (await client.send(byGenre)).Items,
      (items) => items?.length === 1,
      10_000,
    );
  });

  it('serves by TLS with a certificate of the namespace', async () => {
    const secure = await installation.tlsClient();
    const { TableNames } = await secure.send(new ListTablesCommand());
    secure.destroy();
    expect(TableNames).toContain('Music');
  });

  it('refuses to delete what is protected, and the definition', async () => {
    await expect(installation.kubectl('delete', 'table', 'orders')).rejects.toThrow(
      /spec\.deletionProtectionEnabled of Table orders is true: set it to false/,
    );
    await expect(
      client.send(new DeleteTableCommand({ TableName: 'prod.Orders' })),
    ).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(cluster.kubectl('delete', 'crd', 'tables.trestle.dev')).rejects.toThrow(
      /trestle\.dev\/allow-crd-deletion=true/,
    );
  });

  it('keeps the volumes of a table whose deletion policy says so', async () => {
    const unprotect = '{"spec":{"deletionProtectionEnabled":false}}';
    await installation.kubectl('patch', 'table', 'orders', '--type=merge', '-p', unprotect);
    await installation.kubectl('delete', 'table', 'orders', '--timeout=120s');
    const left = () =>
      installation.kubectl('get', 'pvc,pods', '-l', 'trestle.dev/table=orders', '-o', 'name');
    const text = await until(left, (names) => !names.includes('pod/'), 120_000);
    expect(text.trim().split('\n')).toHaveLength(3);
    await installation.kubectl('delete', 'pvc', '-l', 'trestle.dev/table=orders');
  });

  it('makes, shows and deletes tables of an SDK', async () => {
    const startMs = performance.now();
    await createTable(TABLE);
    report.add('table by SDK', startMs);
    const resource = await installation.tableNamed(TABLE);
    loaded = resource?.metadata.name ?? '';
    await installation.tableWhole(loaded);
    await createTable('Passing');
    await client.send(new DeleteTableCommand({ TableName: 'Passing' }));
    await waitUntilTableNotExists(
      { client, maxWaitTime: 120, minDelay: 1 },
      { TableName: 'Passing' },
    );
    await until(
      () => installation.kubectl('get', 'pvc', '-o', 'name'),
      (names) => !names.includes('passing'),
      120_000,
    );
  });

  it('deletes a table of a manifest with its volumes, where its policy says so', async () => {
    await installation.kubectl('delete', 'table', 'music', '--timeout=120s');
    const left = await installation.kubectl(
      'get',
      'pvc',
      '-l',
      'trestle.dev/table=music',
      '-o',
      'name',
    );
    expect(left).toBe('');
  });

  it('does not write over what a manifest says', async () => {
    const change = new UpdateTableCommand({
      TableName: 'Employees',
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 5 },
    });
    await expect(client.send(change)).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('billingMode'),
    });
  });

  it('serves a load', async () => {
    load = await LoadHandle.start({
      endpoint: await installation.endpoint(),
      region: 'us-east-1',
      ...(await installation.accessKey()),
      table: TABLE,
      writersCount: 16,
      pauseMs: 75,
    });
    const requestsBefore = await installation.operatorRequestsCount();
    const startMs = performance.now();
    const window = await underLoad('nothing happens', () => delay(2 * SETTLE_MS));
    expectNothingLost(window);
    const requests = (await installation.operatorRequestsCount()) - requestsBefore;
    const perSecond = (requests * 1_000) / (performance.now() - startMs);
    report.add('requests of both operators', startMs, undefined, {
      perSecond: perSecond.toFixed(2),
    });
    expect(perSecond).toBeLessThan(2 * OPERATOR_REQUESTS_PER_SECOND_MAX);
    noiseMs = window.longestGapMs;
    if (noiseMs < PLANNED_MS_MAX) return;
    console.warn('*** This machine is busy with something else: times below say little. ***');
  });

  cacheScenarios({
    cluster: () => cluster,
    installation: () => installation,
    report,
    table: TABLE,
  });

  it('upgrades the operator without a restart of any data pod', async () => {
    const uids = async () =>
      (await installation.pods('app.kubernetes.io/component=storage')).map(({ uid }) => uid);
    const before = await uids();
    const window = await underLoad('operator and router upgrade', async () => {
      const values = [`dataplane.image.tag=${tag}`, `image.tag=${tag}-next`];
      await installation.upgrade(values);
      await installation.rolledOut('operator');
      await installation.rolledOut('router');
      await delay(SETTLE_MS);
    });
    expect(await uids()).toEqual(before);
    await expectUnseen(window, 'operator and router upgrade');
  });

  it('upgrades storage pods one by one, unseen', async () => {
    const image = `${REPOSITORY}:${tag}-next`;
    const window = await underLoad('rolling upgrade of storage', async () => {
      await installation.upgrade([`dataplane.image.tag=${tag}-next`]);
      await allRun(image);
    });
    await expectUnseen(window, 'rolling upgrade of storage');
  });

  it('survives the drain of a node, unseen', async () => {
    const { name } = await zoneOf(await installation.leader(loaded));
    const window = await underLoad('node drain', async () => {
      const drain = ['drain', name, '--ignore-daemonsets', '--delete-emptydir-data'];
      await cluster.kubectl(...drain, '--timeout=240s');
      await delay(SETTLE_MS);
      await cluster.kubectl('uncordon', name);
      await installation.tableWhole(loaded);
    });
    await expectUnseen(window, 'node drain');
  });

  it('survives the kill of a follower', async () => {
    const leader = await installation.leader(loaded);
    const pods = await installation.storagePods(loaded);
    const follower = pods.find(({ name }) => name !== leader.name);
    const window = await underLoad('pod kill', async () => {
      await cluster.killProcess(follower?.node ?? '', follower?.name ?? '', 'storage');
      await delay(SETTLE_MS);
      await installation.tableWhole(loaded);
    });
    await expectFailover(window, 'pod kill');
  });

  it('survives the kill of a leader', async () => {
    const leader = await installation.leader(loaded);
    const window = await underLoad('leader kill', async () => {
      await cluster.killProcess(leader.node ?? '', leader.name, 'storage');
      await delay(SETTLE_MS);
      await installation.tableWhole(loaded);
    });
    await expectFailover(window, 'leader kill');
  });

  it('survives the loss of a zone', async () => {
    const zone = await zoneOf(await installation.leader(loaded));
    const window = await underLoad('zone loss', async () => {
      await cluster.docker('stop', '--time', '0', zone.name);
      await until(
        async () => (await installation.table(loaded)).status?.conditions ?? [],
        (conditions) => conditions.some(({ reason }) => reason === 'ZoneLost'),
        180_000,
      );
      await delay(SETTLE_MS);
      await cluster.docker('start', zone.name);
      await cluster.kubectl('wait', 'node', zone.name, '--for=condition=Ready', '--timeout=120s');
      await installation.tableWhole(loaded);
    });
    await expectFailover(window, 'zone loss');
  });

  it('serves on without the API server, and restarts storage and routers without it', async () => {
    const leader = await installation.leader(loaded);
    const [router] = await installation.pods('app.kubernetes.io/component=router');
    const window = await underLoad('API server away for 2 minutes', async () => {
      await cluster.stopApiServer();
      await until(
        () => cluster.isApiServerUp(),
        (isUp) => !isUp,
        60_000,
      );
      const endMs = performance.now() + OUTAGE_MS;
      await cluster.killProcess(leader.node ?? '', leader.name, 'storage');
      await delay(OUTAGE_MS / 3);
      await cluster.killProcess(router?.node ?? '', router?.name ?? '', 'router');
      await delay(endMs - performance.now());
      await cluster.startApiServer();
      await until(
        () => cluster.isApiServerUp(),
        (isUp) => isUp,
        120_000,
      );
      await installation.tableWhole(loaded);
    });
    await expectFailover(window, 'API server away for 2 minutes');
  });

  it('goes on with a rollout whose operator was killed', async () => {
    const image = `${REPOSITORY}:${tag}`;
    const window = await underLoad('operator killed in mid-rollout', async () => {
      await installation.upgrade([`dataplane.image.tag=${tag}`]);
      await until(
        () => installation.pods('app.kubernetes.io/component=storage'),
        (pods) => pods.some((pod) => pod.image === image),
        240_000,
      );
      const operator = await installation.operatorLeader();
      await installation.kubectl('delete', 'pod', operator.name, '--grace-period=0', '--force');
      await allRun(image);
    });
    await expectUnseen(window, 'operator killed in mid-rollout');
  });

  it('replaces the replica of a lost volume', async () => {
    const [pod] = await installation.storagePods(loaded);
    const name = pod?.name ?? '';
    const window = await underLoad('volume lost', async () => {
      await installation.kubectl('delete', 'pvc', `data-${name}`, '--wait=false');
      await installation.kubectl('delete', 'pod', name, '--grace-period=0', '--force');
      await until(
        () => installation.storagePods(loaded),
        (pods) => pods.some((each) => each.name === name && each.uid !== pod?.uid && each.isReady),
        180_000,
      );
      await installation.tableWhole(loaded);
    });
    await expectFailover(window, 'volume lost');
  });

  it('keeps tables, data and access keys over uninstall and install', async () => {
    const startMs = performance.now();
    await load.pause();
    const pods = async () =>
      (await installation.storagePods(loaded)).map(({ name, uid }) => `${name} ${uid}`);
    const before = { pods: await pods(), key: await installation.accessKey() };
    await installation.uninstall();
    expect(await installation.kubectl('get', 'deployments', '-o', 'name')).toBe('');
    expect(await pods()).toEqual(before.pods);
    await installation.install([
      `image.repository=${REPOSITORY}`,
      `image.tag=${tag}-next`,
      `dataplane.image.tag=${tag}`,
      ...redis,
    ]);
    await installation.rolledOut('operator');
    await installation.rolledOut('router');
    await installation.tableWhole(loaded);
    report.add('uninstall and install', startMs);
    expect({ pods: await pods(), key: await installation.accessKey() }).toEqual(before);
    await load.resume();
    const window = await underLoad('after the install', () => delay(SETTLE_MS));
    await expectUnseen(window, 'after the install');
  });

  it('has lost no acknowledged write', async () => {
    const startMs = performance.now();
    await load.pause();
    const { acknowledgedCount, missing } = await load.verify();
    report.add('all read back', startMs, undefined, { writes: acknowledgedCount });
    expect(missing).toEqual([]);
  });

  it('was never away for longer than promised', () => {
    expect(late).toEqual([]);
  });
});

function redisValues(image: string): readonly string[] {
  const [repository = '', imageTag = ''] = image.split(/:(?=[^:/]+$)/);
  return [`dax.redis.image.repository=${repository}`, `dax.redis.image.tag=${imageTag}`];
}

async function createTable(TableName: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'N' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 180, minDelay: 1 }, { TableName });
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  expect(Table?.TableStatus).toBe('ACTIVE');
}

/** All storage pods of all tables run this image, and all tables are whole. */
async function allRun(image: string): Promise<void> {
  await until(
    () => installation.pods('app.kubernetes.io/component=storage'),
    (pods) => pods.every((pod) => pod.image === image && pod.isReady && !pod.isGoing),
    9 * 60_000,
  );
  for (const table of ['employees', loaded]) await installation.tableWhole(table);
}
