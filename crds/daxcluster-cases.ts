import type { CrdCase, Json } from './crd-trial.fixture.ts';

const roleRef = { kind: 'AccessPolicy', name: 'cache-role' };
const cache: Json = { clusterName: 'cache', roleRef };
const limits = (memory: string) => ({ resources: { limits: { memory } } });
const redis = (value: Json): Json => ({ ...cache, redis: value });
const external = { mode: 'External', url: 'redis://redis.shop.svc:6379' };
const zones = (...availabilityZones: readonly string[]): Json => ({
  ...cache,
  replicationFactor: availabilityZones.length,
  availabilityZones,
});

/** Manifests of DaxClusters, and what a real API server answers to them. */
export const daxClusterCases: readonly CrdCase[] = [
  { name: 'with a role alone: accepted', spec: { roleRef }, metadataName: 'orders', refusals: [] },
  {
    name: 'with everything: accepted',
    spec: {
      clusterName: 'Shop-2',
      replicationFactor: 4,
      roleRef: { kind: 'AccessKey', name: 'app' },
      parameterGroup: { recordTTLMillis: 0, queryTTLMillis: 60_000 },
      resources: {
        requests: { cpu: '500m', memory: '2Gi' },
        limits: { memory: '4Gi' },
      },
      cacheMemoryPercent: 90,
      clusterEndpointEncryptionType: 'TLS',
      tls: { secretName: 'cache-example-org' },
      redis: { mode: 'Managed', resources: { limits: { memory: '1Gi' } } },
      service: {
        type: 'LoadBalancer',
        port: 9111,
        annotations: { 'example.org/internal': 'true' },
      },
      availabilityZones: ['a', 'a', 'b', 'c'],
      nodeSelector: { pool: 'cache' },
      tolerations: [{ key: 'pool', operator: 'Equal', value: 'cache', effect: 'NoSchedule' }],
      podTemplate: { metadata: { labels: { team: 'shop' } }, spec: { priorityClassName: 'high' } },
    },
    refusals: [],
  },
  {
    name: 'without a role: refused',
    spec: { clusterName: 'cache' },
    refusals: [['spec.roleRef', 'Required value']],
  },
  {
    name: 'of another kind of role: refused',
    spec: { ...cache, roleRef: { kind: 'Role', name: 'x' } },
    refusals: [['spec.roleRef.kind', 'Unsupported value: "Role"']],
  },
  {
    name: 'of a name that no Service can have: refused',
    spec: cache,
    metadataName: '1-cache',
    refusals: [
      [
        'metadata.name',
        "metadata.name must be at most 59 of a-z, 0-9 and '-', begin with a letter and not end with '-', since the Service is named by it",
      ],
    ],
  },
  {
    name: 'of a long name with a clusterName: accepted',
    spec: cache,
    metadataName: 'the-cache-of-the-shop-that-sells-everything',
    refusals: [],
  },
  {
    name: 'of a long name without a clusterName: refused',
    spec: { roleRef },
    metadataName: 'the-cache-of-the-shop-that-sells-everything',
    refusals: [
      [
        'spec.clusterName',
        'clusterName must be set where metadata.name is none, at most 20 letters and digits with single hyphens between them',
      ],
    ],
  },
  {
    name: 'of a clusterName with two hyphens in a row: refused',
    spec: { ...cache, clusterName: 'my--cache' },
    refusals: [['spec.clusterName', 'should match']],
  },
  {
    name: 'of a clusterName of 21 letters: refused',
    spec: { ...cache, clusterName: 'abcdefghijklmnopqrstu' },
    refusals: [['spec.clusterName', 'Too long']],
  },
  ...[{ clusterName: 'other' }, { clusterName: undefined }].map(
    (change): CrdCase => ({
      name: `whose clusterName becomes ${change.clusterName}: refused`,
      before: cache,
      metadataName: `renamed-${change.clusterName ?? 'none'}`.slice(0, 20),
      spec: { ...cache, ...change },
      refusals: [
        [
          'spec.clusterName',
          'clusterName cannot be set, changed or removed after creation; create another DaxCluster for another name',
        ],
      ],
    }),
  ),
  {
    name: 'of no nodes: refused',
    spec: { ...cache, replicationFactor: 0 },
    refusals: [['spec.replicationFactor', 'greater than or equal to 1']],
  },
  {
    name: 'of twelve nodes: refused',
    spec: { ...cache, replicationFactor: 12 },
    refusals: [['spec.replicationFactor', 'less than or equal to 11']],
  },
  {
    name: 'of more nodes than before: accepted',
    before: cache,
    spec: { ...cache, replicationFactor: 5 },
    refusals: [],
  },
  {
    name: 'with a time to live below zero: refused',
    spec: { ...cache, parameterGroup: { recordTTLMillis: -1 } },
    refusals: [['spec.parameterGroup.recordTTLMillis', 'greater than or equal to 0']],
  },
  {
    name: 'whose request exceeds its limit: refused',
    spec: {
      ...cache,
      resources: { requests: { cpu: 2, memory: '1Gi' }, limits: { cpu: 1, memory: '1Gi' } },
    },
    refusals: [
      [
        'spec.resources.requests',
        'resources.requests must not exceed resources.limits; raise the limit or lower the request',
      ],
    ],
  },
  { name: 'of the least memory: accepted', spec: { ...cache, ...limits('384Mi') }, refusals: [] },
  {
    name: 'of less memory than a node needs: refused',
    spec: { ...cache, ...limits('256Mi') },
    refusals: [
      [
        'spec.resources.limits',
        'resources.limits.memory must be at least 384Mi, or there is no room for a cache beside the node itself',
      ],
    ],
  },
  {
    name: 'of a request of less memory than a node needs, and no limit: refused',
    spec: { ...cache, resources: { requests: { memory: '256Mi' }, limits: { cpu: 1 } } },
    refusals: [
      [
        'spec.resources.requests',
        'resources.requests.memory is the limit too where resources.limits.memory is left out, and must be at least 384Mi then',
      ],
    ],
  },
  {
    name: 'whose cache is all of the memory: refused',
    spec: { ...cache, cacheMemoryPercent: 91 },
    refusals: [['spec.cacheMemoryPercent', 'less than or equal to 90']],
  },
  {
    name: 'whose encryption changes: refused',
    before: cache,
    spec: { ...cache, clusterEndpointEncryptionType: 'NONE' },
    refusals: [
      [
        'spec.clusterEndpointEncryptionType',
        'clusterEndpointEncryptionType cannot be changed; create another DaxCluster',
      ],
    ],
  },
  {
    name: 'with a certificate and no encryption: refused',
    spec: { ...cache, clusterEndpointEncryptionType: 'NONE', tls: { secretName: 'x' } },
    refusals: [['spec.tls', 'tls must be left out with clusterEndpointEncryptionType NONE']],
  },
  {
    name: 'with a certificate of no Secret: refused',
    spec: { ...cache, tls: {} },
    refusals: [['spec.tls.secretName', 'Required value']],
  },
  ...[
    { mode: 'None' },
    { mode: 'Managed' },
    external,
    { ...external, url: 'rediss://app@[fd00::1]:6380/3' },
    { ...external, passwordSecretRef: { name: 'redis', key: 'password' } },
    { ...external, url: 'rediss://r', caSecretRef: { name: 'redis', key: 'ca.crt' } },
  ].map(
    (value): CrdCase => ({
      name: `with redis ${JSON.stringify(value)}: accepted`,
      spec: redis(value),
      refusals: [],
    }),
  ),
  {
    name: 'with redis without a mode: refused',
    spec: redis({ url: 'redis://x' }),
    refusals: [['spec.redis.mode', 'Required value']],
  },
  {
    name: 'with an external Redis without a URL: refused',
    spec: redis({ mode: 'External' }),
    refusals: [
      ['spec.redis.url', 'redis.url must be set with mode External, and left out otherwise'],
    ],
  },
  ...['http://redis', 'redis://user:password@redis', 'redis://redis/cache', 'redis://'].map(
    (url): CrdCase => ({
      name: `with an external Redis at ${url}: refused`,
      spec: redis({ mode: 'External', url }),
      refusals: [['spec.redis.url', 'should match']],
    }),
  ),
  {
    name: 'with a password for a managed Redis: refused',
    spec: redis({ mode: 'Managed', passwordSecretRef: { name: 'redis', key: 'password' } }),
    refusals: [
      [
        'spec.redis.passwordSecretRef',
        'redis.passwordSecretRef must be left out unless mode is External; the managed one has a password of its own',
      ],
    ],
  },
  ...[external, { mode: 'Managed' }].map(
    (value): CrdCase => ({
      name: `with an authority for redis ${JSON.stringify(value)}: refused`,
      spec: redis({ ...value, caSecretRef: { name: 'redis', key: 'ca.crt' } }),
      refusals: [
        [
          'spec.redis.caSecretRef',
          'redis.caSecretRef must be left out unless redis.url begins with rediss://',
        ],
      ],
    }),
  ),
  {
    name: 'with resources for an external Redis: refused',
    spec: redis({ ...external, resources: { limits: { memory: '1Gi' } } }),
    refusals: [['spec.redis.resources', 'redis.resources must be left out unless mode is Managed']],
  },
  {
    name: 'with a managed Redis whose request exceeds its limit: refused',
    spec: redis({
      mode: 'Managed',
      resources: { requests: { memory: '2Gi' }, limits: { memory: '1Gi' } },
    }),
    refusals: [
      [
        'spec.redis.resources.requests',
        'redis.resources.requests must not exceed redis.resources.limits; raise the limit or lower the request',
      ],
    ],
  },
  {
    name: 'with a managed Redis of next to no memory: refused',
    spec: redis({ mode: 'Managed', resources: { limits: { memory: '32Mi' } } }),
    refusals: [
      ['spec.redis.resources.limits', 'redis.resources.limits.memory must be at least 64Mi'],
    ],
  },
  {
    name: 'whose Redis goes: accepted',
    before: redis(external),
    spec: redis({ mode: 'None' }),
    refusals: [],
  },
  {
    name: 'with a Service of another port: accepted',
    spec: { ...cache, service: { port: 443 } },
    refusals: [],
  },
  {
    name: 'with a Service whose port is that of HTTPS: refused',
    spec: { ...cache, service: { port: 8443 } },
    refusals: [
      ['spec.service.port', 'service.port cannot be 8000 or 8443, where the DynamoDB API is'],
    ],
  },
  {
    name: "with an annotation of the operator's: refused",
    spec: { ...cache, service: { annotations: { 'trestle.dev/applied-hash': 'x' } } },
    refusals: [
      ['spec.service.annotations', "service.annotations: those of trestle.dev/ are the operator's"],
    ],
  },
  { name: 'of three zones: accepted', spec: zones('a', 'b', 'c'), refusals: [] },
  { name: 'of three nodes in two zones: accepted', spec: zones('a', 'a', 'b'), refusals: [] },
  {
    name: 'of no zones in particular: accepted',
    spec: { ...cache, availabilityZones: [] },
    refusals: [],
  },
  {
    name: 'of zones that are not even: refused',
    spec: zones('a', 'a', 'a', 'b'),
    refusals: [
      [
        'spec.availabilityZones',
        'availabilityZones must name every zone equally often, or some once more than others; nodes are spread evenly',
      ],
    ],
  },
  {
    name: 'scaled without its zones: refused',
    before: zones('a', 'b', 'c'),
    spec: { ...zones('a', 'b', 'c'), replicationFactor: 4 },
    refusals: [
      [
        'spec.availabilityZones',
        'availabilityZones must list as many zones as replicationFactor, one for each node, or be left out',
      ],
    ],
  },
];
