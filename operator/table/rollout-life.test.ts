import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { KubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { BAD_IMAGE } from '../kubelet.fixture.ts';
import {
  conditionIn,
  music,
  startOperator,
  startZonedApi,
  TableTrial,
} from '../operator.fixture.ts';
import type { Operator } from '../operator.ts';
import type { Pod } from './objects.ts';
import { READY_MS_MAX } from './rollout.ts';

/** Of three pods, each of which has to be well for ten seconds. */
const ROLLOUT_MS_MAX = 240_000;

let api: KubeApi;
let trial: TableTrial;
let operator: Operator;
let aheadMs = 0;

beforeAll(async () => {
  api = await startZonedApi();
});

afterAll(() => api?.close());

beforeEach(async () => {
  aheadMs = 0;
  trial = await TableTrial.start(api);
});

afterEach(async () => {
  await operator?.close();
  await trial?.close();
});

const start = (dataImage: string, upgradePolicy: 'Automatic' | 'Manual' = 'Automatic') =>
  startOperator(api, trial.namespace, {
    install: { dataImage, upgradePolicy },
    nowMs: () => Date.now() + aheadMs,
  });

async function restart(...choice: Parameters<typeof start>): Promise<void> {
  await operator.close();
  operator = await start(...choice);
}

/** By name: uid and image. */
async function pods(): Promise<
  ReadonlyMap<string, readonly [uid: string | undefined, image: string | undefined]>
> {
  const list = await trial.list<Pod>(resources.pods);
  return new Map(
    list.map(({ metadata, spec }) => [
      metadata.name,
      [metadata.uid, spec.containers?.[0]?.image] as const,
    ]),
  );
}

async function images(): Promise<readonly (string | undefined)[]> {
  return [...(await pods())].sort().map(([, [, image]]) => image);
}

test('an upgrade of the operator restarts no pod; a new image takes one pod after the other; a bad one stops at the first', async () => {
  operator = await start('trestle:1');
  await trial.create('music', music());
  await trial.isActive('music');
  const before = await pods();

  await restart('trestle:2', 'Manual');
  operator.tables.add(`${trial.namespace}/music`);
  await trial.until(async () => (operator.tables.counts.requeued > 1 ? true : undefined));
  expect(await pods()).toEqual(before);

  await restart('trestle:2');
  const absent: number[] = [];
  const rolled = await trial.until(
    async () => {
      const ready = (await trial.table('music'))?.status?.nodes?.filter(
        ({ isReady }) => isReady === true,
      );
      absent.push(3 - (ready?.length ?? 0));
      const table = await trial.table('music');
      const isDone =
        table?.status?.rollout === undefined &&
        (await images()).every((image) => image === 'trestle:2');
      return isDone ? table : undefined;
    },
    async () => JSON.stringify((await trial.table('music'))?.status),
    ROLLOUT_MS_MAX,
  );
  expect(Math.max(...absent)).toBeLessThanOrEqual(1);
  expect(rolled.status?.slots?.map(({ updatedReplicas }) => updatedReplicas)).toEqual([1, 1, 1]);
  await trial.isActive('music');

  // The bad image takes one pod, and the table serves with the others.
  await restart(BAD_IMAGE);
  await trial.until(async () => ((await images()).includes(BAD_IMAGE) ? true : undefined));
  aheadMs = READY_MS_MAX + 60_000;
  const stopped = await trial.becomes(
    'music',
    // The reason comes with what the kubelet says of the container.
    (table) => conditionIn(table, 'Stalled')?.message?.includes('ImagePullBackOff') === true,
  );
  expect(conditionIn(stopped, 'Stalled')).toMatchObject({ reason: 'RolloutStopped' });
  expect(conditionIn(stopped, 'Ready')).toMatchObject({ status: 'True' });
  expect((await images()).filter((image) => image === BAD_IMAGE)).toHaveLength(1);

  // A good image goes on by itself, beginning with the pod that is stuck.
  aheadMs = 0;
  await restart('trestle:3');
  await trial.until(
    async () => ((await images()).every((image) => image === 'trestle:3') ? true : undefined),
    undefined,
    ROLLOUT_MS_MAX,
  );
  await trial.isActive('music');
}, 700_000);

test('an image that does not exist from the start: another one is taken at once', async () => {
  operator = await start(BAD_IMAGE);
  await trial.create('music', music());
  const creating = await trial.becomes(
    'music',
    (table) => conditionIn(table, 'Ready')?.message.includes('ImagePullBackOff') === true,
  );
  expect(conditionIn(creating, 'Ready')).toMatchObject({ status: 'False', reason: 'Creating' });
  await restart('trestle:1');
  await trial.isActive('music');
}, 120_000);
