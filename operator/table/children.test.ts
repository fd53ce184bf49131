import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { triggerDefaults } from '../../dataplane/kubernetes/table.fixture.ts';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import { hashOf } from './canonical.ts';
import { type SlotFacts, tableChildren } from './children.ts';
import type { InstallConfig } from './install.ts';
import { baseName, NO_ZONE, TEMPLATE_HASH } from './names.ts';

const install: InstallConfig = {
  releaseNamespace: 'trestle-system',
  region: 'eu-central-1',
  dataImage: 'registry.example/trestle:1.0.0',
  imagePullPolicy: 'IfNotPresent',
  imagePullSecrets: [],
  upgradePolicy: 'Automatic',
  metricsNamespaces: [],
};

const table: TableResource = {
  apiVersion: 'trestle.dev/v1alpha1',
  kind: 'Table',
  metadata: { name: 'music', namespace: 'shop', uid: '6f1a2b3c-0000-4000-8000-000000000001' },
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
  },
};

const slot = (zone: string): SlotFacts => ({
  zone,
  image: install.dataImage,
  claimSize: '10Gi',
  partition: 1,
});

const elaborate: TableResource = {
  ...table,
  spec: {
    ...table.spec,
    storage: { size: '50Gi', storageClassName: 'fast' },
    placement: {
      ...table.spec.placement,
      replicationFactor: 1,
      hostAntiAffinity: 'Required',
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'dedicated', operator: 'Exists' }],
      priorityClassName: 'high',
      resources: { requests: { cpu: '2', memory: '4Gi' }, limits: { memory: '4Gi' } },
    },
    podTemplate: {
      metadata: { labels: { team: 'records' }, annotations: { note: 'kept' } },
      spec: {
        containers: [
          { name: 'storage', env: [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=3000' }] },
        ],
      },
    },
  },
};

const triggering: TableResource = {
  ...table,
  spec: {
    ...table.spec,
    placement: { ...table.spec.placement, replicationFactor: 1 },
    streamSpecification: { streamEnabled: true, streamViewType: 'NEW_IMAGE' },
    triggers: [
      {
        name: 'audit',
        target: { service: { name: 'audit', namespace: 'apps', path: '/', scheme: 'https' } },
        caBundleRef: { kind: 'ConfigMap', name: 'authorities', key: 'ca.crt' },
        authSecretRef: { name: 'hook', key: 'hmac', scheme: 'HMAC' },
        ...triggerDefaults,
        deadLetter: { target: { url: 'https://dead.example/' } },
      },
    ],
  },
};

const cases = {
  'three-zones.yaml': tableChildren(table, {
    install,
    isFounded: true,
    slots: ['a', 'b', 'c'].map(slot),
  }),
  'no-zones.yaml': tableChildren(table, {
    install,
    isFounded: false,
    slots: [NO_ZONE, NO_ZONE, NO_ZONE].map(slot),
  }),
  'elaborate.yaml': tableChildren(elaborate, {
    install: {
      ...install,
      imagePullPolicy: 'Always',
      imagePullSecrets: ['pull'],
      metricsNamespaces: ['monitoring'],
    },
    isFounded: true,
    slots: [{ ...slot('a'), claimSize: '50Gi', partition: 0 }],
  }),
  'triggers.yaml': tableChildren(triggering, { install, isFounded: true, slots: [slot('a')] }),
};

test.each(Object.entries(cases))('objects of a table: %s', (name, objects) => {
  const path = join(import.meta.dirname, 'testdata', name);
  const text = objects
    .map((object) => stringify(object, { aliasDuplicateObjects: false }))
    .join('---\n');
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
});

test('templates are what they were: another hash restarts the pods of all tables at the next upgrade', () => {
  const hashes = cases['three-zones.yaml'].flatMap(
    ({ metadata }) => metadata.annotations?.[TEMPLATE_HASH] ?? [],
  );
  expect(hashes).toMatchInlineSnapshot(`
    [
      "a7b75ce21b286175",
      "ec30e00bf5f537ed",
      "897b53de3bcabf29",
    ]
  `);
});

test('a table of one replica has no disruption budget, which would keep its machine from being drained', () => {
  expect(cases['elaborate.yaml'].map(({ kind }) => kind)).not.toContain('PodDisruptionBudget');
});

test('names end with a hash of the uid, and long ones are cut before it', () => {
  expect(baseName({ name: 'music', uid: 'u1' })).toMatch(/^music-[0-9a-f]{5}$/);
  expect(baseName({ name: `${'a'.repeat(29)}-${'b'.repeat(20)}`, uid: 'u1' })).toMatch(
    /^a{29}-[0-9a-f]{5}$/,
  );
  expect(baseName({ name: 'music', uid: 'u1' })).not.toBe(baseName({ name: 'music', uid: 'u2' }));
});

test('equal objects have equal hashes, in whatever order their members come', () => {
  expect(hashOf({ a: 1, b: { c: [1, 2], d: undefined } })).toBe(hashOf({ b: { c: [1, 2] }, a: 1 }));
  expect(hashOf({ a: [1, 2] })).not.toBe(hashOf({ a: [2, 1] }));
});
