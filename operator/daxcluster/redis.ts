import type { Redis, RedisResources } from '../../dataplane/kubernetes/daxcluster-types.ts';
import { hashOf } from '../table/canonical.ts';
import type { WantedObject } from '../table/children.ts';
import { TEMPLATE_HASH } from '../table/names.ts';
import type { Json } from '../table/pod-overlay.ts';
import { bytesOf } from '../table/quantity.ts';
import { type DaxClusterResource, namesOf } from './cluster-resource.ts';
import type { DaxInstall } from './install.ts';
import { REDIS_PORT, REDIS_SECRET } from './names.ts';
import { clusterChild, tcp } from './object-parts.ts';
import { containerSecurity, podSecurity } from './pod-security.ts';

/** The second level of a cluster's cache, as it is to be. */
export type RedisChoice =
  | { readonly kind: 'none' }
  /** The spec wishes one of its own, and the installation has no image for it. */
  | { readonly kind: 'missingImage' }
  | { readonly kind: 'managed'; readonly image: string; readonly resources: RedisResources }
  | {
      readonly kind: 'external';
      readonly url: string;
      readonly passwordSecretRef: Redis['passwordSecretRef'];
      readonly caSecretRef: Redis['caSecretRef'];
    };

const LIMIT_DEFAULT = '512Mi';
const RESOURCES_DEFAULT: RedisResources = {
  requests: { cpu: '50m', memory: '128Mi' },
  limits: { memory: LIMIT_DEFAULT },
};
/** The rest is for copies while it is read and written, and for fragments. */
const ENTRIES_OF_LIMIT = 0.75;
const LIMIT_BYTES_DEFAULT = 512 * 1024 * 1024;
const CONFIG_PATH = '/etc/trestle/redis';
/** Members of the Secret of a managed one. */
export const PASSWORD_KEY = 'password';
export const CONFIG_KEY = 'redis.conf';
/** File with the authority of an external one. */
export const CA_FILE = 'ca.crt';

export function redisChoice(
  { redis }: DaxClusterResource['spec'],
  { redisImage }: Pick<DaxInstall, 'redisImage'>,
): RedisChoice {
  switch (redis?.mode) {
    case 'None':
      return { kind: 'none' };
    case 'External':
      // The API server has seen to it that there is a URL.
      return {
        kind: 'external',
        url: redis.url ?? '',
        passwordSecretRef: redis.passwordSecretRef,
        caSecretRef: redis.caSecretRef,
      };
    case 'Managed':
      if (redisImage === undefined) return { kind: 'missingImage' };
      return {
        kind: 'managed',
        image: redisImage,
        resources: redis.resources ?? RESOURCES_DEFAULT,
      };
    case undefined:
      if (redisImage === undefined) return { kind: 'none' };
      return { kind: 'managed', image: redisImage, resources: RESOURCES_DEFAULT };
  }
}

/** What nodes are told of it; undefined: nothing. */
export function redisAddress(
  cluster: DaxClusterResource,
  choice: RedisChoice,
): { readonly url: string; readonly port: number } | undefined {
  switch (choice.kind) {
    case 'none':
    case 'missingImage':
      return undefined;
    case 'managed': {
      const { redis, identity } = namesOf(cluster);
      return {
        url: `redis://${redis}.${identity.namespace}.svc:${REDIS_PORT}`,
        port: REDIS_PORT,
      };
    }
    case 'external':
      return { url: choice.url, port: Number(URL.parse(choice.url)?.port || REDIS_PORT) };
  }
}

/** What the Secret of a managed one holds: the password for nodes, and the same as a configuration file. */
export function redisSecretData(password: string): Readonly<Record<string, string>> {
  return { [PASSWORD_KEY]: password, [CONFIG_KEY]: `requirepass ${password}\n` };
}

/** NetworkPolicy, Service and StatefulSet of a managed one, in the order in which they are applied. */
export function redisChildren(
  cluster: DaxClusterResource,
  install: DaxInstall,
  managed: {
    readonly image: string;
    readonly resources: RedisResources;
    /** Uid of its Secret. */
    readonly secretUid: string;
  },
): readonly WantedObject[] {
  const names = namesOf(cluster);
  const object = (apiVersion: string, kind: string) =>
    clusterChild(cluster, { apiVersion, kind, name: names.redis, labels: names.redisLabels });
  const template = redisTemplate(cluster, install, managed);
  const set = object('apps/v1', 'StatefulSet');
  return [
    {
      ...object('networking.k8s.io/v1', 'NetworkPolicy'),
      spec: {
        podSelector: { matchLabels: names.redisSelector },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [
          { from: [{ podSelector: { matchLabels: names.selector } }], ports: [tcp(REDIS_PORT)] },
        ],
        egress: [],
      },
    },
    {
      ...object('v1', 'Service'),
      spec: {
        clusterIP: 'None',
        selector: names.redisSelector,
        ports: [{ name: 'redis', port: REDIS_PORT, targetPort: 'redis' }],
      },
    },
    {
      ...set,
      metadata: { ...set.metadata, annotations: { [TEMPLATE_HASH]: hashOf(template) } },
      spec: {
        replicas: 1,
        serviceName: names.redis,
        revisionHistoryLimit: 3,
        selector: { matchLabels: names.redisSelector },
        template,
      },
    },
  ];
}

function redisTemplate(
  cluster: DaxClusterResource,
  { imagePullPolicy, imagePullSecrets }: DaxInstall,
  {
    image,
    resources,
    secretUid,
  }: {
    readonly image: string;
    readonly resources: RedisResources;
    readonly secretUid: string;
  },
): Json {
  const names = namesOf(cluster);
  const { nodeSelector, tolerations = [] } = cluster.spec;
  const { limit, ...sized } = sizeOf(resources);
  return {
    metadata: { labels: names.redisLabels, annotations: { [REDIS_SECRET]: secretUid } },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 10,
      securityContext: podSecurity,
      ...(imagePullSecrets.length === 0
        ? {}
        : { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
      ...(nodeSelector === undefined ? {} : { nodeSelector }),
      ...(tolerations.length === 0 ? {} : { tolerations }),
      containers: [
        {
          name: 'redis',
          image,
          imagePullPolicy,
          // The entry points of the official images of Redis and Valkey begin the server with its file.
          args: redisArguments(limit),
          ports: [{ name: 'redis', containerPort: REDIS_PORT }],
          startupProbe: probe({ periodSeconds: 1, failureThreshold: 60 }),
          livenessProbe: probe({ periodSeconds: 10, failureThreshold: 6 }),
          readinessProbe: probe({ periodSeconds: 5, failureThreshold: 2 }),
          resources: sized.resources,
          securityContext: containerSecurity,
          volumeMounts: [
            { name: 'config', mountPath: CONFIG_PATH, readOnly: true },
            { name: 'data', mountPath: '/data' },
            { name: 'tmp', mountPath: '/tmp' },
          ],
        },
      ],
      volumes: [
        {
          name: 'config',
          secret: {
            secretName: names.redis,
            defaultMode: 0o440,
            items: [{ key: CONFIG_KEY, path: CONFIG_KEY }],
          },
        },
        { name: 'data', emptyDir: {} },
        { name: 'tmp', emptyDir: {} },
      ],
    },
  };
}

/** A cache: nothing is kept on disk, and what was used least goes first. */
function redisArguments(limitBytes: number): readonly string[] {
  return [
    `${CONFIG_PATH}/${CONFIG_KEY}`,
    ...['--port', String(REDIS_PORT)],
    ...['--dir', '/data'],
    ...['--save', ''],
    ...['--appendonly', 'no'],
    ...['--maxmemory', String(Math.floor(limitBytes * ENTRIES_OF_LIMIT))],
    ...['--maxmemory-policy', 'allkeys-lru'],
  ];
}

function sizeOf({ requests, limits }: RedisResources) {
  const limit = limits?.memory ?? requests?.memory ?? LIMIT_DEFAULT;
  return {
    limit: bytesOf(limit) ?? LIMIT_BYTES_DEFAULT,
    resources: { ...(requests && { requests }), limits: { ...limits, memory: limit } },
  };
}

function probe(times: { readonly periodSeconds: number; readonly failureThreshold: number }): Json {
  return { tcpSocket: { port: 'redis' }, timeoutSeconds: 5, ...times };
}
