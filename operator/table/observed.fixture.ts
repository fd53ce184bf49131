import type { DescribedTable } from '../../dataplane/kubernetes/table-description.ts';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import { hashOf } from './canonical.ts';
import { namesOf, tableChildren, type WantedObject } from './children.ts';
import type { InstallConfig } from './install.ts';
import { APPLIED_HASH } from './names.ts';
import type { AnsweringNode, ReplicaAnswer } from './node-answer.ts';
import type { PersistentVolumeClaim, Pod, StatefulSet } from './objects.ts';
import { childKey, type ObservedSlot, type ObservedTable } from './observed.ts';
import type { ZoneNode } from './zones.ts';

export const nowMs = Date.parse('2026-11-26T12:00:00Z');
const HOUR_MS = 3_600_000;

export const install: InstallConfig = {
  releaseNamespace: 'trestle-system',
  region: 'eu-central-1',
  dataImage: 'trestle:1',
  imagePullPolicy: 'IfNotPresent',
  imagePullSecrets: [],
  upgradePolicy: 'Automatic',
  metricsNamespaces: [],
};

export function tableOf(
  spec: Partial<TableResource['spec']> = {},
  metadata: Partial<TableResource['metadata']> = {},
): TableResource {
  return {
    apiVersion: 'trestle.dev/v1alpha1',
    kind: 'Table',
    metadata: {
      name: 'music',
      namespace: 'shop',
      uid: '6f1a2b3c-0000-4000-8000-000000000001',
      generation: 1,
      creationTimestamp: '2026-11-26T10:00:00Z',
      ...metadata,
    },
    spec: {
      tableName: 'Music',
      attributeDefinitions: [{ attributeName: 'Artist', attributeType: 'S' }],
      keySchema: [{ attributeName: 'Artist', keyType: 'HASH' }],
      billingMode: 'PAY_PER_REQUEST',
      tableClass: 'STANDARD',
      deletionProtectionEnabled: false,
      deletionPolicy: 'Retain',
      storage: { size: '10Gi' },
      placement: {
        replicationFactor: 3,
        topologyKey: 'topology.kubernetes.io/zone',
        whenZonesInsufficient: 'Colocate',
        hostAntiAffinity: 'Preferred',
      },
      ...spec,
    },
  };
}

export const zoneNodes: readonly ZoneNode[] = ['a', 'b', 'c'].map((zone, index) => ({
  name: `machine-${index + 1}`,
  zone,
  labels: {},
  taints: [],
  isReady: true,
  isUnschedulable: false,
}));

/** A Table that nothing has been done about. */
export function newTable(change: Partial<ObservedTable> = {}): ObservedTable {
  const table = change.table ?? tableOf();
  const { replicationFactor } = table.spec.placement;
  const names = namesOf(table);
  const slots = Array.from(
    { length: replicationFactor },
    (): ObservedSlot => ({
      statefulSet: undefined,
      pod: undefined,
      claim: undefined,
    }),
  );
  return {
    nowMs,
    install,
    table,
    rivals: [],
    nodes: zoneNodes,
    slotsByZone: new Map(),
    storageClass: { kind: 'found', name: 'standard', allowsExpansion: true },
    slots,
    children: new Map(),
    provenance: new Map(),
    certificates: { kind: 'due', reason: 'the Secret is to be made' },
    nodeViews: slots.map((_, slot) => ({
      pod: names.pod(slot),
      kind: 'silent',
      reason: 'there is no such pod',
    })),
    catalog: { kind: 'unknown', reason: 'no node with the catalog answers' },
    rollingElsewhere: undefined,
    ...change,
  };
}

/** A Table that is as it is to be. */
export function settledTable(change: Partial<ObservedTable> = {}): ObservedTable {
  const base = newTable({
    ...(change.table && { table: change.table }),
    ...(change.install && { install: change.install }),
  });
  const { table } = base;
  const names = namesOf(table);
  const zones = base.slots.map((_, slot) => ['a', 'b', 'c'][slot % 3] ?? 'a');
  const children = tableChildren(table, {
    install: base.install,
    isFounded: true,
    slots: zones.map((zone) => ({
      zone,
      image: base.install.dataImage,
      claimSize: table.spec.storage.size,
      partition: 1,
    })),
  }).map(applied);
  const sets = children.filter(
    ({ kind }) => kind === 'StatefulSet',
  ) as unknown as readonly StatefulSet[];
  const slots = base.slots.map((_, slot) =>
    slotOf(names.pod(slot), { set: sets[slot], size: String(table.spec.storage.size) }),
  );
  const described: DescribedTable = {
    table: {
      TableName: 'Music',
      TableArn: 'arn:aws:dynamodb:eu-central-1:000000000000:table/Music',
      TableStatus: 'ACTIVE',
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      AttributeDefinitions: [{ AttributeName: 'Artist', AttributeType: 'S' }],
      DeletionProtectionEnabled: table.spec.deletionProtectionEnabled,
    },
    timeToLive: { TimeToLiveStatus: 'DISABLED' },
    tags: [],
  };
  return {
    ...base,
    slots,
    children: new Map(
      children
        .filter(({ kind }) => kind !== 'StatefulSet')
        .map((object) => [childKey(object), object]),
    ),
    certificates: {
      kind: 'issued',
      renewAtMs: nowMs + 60 * 24 * HOUR_MS,
      notAfterMs: nowMs + 90 * 24 * HOUR_MS,
    },
    nodeViews: base.slots.map((_, slot) =>
      nodeOf(
        names.pod(slot),
        base.slots.map((__, other) => names.pod(other)),
      ),
    ),
    catalog: { kind: 'present', described },
    ...change,
  };
}

function applied(object: WantedObject): WantedObject {
  const { metadata } = object;
  const annotations = { ...metadata.annotations, [APPLIED_HASH]: hashOf(object) };
  return {
    ...object,
    metadata: {
      ...metadata,
      uid: `uid-${metadata.name}`,
      resourceVersion: '1',
      generation: 1,
      annotations,
    },
  };
}

function slotOf(
  pod: string,
  { set, size }: { readonly set: StatefulSet | undefined; readonly size: string },
): ObservedSlot {
  const since = new Date(nowMs - HOUR_MS).toISOString();
  if (set === undefined) throw new Error('each slot has a StatefulSet');
  return {
    statefulSet: {
      ...set,
      status: {
        observedGeneration: 1,
        readyReplicas: 1,
        currentRevision: `${pod}-1`,
        updateRevision: `${pod}-1`,
      },
    },
    pod: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: pod,
        namespace: 'shop',
        uid: `uid-${pod}`,
        creationTimestamp: since,
        labels: { 'controller-revision-hash': `${pod}-1` },
      },
      spec: { nodeName: 'machine-1', containers: set.spec.template.spec.containers },
      status: {
        phase: 'Running',
        podIP: '10.0.0.1',
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: since }],
      },
    },
    claim: claimOf(pod, { request: size, capacity: size }),
  };
}

export function claimOf(
  pod: string,
  {
    request,
    capacity,
    ...more
  }: { readonly request: string; readonly capacity: string } & Partial<
    PersistentVolumeClaim['status'] & object
  >,
): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: `data-${pod}`,
      namespace: 'shop',
      uid: `uid-data-${pod}`,
      annotations: { 'volume.kubernetes.io/selected-node': 'machine-1' },
    },
    spec: { resources: { requests: { storage: request } } },
    status: { phase: 'Bound', capacity: { storage: capacity }, ...more },
  };
}

/** A node that leads partition 0 and 1 if it is the first. */
export function nodeOf(
  pod: string,
  voters: readonly string[],
  change: Partial<AnsweringNode> = {},
): AnsweringNode {
  const isLeader = voters[0] === pod;
  return {
    pod,
    kind: 'answered',
    clusterId: 'cluster',
    isDraining: false,
    hasTriggers: false,
    halted: undefined,
    volume: undefined,
    unreached: [],
    replicas: ['0', '1'].map((id) =>
      replicaOf(id, voters, { role: isLeader ? 'leader' : 'follower' }),
    ),
    ranges: new Map(),
    ...change,
  };
}

export function replicaOf(
  partitionId: string,
  voters: readonly string[],
  change: Partial<ReplicaAnswer> = {},
): ReplicaAnswer {
  return {
    partitionId,
    table: partitionId === '0' ? null : 'Music',
    index: null,
    role: 'follower',
    term: 2,
    leader: voters[0] ?? null,
    isReady: false,
    appliedIndex: 10,
    lastIndex: 10,
    voters,
    learners: [],
    items: 0,
    bytes: 0,
    failure: null,
    ...change,
  };
}

/** The slot with something else about it. */
export function withSlot(
  observed: ObservedTable,
  slot: number,
  change: (now: ObservedSlot) => Partial<ObservedSlot>,
): ObservedTable {
  return {
    ...observed,
    slots: observed.slots.map((each, index) =>
      index === slot ? { ...each, ...change(each) } : each,
    ),
  };
}

export function podWith(pod: Pod | undefined, status: Partial<Pod['status'] & object>): Pod {
  if (pod === undefined) throw new Error('there is a pod');
  return { ...pod, status: { ...pod.status, ...status } };
}
