import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { keyOf } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import type { DescribedTable } from '../../dataplane/kubernetes/table-description.ts';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import type {
  CertificateHolders,
  IssuedCertificates,
} from '../certificates/issued-certificates.ts';
import { child, namesOf, topologyNodes } from './children.ts';
import type { InstallConfig } from './install.ts';
import { TABLE_UID_LABEL, type TableNames, ZONE } from './names.ts';
import {
  type AnsweringNode,
  answering,
  hasCatalog,
  type KeyRange,
  type NodeView,
  type ReplicaAnswer,
  type VolumeAnswer,
} from './node-answer.ts';
import { type NodeAddress, type NodeClient, NodeRefused, NodeSilent } from './node-client.ts';
import {
  conditionOf,
  DEFAULT_CLASS_ANNOTATION,
  lacksPods,
  type Pod,
  type StatefulSet,
} from './objects.ts';
import {
  type CatalogView,
  childKey,
  type ObservedSlot,
  type ObservedTable,
  type Provenance,
  type StorageClassView,
} from './observed.ts';
import type { TableCaches } from './table-caches.ts';
import type { ZoneNode } from './zones.ts';

export interface ObserverParts {
  readonly install: InstallConfig;
  readonly caches: TableCaches;
  readonly certificates: IssuedCertificates;
  readonly nodes: NodeClient;
  /** Whether children are as they were applied, by `childKey`. */
  readonly provenanceOf: (children: readonly KubeObject[]) => ReadonlyMap<string, Provenance>;
  readonly nowMs: () => number;
}

/** Reads all that a plan is made from: caches, the table's Secret, the table's nodes. */
export async function observeTable(
  table: TableResource,
  parts: ObserverParts,
  signal: AbortSignal,
): Promise<Omit<ObservedTable, 'rollingElsewhere'>> {
  const { caches, install } = parts;
  const names = namesOf(table);
  const slots = slotsOf(table, names, caches);
  const children = childrenOf(names, caches);
  const sets = slots.flatMap(({ statefulSet }) => statefulSet ?? []);
  const [certificates, nodeViews] = await Promise.all([
    parts.certificates.state(certificateHolders(table), sets.some(lacksPods), signal),
    Promise.all(
      slots.map(({ pod }, slot) => askNode({ pod, name: names.pod(slot) }, parts.nodes, signal)),
    ),
  ]);
  return {
    nowMs: parts.nowMs(),
    install,
    table,
    rivals: [...caches.tablesNamed(names.identity.namespace, table.spec.tableName)].filter(
      ({ metadata }) => metadata.uid !== names.identity.uid,
    ),
    nodes: zoneNodes(caches, table.spec.placement.topologyKey),
    slotsByZone: isBound(sets, table) ? new Map() : slotsByZone(caches, names.identity.uid),
    storageClass: storageClassOf(caches, classNameOf(table, slots)),
    slots,
    children,
    provenance: parts.provenanceOf([...children.values(), ...sets]),
    certificates,
    nodeViews,
    catalog: await askCatalog(table, { slots, nodeViews, nodes: parts.nodes }, signal),
  };
}

/** Whom the certificates of a table are for. */
export function certificateHolders(table: TableResource): CertificateHolders {
  const names = namesOf(table);
  const { replicationFactor } = table.spec.placement;
  const zones = Array.from({ length: replicationFactor }, () => '');
  return {
    uid: names.identity.uid,
    namespace: names.identity.namespace,
    component: 'storage',
    secret: child(table, { apiVersion: 'v1', kind: 'Secret', name: names.tls }),
    leaves: topologyNodes(names, zones).map(({ id, host }) => ({
      file: id,
      commonName: id,
      dnsNames: [id, host],
      uri: `spiffe://trestle.dev/ns/${names.identity.namespace}/table/${names.identity.name}/storage`,
    })),
  };
}

/** Where the admin interface of a pod is; undefined while it has no address. */
export function addressOf(pod: Pod | undefined): NodeAddress | undefined {
  const ip = pod?.status?.podIP;
  const namespace = pod?.metadata.namespace;
  if (pod === undefined || ip === undefined || ip === '' || namespace === undefined)
    return undefined;
  return { namespace, pod: pod.metadata.name, ip };
}

function slotsOf(
  table: TableResource,
  names: TableNames,
  caches: TableCaches,
): readonly ObservedSlot[] {
  const { namespace } = names.identity;
  return Array.from({ length: table.spec.placement.replicationFactor }, (_, slot) => ({
    statefulSet: caches.statefulSet({ namespace, name: names.statefulSet(slot) }),
    pod: caches.pod({ namespace, name: names.pod(slot) }),
    claim: caches.claim({ namespace, name: names.claim(slot) }),
  }));
}

function childrenOf(names: TableNames, caches: TableCaches): ReadonlyMap<string, KubeObject> {
  const { namespace } = names.identity;
  const objects = [
    caches.child(resources.configMaps, { namespace, name: names.topology }),
    caches.child(resources.services, { namespace, name: names.base }),
    caches.child(resources.networkPolicies, { namespace, name: names.base }),
    caches.child(resources.podDisruptionBudgets, { namespace, name: names.base }),
  ];
  return new Map(
    objects.flatMap((object) => (object === undefined ? [] : [[childKey(object), object]])),
  );
}

function zoneNodes(caches: TableCaches, topologyKey: string): readonly ZoneNode[] {
  return Array.from(caches.nodes(), ({ metadata, spec, status }) => ({
    name: metadata.name,
    zone: metadata.labels?.[topologyKey],
    labels: metadata.labels ?? {},
    taints: spec?.taints ?? [],
    isReady: conditionOf({ status: status ?? {} }, 'Ready')?.status === 'True',
    isUnschedulable: spec?.unschedulable === true,
  }));
}

/** Whether all slots have a zone that they keep: then nobody asks how full the others are. */
function isBound(sets: readonly StatefulSet[], { spec }: TableResource): boolean {
  const bound = sets.filter(({ metadata }) => metadata.annotations?.[ZONE] !== undefined);
  return bound.length === spec.placement.replicationFactor;
}

function slotsByZone(caches: TableCaches, besidesUid: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { metadata } of caches.statefulSets()) {
    const zone = metadata.annotations?.[ZONE];
    if (zone === undefined || metadata.labels?.[TABLE_UID_LABEL] === besidesUid) continue;
    counts.set(zone, (counts.get(zone) ?? 0) + 1);
  }
  return counts;
}

/** Of volumes that exist their own: another class may have become the default since. */
function classNameOf({ spec }: TableResource, slots: readonly ObservedSlot[]): string | undefined {
  const own = slots.find(({ claim }) => claim?.status?.phase === 'Bound')?.claim?.spec;
  return own?.storageClassName ?? spec.storage.storageClassName;
}

function storageClassOf(caches: TableCaches, wished: string | undefined): StorageClassView {
  for (const { metadata, allowVolumeExpansion } of caches.storageClasses()) {
    const isIt =
      wished === undefined
        ? metadata.annotations?.[DEFAULT_CLASS_ANNOTATION] === 'true'
        : metadata.name === wished;
    if (isIt)
      return { kind: 'found', name: metadata.name, allowsExpansion: allowVolumeExpansion === true };
  }
  return { kind: 'missing', name: wished };
}

async function askNode(
  { pod, name }: { readonly pod: Pod | undefined; readonly name: string },
  nodes: NodeClient,
  signal: AbortSignal,
): Promise<NodeView> {
  const silent = (reason: string): NodeView => ({ pod: name, kind: 'silent', reason });
  if (pod === undefined) return silent('there is no such pod');
  const address = addressOf(pod);
  if (address === undefined) return silent('it does not run yet');
  try {
    // One after the other, over one connection: a second handshake would cost more than the wait.
    const status = await nodes.call(address, { method: 'GET', path: '/status' }, signal);
    const partitions = await nodes.call(address, { method: 'GET', path: '/partitions' }, signal);
    // As the node's admin interface has them (dataplane/admin).
    return viewOf(name, status as StatusAnswer, partitions as PartitionsAnswer);
  } catch (error) {
    if (error instanceof NodeSilent || error instanceof NodeRefused) return silent(error.message);
    throw error;
  }
}

interface StatusAnswer {
  readonly clusterId: string;
  readonly isDraining: boolean;
  readonly halted?: string;
  readonly volume?: VolumeAnswer;
  readonly peers?: readonly { readonly id: string; readonly isConnected: boolean }[];
  /** Each `[format, checksum, configuration]`. */
  readonly tables: readonly (readonly [number, number, ConfigurationAnswer])[];
}

interface ConfigurationAnswer {
  readonly partitions: readonly RangeAnswer[];
  readonly indexPartitions: readonly (readonly [number, readonly RangeAnswer[]])[];
  readonly triggers?: readonly object[];
}

interface RangeAnswer extends KeyRange {
  readonly id: string;
}

interface PartitionsAnswer {
  readonly partitions: readonly ReplicaAnswer[];
}

function viewOf(
  pod: string,
  status: StatusAnswer,
  { partitions }: PartitionsAnswer,
): AnsweringNode {
  const configurations = status.tables.map(([, , configuration]) => configuration);
  const ranges = configurations.flatMap(({ partitions: own, indexPartitions }) => [
    ...own,
    ...indexPartitions.flatMap(([, list]) => list),
  ]);
  return {
    pod,
    kind: 'answered',
    clusterId: status.clusterId,
    isDraining: status.isDraining,
    halted: status.halted,
    volume: status.volume,
    unreached: (status.peers ?? []).flatMap(({ id, isConnected }) => (isConnected ? [] : [id])),
    hasTriggers: configurations.some(({ triggers = [] }) => triggers.length > 0),
    replicas: partitions,
    ranges: new Map(ranges.map(({ id, start, end }) => [id, { start, end }])),
  };
}

/** Any node passes the question on to whoever leads the catalog. */
async function askCatalog(
  table: TableResource,
  parts: {
    readonly slots: readonly ObservedSlot[];
    readonly nodeViews: readonly NodeView[];
    readonly nodes: NodeClient;
  },
  signal: AbortSignal,
): Promise<CatalogView> {
  const view = answering(parts.nodeViews).find(hasCatalog);
  const pod = parts.slots.find((slot) => slot.pod?.metadata.name === view?.pod)?.pod;
  const address = addressOf(pod);
  if (address === undefined) return { kind: 'unknown', reason: 'no node with the catalog answers' };
  const ask = (operation: string, body: object) =>
    parts.nodes.call(address, { method: 'POST', path: `/operations/${operation}`, body }, signal);
  try {
    const described = await describe(table.spec.tableName, ask);
    if (!hasTriggers(table, parts.nodeViews)) return { kind: 'present', described };
    const { tableName: TableName } = table.spec;
    const answer = await ask('DescribeTriggers', { TableName });
    // As dataplane/control has it.
    const { Triggers: triggers } = answer as { readonly Triggers: readonly object[] };
    return { kind: 'present', described: { ...described, triggers } };
  } catch (error) {
    if (error instanceof NodeRefused && error.type === 'ResourceNotFoundException')
      return { kind: 'absent' };
    if (error instanceof NodeSilent || error instanceof NodeRefused) {
      return { kind: 'unknown', reason: `the catalog does not answer: ${error.message}` };
    }
    throw error;
  }
}

/** Most tables have none, and are not asked for them in every pass. */
function hasTriggers({ spec }: TableResource, nodeViews: readonly NodeView[]): boolean {
  return (spec.triggers ?? []).length > 0 || answering(nodeViews).some((node) => node.hasTriggers);
}

async function describe(
  tableName: string,
  ask: (operation: string, body: object) => Promise<unknown>,
): Promise<DescribedTable> {
  // Answers of the API, as dataplane/api has them.
  const { Table: table } = (await ask('DescribeTable', { TableName: tableName })) as {
    readonly Table: DescribedTable['table'];
  };
  if (table.TableStatus === 'CREATING' || table.TableStatus === 'DELETING') {
    return { table, timeToLive: undefined, tags: undefined };
  }
  const ttl = await ask('DescribeTimeToLive', { TableName: tableName });
  const tagged = await ask('ListTagsOfResource', { ResourceArn: table.TableArn });
  const { TimeToLiveDescription: timeToLive } = ttl as {
    readonly TimeToLiveDescription: DescribedTable['timeToLive'];
  };
  const { Tags: tags } = tagged as { readonly Tags?: DescribedTable['tags'] };
  return { table, timeToLive, tags: tags ?? [] };
}

export function tableKey(table: TableResource): string {
  return keyOf(table.metadata);
}
