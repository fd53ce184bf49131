import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { KubeClient } from '../dataplane/kubernetes/api-client.ts';
import type { KubeApi } from '../dataplane/kubernetes/kube-api.fixture.ts';
import { resources } from '../dataplane/kubernetes/resources.ts';
import type { TableResource } from '../dataplane/kubernetes/table-resource.ts';
import { isSettled, music, startOperator, startZonedApi } from './operator.fixture.ts';
import type { Operator } from './operator.ts';
import { TableCrowd } from './table-crowd.fixture.ts';

/** `hack/operator-bench` measures a thousand. */
const TABLES_COUNT = 50;
const POLL_MS = 50;
const WAIT_MS_MAX = 120_000;
const WRITES = new Set(['create', 'apply', 'patch', 'update', 'delete']);
const address = `127.${100 + (process.pid % 100)}.${1 + (Math.floor(process.pid / 100) % 250)}.200`;
let api: KubeApi;
let crowd: TableCrowd;
let namespace: string;
let operator: Operator | undefined;

beforeAll(async () => {
  api = await startZonedApi();
  namespace = await api.newNamespace('many');
  crowd = await TableCrowd.start(api.newClient(), { namespace, address });
});

afterEach(async () => {
  await operator?.close();
  operator = undefined;
});

afterAll(async () => {
  await crowd?.close();
  await api?.close();
});

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error('not so in time');
    await delay(POLL_MS);
  }
}

async function areAllReady(): Promise<boolean> {
  const { items } = await api.client.listAll<TableResource>(resources.tables, { namespace });
  return items.length === TABLES_COUNT && items.every(isSettled);
}

const isQuiet = ({ tables }: Operator) => tables.depth === 0 && tables.runningCount === 0;
const passesCount = ({ tables }: Operator) =>
  Object.values(tables.counts).reduce((sum, count) => sum + count, 0);

function writesOf({ requestsCount }: KubeClient): readonly string[] {
  return Array.from(requestsCount)
    .filter(({ verb, resource }) => WRITES.has(verb) && resource !== 'events')
    .map(({ verb, resource }) => `${verb} ${resource}`);
}

test('many tables are made at once, each with a bounded number of requests', async () => {
  const client = api.newClient();
  for (let n = 0; n < TABLES_COUNT; n++) {
    const metadata = { namespace, name: `table-${n}` };
    const spec = music({ tableName: `Table${n}` });
    await api.client.create(resources.tables, { metadata, spec } as never);
  }
  operator = await startOperator(api, namespace, { client });
  await until(areAllReady);
  const { counts } = operator.tables;
  expect([counts.defective, counts.failed]).toEqual([0, 0]);
  expect(client.requestsCount.total / TABLES_COUNT).toBeLessThan(30);
}, 180_000);

/** A node that answers late, as on a busy machine, shows in its table's status for a while. */
const isStatus = (write: string) => write === 'apply tables/status';

test('an operator that starts anew looks at each table once, and changes nothing', async () => {
  const client = api.newClient();
  const started = await startOperator(api, namespace, { client });
  operator = started;
  await until(() => passesCount(started) >= TABLES_COUNT && isQuiet(started));
  expect(writesOf(client).filter((write) => !isStatus(write))).toEqual([]);
  const secretsRead = Array.from(client.requestsCount).find(({ verb }) => verb === 'get');
  // Each table's, the three of the namespace, and its authority once more.
  expect(secretsRead?.count).toBeLessThanOrEqual(TABLES_COUNT + 4);
  await until(areAllReady);
  const callsCount = () =>
    Array.from(client.requestsCount).reduce(
      (sum, { verb, resource, count }) => sum + (isStatus(`${verb} ${resource}`) ? 0 : count),
      0,
    );
  const before = callsCount();
  const passes = passesCount(started);
  for (let n = 0; n < TABLES_COUNT; n++) started.tables.add(`${namespace}/table-${n}`);
  await until(() => passesCount(started) >= passes + TABLES_COUNT && isQuiet(started));
  expect(callsCount()).toBe(before);
}, 120_000);
