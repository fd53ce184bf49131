import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import type { KubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import {
  conditionIn,
  isSettled,
  music,
  startOperator,
  startZonedApi,
  TableTrial,
} from '../operator.fixture.ts';
import type { Operator } from '../operator.ts';
import { RouterProcess } from '../router-process.fixture.ts';
import type { StatefulSet } from './objects.ts';

let api: KubeApi;
let trial: TableTrial;
let operator: Operator;

beforeAll(async () => {
  api = await startZonedApi({ allowsExpansion: true });
});

afterAll(() => api?.close());

beforeEach(async () => {
  trial = await TableTrial.start(api);
});

afterEach(async () => {
  await operator?.close();
  await trial?.close();
});

const index = {
  indexName: 'ByGenre',
  keySchema: [{ attributeName: 'Genre', keyType: 'HASH' as const }],
  projection: { projectionType: 'ALL' as const },
};

const writesNothingMore = (client: KubeClient) =>
  trial.writesNothingMore(client, operator.tables, {
    key: `${trial.namespace}/music`,
    ofOthers: /^events$/,
  });

test('a Table becomes three nodes in three zones, serves the SDK, takes changes, and survives losses', async () => {
  const client = api.newClient();
  operator = await startOperator(api, trial.namespace, { client });
  await trial.create('music', music());
  const created = await trial.isActive('music');
  expect(created.status).toMatchObject({
    tableStatus: 'ACTIVE',
    endpoint: `http://trestle.${trial.namespace}.svc:8000`,
    partitions: { total: 4, ready: 4, underReplicated: 0, leaderless: 0 },
    storage: { committedSize: '10Gi', capacity: '10Gi', resizing: false },
  });
  expect(created.status?.nodes?.map(({ zone, isReady }) => [zone, isReady])).toEqual([
    ['a', true],
    ['b', true],
    ['c', true],
  ]);
  expect(conditionIn(created, 'QuorumHealthy')).toMatchObject({
    status: 'True',
    reason: 'AllVoters',
  });
  expect(conditionIn(created, 'ZoneSpread')).toMatchObject({ status: 'True', reason: 'Spread' });
  // Nodes tell of the disk of this machine, which may be almost full.
  const { usedPercent, almostFull } = created.status?.storage ?? {};
  expect(usedPercent).toBeGreaterThanOrEqual(0);
  expect(conditionIn(created, 'StorageReady')).toMatchObject(
    almostFull === undefined ? { status: 'True', reason: 'Bound' } : { reason: 'AlmostFull' },
  );
  expect(conditionIn(created, 'CertificatesReady')).toMatchObject({ status: 'True' });

  await writesNothingMore(client);

  const router = await RouterProcess.start(trial, 'music');
  const sdk = new DynamoDBClient({
    endpoint: router.endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  });
  const Key = { Artist: { S: 'No One You Know' }, SongTitle: { S: 'Call Me Today' } };
  const Item = { ...Key, Genre: { S: 'Country' } };
  try {
    await sdk.send(new PutItemCommand({ TableName: 'Music', Item }));

    // Index, time to live, stream and tags come to the running table.
    await trial.change('music', {
      spec: {
        attributeDefinitions: [
          ...music().attributeDefinitions,
          { attributeName: 'Genre', attributeType: 'S' },
        ],
        globalSecondaryIndexes: [index],
        timeToLive: { enabled: true, attributeName: 'expiresAt' },
        streamSpecification: { streamEnabled: true, streamViewType: 'NEW_IMAGE' },
        tags: [{ key: 'team', value: 'records' }],
      },
    });
    const changed = await trial.isActive('music');
    expect(changed.status?.globalSecondaryIndexes).toMatchObject([
      { indexName: 'ByGenre', indexStatus: 'ACTIVE' },
    ]);
    expect(conditionIn(changed, 'IndexesReady')).toMatchObject({ status: 'True' });
    const { latestStreamARN = '', latestStreamLabel } = changed.status ?? {};
    expect(latestStreamARN).toBe(`${changed.status?.tableARN}/stream/${latestStreamLabel}`);
    const query = new QueryCommand({
      TableName: 'Music',
      IndexName: 'ByGenre',
      KeyConditionExpression: 'Genre = :g',
      ExpressionAttributeValues: { ':g': { S: 'Country' } },
    });
    // A replica of the index that is asked may be behind.
    await expect.poll(async () => (await sdk.send(query)).Items).toEqual([Item]);

    // Another billing mode, and units.
    await trial.change('music', {
      spec: {
        billingMode: 'PROVISIONED',
        provisionedThroughput: { readCapacityUnits: 50, writeCapacityUnits: 40 },
        globalSecondaryIndexes: [
          { ...index, provisionedThroughput: { readCapacityUnits: 5, writeCapacityUnits: 4 } },
        ],
      },
    });
    const provisioned = await trial.isActive('music');
    expect(provisioned.status?.provisionedThroughput).toMatchObject({
      readCapacityUnits: 50,
      writeCapacityUnits: 40,
    });

    // A node's process crashes and comes back.
    const names = await trial.names('music');
    const pid = trial.cluster.pidOf(names.pod(1));
    await trial.cluster.kill(names.pod(1));
    await trial.until(async () => (trial.cluster.pidOf(names.pod(1)) === pid ? undefined : true));
    operator.tables.add(`${trial.namespace}/music`);
    await trial.isActive('music');

    // A volume is lost: a new replica is made on an empty one, once its process may start.
    trial.cluster.held.add(names.pod(2));
    const claimName = { namespace: trial.namespace, name: names.claim(2) };
    const claim = await api.client.get(resources.persistentVolumeClaims, claimName);
    await api.client.delete(resources.persistentVolumeClaims, claimName);
    await api.client.delete(resources.pods, { namespace: trial.namespace, name: names.pod(2) });
    await trial.until(async () => {
      const other = await api.client.get(resources.persistentVolumeClaims, claimName);
      return other !== undefined && other.metadata.uid !== claim?.metadata.uid ? true : undefined;
    });
    await trial.becomes(
      'music',
      (table) => conditionIn(table, 'QuorumHealthy')?.status === 'False',
    );
    trial.cluster.held.delete(names.pod(2));
    await trial.becomes(
      'music',
      (table) => isSettled(table) && conditionIn(table, 'QuorumHealthy')?.status === 'True',
    );
    const read = await sdk.send(
      new GetItemCommand({ TableName: 'Music', Key, ConsistentRead: true }),
    );
    expect(read.Item).toEqual(Item);

    // What others do to the table's objects is undone.
    const service = { namespace: trial.namespace, name: names.base };
    await api.client.patch(
      resources.services,
      service,
      { spec: { publishNotReadyAddresses: false } },
      { contentType: 'merge', fieldManager: 'somebody' },
    );
    await api.client.delete(resources.podDisruptionBudgets, service);
    await trial.until(async () => {
      const healed = await api.client.get<
        KubeObject & { spec: { publishNotReadyAddresses: boolean } }
      >(resources.services, service);
      const budget = await api.client.get(resources.podDisruptionBudgets, service);
      return healed?.spec.publishNotReadyAddresses === true && budget !== undefined
        ? true
        : undefined;
    });
    await trial.isActive('music');
    await writesNothingMore(client);
  } finally {
    sdk.destroy();
    await router.close();
  }
}, 240_000);

test('what is not labelled, ready or there in zones is told, and recovers by itself', async () => {
  operator = await startOperator(api, trial.namespace);
  await trial.create(
    'picky',
    music({ placement: { whenZonesInsufficient: 'Wait', zones: ['a', 'b', 'z'] } }),
  );
  const waiting = await trial.becomes(
    'picky',
    (table) => conditionIn(table, 'Stalled') !== undefined,
  );
  expect(conditionIn(waiting, 'Stalled')).toMatchObject({ reason: 'WaitingForZones' });
  expect(conditionIn(waiting, 'Stalled')?.message).toContain('placement');
  await trial.change('picky', { spec: { placement: { zones: ['a', 'b', 'c'] } } });
  await trial.isActive('picky');

  // The name is taken: the younger Table waits until the older one is gone.
  await trial.create('pickier', music());
  const rival = await trial.becomes(
    'pickier',
    (table) => conditionIn(table, 'Stalled') !== undefined,
  );
  expect(conditionIn(rival, 'Stalled')).toMatchObject({ reason: 'TableNameConflict' });
  expect(rival.status?.tableARN).toBeUndefined();

  await trial.change('picky', { spec: { podTemplate: { spec: { hostNetwork: true } } } });
  const invalid = await trial.becomes(
    'picky',
    (table) => conditionIn(table, 'Stalled') !== undefined,
  );
  expect(conditionIn(invalid, 'Stalled')).toMatchObject({
    reason: 'InvalidPodTemplate',
    message: expect.stringContaining('podTemplate.spec.hostNetwork'),
  });
  expect(conditionIn(invalid, 'Ready')?.status).toBe('True');
  await trial.change('picky', { spec: { podTemplate: null } });
  await trial.isActive('picky');

  // Volumes grow under running pods, and do not shrink.
  const before = await trial.list(resources.pods);
  await trial.change('picky', { spec: { storage: { size: '20Gi' } } });
  const grown = await trial.isActive('picky');
  expect(grown.status?.storage).toMatchObject({
    committedSize: '20Gi',
    capacity: '20Gi',
    resizing: false,
  });
  const uids = (objects: readonly KubeObject[]) =>
    objects.map(({ metadata }) => metadata.uid).sort();
  expect(uids(await trial.list(resources.pods))).toEqual(uids(before));
  const sets = await trial.list<StatefulSet>(resources.statefulSets);
  const sizes = sets.map(
    ({ spec }) => spec.volumeClaimTemplates?.[0]?.spec.resources?.requests?.storage,
  );
  expect(sizes).toEqual(['20Gi', '20Gi', '20Gi']);
  await expect(trial.change('picky', { spec: { storage: { size: '10Gi' } } })).rejects.toThrow(
    'storage.size',
  );

  // Deleted with its volumes kept; then the name is free.
  const names = await trial.names('picky');
  await trial.delete('picky');
  await trial.isActive('pickier');
  const claims = await trial.list(resources.persistentVolumeClaims);
  expect(claims.map(({ metadata }) => metadata.name)).toContain(names.claim(0));
  await trial.until(async () => {
    const sets = await trial.list(resources.statefulSets);
    return sets.some(({ metadata }) => metadata.name.startsWith(names.base)) ? undefined : true;
  });

  // With policy Delete the volumes go first, and the Table is held until then.
  await trial.change('pickier', { spec: { deletionPolicy: 'Delete' } });
  await trial.becomes(
    'pickier',
    ({ metadata }) => metadata.finalizers?.includes('trestle.dev/cleanup') === true,
  );
  const younger = await trial.names('pickier');
  await trial.delete('pickier');
  await trial.until(async () => ((await trial.table('pickier')) === undefined ? true : undefined));
  const left = await trial.list(resources.persistentVolumeClaims);
  expect(left.map(({ metadata }) => metadata.name)).not.toContain(younger.claim(0));
  expect(left.map(({ metadata }) => metadata.name)).toContain(names.claim(0));
}, 240_000);
