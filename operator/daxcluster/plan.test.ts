import { expect, test } from 'vitest';
import type { DaxClusterSpec } from '../../dataplane/kubernetes/daxcluster-types.ts';
import type { Provenance } from '../table/observed.ts';
import { namesOf } from './cluster-resource.ts';
import {
  clusterOf,
  install,
  newCluster,
  nodeOf,
  nowMs,
  settledCluster,
} from './observed.fixture.ts';
import type { ObservedCluster } from './observed.ts';
import { planCluster, SETTLED_MS } from './plan.ts';
import { statusOf } from './status.ts';

const names = namesOf(clusterOf());

/** Steps in short: what is done to what. */
const stepsOf = (observed: ObservedCluster) =>
  planCluster(observed).steps.map((step) => {
    if (step.kind === 'apply') return `apply ${step.object.kind} ${step.object.metadata.name}`;
    if (step.kind === 'delete') return `delete ${step.type.kind} ${step.name}`;
    return step.kind === 'deletePod' ? `deletePod ${step.name}` : step.kind;
  });

const statusIn = (observed: ObservedCluster) => statusOf(observed, planCluster(observed));
const condition = (observed: ObservedCluster, type: string) =>
  statusIn(observed).conditions?.find((each) => each.type === type);

const available = { status: { status: 'available' } } as const;
const withSpec = (spec: Partial<DaxClusterSpec>) => clusterOf(spec, available);

test('a new DaxCluster: certificates and keys first, then the registry, then the objects in their order', () => {
  const { base, redis } = names;
  expect(stepsOf(newCluster())).toEqual([
    'issueCertificates',
    'makeRole',
    'makeRedisPassword',
    'makeRegistry',
    `apply ConfigMap ${names.parameters}`,
    `apply Service ${base}`,
    'apply Service cache-dax',
    `apply NetworkPolicy ${base}`,
    `apply PodDisruptionBudget ${base}`,
    `apply StatefulSet ${base}`,
  ]);
  const redisSecret = { kind: 'there', uid: 'u' } as const;
  expect(stepsOf(newCluster({ redisSecret })).slice(-4)).toEqual([
    `apply NetworkPolicy ${redis}`,
    `apply Service ${redis}`,
    `apply StatefulSet ${redis}`,
    `apply StatefulSet ${base}`,
  ]);
  expect(statusIn(newCluster())).toMatchObject({
    status: 'creating',
    totalNodes: 0,
    activeNodes: 0,
    clusterARN: 'arn:aws:dax:eu-central-1:162489073725:cache/cache',
    clusterDiscoveryEndpoint: {
      address: 'cache-dax.shop.svc.cluster.local',
      port: 9111,
      url: 'daxs://cache-dax.shop.svc.cluster.local',
    },
    httpEndpoint: 'https://cache-dax.shop.svc.cluster.local:8443',
    selector:
      'app.kubernetes.io/component=dax,trestle.dev/daxcluster-uid=6f1a2b3c-0000-4000-8000-000000000002',
  });
  expect(condition(newCluster(), 'Ready')).toMatchObject({ status: 'False', reason: 'Creating' });
  expect(condition(newCluster(), 'Reconciling')).toMatchObject({ reason: 'Creating' });
});

test('a DaxCluster that is as it is to be: nothing is done, and it is looked at again later', () => {
  const observed = settledCluster();
  const plan = planCluster(observed);
  expect(plan).toMatchObject({ steps: [], obstacles: [], requeueAfterMs: SETTLED_MS });
  expect(statusIn(observed)).toMatchObject({ status: 'available', totalNodes: 3, activeNodes: 3 });
  expect(statusIn(observed).nodes?.[1]).toEqual({
    nodeID: names.pod(1),
    endpoint: {
      address: `${names.pod(1)}.${names.base}.shop.svc.cluster.local`,
      port: 9111,
    },
    availabilityZone: 'b',
    nodeStatus: 'available',
    parameterGroupStatus: 'in-sync',
    nodeCreateTime: new Date(nowMs - 3_600_000).toISOString(),
  });
  expect(condition(observed, 'Ready')).toMatchObject({ status: 'True', reason: 'Available' });
  expect(condition(observed, 'Reconciling')).toBeUndefined();
  expect(condition(observed, 'Stalled')).toBeUndefined();
  expect(condition(observed, 'RedisAvailable')).toMatchObject({ status: 'True' });
  expect(condition(observed, 'CertificatesReady')).toMatchObject({ status: 'True' });
});

test('a status that was told is not told anew', () => {
  const observed = settledCluster();
  const status = statusIn(observed);
  const again = settledCluster({ cluster: { ...observed.cluster, status } });
  expect(statusIn({ ...again, nowMs: nowMs + 60_000 })).toEqual(status);
});

test('only what others have changed is applied again, and what is being deleted not before it is gone', () => {
  const key = `Service/${names.base}`;
  const observed = settledCluster({ provenance: new Map([[key, 'drifted' as const]]) });
  expect(stepsOf(observed)).toEqual([`apply Service ${names.base}`]);
  const service = observed.children.get(key);
  if (service === undefined) throw new Error('there is a Service');
  const metadata = { ...service.metadata, deletionTimestamp: '2026-11-26T12:00:00Z' };
  const children = new Map([...observed.children, [key, { ...service, metadata }]]);
  expect(stepsOf({ ...observed, children })).toEqual([]);
});

test.each([
  ['no TLS', { clusterEndpointEncryptionType: 'NONE' }, 'dax://cache-dax.shop.svc.cluster.local'],
  [
    'another port',
    { service: { type: 'ClusterIP', port: 443 } },
    'daxs://cache-dax.shop.svc.cluster.local:443',
  ],
] as const)('with %s, the endpoint says so', (_, spec, url) => {
  const { clusterDiscoveryEndpoint } = statusIn(newCluster({ cluster: clusterOf(spec) }));
  expect(clusterDiscoveryEndpoint?.url).toBe(url);
});

test('another replicationFactor changes the StatefulSet alone, and is modifying until the pods are there', () => {
  const observed = { ...settledCluster(), cluster: withSpec({ replicationFactor: 5 }) };
  expect(stepsOf(observed)).toEqual([`apply StatefulSet ${names.base}`]);
  expect(statusIn(observed)).toMatchObject({ status: 'modifying', totalNodes: 3 });
  expect(condition(observed, 'Reconciling')).toMatchObject({ reason: 'Scaling' });
  expect(condition(observed, 'Ready')).toMatchObject({ status: 'True' });
});

test('nodes beyond the replicationFactor are deleting, and the cluster is not whole before they are gone', () => {
  const cluster = withSpec({ replicationFactor: 2 });
  const settled = settledCluster({ cluster });
  const leaving = nodeOf(cluster, 2, { deletionTimestamp: '2026-11-26T12:00:00Z' });
  const observed = { ...settled, nodes: [...settled.nodes, leaving] };
  expect(statusIn(observed).nodes?.[2]?.nodeStatus).toBe('deleting');
  expect(statusIn(observed)).toMatchObject({ status: 'modifying', totalNodes: 3, activeNodes: 2 });
});

test('another time to live changes the ConfigMap, and nodes are applying until they say that they have it', () => {
  const parameterGroup = { recordTTLMillis: 1000, queryTTLMillis: 2000 };
  const cluster = withSpec({ parameterGroup });
  const old = settledCluster();
  expect(stepsOf({ ...old, cluster })).toEqual([`apply ConfigMap ${names.parameters}`]);
  const settled = settledCluster({ cluster });
  const observed = { ...settled, nodes: old.nodes };
  expect(stepsOf(observed)).toEqual([]);
  expect(statusIn(observed).status).toBe('modifying');
  expect(statusIn(observed).nodes?.map((node) => node.parameterGroupStatus)).toEqual([
    'applying',
    'applying',
    'applying',
  ]);
  expect(condition(observed, 'Reconciling')).toMatchObject({ reason: 'ApplyingParameters' });
  expect(statusIn(settled).status).toBe('available');
});

test('a node that is lost makes the cluster no less available, and shows as unavailable', () => {
  const settled = settledCluster();
  const cluster = { ...settled.cluster, status: statusIn(settled) };
  const nodes = [nodeOf(cluster, 0, { isReady: false }), ...settled.nodes.slice(1)];
  const observed = { ...settled, cluster, nodes };
  expect(statusIn(observed)).toMatchObject({ status: 'available', activeNodes: 2 });
  expect(statusIn(observed).nodes?.[0]?.nodeStatus).toBe('unavailable');
  expect(condition(observed, 'Ready')).toMatchObject({
    status: 'True',
    message: '2 of 3 nodes serve',
  });
  expect(condition(observed, 'Reconciling')).toMatchObject({ reason: 'StartingNodes' });
});

test('without any node that serves, the cluster is not ready', () => {
  const settled = settledCluster();
  const nodes = [0, 1, 2].map((ordinal) => nodeOf(settled.cluster, ordinal, { isReady: false }));
  expect(condition({ ...settled, nodes }, 'Ready')).toMatchObject({
    status: 'False',
    reason: 'NodesUnavailable',
  });
});

test('what nodes wait for is in the message of Ready while the cluster is created', () => {
  const cluster = clusterOf();
  const nodes = [0, 1, 2].map((ordinal) => nodeOf(cluster, ordinal, { isReady: false }));
  const registry = { kind: 'there', isReady: false, message: 'founding' } as const;
  const { message } = condition({ ...settledCluster({ cluster }), nodes, registry }, 'Ready') ?? {};
  expect(message).toContain('waiting for the table trestle-dax-registry: founding');
  expect(message).toContain(`${names.pod(0)}: it is not ready`);
});

test.each([
  [['up', 'up', 'up'], 'True', 'Connected'],
  [['up', 'down', 'up'], 'False', 'Unreachable'],
  [['none', 'none', 'none'], 'Unknown', 'NodesUnavailable'],
] as const)('nodes that say %j of Redis: RedisAvailable is %s, %s', (states, status, reason) => {
  const settled = settledCluster();
  const nodes = states.map((redis, ordinal) => nodeOf(settled.cluster, ordinal, { redis }));
  expect(condition({ ...settled, nodes }, 'RedisAvailable')).toMatchObject({ status, reason });
  expect(condition({ ...settled, nodes }, 'Ready')).toMatchObject({ status: 'True' });
});

test('without an image of Redis the cluster goes by its memory alone', () => {
  const observed = settledCluster({ install: { ...install, redisImage: undefined } });
  expect(stepsOf(newCluster({ install: { ...install, redisImage: undefined } }))).not.toContain(
    'makeRedisPassword',
  );
  expect(condition(observed, 'RedisAvailable')).toMatchObject({
    status: 'False',
    reason: 'NotConfigured',
  });
  expect(condition(observed, 'Stalled')).toBeUndefined();
});

test('a managed Redis without an image is told, and the nodes come up all the same', () => {
  const observed = settledCluster({
    install: { ...install, redisImage: undefined },
    cluster: withSpec({ redis: { mode: 'Managed' } }),
  });
  expect(condition(observed, 'Stalled')).toMatchObject({ reason: 'RedisImageMissing' });
  expect(condition(observed, 'Ready')).toMatchObject({ status: 'True' });
});

test('a Redis that is not wished any more goes when no node uses it', () => {
  const cluster = withSpec({ redis: { mode: 'None' } });
  const before = settledCluster();
  const after = settledCluster({ cluster });
  const children = new Map([...after.children, ...before.children]);
  const rolling = { ...before, cluster };
  expect(stepsOf(rolling).filter((step) => step.startsWith('delete '))).toEqual([]);
  const settled = { ...after, children, provenance: new Map<string, Provenance>() };
  // What has changed meanwhile is applied; what is left over goes.
  expect(stepsOf(settled).filter((step) => step.startsWith('delete '))).toEqual([
    `delete StatefulSet ${names.redis}`,
    `delete Service ${names.redis}`,
    `delete NetworkPolicy ${names.redis}`,
  ]);
});

test('a pod template that cannot be laid over changes nothing and is told with its field', () => {
  const cluster = withSpec({
    podTemplate: { spec: { containers: [{ name: 'dax', resources: {} }] } },
  });
  const observed = { ...settledCluster(), cluster };
  expect(stepsOf(observed)).toEqual([]);
  expect(condition(observed, 'Stalled')).toMatchObject({
    reason: 'InvalidPodTemplate',
    message: expect.stringContaining('podTemplate.spec.containers[name=dax].resources'),
  });
});

test.each([
  [
    'an overlay of a port',
    { containers: [{ name: 'x', ports: [{ containerPort: 9111 }] }] },
    '9111',
  ],
  ['a mount of keys', { containers: [{ name: 'x', volumeMounts: [{ name: 'role' }] }] }, 'role'],
  ['the host network', { hostNetwork: true }, 'nodes have a network of their own'],
  [
    'a required zone',
    { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} } } },
    'use availabilityZones or nodeSelector',
  ],
])('%s is refused', (_, spec, part) => {
  const cluster = withSpec({ podTemplate: { spec } });
  const { message } = condition({ ...settledCluster(), cluster }, 'Stalled') ?? {};
  expect(message).toContain(part);
});

test('a Service of somebody else is not touched, and nothing is made', () => {
  const observed = newCluster({ service: { kind: 'taken' } });
  expect(stepsOf(observed).filter((step) => step.startsWith('apply'))).toEqual([]);
  expect(condition(observed, 'Stalled')).toMatchObject({ reason: 'ServiceNameTaken' });
  expect(condition(observed, 'Ready')).toMatchObject({ status: 'False', reason: 'Pending' });
});

test('the Service of a DaxCluster that is gone is waited for', () => {
  const steps = stepsOf(newCluster({ service: { kind: 'leaving' } }));
  expect(steps).not.toContain('apply Service cache-dax');
  expect(steps).toContain(`apply StatefulSet ${names.base}`);
});

test('the younger of two DaxClusters with one clusterName has nothing and says whose the name is', () => {
  const observed = newCluster({ winner: 'older' });
  expect(stepsOf(observed)).toEqual([]);
  expect(statusIn(observed).clusterARN).toBeUndefined();
  expect(statusIn(observed).clusterDiscoveryEndpoint).toBeUndefined();
  const stalled = condition(observed, 'Stalled');
  expect(stalled).toMatchObject({ reason: 'ClusterNameConflict' });
  expect(stalled?.message).toContain('the DaxCluster older');
});

test('what roleRef names is missed, and the nodes come up all the same', () => {
  const observed = { ...settledCluster(), role: { kind: 'missing' } } as const;
  expect(condition(observed, 'Stalled')).toMatchObject({
    reason: 'RoleNotFound',
    message: expect.stringContaining('AccessPolicy cache-role'),
  });
  expect(condition(observed, 'Ready')).toMatchObject({ status: 'True' });
});

test("with an AccessKey as its role, that key's Secret is mounted and none is made", () => {
  const cluster = clusterOf({ roleRef: { kind: 'AccessKey', name: 'app' } });
  const observed = newCluster({ cluster, role: { kind: 'key', secretName: 'app-key' } });
  expect(stepsOf(observed)).not.toContain('makeRole');
  const set = planCluster(observed).steps.at(-1);
  expect(JSON.stringify(set)).toContain(
    '"name":"role","secret":{"secretName":"app-key","defaultMode":288',
  );
});

test('while an AccessKey that is the role is not there, nothing is made or changed', () => {
  const roleRef = { kind: 'AccessKey', name: 'app' } as const;
  const role = { kind: 'missing' } as const;
  const observed = { ...settledCluster(), cluster: withSpec({ roleRef }), role };
  expect(stepsOf(observed)).toEqual([]);
  expect(condition(observed, 'Stalled')).toMatchObject({
    reason: 'RoleNotFound',
    message: expect.stringContaining('AccessKey app'),
  });
});

test('a table that is not the registry is told and not touched', () => {
  const registry = { kind: 'unusable', message: 'the Table x is not the registry' } as const;
  expect(condition(newCluster({ registry }), 'Stalled')).toMatchObject({
    reason: 'RegistryUnusable',
  });
  expect(stepsOf(newCluster({ registry }))).not.toContain('makeRegistry');
});

test('a paused DaxCluster is looked at, and nothing is done', () => {
  const metadata = { annotations: { 'trestle.dev/paused': 'true' } };
  const observed = newCluster({ cluster: clusterOf({}, { metadata }) });
  expect(planCluster(observed)).toMatchObject({ steps: [], isPaused: true });
  expect(condition(observed, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'Paused' });
});

test('certificates of a paused DaxCluster are renewed, which restarts no node', () => {
  const metadata = { annotations: { 'trestle.dev/paused': 'true' } };
  const cluster = clusterOf({}, { metadata });
  const certificates = { kind: 'due', reason: 'it is time' } as const;
  expect(stepsOf({ ...settledCluster({ cluster }), certificates })).toEqual(['issueCertificates']);
});

test('a DaxCluster that is being deleted is left to the garbage collector', () => {
  const metadata = { deletionTimestamp: '2026-11-26T12:00:00Z' };
  const observed = settledCluster({ cluster: clusterOf({}, { metadata }) });
  expect(planCluster(observed).steps).toEqual([]);
  expect(statusIn(observed).status).toBe('deleting');
  expect(condition(observed, 'Ready')).toMatchObject({ status: 'False', reason: 'Deleting' });
});

test('a new image is taken at once, or where upgrades wait for a person when it is annotated', () => {
  const newer = { ...install, daxImage: 'trestle:2' };
  const settled = settledCluster();
  const setOf = (observed: ObservedCluster) => JSON.stringify(planCluster(observed).steps);
  expect(setOf({ ...settled, install: newer })).toContain('trestle:2');
  const manual = { ...settled, install: { ...newer, upgradePolicy: 'Manual' as const } };
  expect(planCluster(manual).steps).toEqual([]);
  const annotations = { 'trestle.dev/upgrade': 'true' };
  const cluster = clusterOf({}, { metadata: { annotations }, ...available });
  expect(setOf({ ...manual, cluster })).toContain('trestle:2');
});
