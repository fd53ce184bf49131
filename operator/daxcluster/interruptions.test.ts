import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { KubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { Interruption, startOperator, startZonedApi } from '../operator.fixture.ts';
import { DaxTrial, isSettled } from './dax-trial.fixture.ts';

const OPERATORS_MAX = 80;
const LIFE_MS_MAX = 90_000;

let api: KubeApi;
let trial: DaxTrial;

beforeAll(async () => {
  api = await startZonedApi();
});

afterAll(() => api?.close());

beforeEach(async () => {
  trial = await DaxTrial.start(api);
});

afterEach(async () => {
  await trial?.close();
});

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
      install: { redisImage: 'valkey:8' },
    });
    const describe = async () =>
      [...met, JSON.stringify((await trial.cluster('cache'))?.status)].join('\n');
    const end = await trial.tables
      .untilMet(interruption, isWished, { describe, msMax: LIFE_MS_MAX })
      .finally(() => operator.close());
    if (end === undefined) return met;
    met.push(end);
  }
  throw new Error(`not so after ${OPERATORS_MAX} operators: ${met.join('\n')}`);
}

const isAvailable = async () => {
  const cluster = await trial.cluster('cache');
  return cluster !== undefined && isSettled(cluster);
};

test('operators that end after each of their writes make and change a DaxCluster all the same', async () => {
  // The registry is a Table like any other, whose own test is elsewhere.
  const operator = await startOperator(api, trial.namespace);
  await trial.create('first', { replicationFactor: 1 });
  await trial.serveRegistry();
  await trial.delete('first');
  await operator.close();

  await trial.create('cache', { replicationFactor: 2 });
  const creation = await interrupted('after', 0, isAvailable);
  const { base, redis, role } = await trial.names('cache');
  for (const object of [
    `Secret ${role}`,
    `Secret ${redis}`,
    `StatefulSet ${base}`,
    'Service cache-dax',
  ]) {
    expect(creation).toContain(`apply ${object}`);
  }

  await trial.change('cache', { spec: { cacheMemoryPercent: 50, redis: { mode: 'None' } } });
  const change = await interrupted('after', 0, async () => {
    const isGone = (await trial.get(resources.statefulSets, redis)) === undefined;
    return isGone && (await isAvailable());
  });
  expect(change).toContain(`delete Pod ${base}-1`);
  expect(change).toContain(`delete Pod ${base}-0`);
  expect(change).toContain(`delete StatefulSet ${redis}`);
}, 400_000);
