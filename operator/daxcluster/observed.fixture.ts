import type { DaxClusterSpec } from '../../dataplane/kubernetes/daxcluster-types.ts';
import { hashOf } from '../table/canonical.ts';
import type { WantedObject } from '../table/children.ts';
import { APPLIED_HASH } from '../table/names.ts';
import type { Pod, StatefulSet } from '../table/objects.ts';
import { childKey } from '../table/observed.ts';
import { clusterChildren } from './children.ts';
import { type DaxClusterResource, namesOf } from './cluster-resource.ts';
import type { DaxInstall } from './install.ts';
import type { DaxNodeView } from './node-view.ts';
import type { ObservedCluster, ObservedNode } from './observed.ts';
import { redisChoice } from './redis.ts';

export const nowMs = Date.parse('2026-11-26T12:00:00Z');
const HOUR_MS = 3_600_000;
/** Of the newest template. */
export const REVISION = 'cache-2';

export const install: DaxInstall = {
  releaseNamespace: 'trestle-system',
  region: 'eu-central-1',
  dataImage: 'trestle:1',
  imagePullPolicy: 'IfNotPresent',
  imagePullSecrets: [],
  upgradePolicy: 'Automatic',
  metricsNamespaces: [],
  daxImage: 'trestle:1',
  redisImage: 'valkey:8',
  daxClients: [],
  clusterDomain: 'cluster.local',
};

export function clusterOf(
  spec: Partial<DaxClusterSpec> = {},
  change: Partial<Pick<DaxClusterResource, 'status'>> & {
    readonly metadata?: Partial<DaxClusterResource['metadata']>;
  } = {},
): DaxClusterResource {
  const { metadata, ...rest } = change;
  return {
    apiVersion: 'trestle.dev/v1alpha1',
    kind: 'DaxCluster',
    metadata: {
      name: 'cache',
      namespace: 'shop',
      uid: '6f1a2b3c-0000-4000-8000-000000000002',
      generation: 1,
      creationTimestamp: '2026-11-26T10:00:00Z',
      ...metadata,
    },
    spec: {
      replicationFactor: 3,
      roleRef: { kind: 'AccessPolicy', name: 'cache-role' },
      parameterGroup: { recordTTLMillis: 300_000, queryTTLMillis: 300_000 },
      cacheMemoryPercent: 70,
      clusterEndpointEncryptionType: 'TLS',
      service: { type: 'ClusterIP' },
      ...spec,
    },
    ...rest,
  };
}

/** A DaxCluster that nothing has been done about. */
export function newCluster(change: Partial<ObservedCluster> = {}): ObservedCluster {
  return {
    nowMs,
    install,
    cluster: clusterOf(),
    winner: undefined,
    statefulSet: undefined,
    nodes: [],
    children: new Map(),
    provenance: new Map(),
    service: { kind: 'free' },
    certificates: { kind: 'due', reason: 'the Secret is to be made' },
    roleSecret: { kind: 'missing' },
    redisSecret: { kind: 'missing' },
    role: { kind: 'policy' },
    registry: { kind: 'absent' },
    rollingElsewhere: undefined,
    ...change,
  };
}

/** A DaxCluster that is as it is to be. */
export function settledCluster(change: Partial<ObservedCluster> = {}): ObservedCluster {
  const base = newCluster({
    ...(change.install && { install: change.install }),
    cluster: change.cluster ?? clusterOf({}, { status: { status: 'available' } }),
  });
  const { cluster } = base;
  const { redisConfigured, children, statefulSet } = appliedChildren(base);
  const count = cluster.spec.replicationFactor;
  return {
    ...base,
    statefulSet,
    nodes: Array.from({ length: count }, (_, ordinal) =>
      nodeOf(cluster, ordinal, { image: base.install.daxImage, redis: redisConfigured }),
    ),
    children,
    service: { kind: 'own' },
    certificates: {
      kind: 'issued',
      renewAtMs: nowMs + 60 * 24 * HOUR_MS,
      notAfterMs: nowMs + 90 * 24 * HOUR_MS,
    },
    roleSecret: { kind: 'there', uid: 'uid-role' },
    redisSecret: { kind: 'there', uid: 'uid-redis' },
    registry: { kind: 'there', isReady: true, message: 'the table serves' },
    ...change,
  };
}

function appliedChildren({ cluster, install: installed }: ObservedCluster) {
  const redis = redisChoice(cluster.spec, installed);
  const objects = clusterChildren(cluster, {
    ...{ install: installed, redis, image: installed.daxImage },
    ...{ roleSecret: namesOf(cluster).role, redisSecretUid: 'uid-redis' },
  }).map(applied);
  const set = objects.at(-1) as unknown as StatefulSet; // The set of nodes comes last.
  return {
    redisConfigured: redis.kind === 'none' ? ('none' as const) : ('up' as const),
    children: new Map(objects.slice(0, -1).map((object) => [childKey(object), object])),
    statefulSet: { ...set, status: { observedGeneration: 1, updateRevision: REVISION } },
  };
}

export function applied(object: WantedObject): WantedObject {
  const { metadata } = object;
  const annotations = { ...metadata.annotations, [APPLIED_HASH]: hashOf(object) };
  const own = { uid: `uid-${metadata.name}`, resourceVersion: '1', generation: 1, annotations };
  return { ...object, metadata: { ...metadata, ...own } };
}

/** A node that serves, for an hour. */
export function nodeOf(
  cluster: DaxClusterResource,
  ordinal: number,
  {
    image = 'trestle:1',
    revision = REVISION,
    redis = 'up',
    isReady = true,
    sinceMs = nowMs - HOUR_MS,
    ...metadata
  }: {
    readonly image?: string;
    readonly revision?: string;
    readonly redis?: 'up' | 'down' | 'none';
    readonly isReady?: boolean;
    readonly sinceMs?: number;
    readonly deletionTimestamp?: string;
  } = {},
): ObservedNode {
  const name = namesOf(cluster).pod(ordinal);
  const since = new Date(sinceMs).toISOString();
  const { recordTTLMillis, queryTTLMillis } = cluster.spec.parameterGroup;
  const view: DaxNodeView = {
    kind: 'answered',
    isActive: isReady,
    redis,
    parameters: { recordTtlMillis: recordTTLMillis, queryTtlMillis: queryTTLMillis },
  };
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      creationTimestamp: since,
      labels: { 'controller-revision-hash': revision },
      ...metadata,
    },
    spec: { nodeName: 'machine-1', containers: [{ name: 'dax', image }] },
    status: {
      phase: 'Running',
      podIP: `10.0.0.${ordinal + 1}`,
      conditions: [
        { type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: since },
      ],
    },
  };
  return { ordinal, pod, zone: ['a', 'b', 'c'][ordinal % 3], view };
}
