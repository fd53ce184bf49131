import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import type { Leaf } from '../certificates/issued-certificates.ts';
import { hashOf } from '../table/canonical.ts';
import type { WantedObject } from '../table/children.ts';
import { DATA_IMAGE, HEALTH_PORT, TEMPLATE_HASH } from '../table/names.ts';
import type { Json } from '../table/pod-overlay.ts';
import { type DaxClusterResource, namesOf } from './cluster-resource.ts';
import { hasTls, httpPort, nodePort, serverNames } from './endpoint.ts';
import type { DaxInstall } from './install.ts';
import { HTTPS_PORT, PEER_NAME, PEER_PORT, REDIS_PORT } from './names.ts';
import { clusterChild, tcp } from './object-parts.ts';
import { type PodFacts, podTemplate } from './pod-template.ts';
import { type RedisChoice, redisAddress, redisChildren } from './redis.ts';

/** What objects are made from, beside the DaxCluster. */
export interface ChildrenFacts extends PodFacts {
  /** Of a managed Redis; undefined while there is none: then Redis waits for it. */
  readonly redisSecretUid: string | undefined;
}

/** All objects of a DaxCluster but its Secrets, in the order in which they are applied. */
export function clusterChildren(
  cluster: DaxClusterResource,
  facts: ChildrenFacts,
): readonly WantedObject[] {
  const { install, redis, redisSecretUid } = facts;
  const isManaged = redis.kind === 'managed' && redisSecretUid !== undefined;
  return [
    parametersConfigMap(cluster),
    headlessService(cluster),
    clusterService(cluster),
    networkPolicy(cluster, install, redis),
    disruptionBudget(cluster),
    ...(isManaged ? redisChildren(cluster, install, { ...redis, secretUid: redisSecretUid }) : []),
    statefulSet(cluster, facts),
  ];
}

/** The parameters in the form that nodes read (dax/parameters.ts). */
export function nodeParameters({ spec: { parameterGroup } }: DaxClusterResource): {
  readonly recordTtlMillis: number;
  readonly queryTtlMillis: number;
} {
  const { recordTTLMillis, queryTTLMillis } = parameterGroup;
  return { recordTtlMillis: recordTTLMillis, queryTtlMillis: queryTTLMillis };
}

/** The certificates of a cluster: what its clients see, and what its nodes show each other. */
export function clusterLeaves(cluster: DaxClusterResource, install: DaxInstall): readonly Leaf[] {
  const { namespace, name } = namesOf(cluster).identity;
  const uri = `spiffe://trestle.dev/ns/${namespace}/dax/${name}`;
  const peer = { file: 'peer', commonName: PEER_NAME, dnsNames: [PEER_NAME], uri };
  if (!hasTls(cluster) || cluster.spec.tls !== undefined) return [peer];
  const dnsNames = serverNames(cluster, install);
  return [{ file: 'server', commonName: namesOf(cluster).service, dnsNames, uri }, peer];
}

function parametersConfigMap(cluster: DaxClusterResource): WantedObject {
  return {
    ...own(cluster, 'v1', 'ConfigMap', namesOf(cluster).parameters),
    data: { 'parameters.json': `${JSON.stringify(nodeParameters(cluster))}\n` },
  };
}

/** Gives each node a DNS name. Nodes find each other by the registry. */
function headlessService(cluster: DaxClusterResource): WantedObject {
  const names = namesOf(cluster);
  const ports = { ...clientPorts(cluster), peer: PEER_PORT, health: HEALTH_PORT };
  return {
    ...own(cluster, 'v1', 'Service', names.base),
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: names.selector,
      ports: Object.entries(ports).map(([name, port]) => ({ name, port, targetPort: name })),
    },
  };
}

/** Leads to nodes that serve: clients ask any of them for the others, SDKs call them as they come. */
function clusterService(cluster: DaxClusterResource): WantedObject {
  const names = namesOf(cluster);
  const { type, port: wished, annotations } = cluster.spec.service;
  const object = own(cluster, 'v1', 'Service', names.service);
  const [dax = ''] = Object.keys(clientPorts(cluster));
  return {
    ...object,
    metadata: { ...object.metadata, ...(annotations && { annotations }) },
    spec: {
      type,
      selector: names.selector,
      ports: Object.entries(clientPorts(cluster)).map(([name, port]) => ({
        name,
        port: name === dax ? (wished ?? port) : port,
        targetPort: name,
      })),
    },
  };
}

/** Of the DAX protocol first, by the names that the container's ports have. */
function clientPorts(cluster: DaxClusterResource): Readonly<Record<string, number>> {
  return hasTls(cluster)
    ? { daxs: nodePort(cluster), https: httpPort(cluster) }
    : { dax: nodePort(cluster), http: httpPort(cluster) };
}

/**
 * In: clients, everybody unless it is said who they are; the cluster's nodes; operator and scrapers to the health port. Out: the
 * cluster's nodes, routers, Redis and DNS.
 */
function networkPolicy(
  cluster: DaxClusterResource,
  install: DaxInstall,
  redis: RedisChoice,
): WantedObject {
  const names = namesOf(cluster);
  const members = { podSelector: { matchLabels: names.selector } };
  const namespaced = (name: string) => ({
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
  });
  const component = (name: string) => ({
    podSelector: {
      matchLabels: { 'app.kubernetes.io/name': 'trestle', 'app.kubernetes.io/component': name },
    },
  });
  const operator = { ...namespaced(install.releaseNamespace), ...component('operator') };
  return {
    ...own(cluster, 'networking.k8s.io/v1', 'NetworkPolicy', names.base),
    spec: {
      podSelector: { matchLabels: names.selector },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          ...(install.daxClients.length > 0 && { from: install.daxClients }),
          ports: Object.values(clientPorts(cluster)).map(tcp),
        },
        { from: [members], ports: [tcp(PEER_PORT)] },
        {
          from: [operator, ...install.metricsNamespaces.map(namespaced)],
          ports: [tcp(HEALTH_PORT)],
        },
      ],
      egress: [
        { to: [members], ports: [tcp(PEER_PORT)] },
        { to: [component('router')], ports: [tcp(HTTPS_PORT)] },
        ...redisEgress(cluster, redis),
        { ports: [{ protocol: 'UDP', port: 53 }, tcp(53)] },
      ],
    },
  };
}

/** An external one may be anywhere: it is known by its port. */
function redisEgress(cluster: DaxClusterResource, redis: RedisChoice): readonly Json[] {
  const address = redisAddress(cluster, redis);
  if (address === undefined) return [];
  if (redis.kind === 'external') return [{ ports: [tcp(address.port)] }];
  const to = [{ podSelector: { matchLabels: namesOf(cluster).redisSelector } }];
  return [{ to, ports: [tcp(REDIS_PORT)] }];
}

/** Over one node, too: it has nothing to lose, so its machine may be drained. */
function disruptionBudget(cluster: DaxClusterResource): WantedObject {
  const names = namesOf(cluster);
  return {
    ...own(cluster, 'policy/v1', 'PodDisruptionBudget', names.base),
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: names.selector },
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  };
}

/**
 * One for all zones: a node has no volume that binds it to one, so the scheduler may place it anew each
 * time, and its ordinal is its id in the cluster. The operator deletes the pods that are to take another
 * template, one at a time (rollout.ts): a StatefulSet that does it itself takes no heed of nodes that are
 * down anyway.
 */
function statefulSet(cluster: DaxClusterResource, facts: ChildrenFacts): WantedObject {
  const names = namesOf(cluster);
  const template = podTemplate(cluster, facts);
  const object = own(cluster, 'apps/v1', 'StatefulSet', names.base);
  const annotations = { [TEMPLATE_HASH]: hashOf(template), [DATA_IMAGE]: facts.image };
  return {
    ...object,
    metadata: { ...object.metadata, annotations },
    spec: {
      replicas: cluster.spec.replicationFactor,
      serviceName: names.base,
      podManagementPolicy: 'Parallel',
      revisionHistoryLimit: 3,
      updateStrategy: { type: 'OnDelete' },
      selector: { matchLabels: names.selector },
      template,
    },
  };
}

function own(
  cluster: DaxClusterResource,
  apiVersion: string,
  kind: string,
  name: string,
): KubeObject {
  const { labels } = namesOf(cluster);
  return clusterChild(cluster, { apiVersion, kind, name, labels });
}
