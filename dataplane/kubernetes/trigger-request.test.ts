import { expect, it } from 'vitest';
import { JsonFields } from '../json-fields.ts';
import { triggersOf } from '../trigger/trigger-rules.ts';
import { musicTable, triggerDefaults } from './table.fixture.ts';
import type { Trigger } from './table-types.ts';
import { triggerDestinationsOf, triggerFilesOf, triggersRequestOf } from './trigger-request.ts';

const audit: Trigger = {
  ...triggerDefaults,
  name: 'audit',
  target: { service: { name: 'audit', path: '/hook', scheme: 'https' } },
  caBundleRef: { kind: 'ConfigMap', name: 'authorities', key: 'ca.crt' },
  authSecretRef: { name: 'hook', key: 'hmac', scheme: 'HMAC' },
  filterPatterns: ['{"eventName":["INSERT"]}'],
  deadLetter: {
    target: { url: 'http://dead.example:8080/letters' },
    authSecretRef: { name: 'hook', key: 'token', scheme: 'BEARER' },
  },
};
const plain: Trigger = {
  ...triggerDefaults,
  name: 'plain',
  target: { service: { name: 'sink', namespace: 'apps', port: 8080, path: '/', scheme: 'http' } },
};
const { spec } = musicTable({ triggers: [audit, plain] });

it('triggers of a Table: addresses and files are as nodes find them', () => {
  const [first, second] = triggersRequestOf(spec, 'shop');
  expect(first).toEqual({
    ...triggerDefaults,
    name: 'audit',
    target: {
      url: 'https://audit.shop.svc/hook',
      caBundle: 'configmaps/authorities/ca.crt',
      auth: { scheme: 'HMAC', secret: 'secrets/hook/hmac' },
    },
    filterPatterns: ['{"eventName":["INSERT"]}'],
    deadLetter: {
      url: 'http://dead.example:8080/letters',
      auth: { scheme: 'BEARER', secret: 'secrets/hook/token' },
    },
  });
  expect(second).toMatchObject({ name: 'plain', target: { url: 'http://sink.apps.svc:8080/' } });
});

it('triggers of a Table: what is asked for is what DescribeTriggers will show', () => {
  const fail = (complaint: string): never => {
    throw new Error(complaint);
  };
  const wanted = triggersRequestOf(spec, 'shop');
  const taken = triggersOf(new JsonFields({ wanted }, '', fail).list('wanted'), fail);
  expect(JSON.parse(JSON.stringify(taken))).toEqual(wanted);
});

it('triggers of a Table: each file once', () => {
  expect(triggerFilesOf(spec).map(({ kind, path }) => `${kind} ${path}`)).toEqual([
    'ConfigMap configmaps/authorities/ca.crt',
    'Secret secrets/hook/hmac',
    'Secret secrets/hook/token',
  ]);
  expect(triggerFilesOf(musicTable({}).spec)).toEqual([]);
});

it('triggers of a Table: where they go', () => {
  expect(triggerDestinationsOf(spec, 'shop')).toEqual([
    { kind: 'namespace', namespace: 'apps' },
    { kind: 'namespace', namespace: 'shop' },
    { kind: 'port', port: 8080 },
  ]);
  const url = 'https://hook.example/';
  const { spec: outside } = musicTable({ triggers: [{ ...plain, target: { url } }] });
  expect(triggerDestinationsOf(outside, 'shop')).toEqual([{ kind: 'port', port: 443 }]);
});
