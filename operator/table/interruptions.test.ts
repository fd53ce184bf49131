import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { KubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import {
  Interruption,
  isSettled,
  music,
  startOperator,
  startZonedApi,
  TableTrial,
} from '../operator.fixture.ts';

let api: KubeApi;
let trial: TableTrial;

beforeAll(async () => {
  api = await startZonedApi();
});

afterAll(() => api?.close());

beforeEach(async () => {
  trial = await TableTrial.start(api);
});

afterEach(() => trial?.close());

const OPERATORS_MAX = 120;
/** A pod that is drained may take a minute. */
const LIFE_MS_MAX = 90_000;

/** Operators that each end at a write, until it is as wished. @returns the writes they ended at */
async function interrupted(
  kind: 'before' | 'after',
  writes: number,
  isWished: () => Promise<boolean>,
): Promise<readonly string[]> {
  const met: string[] = [];
  for (let n = 0; n < OPERATORS_MAX; n++) {
    const interruption = new Interruption(kind, writes);
    const operator = await startOperator(api, trial.namespace, {
      client: interruption.client(api.newClient()),
      nodes: (real) => interruption.nodes(real),
    });
    const end = await Promise.race([
      interruption.met,
      trial.until(
        async () => ((await isWished()) ? true : undefined),
        async () =>
          [...met, JSON.stringify((await trial.table('music'))?.status, undefined, 1)].join('\n'),
        LIFE_MS_MAX,
      ),
    ]);
    await operator.close();
    if (end === true) return met;
    met.push(end);
  }
  throw new Error(`not so after ${OPERATORS_MAX} operators: ${met.join('\n')}`);
}

const isTableSo = (isSo: (table: TableResource | undefined) => boolean) => async () =>
  isSo(await trial.table('music'));
const isGone = isTableSo((table) => table === undefined);
const isActive = isTableSo((table) => table !== undefined && isSettled(table));

test('operators that end after each of their writes make, change and delete a table all the same', async () => {
  await trial.create(
    'music',
    music({ deletionPolicy: 'Delete', tags: [{ key: 'team', value: 'records' }] }),
  );
  const creation = await interrupted('after', 0, isActive);
  expect(creation.length).toBeGreaterThan(10);
  expect(creation).toContain('POST /bootstrap');
  expect(creation).toContain('POST /operations/CreateTable');
  const table = await trial.isActive('music');
  expect(table.status?.partitions).toMatchObject({ total: 4, ready: 4 });

  const timeToLive = { enabled: true, attributeName: 'expiresAt' };
  await trial.change('music', { spec: { timeToLive, tags: [] } });
  const change = await interrupted('after', 0, isActive);
  expect(change).toContain('POST /operations/UpdateTimeToLive');

  await trial.delete('music');
  const deletion = await interrupted('after', 0, isGone);
  expect(deletion.length).toBeGreaterThan(5);
  expect(await trial.list(resources.persistentVolumeClaims)).toEqual([]);
}, 300_000);

test('operators that end before their second write make a table and roll it all the same', async () => {
  await trial.create('music', music());
  await interrupted('before', 1, isActive);
  const resourcesOfPods = { requests: { cpu: '50m' } };
  await trial.change('music', { spec: { placement: { resources: resourcesOfPods } } });
  const rollout = await interrupted('before', 1, isActive);
  expect(rollout.length).toBeGreaterThan(5);
  const table = await trial.isActive('music');
  expect(table.status?.slots?.map(({ updatedReplicas }) => updatedReplicas)).toEqual([1, 1, 1]);
}, 600_000);

test('the API server is away for a while: the table is made all the same, and the caches recover', async () => {
  const operator = await startOperator(api, trial.namespace);
  try {
    await trial.create('music', music());
    await trial.until(async () =>
      (await trial.list(resources.statefulSets)).length > 0 ? true : undefined,
    );
    await api.restart();
    await trial.isActive('music', 90_000);
  } finally {
    await operator.close();
  }
}, 180_000);
