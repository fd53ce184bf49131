import { expect, test } from 'vitest';
import { parseCredentials } from '../../dataplane/access/credentials.ts';
import { encodedData, type SecretObject, secretText } from '../certificates/secret-data.ts';
import type { KeyMaterial } from './key-material.ts';
import { isOwnedBy, type KeySecret, keySecretOf, materialOf } from './key-secret.ts';

const material: KeyMaterial = {
  current: { accessKeyId: 'AKIACURRENT', secretAccessKey: 'current/secret+' },
  sinceMs: Date.UTC(2026, 0, 1, 2, 3, 4, 567),
  next: undefined,
  previous: { accessKeyId: 'AKIAPREVIOUS', secretAccessKey: 'previous' },
  obeyedRequest: '7',
};

/** As the API server would give it after a merge patch. */
function secretOf(keys: KeyMaterial, change: KeySecret['data'] = {}): SecretObject {
  const { annotations, data } = keySecretOf(keys);
  const present = Object.entries({ ...data, ...change }).flatMap(([member, text]) =>
    text === null ? [] : [[member, text] as const],
  );
  const metadata = { name: 'app', creationTimestamp: '2026-01-01T00:00:00Z', annotations };
  return { apiVersion: 'v1', kind: 'Secret', metadata, data: Object.fromEntries(present) };
}

test('what is written is read again', () => {
  expect(materialOf(secretOf(material), '')).toEqual(material);
  const { current, previous, ...rest } = material;
  const staged = { ...rest, current, next: previous, previous: undefined };
  expect(materialOf(secretOf(staged), '')).toEqual(staged);
});

test('it holds the current key as programs and as credentials files have it', () => {
  const secret = secretOf(material);
  expect(secretText(secret, 'accessKeyId')).toBe('AKIACURRENT');
  expect(secretText(secret, 'secretAccessKey')).toBe('current/secret+');
  const credentials = parseCredentials(secretText(secret, 'credentials') ?? '', 'it', '1');
  expect([...credentials.keys()]).toEqual(['AKIACURRENT']);
});

test('members of keys that are no more are taken away', () => {
  const { data } = keySecretOf({ ...material, previous: undefined });
  expect(data).toMatchObject({ previousAccessKeyId: null, previousSecretAccessKey: null });
});

test.each([
  ['no key', { accessKeyId: null }],
  ['half a key', { secretAccessKey: null }],
  ['an empty secret', encodedData({ secretAccessKey: '' })],
  ['an id that no credentials file takes', encodedData({ accessKeyId: 'a "b"' })],
])('a Secret with %s holds nothing', (_name, change) => {
  expect(materialOf(secretOf(material, change), '')).toBeUndefined();
});

test('a damaged former key is left out; a missing time is that of the Secret', () => {
  const secret = secretOf(material, { previousSecretAccessKey: null });
  const annotations = { ...secret.metadata.annotations, 'trestle.dev/rotated-at': 'yesterday' };
  const damaged = { ...secret, metadata: { ...secret.metadata, annotations } };
  expect(materialOf(damaged, '')).toMatchObject({ previous: undefined, sinceMs: 0 });
  const without = { ...secret, metadata: { ...secret.metadata, annotations: {} } };
  expect(materialOf(without, '3')).toMatchObject({
    sinceMs: Date.UTC(2026, 0, 1),
    obeyedRequest: '3',
  });
});

test('a Secret is of its controller alone', () => {
  const owner = { apiVersion: 'v', kind: 'AccessKey', metadata: { name: 'app', uid: '1' } };
  const reference = { apiVersion: 'v', kind: 'AccessKey', name: 'app', uid: '1' };
  const secret = secretOf(material);
  const owned = (controller: boolean, uid: string) => ({
    ...secret,
    metadata: { ...secret.metadata, ownerReferences: [{ ...reference, uid, controller }] },
  });
  expect(isOwnedBy(owned(true, '1'), owner)).toBe(true);
  expect(isOwnedBy(owned(false, '1'), owner)).toBe(false);
  expect(isOwnedBy(owned(true, '2'), owner)).toBe(false);
  expect(isOwnedBy(secret, owner)).toBe(false);
});
