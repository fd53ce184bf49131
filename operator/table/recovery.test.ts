import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { KubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import {
  conditionIn,
  isSettled,
  music,
  startOperator,
  startZonedApi,
  TableTrial,
} from '../operator.fixture.ts';
import type { Operator } from '../operator.ts';
import type { Pod } from './objects.ts';

/** What keeps a table from being made or changed is told, and is made good as soon as its cause is gone. */

const SECRET_MS_MAX = 180_000;

let api: KubeApi;
let trial: TableTrial;
let operator: Operator;

beforeAll(async () => {
  api = await startZonedApi({ allowsExpansion: true });
});

afterAll(() => api?.close());

beforeEach(async () => {
  trial = await TableTrial.start(api);
  operator = await startOperator(api, trial.namespace);
});

afterEach(async () => {
  await operator?.close();
  await trial?.close();
});

const becomes = (type: string, reason: string) => (table: TableResource) =>
  conditionIn(table, type)?.reason === reason;

test('a Table whose storage class is not there yet is made when it is', async () => {
  const storage = { size: '10Gi', storageClassName: 'fast' };
  await trial.create('music', music({ storage }));
  const stalled = await trial.becomes('music', becomes('Stalled', 'StorageClassNotFound'));
  const message = expect.stringMatching(
    /no StorageClass fast \(storage\.storageClassName\): create/,
  );
  expect(conditionIn(stalled, 'Stalled')).toMatchObject({ message });
  expect(conditionIn(stalled, 'Ready')).toMatchObject({ status: 'False', message });
  const warnings = await trial.until(async () => {
    const events = await trial.list<KubeObject & { reason: string }>(resources.events);
    const found = events.filter(({ reason }) => reason === 'StorageClassNotFound');
    return found.length > 0 ? found : undefined;
  });
  expect(warnings).toMatchObject([{ type: 'Warning', note: message }]);

  const fast = { metadata: { name: 'fast' }, provisioner: 'tests.trestle.dev/none' };
  await api.client.create(resources.storageClasses, fast as never);
  const active = await trial.isActive('music');
  expect(conditionIn(active, 'StorageReady')?.message).not.toContain('fast');
}, 120_000);

test('volumes that cannot grow so far grow as far as they can when the size is taken back', async () => {
  await trial.create('music', music({ storage: { size: '10Gi' } }));
  await trial.isActive('music');
  trial.cluster.volumeBytesMax = 16 * 2 ** 30;
  await trial.change('music', { spec: { storage: { size: '1Ti' } } });
  const failed = await trial.becomes('music', becomes('StorageReady', 'ExpansionFailed'));
  expect(conditionIn(failed, 'StorageReady')?.message).toMatch(
    /data-music\S+ cannot grow \(no volume is that large\): set storage\.size to what the driver can give/,
  );
  expect(conditionIn(failed, 'Ready')?.status).toBe('True');
  expect(failed.status?.storage).toMatchObject({ committedSize: '10Gi', capacity: '10Gi' });

  await trial.change('music', { spec: { storage: { size: '15Gi' } } });
  const grown = await trial.becomes(
    'music',
    (table) => isSettled(table) && table.status?.storage?.capacity === '15Gi',
  );
  expect(grown.status?.storage).toMatchObject({ committedSize: '15Gi', resizing: false });
  expect(conditionIn(grown, 'StorageReady')?.reason).not.toBe('ExpansionFailed');
}, 120_000);

test.each([
  ['allows it', { grows: '20Gi' }],
  ['need not, since the size is taken back', { grows: undefined }],
])(
  'volumes of a class that does not let them grow stay as they are, which is told, until it %s',
  async (_, { grows }) => {
    const { client } = api;
    const name = `rigid-${grows ?? 'for-ever'}`.toLowerCase();
    const rigid = { metadata: { name }, provisioner: 'tests.trestle.dev/none' };
    await client.create(resources.storageClasses, rigid as never);
    await trial.create('music', music({ storage: { size: '10Gi', storageClassName: name } }));
    await trial.isActive('music');
    await trial.change('music', { spec: { storage: { size: '20Gi' } } });
    const told = await trial.becomes('music', becomes('StorageReady', 'ExpansionUnsupported'));
    expect(conditionIn(told, 'StorageReady')?.message).toContain(
      `the StorageClass ${name} does not allow expansion: set storage.size back to 10Gi, or set allowVolumeExpansion`,
    );
    expect(conditionIn(told, 'Ready')?.status).toBe('True');

    if (grows === undefined) {
      await trial.change('music', { spec: { storage: { size: '10Gi' } } });
    } else {
      const options = { contentType: 'merge', fieldManager: 'kubectl' } as const;
      await client.patch(
        resources.storageClasses,
        { name },
        { allowVolumeExpansion: true },
        options,
      );
    }
    const well = await trial.becomes(
      'music',
      (table) =>
        isSettled(table) &&
        table.status?.storage?.capacity === (grows ?? '10Gi') &&
        conditionIn(table, 'StorageReady')?.reason !== 'ExpansionUnsupported',
    );
    expect(well.status?.storage).toMatchObject({ committedSize: grows ?? '10Gi' });
  },
  120_000,
);

test('volumes grow as their own class lets them, whichever is the default since', async () => {
  const { client } = api;
  const options = { contentType: 'merge', fieldManager: 'kubectl' } as const;
  const isDefault = (name: string, value: 'true' | 'false') => {
    const annotations = { 'storageclass.kubernetes.io/is-default-class': value };
    return client.patch(resources.storageClasses, { name }, { metadata: { annotations } }, options);
  };
  await trial.create('music', music({ storage: { size: '10Gi' } }));
  await trial.isActive('music');
  const other = { metadata: { name: 'other' }, provisioner: 'tests.trestle.dev/none' };
  await client.create(resources.storageClasses, other as never);
  await isDefault('standard', 'false');
  await isDefault('other', 'true');
  try {
    await trial.change('music', { spec: { storage: { size: '20Gi' } } });
    await trial.becomes(
      'music',
      (table) => isSettled(table) && table.status?.storage?.capacity === '20Gi',
    );
  } finally {
    await isDefault('other', 'false');
    await isDefault('standard', 'true');
  }
}, 120_000);

test('a Table whose name an older one has is made when that one is gone', async () => {
  await trial.create('older', music({ deletionPolicy: 'Delete' }));
  await trial.isActive('older');
  await trial.create('younger', music());
  const stalled = await trial.becomes('younger', becomes('Stalled', 'TableNameConflict'));
  const message = expect.stringMatching(/the Table older .* has the tableName Music: delete this/);
  expect(conditionIn(stalled, 'Stalled')).toMatchObject({ message });
  expect(conditionIn(stalled, 'Ready')).toMatchObject({ status: 'False', message });
  await trial.delete('older');
  await trial.isActive('younger');
}, 120_000);

test('pods that no machine has room for are told with what the scheduler says, and start when there is room', async () => {
  const cordoned = (unschedulable: boolean) =>
    api.client.patch(
      resources.nodes,
      { name: 'machine-3' },
      { spec: { unschedulable } },
      { contentType: 'merge', fieldManager: 'kubectl' },
    );
  await trial.create('music', music({ storage: { size: '10Gi' } }));
  await trial.becomes('music', (table) => (table.status?.slots ?? []).length === 3);
  await cordoned(true);
  try {
    const names = await trial.names('music');
    // Whether it was there already or not: it has to be placed anew, by who knows that there is no room.
    const pod = { namespace: trial.namespace, name: names.pod(2) };
    await trial.until(async () => {
      const found = await api.client.get<Pod>(resources.pods, pod);
      if (found === undefined) return undefined;
      if (found.spec.nodeName === undefined) return true;
      await api.client.delete(resources.pods, pod, { uid: found.metadata.uid });
      return undefined;
    });
    await trial.becomes('music', (table) =>
      JSON.stringify(table.status?.conditions).includes('Unschedulable: 0/3 nodes'),
    );
  } finally {
    await cordoned(false);
  }
  await trial.isActive('music');
}, 120_000);

test.each([
  ['', false],
  [', also of a paused Table, of which nothing else is changed', true],
])(
  'a Secret that somebody deletes is made anew when a pod needs it%s',
  async (_, isPaused) => {
    await trial.create('music', music());
    await trial.isActive('music');
    const paused = (value: string | null) =>
      trial.change('music', { metadata: { annotations: { 'trestle.dev/paused': value } } });
    if (isPaused) {
      await paused('true');
      await trial.change('music', { spec: { storage: { size: '20Gi' } } });
      await trial.becomes('music', becomes('Ready', 'Paused'));
    }
    const names = await trial.names('music');
    const { namespace } = trial;
    const { client } = api;
    await client.delete(resources.secrets, { namespace, name: names.tls });
    await client.delete(resources.pods, { namespace, name: names.pod(1) });
    // A Table at rest is looked at every half minute, and its Secret no sooner than after a quarter.
    await trial.until(
      async () => {
        const made = await client.get(resources.secrets, { namespace, name: names.tls });
        return made === undefined ? undefined : true;
      },
      undefined,
      SECRET_MS_MAX,
    );
    await trial.becomes('music', becomes('QuorumHealthy', 'AllVoters'));
    if (isPaused) {
      expect((await trial.table('music'))?.status?.storage).toMatchObject({ capacity: '10Gi' });
      await paused(null);
    }
    await trial.isActive('music');
  },
  360_000,
);

test.each([
  ['before anything is there', 0],
  ['after its first StatefulSet', 1],
  ['after its last StatefulSet', 3],
])(
  'a Table deleted while it is being made, %s, leaves nothing, and another takes its name',
  async (_, setsCount) => {
    const spec = music({ deletionPolicy: 'Delete' });
    const first = await trial.create('music', spec);
    await trial.until(async () => {
      const sets = await trial.list(resources.statefulSets);
      return sets.length >= setsCount ? true : undefined;
    });
    await trial.delete('music');
    await trial.until(async () => ((await trial.table('music')) === undefined ? true : undefined));
    const types = [
      ...[resources.statefulSets, resources.pods, resources.persistentVolumeClaims],
      ...[resources.services, resources.networkPolicies, resources.podDisruptionBudgets],
      ...[resources.configMaps, resources.secrets],
    ];
    const ofTable = async () => {
      const lists = await Promise.all(types.map((type) => trial.list(type)));
      return lists.flat().filter(({ metadata }) => {
        const { labels, ownerReferences = [] } = metadata;
        return (
          labels?.['trestle.dev/table'] !== undefined ||
          ownerReferences.some(({ uid }) => uid === first.metadata.uid)
        );
      });
    };
    await trial.until(
      async () => ((await ofTable()).length === 0 ? true : undefined),
      async () => (await ofTable()).map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(),
    );
    await trial.create('music', spec);
    await trial.isActive('music');
  },
  180_000,
);
