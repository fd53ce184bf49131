import { expect, it } from 'vitest';
import { JsonFields } from '../json-fields.ts';
import { triggersOf } from './trigger-rules.ts';

const complain = (complaint: string): never => {
  throw new Error(complaint);
};
const read = (...triggers: object[]) =>
  triggersOf(new JsonFields({ triggers }, '', complain).list('triggers'), complain);

const TARGET = { url: 'https://hook.test/' };
const hook = { name: 'hook', target: TARGET };

it('trigger rules: all that may be said is taken over', () => {
  const all = {
    name: 'a-1',
    target: { url: 'https://hook.test:8443/x?y=z', caBundle: 'ca.crt', auth: auth() },
    enabled: false,
    batchSize: 10_000,
    maximumBatchingWindowSeconds: 300,
    startingPosition: 'TRIM_HORIZON',
    parallelizationFactor: 10,
    maximumRetryAttempts: 10_000,
    maximumRecordAgeSeconds: 604_800,
    bisectBatchOnFunctionError: true,
    reportBatchItemFailures: true,
    filterPatterns: ['{"eventName":["INSERT"]}'],
    timeoutSeconds: 900,
    deadLetter: { url: 'http://dead.test/', caBundle: undefined, auth: undefined },
  };
  expect(read(all)).toEqual([all]);
});

function auth() {
  return { scheme: 'HMAC', secret: 'keys/hook' };
}

it('trigger rules: a service is an address in the cluster', () => {
  const url = (service: object) => read({ name: 'hook', target: { service } })[0]?.target.url;
  expect(url({ name: 'audit', namespace: 'apps' })).toBe('http://audit.apps.svc/');
  expect(url({ name: 'audit', namespace: 'apps', port: 8080, path: '/hook' })).toBe(
    'http://audit.apps.svc:8080/hook',
  );
  expect(url({ name: 'audit', namespace: 'apps', scheme: 'https' })).toBe(
    'https://audit.apps.svc/',
  );
});

it('trigger rules: filter patterns may be objects', () => {
  const [trigger] = read({ ...hook, filterPatterns: [{ eventName: ['REMOVE'] }] });
  expect(trigger?.filterPatterns).toEqual(['{"eventName":["REMOVE"]}']);
});

it.each<[string, object, string]>([
  ['no name', { target: TARGET }, 'needs a name of 1 to 63 lower-case letters'],
  ['a name of other letters', { ...hook, name: 'Hook' }, 'needs a name of 1 to 63'],
  ['no target', { name: 'hook' }, 'needs a target for hook'],
  ['a misspelt member', { ...hook, batchsize: 1 }, 'unknown member triggers[0].batchsize'],
  ['two addresses', { ...hook, target: { ...TARGET, service: {} } }, 'either url or service'],
  ['no address', { ...hook, target: {} }, 'either url or service'],
  ['another scheme', { ...hook, target: { url: 'ftp://x/' } }, 'an http or https address'],
  ['what is no address', { ...hook, target: { url: 'http://[' } }, 'an address that is none'],
  ['a password', { ...hook, target: { url: 'http://me:secret@x/' } }, 'a user or password'],
  ['a batch of none', { ...hook, batchSize: 0 }, 'a number from 1 to 10000'],
  ['a large batch', { ...hook, batchSize: 10_001 }, 'a number from 1 to 10000'],
  ['a long window', { ...hook, maximumBatchingWindowSeconds: 301 }, 'a number from 0 to 300'],
  ['another position', { ...hook, startingPosition: 'AT_TIMESTAMP' }, 'TRIM_HORIZON, LATEST'],
  ['many lanes', { ...hook, parallelizationFactor: 11 }, 'a number from 1 to 10'],
  ['attempts below -1', { ...hook, maximumRetryAttempts: -2 }, 'a number from -1 to 10000'],
  ['a text for a flag', { ...hook, enabled: 'yes' }, 'needs true or false'],
  ['six patterns', { ...hook, filterPatterns: Array(6).fill({ a: [1] }) }, 'more than 5 filter'],
  [
    'a broken pattern',
    { ...hook, filterPatterns: ['{'] },
    'is refused: a filter pattern is a JSON',
  ],
  ['another scheme of auth', { ...hook, target: { ...TARGET, auth: { scheme: 'BASIC' } } }, 'HMAC'],
])('trigger rules: %s is refused', (_, trigger, message) => {
  expect(() => read(trigger)).toThrow(message);
});

it('trigger rules: a name stands once, and a table has at most 16', () => {
  expect(() => read(hook, hook)).toThrow('two triggers named hook');
  const many = Array.from({ length: 17 }, (_, at) => ({ ...hook, name: `hook-${at}` }));
  expect(() => read(...many)).toThrow('more than 16 triggers');
});
