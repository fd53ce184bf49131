import {
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateScan,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Installation } from './installation.ts';
import { allowManyNodes, KindCluster } from './kind-cluster.ts';
import { readmeCommands, runAsTyped } from './readme-commands.ts';
import { dump, Report } from './report.ts';

/** What somebody has who follows the README on a laptop: one node, all values as they are by default. */

/** Where the README's commands put the release. */
const NAMESPACE = 'tables';
const EMPLOYEES = 'hack/examples/kubernetes/employees.yaml';
const TABLE = 'Employees';
const ITEMS_COUNT = 100;
const CREATE = /^kind create cluster\b/;

const report = new Report('one-node');
let cluster: KindCluster;
let installation: Installation;
let client: DynamoDBClient;
/** Aliases whose writes were acknowledged. */
const acknowledged: string[] = [];

beforeAll(async () => {
  cluster = await KindCluster.named(`${process.env.TRESTLE_E2E_CLUSTER ?? 'trestle-e2e'}-one-node`);
  // One that an interrupted run has left is no new one.
  await cluster.delete();
  await allowManyNodes();
  installation = new Installation(cluster, NAMESPACE);
});

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  report.failed(task.name, task.result.errors?.[0]?.message ?? '');
  console.error(`what there was to see is in ${await dump(cluster, NAMESPACE, task.name)}`);
});

afterAll(async () => {
  client?.destroy();
  await report.write();
  await cluster?.delete();
});

async function write(alias: string): Promise<void> {
  const Item = { LoginAlias: { S: alias }, Note: { S: alias.repeat(3) } };
  await client.send(new PutItemCommand({ TableName: TABLE, Item }));
  acknowledged.push(alias);
}

/** Writes until something has happened, and for some items more. */
async function writeBeyond(event: Promise<unknown>): Promise<void> {
  let hasHappened = false;
  const note = () => {
    hasHappened = true;
  };
  event.then(note, note);
  let left = ITEMS_COUNT;
  for (let number = 0; left > 0; number += 1) {
    await write(`meanwhile-${number}`);
    if (hasHappened) left -= 1;
  }
}

describe('Trestle on one node', () => {
  it('is installed by the commands of the README', async () => {
    const lines = await readmeCommands();
    expect(lines).toHaveLength(4);
    for (const line of lines) await report.timed(line.replace(/ +#.*/, ''), () => type(line));
    await report.timed('operator and routers', () => installation.running());
  });

  it('makes a table of a manifest, and says that its replicas have no zones', async () => {
    await installation.kubectl('apply', '-f', EMPLOYEES);
    await report.timed('table by manifest', () => installation.tableWhole('employees'));
    const pods = await installation.storagePods('employees');
    expect(pods).toHaveLength(3);
    expect(new Set(pods.map(({ node }) => node))).toEqual(new Set([cluster.controlPlane]));
    const { status } = await installation.table('employees');
    const spread = status?.conditions?.find(({ type }) => type === 'ZoneSpread');
    expect(spread).toMatchObject({
      status: 'False',
      reason: 'NoZoneLabels',
      message: `nodes have no zone labels; all 3 replicas are on node ${cluster.controlPlane}: the table stops when it does`,
    });
  });

  it('serves an SDK', async () => {
    await cluster.routeToPods();
    const key = await installation.accessKey();
    client = await installation.clientOf(key, await installation.serviceEndpoint());
    for (let number = 0; number < ITEMS_COUNT; number += 1) await write(`before-${number}`);
    const Key = { LoginAlias: { S: 'before-7' } };
    const read = new GetItemCommand({ TableName: TABLE, Key, ConsistentRead: true });
    expect((await client.send(read)).Item).toEqual({ ...Key, Note: { S: 'before-7'.repeat(3) } });
  });

  it('loses nothing when a process is killed', async () => {
    const startMs = performance.now();
    const leader = await installation.leader('employees');
    const kill = cluster.killProcess(cluster.controlPlane, leader.name, 'storage');
    await Promise.all([kill, writeBeyond(kill)]);
    await installation.restarted(leader);
    await installation.tableWhole('employees');
    const found = new Set<string>();
    for await (const { Items = [] } of paginateScan(
      { client },
      { TableName: TABLE, ConsistentRead: true },
    )) {
      for (const { LoginAlias, Note } of Items) {
        if (Note?.S === LoginAlias?.S?.repeat(3)) found.add(LoginAlias?.S ?? '');
      }
    }
    const missing = acknowledged.filter((alias) => !found.has(alias));
    report.add('process killed, all read back', startMs, undefined, {
      writes: acknowledged.length,
    });
    report.noteLost('process killed', missing);
    expect(missing).toEqual([]);
  });

  it('passes helm test', async () => {
    expect(await report.timed('helm test', () => installation.test())).toContain('Succeeded');
  });
});

/** On a busy machine kind's own limits may pass: a cluster that did not come up has one more try. */
async function type(line: string): Promise<void> {
  await runAsTyped(line, cluster).catch(async (error: unknown) => {
    if (!CREATE.test(line)) throw error;
    await cluster.delete();
    await runAsTyped(line, cluster);
  });
}
