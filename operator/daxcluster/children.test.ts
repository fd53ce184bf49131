import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { TEMPLATE_HASH } from '../table/names.ts';
import { clusterChildren, clusterLeaves } from './children.ts';
import { type DaxClusterResource, namesOf } from './cluster-resource.ts';
import type { DaxInstall } from './install.ts';
import { clusterOf, install } from './observed.fixture.ts';
import { redisChoice } from './redis.ts';

function childrenOf(cluster: DaxClusterResource, change: Partial<DaxInstall> = {}) {
  const installed = { ...install, ...change };
  return clusterChildren(cluster, {
    install: installed,
    image: installed.daxImage,
    redis: redisChoice(cluster.spec, installed),
    redisSecretUid: '11111111-0000-4000-8000-000000000001',
    roleSecret: namesOf(cluster).role,
  });
}

const elaborate = clusterOf({
  clusterName: 'Shop',
  replicationFactor: 4,
  parameterGroup: { recordTTLMillis: 60_000, queryTTLMillis: 0 },
  resources: { requests: { cpu: '1', memory: '4Gi' }, limits: { memory: '8Gi' } },
  cacheMemoryPercent: 60,
  tls: { secretName: 'cache-example-org' },
  redis: {
    mode: 'External',
    url: 'rediss://redis.example.org:6380/2',
    passwordSecretRef: { name: 'redis-password', key: 'secret' },
    caSecretRef: { name: 'redis-authority', key: 'ca.pem' },
  },
  service: {
    type: 'LoadBalancer',
    port: 443,
    annotations: { 'example.org/internal': 'true' },
  },
  availabilityZones: ['b', 'a', 'a', 'b'],
  nodeSelector: { pool: 'cache' },
  tolerations: [{ key: 'pool', operator: 'Exists' }],
  podTemplate: {
    metadata: { labels: { team: 'shop' }, annotations: { note: 'kept' } },
    spec: {
      priorityClassName: 'high',
      containers: [{ name: 'dax', env: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/ca.crt' }] }],
    },
  },
});

const cases = {
  'plain.yaml': childrenOf(clusterOf()),
  'no-redis.yaml': childrenOf(
    clusterOf({ clusterEndpointEncryptionType: 'NONE', redis: { mode: 'None' } }),
  ),
  'elaborate.yaml': childrenOf(elaborate, {
    imagePullPolicy: 'Always',
    imagePullSecrets: ['pull'],
    metricsNamespaces: ['monitoring'],
    daxClients: [{ podSelector: { matchLabels: { role: 'shop' } } }],
  }),
};

test.each(Object.entries(cases))('objects of a DaxCluster: %s', (name, objects) => {
  const path = join(import.meta.dirname, 'testdata', name);
  const text = objects
    .map((object) => stringify(object, { aliasDuplicateObjects: false }))
    .join('---\n');
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
});

test('templates are what they were: another hash restarts the nodes of all DaxClusters at the next upgrade', () => {
  const hashes = Object.values(cases).map(
    (objects) => objects.at(-1)?.metadata.annotations?.[TEMPLATE_HASH],
  );
  expect(hashes).toMatchInlineSnapshot(`
    [
      "769ad27707ab347e",
      "7f3e1ee516b3c996",
      "aab5a973a4dcb1c0",
    ]
  `);
});

test('another time to live changes the ConfigMap alone, so that no node restarts', () => {
  const parameterGroup = { recordTTLMillis: 1, queryTTLMillis: 2 };
  const [before, after] = [clusterOf(), clusterOf({ parameterGroup })].map((cluster) =>
    childrenOf(cluster),
  );
  const different = before?.filter(
    (object, index) => JSON.stringify(object) !== JSON.stringify(after?.[index]),
  );
  expect(different?.map(({ kind }) => kind)).toEqual(['ConfigMap']);
});

test('the certificate of a cluster names every form of its Service and all nodes', () => {
  const [server, peer] = clusterLeaves(clusterOf(), install);
  expect(server).toMatchObject({
    file: 'server',
    dnsNames: [
      'cache-dax',
      'cache-dax.shop',
      'cache-dax.shop.svc',
      'cache-dax.shop.svc.cluster.local',
      `*.${namesOf(clusterOf()).base}.shop.svc.cluster.local`,
      'localhost',
    ],
    uri: 'spiffe://trestle.dev/ns/shop/dax/cache',
  });
  expect(peer).toMatchObject({ file: 'peer', dnsNames: ['dax.trestle.dev'] });
});

test.each([
  ['without TLS', clusterOf({ clusterEndpointEncryptionType: 'NONE' })],
  ["with a certificate of the user's", clusterOf({ tls: { secretName: 'mine' } })],
])('%s, only the certificate among nodes is made', (_, cluster) => {
  expect(clusterLeaves(cluster, install).map(({ file }) => file)).toEqual(['peer']);
});
