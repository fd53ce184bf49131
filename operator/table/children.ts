import { accountIdOf } from '../../dataplane/kubernetes/account.ts';
import type { KubeObject, OwnerReference } from '../../dataplane/kubernetes/object.ts';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import {
  triggerDestinationsOf,
  triggerFilesOf,
} from '../../dataplane/kubernetes/trigger-request.ts';
import { hashOf } from './canonical.ts';
import type { InstallConfig } from './install.ts';
import {
  ADMIN_PORT,
  CLUSTER_PORT,
  DATA_IMAGE,
  FOUNDED,
  HEALTH_PORT,
  TableNames,
  TEMPLATE_HASH,
  VOLUME_NAME,
  ZONE,
} from './names.ts';
import type { Json } from './pod-overlay.ts';
import { podTemplate } from './pod-template.ts';

/** What is settled for one slot. */
export interface SlotFacts {
  /** NO_ZONE: anywhere. */
  readonly zone: string;
  /** Image of the data plane. */
  readonly image: string;
  /** Of volumes that are yet to be made. */
  readonly claimSize: string | number;
  /** 1: pods keep the revision that they have. 0: the pod takes the newest. */
  readonly partition: 0 | 1;
}

/** What objects are made from, beside the Table. */
export interface ChildrenFacts {
  readonly install: InstallConfig;
  /** By slot. */
  readonly slots: readonly SlotFacts[];
  readonly isFounded: boolean;
}

/** An object as the operator wishes it: to be applied by the server. */
export type WantedObject = KubeObject & Json;

/** A member of the topology file (dataplane/topology.ts). */
export interface TopologyNode {
  readonly id: string;
  readonly zone: string;
  readonly host: string;
  readonly port: number;
  readonly adminPort: number;
  readonly healthPort: number;
}

export function namesOf({ metadata }: TableResource): TableNames {
  const { namespace, name, uid } = metadata;
  if (namespace === undefined || uid === undefined) throw new Error(`${name} is not in the API`);
  return new TableNames({ namespace, name, uid });
}

/**
 * All objects of a table but its Secret, in the order in which they are applied.
 */
export function tableChildren(table: TableResource, facts: ChildrenFacts): readonly WantedObject[] {
  const names = namesOf(table);
  const { slots } = facts;
  return [
    topologyConfigMap(table, facts),
    headlessService(table),
    networkPolicy(table, facts.install),
    // A budget over one pod would keep its machine from ever being drained.
    ...(slots.length > 1 ? [disruptionBudget(table)] : []),
    ...slots.map((slot, index) => statefulSet(table, facts.install, { ...slot, index, names })),
  ];
}

/** The nodes of a table, as routers, its own nodes and its status have them. */
export function topologyNodes(
  names: TableNames,
  zones: readonly string[],
): readonly TopologyNode[] {
  return zones.map((zone, slot) => ({
    id: names.pod(slot),
    zone,
    host: names.host(slot),
    port: CLUSTER_PORT,
    adminPort: ADMIN_PORT,
    healthPort: HEALTH_PORT,
  }));
}

function topologyConfigMap(table: TableResource, facts: ChildrenFacts): WantedObject {
  const names = namesOf(table);
  const topology = {
    clusterId: names.identity.uid,
    region: facts.install.region,
    accountId: accountIdOf(names.identity.namespace),
    nodes: topologyNodes(
      names,
      facts.slots.map(({ zone }) => zone),
    ),
    routers: [],
    tls: { ca: '../tls/ca.crt', cert: '../tls/{id}.crt', key: '../tls/{id}.key' },
    tableName: table.spec.tableName,
  };
  const object = child(table, { apiVersion: 'v1', kind: 'ConfigMap', name: names.topology });
  return {
    ...(facts.isFounded ? withAnnotations(object, { [FOUNDED]: 'true' }) : object),
    data: { 'topology.json': `${JSON.stringify(topology, undefined, 1)}\n` },
  };
}

function headlessService(table: TableResource): WantedObject {
  const names = namesOf(table);
  const ports = { cluster: CLUSTER_PORT, admin: ADMIN_PORT, health: HEALTH_PORT };
  return {
    ...child(table, { apiVersion: 'v1', kind: 'Service', name: names.base }),
    spec: {
      clusterIP: 'None',
      // Nodes find each other before they are ready: they are ready when they have.
      publishNotReadyAddresses: true,
      selector: names.selector,
      ports: Object.entries(ports).map(([name, port]) => ({ name, port, targetPort: name })),
    },
  };
}

/**
 * In: the table's nodes, routers, the operator, scrapers. Out: the table's nodes and DNS, and what
 * its triggers post to.
 */
function networkPolicy(table: TableResource, install: InstallConfig): WantedObject {
  const names = namesOf(table);
  const own = { podSelector: { matchLabels: names.selector } };
  const routers = { podSelector: { matchLabels: component('router') } };
  const namespaced = (name: string) => ({
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
  });
  const operator = {
    ...namespaced(install.releaseNamespace),
    podSelector: { matchLabels: component('operator') },
  };
  const tcp = (port: number) => ({ protocol: 'TCP', port });
  return {
    ...child(table, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      name: names.base,
    }),
    spec: {
      podSelector: { matchLabels: names.selector },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        { from: [own, routers], ports: [tcp(CLUSTER_PORT)] },
        { from: [operator], ports: [tcp(ADMIN_PORT)] },
        {
          from: [own, routers, operator, ...install.metricsNamespaces.map(namespaced)],
          ports: [tcp(HEALTH_PORT)],
        },
      ],
      egress: [
        { to: [own], ports: [tcp(CLUSTER_PORT)] },
        { ports: [{ protocol: 'UDP', port: 53 }, tcp(53)] },
        ...triggerDestinationsOf(table.spec, names.identity.namespace).map((destination) =>
          destination.kind === 'port'
            ? { ports: [tcp(destination.port)] }
            : { to: [namespaced(destination.namespace)] },
        ),
      ],
    },
  };
}

/** Over all slots at once: at most one of the table's pods is away by somebody's will. */
function disruptionBudget(table: TableResource): WantedObject {
  const names = namesOf(table);
  return {
    ...child(table, { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', name: names.base }),
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: names.selector },
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  };
}

function statefulSet(
  table: TableResource,
  install: InstallConfig,
  slot: SlotFacts & { readonly index: number; readonly names: TableNames },
): WantedObject {
  const { names, index, image, zone, claimSize, partition } = slot;
  const template = templateOf(table, install, { index, image, zone });
  const object = child(table, {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    name: names.statefulSet(index),
    slot: index,
  });
  const { storageClassName } = table.spec.storage;
  return {
    ...withAnnotations(object, {
      [TEMPLATE_HASH]: hashOf(template),
      [DATA_IMAGE]: image,
      [ZONE]: zone,
    }),
    spec: {
      replicas: 1,
      serviceName: names.base,
      podManagementPolicy: 'Parallel',
      revisionHistoryLimit: 3,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      selector: { matchLabels: { ...names.selector, 'trestle.dev/slot': String(index) } },
      template,
      volumeClaimTemplates: [
        {
          metadata: { name: VOLUME_NAME, labels: names.slotLabels(index) },
          spec: {
            accessModes: ['ReadWriteOnce'],
            ...(storageClassName === undefined ? {} : { storageClassName }),
            resources: { requests: { storage: claimSize } },
          },
        },
      ],
    },
  };
}

/** The pod template of a slot; see `podTemplate`. */
export function templateOf(
  table: TableResource,
  install: InstallConfig,
  { index, image, zone }: { readonly index: number; readonly image: string; readonly zone: string },
): Json {
  const { placement, podTemplate: overlay } = table.spec;
  return podTemplate({
    names: namesOf(table),
    slot: index,
    zone,
    image,
    install,
    overlay: overlay ?? {},
    triggerFiles: triggerFilesOf(table.spec),
    placement: {
      topologyKey: placement.topologyKey,
      hostAntiAffinity: placement.hostAntiAffinity,
      nodeSelector: placement.nodeSelector ?? {},
      tolerations: placement.tolerations ?? [],
      priorityClassName: placement.priorityClassName,
      resources: placement.resources,
    },
  });
}

/** Metadata that all children have. */
export function child(
  table: TableResource,
  {
    apiVersion,
    kind,
    name,
    slot,
  }: Pick<KubeObject, 'apiVersion' | 'kind'> & {
    readonly name: string;
    readonly slot?: number;
  },
): KubeObject {
  const names = namesOf(table);
  return {
    apiVersion,
    kind,
    metadata: {
      namespace: names.identity.namespace,
      name,
      labels: slot === undefined ? names.labels : names.slotLabels(slot),
      ownerReferences: [ownerOf(table)],
    },
  };
}

function ownerOf(table: TableResource): OwnerReference {
  return {
    apiVersion: table.apiVersion,
    kind: table.kind,
    name: table.metadata.name,
    uid: namesOf(table).identity.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

function component(name: string): Readonly<Record<string, string>> {
  return { 'app.kubernetes.io/name': 'trestle', 'app.kubernetes.io/component': name };
}

function withAnnotations(
  object: KubeObject,
  annotations: Readonly<Record<string, string>>,
): KubeObject {
  return { ...object, metadata: { ...object.metadata, annotations } };
}
