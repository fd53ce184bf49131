import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { KubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
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
import type { StatefulSet } from './objects.ts';

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
    const describe = async () =>
      [...met, JSON.stringify((await trial.table('music'))?.status, undefined, 1)].join('\n');
    const end = await trial
      .untilMet(interruption, isWished, { describe, msMax: LIFE_MS_MAX })
      .finally(() => operator.close());
    if (end === undefined) return met;
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

interface Disruptions extends KubeObject {
  readonly spec: { readonly maxUnavailable?: number };
}

test('what somebody changes while no operator runs is put back by the next one', async () => {
  const first = await startOperator(api, trial.namespace);
  await trial.create('music', music());
  await trial.isActive('music').finally(() => first.close());
  const { namespace } = trial;
  const { client } = api;
  const kubectl = { fieldManager: 'kubectl', contentType: 'merge' } as const;
  const [set] = await trial.list<StatefulSet>(resources.statefulSets);
  const [budget] = await trial.list<Disruptions>(resources.podDisruptionBudgets);
  const setName = { namespace, name: set?.metadata.name ?? '' };
  const budgetName = { namespace, name: budget?.metadata.name ?? '' };
  const scale = { ...kubectl, subresource: 'scale' } as const;
  await client.patch(resources.statefulSets, setName, { spec: { replicas: 0 } }, scale);
  const all = { spec: { maxUnavailable: 3 } };
  await client.patch(resources.podDisruptionBudgets, budgetName, all, kubectl);

  const next = await startOperator(api, namespace);
  try {
    await trial.until(async () => {
      const scaled = await client.get<StatefulSet>(resources.statefulSets, setName);
      const limited = await client.get<Disruptions>(resources.podDisruptionBudgets, budgetName);
      const isBack =
        scaled?.spec.replicas === 1 && limited?.spec.maxUnavailable === budget?.spec.maxUnavailable;
      return isBack ? true : undefined;
    });
    await trial.isActive('music');
  } finally {
    await next.close();
  }
}, 180_000);
