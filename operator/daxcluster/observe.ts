import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import type { KnownSecrets } from '../access/known-secrets.ts';
import type {
  CertificateHolders,
  IssuedCertificates,
} from '../certificates/issued-certificates.ts';
import { secretText } from '../certificates/secret-data.ts';
import { MANAGED_BY, MANAGED_BY_LABEL } from '../table/names.ts';
import { lacksPods } from '../table/objects.ts';
import { childKey, type Provenance } from '../table/observed.ts';
import { clusterLeaves } from './children.ts';
import { type DaxClusterResource, namesOf } from './cluster-resource.ts';
import type { DaxCaches } from './dax-caches.ts';
import type { DaxInstall } from './install.ts';
import { DAX_UID_LABEL, type DaxClusterNames } from './names.ts';
import type { DaxNodeClient, DaxNodeView } from './node-view.ts';
import { clusterChild } from './object-parts.ts';
import type {
  MadeSecret,
  ObservedCluster,
  ObservedNode,
  RoleView,
  ServiceView,
} from './observed.ts';
import { CONFIG_KEY, PASSWORD_KEY, redisChoice } from './redis.ts';
import { registryView } from './registry.ts';

/** More nodes than a cluster may have; some of them may be on their way out. */
const ORDINALS_MAX = 11;

export interface DaxObserverParts {
  readonly client: KubeClient;
  readonly install: DaxInstall;
  readonly caches: DaxCaches;
  readonly certificates: IssuedCertificates;
  readonly secrets: KnownSecrets;
  readonly nodes: DaxNodeClient;
  /** What `roleRef` names. */
  readonly roleOf: (cluster: DaxClusterResource) => RoleView;
  /** Whether children are as they were applied, by `childKey`. */
  readonly provenanceOf: (children: readonly KubeObject[]) => ReadonlyMap<string, Provenance>;
  readonly nowMs: () => number;
}

/** Reads all that a plan is made from: caches, the cluster's Secrets, its nodes. */
export async function observeCluster(
  cluster: DaxClusterResource,
  parts: DaxObserverParts,
  signal: AbortSignal,
): Promise<Omit<ObservedCluster, 'rollingElsewhere'>> {
  const { caches, install } = parts;
  const names = namesOf(cluster);
  const { namespace } = names.identity;
  const statefulSet = caches.statefulSet({ namespace, name: names.base });
  const children = childrenOf(names, caches);
  const sets = statefulSet === undefined ? [] : [statefulSet];
  const [nodes, service, certificates, roleSecret, redisSecret] = await Promise.all([
    observeNodes(names, parts, signal),
    serviceView(names, parts, signal),
    parts.certificates.state(certificateHolders(cluster, install), sets.some(lacksPods), signal),
    roleSecretState(cluster, parts, signal),
    redisSecretState(cluster, parts, signal),
  ]);
  return {
    nowMs: parts.nowMs(),
    install,
    cluster,
    winner: caches.winnerOver(cluster)?.metadata.name,
    statefulSet,
    nodes,
    children,
    provenance: parts.provenanceOf([...children.values(), ...sets]),
    service,
    certificates,
    roleSecret,
    redisSecret,
    role: parts.roleOf(cluster),
    registry: registryView(caches.registries(namespace)),
  };
}

/** Whom the certificates of a cluster are for. */
export function certificateHolders(
  cluster: DaxClusterResource,
  install: DaxInstall,
): CertificateHolders {
  const { identity, tls, labels } = namesOf(cluster);
  return {
    uid: identity.uid,
    namespace: identity.namespace,
    component: 'dax',
    secret: clusterChild(cluster, { apiVersion: 'v1', kind: 'Secret', name: tls, labels }),
    leaves: clusterLeaves(cluster, install),
  };
}

function childrenOf(names: DaxClusterNames, caches: DaxCaches): ReadonlyMap<string, KubeObject> {
  const { namespace, uid } = names.identity;
  const { services, networkPolicies, podDisruptionBudgets } = resources;
  const wanted = [
    [resources.configMaps, names.parameters],
    [services, names.base],
    [services, names.service],
    [networkPolicies, names.base],
    [podDisruptionBudgets, names.base],
    [networkPolicies, names.redis],
    [services, names.redis],
    [resources.statefulSets, names.redis],
  ] as const;
  const objects = wanted.flatMap(([type, name]) => caches.child(type, { namespace, name }) ?? []);
  const own = objects.filter(({ metadata }) => metadata.labels?.[DAX_UID_LABEL] === uid);
  return new Map(own.map((object) => [childKey(object), object]));
}

async function observeNodes(
  names: DaxClusterNames,
  { caches, nodes }: DaxObserverParts,
  signal: AbortSignal,
): Promise<readonly ObservedNode[]> {
  const { namespace } = names.identity;
  const zones = caches.zones();
  const found = Array.from({ length: ORDINALS_MAX }, (_, ordinal) => ordinal).map(
    async (ordinal): Promise<readonly ObservedNode[]> => {
      const pod = caches.pod({ namespace, name: names.pod(ordinal) });
      if (pod === undefined) return [];
      const ip = pod.status?.podIP;
      const view: DaxNodeView = ip
        ? await nodes.view(ip, signal)
        : { kind: 'silent', reason: 'it does not run yet' };
      return [{ ordinal, pod, zone: zones.get(pod.spec.nodeName ?? ''), view }];
    },
  );
  return (await Promise.all(found)).flat();
}

/**
 * The one object whose name is not the operator's alone: before it is made, somebody else's of that name has
 * to be ruled out, which the caches do not show.
 */
async function serviceView(
  names: DaxClusterNames,
  { caches, client }: DaxObserverParts,
  signal: AbortSignal,
): Promise<ServiceView> {
  const { namespace, uid } = names.identity;
  const name = { namespace, name: names.service };
  const found =
    caches.child(resources.services, name) ??
    (await client.get<KubeObject>(resources.services, name, signal));
  if (found === undefined) return { kind: 'free' };
  const { labels = {} } = found.metadata;
  const isOurs = labels[MANAGED_BY_LABEL] === MANAGED_BY && labels[DAX_UID_LABEL] !== undefined;
  if (!isOurs) return { kind: 'taken' };
  return { kind: labels[DAX_UID_LABEL] === uid ? 'own' : 'leaving' };
}

function roleSecretState(
  cluster: DaxClusterResource,
  parts: DaxObserverParts,
  signal: AbortSignal,
): Promise<MadeSecret> | MadeSecret {
  if (cluster.spec.roleRef.kind !== 'AccessPolicy') return { kind: 'missing' };
  const members = ['accessKeyId', 'secretAccessKey', 'credentials'];
  return secretState(cluster, { name: namesOf(cluster).role, members }, { parts, signal });
}

function redisSecretState(
  cluster: DaxClusterResource,
  parts: DaxObserverParts,
  signal: AbortSignal,
): Promise<MadeSecret> | MadeSecret {
  if (redisChoice(cluster.spec, parts.install).kind !== 'managed') return { kind: 'missing' };
  const members = [PASSWORD_KEY, CONFIG_KEY];
  return secretState(cluster, { name: namesOf(cluster).redis, members }, { parts, signal });
}

/** One that lacks a member is to be made anew, like one that is not there. */
async function secretState(
  cluster: DaxClusterResource,
  { name, members }: { readonly name: string; readonly members: readonly string[] },
  { parts, signal }: { readonly parts: DaxObserverParts; readonly signal: AbortSignal },
): Promise<MadeSecret> {
  const found = await parts.secrets.find(cluster, name, signal);
  if (found.kind !== 'own') return { kind: 'missing' };
  const { secret } = found;
  const { uid } = secret.metadata;
  const isWhole = members.every((member) => secretText(secret, member));
  return uid !== undefined && isWhole ? { kind: 'there', uid } : { kind: 'missing' };
}
