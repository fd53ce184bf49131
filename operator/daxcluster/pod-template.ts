import { accountIdOf } from '../../dataplane/kubernetes/account.ts';
import { clusterNameOf } from '../access/principals.ts';
import { HEALTH_PORT, ROUTER_SERVICE } from '../table/names.ts';
import { type Json, merged, type PodRules } from '../table/pod-overlay.ts';
import { type DaxClusterResource, namesOf } from './cluster-resource.ts';
import { hasTls } from './endpoint.ts';
import type { DaxInstall } from './install.ts';
import { memoryOf } from './memory.ts';
import { DAX_PORT, DAXS_PORT, HTTP_PORT, HTTPS_PORT, PEER_PORT } from './names.ts';
import { containerSecurity, podSecurity } from './pod-security.ts';
import { CA_FILE, PASSWORD_KEY, type RedisChoice, redisAddress } from './redis.ts';
import { REGISTRY_TABLE } from './registry.ts';

/** Name of the container that runs a node. */
export const DAX_CONTAINER = 'dax';

/**
 * Clients look for nodes every 4 s and close their connections to those that are gone 3.5 s later
 * (dax-protocol.md section 1.5).
 */
const DRAIN_SECONDS = 12;
/** After the drain, requests under way end, and the others learn that the node has left. */
const GRACE_SECONDS = 45;
const ZONE_KEY = 'topology.kubernetes.io/zone';
const HOST_KEY = 'kubernetes.io/hostname';
const ETC = '/etc/trestle';

/** What pods are made from, beside the DaxCluster. */
export interface PodFacts {
  readonly install: DaxInstall;
  /** Image of the nodes. */
  readonly image: string;
  readonly redis: RedisChoice;
  /** Holds the key that the cluster calls tables with, as `credentials`. */
  readonly roleSecret: string;
}

export const daxRules: PodRules = {
  container: DAX_CONTAINER,
  containerFields: new Set(['name', 'env', 'envFrom', 'volumeMounts', 'securityContext']),
  variables: new Set(['NODE_ID', 'POD_IP', 'ZONE']),
  paths: [ETC, '/tmp', '/app'],
  ports: new Set([DAX_PORT, DAXS_PORT, HTTP_PORT, HTTPS_PORT, PEER_PORT, HEALTH_PORT]),
  volumes: new Set(['tls', 'server', 'role', 'access', 'parameters', 'redis', 'redis-ca', 'tmp']),
  secretVolumes: new Set(['tls', 'server', 'role', 'access', 'redis', 'redis-ca']),
  podFields: {
    hostNetwork: 'nodes have a network of their own',
    hostPID: 'nodes see no other processes',
    hostIPC: 'nodes share no memory',
    hostname: 'the name of a pod is the id of its node',
    subdomain: 'the name of a pod is the id of its node',
    setHostnameAsFQDN: 'the name of a pod is the id of its node',
    nodeName: 'use nodeSelector or availabilityZones',
    restartPolicy: 'a StatefulSet restarts its pods always',
    activeDeadlineSeconds: 'a node has no end',
    automountServiceAccountToken: 'nodes do not call the Kubernetes API',
    ephemeralContainers: 'use kubectl debug',
    terminationGracePeriodSeconds: 'a node needs its time until clients have left it',
  },
  affinityHint: 'it holds the zones: use availabilityZones or nodeSelector',
};

/**
 * The pod of a node. It depends on nothing but its arguments: an operator of a later version that makes
 * anything else of them restarts the nodes of all DaxClusters, so golden files watch over it.
 */
export function podTemplate(cluster: DaxClusterResource, facts: PodFacts): Json {
  const names = namesOf(cluster);
  const { podTemplate: overlay = {} } = cluster.spec;
  const template = { metadata: { labels: names.labels }, spec: podSpec(cluster, facts) };
  return merged(template, {
    ...(overlay.metadata === undefined ? {} : { metadata: overlay.metadata }),
    ...(overlay.spec === undefined ? {} : { spec: overlay.spec }),
  }) as Json; // Both are objects.
}

function podSpec(cluster: DaxClusterResource, facts: PodFacts): Json {
  const { nodeSelector, tolerations = [] } = cluster.spec;
  const { imagePullSecrets } = facts.install;
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    securityContext: podSecurity,
    ...(imagePullSecrets.length === 0
      ? {}
      : { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    ...placementOf(cluster),
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
    ...(tolerations.length === 0 ? {} : { tolerations }),
    containers: [container(cluster, facts)],
    volumes: volumes(cluster, facts),
  };
}

/**
 * Over zones and machines as evenly as possible; with `availabilityZones`, in these alone and exactly so, which
 * leaves a node of a lost zone waiting for it.
 */
function placementOf(cluster: DaxClusterResource): Json {
  const zones = [...new Set(cluster.spec.availabilityZones ?? [])].sort();
  const labelSelector = { matchLabels: namesOf(cluster).selector };
  const spread = (topologyKey: string, whenUnsatisfiable: string) => ({
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable,
    labelSelector,
  });
  const hosts = spread(HOST_KEY, 'ScheduleAnyway');
  if (zones.length === 0) {
    return { topologySpreadConstraints: [spread(ZONE_KEY, 'ScheduleAnyway'), hosts] };
  }
  const inZones = { key: ZONE_KEY, operator: 'In', values: zones };
  return {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [inZones] }],
        },
      },
    },
    topologySpreadConstraints: [spread(ZONE_KEY, 'DoNotSchedule'), hosts],
  };
}

function container(cluster: DaxClusterResource, facts: PodFacts): Json {
  const { oldSpaceMebibytes, resources } = memoryOf(cluster.spec);
  const field = (name: string, fieldPath: string) => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  });
  return {
    name: DAX_CONTAINER,
    image: facts.image,
    imagePullPolicy: facts.install.imagePullPolicy,
    command: [
      ...['node', `--max-old-space-size=${oldSpaceMebibytes}`, '--max-semi-space-size=16'],
      'dax/main.ts',
    ],
    args: nodeArguments(cluster, facts),
    env: [
      field('NODE_ID', "metadata.labels['apps.kubernetes.io/pod-index']"),
      field('POD_IP', 'status.podIP'),
      // Kubernetes from 1.35 copies it from the machine; before, it is empty.
      field('ZONE', `metadata.labels['${ZONE_KEY}']`),
    ],
    ports: containerPorts(cluster),
    startupProbe: probe('/livez', { periodSeconds: 2, failureThreshold: 60 }),
    livenessProbe: probe('/livez', { periodSeconds: 10, failureThreshold: 6 }),
    readinessProbe: probe('/readyz', { periodSeconds: 2, failureThreshold: 2 }),
    resources,
    securityContext: containerSecurity,
    volumeMounts: mounts(cluster, facts),
  };
}

function nodeArguments(cluster: DaxClusterResource, facts: PodFacts): readonly string[] {
  const { namespace } = namesOf(cluster).identity;
  const { region } = facts.install;
  const redis = redisAddress(cluster, facts.redis);
  const hasPassword = passwordOf(cluster, facts) !== undefined;
  return [
    ...['--cluster', clusterNameOf(cluster), '--node-id', '$(NODE_ID)', '--zone=$(ZONE)'],
    ...['--bind', '0.0.0.0', '--advertise', '$(POD_IP)'],
    ...(hasTls(cluster)
      ? tlsArguments()
      : ['--port', `${DAX_PORT}`, '--http-port', `${HTTP_PORT}`]),
    ...['--health-port', `${HEALTH_PORT}`],
    ...['--peer-port', `${PEER_PORT}`, '--peer-ca', `${ETC}/tls/ca.crt`],
    ...['--peer-cert', `${ETC}/tls/peer.crt`, '--peer-key', `${ETC}/tls/peer.key`],
    ...['--tables', `https://${ROUTER_SERVICE}.${namespace}.svc:${HTTPS_PORT}`],
    ...['--tables-ca', `${ETC}/tls/ca.crt`, '--role', `${ETC}/role/credentials`],
    ...['--registry', `table:${REGISTRY_TABLE}`],
    ...['--parameters', `${ETC}/parameters/parameters.json`],
    ...['--cache-bytes', String(memoryOf(cluster.spec).cacheBytes)],
    ...(redis === undefined ? [] : ['--redis', redis.url]),
    ...(hasPassword ? ['--redis-password-file', `${ETC}/redis/${PASSWORD_KEY}`] : []),
    ...(authorityOf(facts) === undefined ? [] : ['--redis-ca', `${ETC}/redis-ca/${CA_FILE}`]),
    ...['--credentials', `${ETC}/access/credentials`, '--policies', `${ETC}/access/policies`],
    ...['--region', region, '--account', accountIdOf(namespace)],
    ...['--drain-seconds', String(DRAIN_SECONDS), '--log-level', 'info'],
  ];
}

/** Nothing listens without TLS: a policy of the network may not be enforced. */
function tlsArguments(): readonly string[] {
  return [
    ...['--port', 'none', '--tls-port', `${DAXS_PORT}`],
    ...['--http-port', 'none', '--https-port', `${HTTPS_PORT}`],
    ...['--tls-cert', `${ETC}/server/tls.crt`, '--tls-key', `${ETC}/server/tls.key`],
  ];
}

function containerPorts(cluster: DaxClusterResource): readonly Json[] {
  const own = hasTls(cluster)
    ? { daxs: DAXS_PORT, https: HTTPS_PORT }
    : { dax: DAX_PORT, http: HTTP_PORT };
  const all = { ...own, peer: PEER_PORT, health: HEALTH_PORT };
  return Object.entries(all).map(([name, containerPort]) => ({ name, containerPort }));
}

function mounts(cluster: DaxClusterResource, facts: PodFacts): readonly Json[] {
  const secret = (name: string) => ({ name, mountPath: `${ETC}/${name}`, readOnly: true });
  return [
    secret('tls'),
    ...(hasTls(cluster) ? [secret('server')] : []),
    ...['role', 'access', 'parameters'].map(secret),
    ...(passwordOf(cluster, facts) === undefined ? [] : [secret('redis')]),
    ...(authorityOf(facts) === undefined ? [] : [secret('redis-ca')]),
    { name: 'tmp', mountPath: '/tmp' },
  ];
}

function volumes(cluster: DaxClusterResource, facts: PodFacts): readonly Json[] {
  const names = namesOf(cluster);
  const { tls } = cluster.spec;
  const password = passwordOf(cluster, facts);
  const authority = authorityOf(facts);
  const ownServer = { 'server.crt': 'tls.crt', 'server.key': 'tls.key' };
  const server =
    tls === undefined
      ? secretVolume('server', names.tls, ownServer)
      : secretVolume('server', tls.secretName, { 'tls.crt': 'tls.crt', 'tls.key': 'tls.key' });
  return [
    secretVolume('tls', names.tls, same('ca.crt', 'peer.crt', 'peer.key')),
    ...(hasTls(cluster) ? [server] : []),
    secretVolume('role', facts.roleSecret, same('credentials')),
    secretVolume('access', 'trestle-credentials', same('credentials', 'policies')),
    { name: 'parameters', configMap: { name: names.parameters } },
    ...(password === undefined
      ? []
      : [secretVolume('redis', password.name, { [password.key]: PASSWORD_KEY })]),
    ...(authority === undefined
      ? []
      : [secretVolume('redis-ca', authority.name, { [authority.key]: CA_FILE })]),
    { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
  ];
}

/** Where the password of Redis is; undefined: it has none. */
function passwordOf(
  cluster: DaxClusterResource,
  { redis }: PodFacts,
): { readonly name: string; readonly key: string } | undefined {
  switch (redis.kind) {
    case 'none':
    case 'missingImage':
      return undefined;
    case 'managed':
      return { name: namesOf(cluster).redis, key: PASSWORD_KEY };
    case 'external':
      return redis.passwordSecretRef;
  }
}

/** Where the authority of an external Redis is; undefined: it is one that Node.js knows, or there is no TLS. */
function authorityOf({
  redis,
}: PodFacts): { readonly name: string; readonly key: string } | undefined {
  return redis.kind === 'external' ? redis.caSecretRef : undefined;
}

/** @param files by their keys in the Secret. A pod waits for what is missing of them */
function secretVolume(
  name: string,
  secretName: string,
  files: Readonly<Record<string, string>>,
): Json {
  const items = Object.entries(files).map(([key, path]) => ({ key, path }));
  return { name, secret: { secretName, defaultMode: 0o440, items } };
}

function same(...files: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(files.map((file) => [file, file]));
}

function probe(
  path: string,
  times: { readonly periodSeconds: number; readonly failureThreshold: number },
): Json {
  return { httpGet: { path, port: 'health' }, timeoutSeconds: 5, ...times };
}
