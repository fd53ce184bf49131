import { Agent } from 'node:https';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { KubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import { ListWatch } from '../../dataplane/kubernetes/list-watch.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { type SecretObject, secretText } from '../certificates/secret-data.ts';
import { BAD_IMAGE } from '../kubelet.fixture.ts';
import { startOperator, startZonedApi, testLog } from '../operator.fixture.ts';
import type { Operator } from '../operator.ts';
import { conditionOf, type Pod } from '../table/objects.ts';
import { conditionIn, DaxTrial } from './dax-trial.fixture.ts';
import { REGISTRY_TABLE } from './registry.ts';

let api: KubeApi;
let trial: DaxTrial;
let operator: Operator | undefined;

beforeAll(async () => {
  api = await startZonedApi({ allowsExpansion: true });
});

afterAll(() => api?.close());

beforeEach(async () => {
  trial = await DaxTrial.start(api);
});

afterEach(async () => {
  await operator?.close();
  await trial?.close();
  operator = undefined;
});

test('a DaxCluster becomes nodes that serve, is scaled, takes parameters, is upgraded, and goes without a trace', async () => {
  const client = api.newClient();
  operator = await startOperator(api, trial.namespace, {
    client,
    install: { redisImage: 'valkey:8' },
  });
  await trial.create('cache', { replicationFactor: 2 });
  await trial.serveRegistry();
  const created = await trial.isAvailable('cache', 120_000);
  const host = `cache-dax.${trial.namespace}.svc.cluster.local`;
  expect(created.status).toMatchObject({
    status: 'available',
    clusterARN: expect.stringMatching(/^arn:aws:dax:eu-central-1:\d{12}:cache\/cache$/),
    totalNodes: 2,
    activeNodes: 2,
    clusterDiscoveryEndpoint: { address: host, port: 9111, url: `daxs://${host}` },
  });
  expect(created.status?.nodes).toMatchObject(
    [
      { nodeStatus: 'available', parameterGroupStatus: 'in-sync', availabilityZone: /[abc]/ },
      { nodeStatus: 'available', parameterGroupStatus: 'in-sync', availabilityZone: /[abc]/ },
    ].map((node) => ({ ...node, availabilityZone: expect.stringMatching(node.availabilityZone) })),
  );
  expect(conditionIn(created, 'RedisAvailable')).toMatchObject({ status: 'True' });
  await trial.tables.writesNothingMore(client, operator.dax.controller, {
    key: `${trial.namespace}/cache`,
    // Policies are in force after some time, whenever that is.
    ofOthers: /^(events|tables|secrets|access)/,
  });
  await answersItsCallers();

  // Up and down, as kubectl scale does it.
  await scale('cache', 3);
  expect((await trial.isAvailable('cache')).status?.totalNodes).toBe(3);
  const names = await trial.names('cache');
  expect([...(await trial.pods('cache')).keys()].sort()).toEqual(
    [0, 1, 2].map((n) => names.pod(n)),
  );
  await scale('cache', 2);
  await trial.isAvailable('cache');
  expect([...(await trial.pods('cache')).keys()].sort()).toEqual([names.pod(0), names.pod(1)]);

  // Parameters reach running nodes, as soon as their kubelets bring them.
  const before = await trial.pods('cache');
  for (const pod of before.keys()) trial.tables.cluster.held.add(pod);
  await trial.change('cache', { spec: { parameterGroup: { recordTTLMillis: 1234 } } });
  await trial.becomes('cache', ({ status }) => status?.status === 'modifying');
  for (const pod of before.keys()) trial.tables.cluster.held.delete(pod);
  const tuned = await trial.isAvailable('cache');
  expect(tuned.status?.nodes?.map((node) => node.parameterGroupStatus)).toEqual([
    'in-sync',
    'in-sync',
  ]);
  expect(await trial.pods('cache')).toEqual(before);

  // What others do to the cluster's objects is undone.
  const service = { namespace: trial.namespace, name: names.service };
  await api.client.patch(
    resources.services,
    service,
    { spec: { type: 'NodePort' } },
    { contentType: 'merge', fieldManager: 'somebody' },
  );
  await api.client.delete(resources.podDisruptionBudgets, { ...service, name: names.base });
  await trial.tables.until(async () => {
    const healed = await trial.get<KubeObject & { spec: { type: string } }>(
      resources.services,
      names.service,
    );
    const budget = await trial.get(resources.podDisruptionBudgets, names.base);
    return healed?.spec.type === 'ClusterIP' && budget !== undefined ? true : undefined;
  });

  // Another image, one node at a time.
  const ready = await watchReady(names.base);
  await operator.close();
  operator = await startOperator(api, trial.namespace, {
    install: { redisImage: 'valkey:8', daxImage: 'trestle:2' },
  });
  await trial.tables.until(
    async () => {
      const all = await images('cache');
      return all.length === 2 && all.every((image) => image === 'trestle:2') ? true : undefined;
    },
    async () => (await images('cache')).join(),
    120_000,
  );
  await trial.isAvailable('cache', 120_000);
  const after = await trial.pods('cache');
  for (const [name, uid] of before) expect(after.get(name)).not.toBe(uid);
  // Pods that are others have been away, one at a time.
  expect(ready.close()).toBeGreaterThanOrEqual(1);
  expect(await images('cache')).toEqual(['trestle:2', 'trestle:2']);

  // Gone, but for the registry and its table.
  const role = await trial.get(resources.secrets, names.role);
  expect(secretText(role as never, 'credentials')).toContain('"principal":"dax/cache"');
  const registry = await trial.tables.table(REGISTRY_TABLE);
  await trial.delete('cache');
  await trial.tables.until(
    async () => ((await left()).length === 0 ? true : undefined),
    async () => (await left()).join(', '),
  );
  expect((await trial.tables.table(REGISTRY_TABLE))?.metadata.uid).toBe(registry?.metadata.uid);
  await trial.tables.isActive(REGISTRY_TABLE);
}, 400_000);

test('a bad image stops at one node, and a good one goes on from there', async () => {
  let aheadMs = 0;
  const start = (daxImage: string) =>
    startOperator(api, trial.namespace, {
      install: { daxImage },
      nowMs: () => Date.now() + aheadMs,
    });
  operator = await start('trestle:1');
  await trial.create('cache', { replicationFactor: 2, clusterEndpointEncryptionType: 'NONE' });
  await trial.serveRegistry();
  const created = await trial.isAvailable('cache', 120_000);
  expect(created.status?.clusterDiscoveryEndpoint?.url).toMatch(/^dax:\/\/cache-dax\./);
  expect(conditionIn(created, 'RedisAvailable')).toMatchObject({ reason: 'NotConfigured' });
  const before = await trial.pods('cache');
  await operator.close();

  operator = await start(BAD_IMAGE);
  const { base } = await trial.names('cache');
  await trial.tables.until(async () => {
    const pods = await trial.pods('cache');
    const uid = pods.get(`${base}-1`);
    return uid !== undefined && uid !== before.get(`${base}-1`) ? true : undefined;
  });
  aheadMs = 6 * 60_000;
  const stopped = await trial.becomes(
    'cache',
    (cluster) => conditionIn(cluster, 'Stalled') !== undefined,
  );
  expect(conditionIn(stopped, 'Stalled')).toMatchObject({
    reason: 'RolloutStopped',
    message: expect.stringContaining('ImagePullBackOff'),
  });
  expect(conditionIn(stopped, 'Ready')).toMatchObject({ status: 'True' });
  expect((await trial.pods('cache')).get(`${base}-0`)).toBe(before.get(`${base}-0`));
  await operator.close();

  aheadMs = 0;
  operator = await start('trestle:3');
  await trial.becomes('cache', (cluster) => conditionIn(cluster, 'Stalled') === undefined);
  await trial.isAvailable('cache', 120_000);
  expect(await images('cache')).toEqual(['trestle:3', 'trestle:3']);
}, 400_000);

test('what is in the way is told: a Service of somebody else, the name of another DaxCluster, a template', async () => {
  operator = await startOperator(api, trial.namespace);
  const metadata = { namespace: trial.namespace, name: 'cache-dax' };
  const ports = [{ port: 80 }];
  await api.client.create(resources.services, { metadata, spec: { ports } } as never);
  const stalledFor = (name: string, reason: string) =>
    trial.becomes(name, (cluster) => conditionIn(cluster, 'Stalled')?.reason === reason);
  await trial.create('cache', { clusterName: 'shop', replicationFactor: 1 });
  await stalledFor('cache', 'ServiceNameTaken');
  expect(await left()).toEqual([]);
  await api.client.delete(resources.services, metadata);

  await trial.create('other', { clusterName: 'shop' });
  const rival = await stalledFor('other', 'ClusterNameConflict');
  expect(rival.status?.clusterARN).toBeUndefined();

  await trial.change('cache', { spec: { podTemplate: { spec: { hostNetwork: true } } } });
  await stalledFor('cache', 'InvalidPodTemplate');
  await trial.change('cache', { spec: { podTemplate: null } });
  await trial.serveRegistry();
  await trial.isAvailable('cache', 120_000);

  await trial.change('cache', { metadata: { annotations: { 'trestle.dev/paused': 'true' } } });
  await trial.change('cache', { spec: { replicationFactor: 2 } });
  const paused = await trial.becomes(
    'cache',
    (cluster) =>
      cluster.status?.observedGeneration === cluster.metadata.generation &&
      conditionIn(cluster, 'Ready')?.reason === 'Paused',
  );
  expect(paused.status?.totalNodes).toBe(1);

  // The older one is gone: its name is the other's.
  await trial.delete('cache');
  await trial.becomes('other', (cluster) => cluster.status?.clusterARN !== undefined);
}, 300_000);

/** By HTTPS, with the certificate and the access of the namespace: whoever has a policy for it, and nobody else. */
async function answersItsCallers(): Promise<void> {
  const names = await trial.names('cache');
  const statements = [{ effect: 'Allow', actions: ['dax:GetItem'], resources: ['cache/cache'] }];
  const metadata = (name: string) => ({ namespace: trial.namespace, name });
  await api.client.create(resources.accessPolicies, {
    metadata: metadata('readers'),
    spec: { statements, subjects: [{ kind: 'AccessKey', name: 'reader' }] },
  } as never);
  const subject = (name: string) => ({ subject: { kind: 'User', name } });
  for (const name of ['reader', 'stranger']) {
    await api.client.create(resources.accessKeys, {
      metadata: metadata(name),
      spec: subject(name),
    } as never);
  }
  const ca = secretText(await trial.get<SecretObject>(resources.secrets, 'trestle-ca'), 'ca.crt');
  const Key = { cluster: { S: 'cache' }, id: { S: 'view' } };
  const read = async (user: string) => {
    const secret = await trial.get<SecretObject>(resources.secrets, user);
    const member = (key: string) => secretText(secret, key) ?? '';
    const sdk = new DynamoDBClient({
      endpoint: `https://${trial.tables.cluster.addressOf(names.pod(0))}:8443`,
      region: 'eu-central-1',
      credentials: {
        accessKeyId: member('accessKeyId') || 'none',
        secretAccessKey: member('secretAccessKey') || 'none',
      },
      maxAttempts: 1,
      requestHandler: { httpsAgent: new Agent({ ca: ca ?? '', servername: names.service }) },
    });
    try {
      const { Item } = await sdk.send(new GetItemCommand({ TableName: REGISTRY_TABLE, Key }));
      return Item?.cluster?.S;
    } catch (error) {
      return error instanceof Error ? error.name : String(error);
    } finally {
      sdk.destroy();
    }
  };
  await expect.poll(() => read('reader'), { timeout: 60_000 }).toBe('cache');
  await expect.poll(() => read('stranger')).toBe('AccessDeniedException');
}

/** Objects that belong to DaxClusters, and are watched. */
async function left(): Promise<readonly string[]> {
  const kinds = [
    ...[resources.statefulSets, resources.services, resources.configMaps, resources.pods],
    ...[resources.networkPolicies, resources.podDisruptionBudgets],
  ];
  const lists = await Promise.all(kinds.map((type) => trial.tables.list<KubeObject>(type)));
  return lists
    .flat()
    .filter(({ metadata }) => metadata.labels?.['trestle.dev/daxcluster'] !== undefined)
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
}

async function scale(name: string, replicas: number): Promise<void> {
  await api.client.patch(
    resources.daxClusters,
    { namespace: trial.namespace, name },
    { spec: { replicas } },
    { contentType: 'merge', fieldManager: 'kubectl', subresource: 'scale' },
  );
}

async function images(name: string): Promise<readonly (string | undefined)[]> {
  const pods = [...(await trial.pods(name)).keys()];
  const found = await Promise.all(
    pods.map((pod) =>
      trial.get<KubeObject & { spec: { containers: { image: string }[] } }>(resources.pods, pod),
    ),
  );
  return found.map((pod) => pod?.spec.containers[0]?.image);
}

/** Follows the pods of the nodes change by change, until it is closed: how many were ready at the least. */
async function watchReady(base: string) {
  let fewest = Number.POSITIVE_INFINITY;
  const isNode = ({ metadata }: Pod) => /^-\d+$/.test(metadata.name.slice(base.length));
  const isServing = (pod: Pod) =>
    conditionOf(pod, 'Ready')?.status === 'True' && pod.metadata.deletionTimestamp === undefined;
  const count = () => {
    const ready = [...watch.items()].filter((pod) => isNode(pod) && isServing(pod));
    if (watch.isSynced) fewest = Math.min(fewest, ready.length);
  };
  const watch = ListWatch.start<Pod>({
    ...{ client: api.newClient(), type: resources.pods, namespace: trial.namespace },
    ...{ log: testLog(), onChange: count },
  });
  await watch.synced;
  count();
  return {
    close: () => {
      watch.close();
      return fewest;
    },
  };
}
