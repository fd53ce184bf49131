import { X509Certificate } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { parseCredentials } from '../../dataplane/access/credentials.ts';
import { type KubeApi, startKubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { AuthorityBroken } from './authority-secret.ts';
import { type CertificateHolders, IssuedCertificates } from './issued-certificates.ts';
import { NamespaceSecrets } from './namespace-secrets.ts';
import { encodedData, type SecretObject, secretText } from './secret-data.ts';

const DAY_MS = 86_400_000;
let api: KubeApi;
let namespace: string;
let startMs: number;
let aheadMs: number;

beforeAll(async () => {
  api = await startKubeApi();
});

afterAll(() => api?.close());

beforeEach(async () => {
  namespace = await api.newNamespace('secrets');
  startMs = Date.now();
  aheadMs = 0;
});

const secretsOf = () =>
  new NamespaceSecrets({
    client: api.client,
    fieldManager: 'trestle-operator',
    log: pino({ level: 'silent' }),
    // Moved by hand alone: a second more or less counts.
    nowMs: () => startMs + aheadMs,
  });

const read = (name: string) => api.client.get<SecretObject>(resources.secrets, { namespace, name });

const holders = (): CertificateHolders => ({
  uid: 'uid',
  namespace,
  component: 'storage',
  secret: { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name: 'music-tls' } },
  leaves: [0, 1, 2].map((slot) => ({
    file: `music-z${slot}-0`,
    commonName: `music-z${slot}-0`,
    dnsNames: [`music-z${slot}-0`, `music-z${slot}-0.music.${namespace}.svc`],
    uri: `spiffe://trestle.dev/ns/${namespace}/table/music/storage`,
  })),
});

test('a namespace gets its authority, the routers their certificate, and people an access key', async () => {
  await secretsOf().ensure(namespace);
  const authority = await read('trestle-ca');
  const router = await read('trestle-router-tls');
  const bundle = secretText(authority, 'ca.crt') ?? '';
  expect(secretText(router, 'ca.crt')).toBe(bundle);
  const leaf = new X509Certificate(secretText(router, 'tls.crt') ?? '');
  expect(leaf.verify(new X509Certificate(bundle).publicKey)).toBe(true);
  for (const name of ['router.trestle.dev', 'trestle', `trestle.${namespace}.svc`, 'localhost']) {
    expect(leaf.checkHost(name, { subject: 'never' })).toBe(name);
  }
  const keys = await read('trestle-credentials');
  const text = secretText(keys, 'credentials') ?? '';
  const credentials = parseCredentials(text, 'the Secret', '123456789012');
  expect([...credentials.keys()]).toEqual([secretText(keys, 'accessKeyId')]);
  expect(secretText(keys, 'secretAccessKey')).toHaveLength(40);
});

test('what is there stays: another operator, and another pass, change nothing', async () => {
  await Promise.all([secretsOf().ensure(namespace), secretsOf().ensure(namespace)]);
  const names = ['trestle-ca', 'trestle-router-tls', 'trestle-credentials'];
  const before = await Promise.all(names.map(read));
  await secretsOf().ensure(namespace);
  const after = await Promise.all(names.map(read));
  expect(after.map((secret) => secret?.metadata.resourceVersion)).toEqual(
    before.map((secret) => secret?.metadata.resourceVersion),
  );
});

test('what routers do not start without is added to the keys of a former version', async () => {
  await secretsOf().ensure(namespace);
  const before = await read('trestle-credentials');
  const name = { namespace, name: 'trestle-credentials' };
  const merge = { contentType: 'merge' } as const;
  await api.client.patch(resources.secrets, name, { data: { policies: null } }, merge);
  await secretsOf().ensure(namespace);
  expect((await read('trestle-credentials'))?.data).toEqual(before?.data);
  expect(secretText(before, 'policies')).toBe('{"policies":[]}\n');
});

test('the certificate of routers is renewed at two thirds of its life', async () => {
  const secrets = secretsOf();
  await secrets.ensure(namespace);
  const before = await read('trestle-router-tls');
  aheadMs = 50 * DAY_MS;
  await secrets.ensure(namespace);
  expect((await read('trestle-router-tls'))?.data).toEqual(before?.data);
  aheadMs = 61 * DAY_MS;
  await secrets.ensure(namespace);
  expect((await read('trestle-router-tls'))?.data).not.toEqual(before?.data);
});

test('an authority that cannot sign is not made anew over', async () => {
  const data = encodedData({ 'ca.crt': 'damaged', 'ca.key': 'damaged' });
  await api.client.create(resources.secrets, {
    metadata: { namespace, name: 'trestle-ca' },
    data,
  } as never);
  await expect(secretsOf().ensure(namespace)).rejects.toThrow(AuthorityBroken);
  expect((await read('trestle-ca'))?.data).toEqual(data);
  const certificates = new IssuedCertificates({
    client: api.client,
    secrets: secretsOf(),
    fieldManager: 'x',
  });
  expect(await certificates.state(holders())).toMatchObject({ kind: 'broken' });
});

test('an authority that somebody deletes is put back as it was, with what is remembered of a rotation', async () => {
  const secrets = secretsOf();
  await secrets.ensure(namespace);
  const name = { namespace, name: 'trestle-ca' };
  const annotations = { 'trestle.dev/rotated': '1' };
  const merge = { contentType: 'merge' } as const;
  await api.client.patch(resources.secrets, name, { metadata: { annotations } }, merge);
  await secrets.ensure(namespace);
  const [before, router] = [await read('trestle-ca'), await read('trestle-router-tls')];
  await api.client.delete(resources.secrets, name);
  await secrets.ensure(namespace);
  const after = await read('trestle-ca');
  expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
  expect(after?.data).toEqual(before?.data);
  expect(after?.metadata).toMatchObject({ labels: before?.metadata.labels, annotations });
  expect((await read('trestle-router-tls'))?.data).toEqual(router?.data);

  // Damaged, then deleted: it is the one that was good last.
  const damaged = { data: encodedData({ 'ca.key': 'damaged' }) };
  await api.client.patch(resources.secrets, name, damaged, merge);
  await expect(secrets.ensure(namespace)).rejects.toThrow(AuthorityBroken);
  await api.client.delete(resources.secrets, name);
  await secrets.ensure(namespace);
  expect((await read('trestle-ca'))?.data).toEqual(before?.data);

  // Who has not read it makes another.
  await api.client.delete(resources.secrets, name);
  await secretsOf().ensure(namespace);
  expect((await read('trestle-ca'))?.data).not.toEqual(before?.data);
});

test('the certificates of a table are made, kept while they are good, and renewed one by one', async () => {
  const secrets = secretsOf();
  const certificates = new IssuedCertificates({
    client: api.client,
    secrets,
    fieldManager: 'trestle-operator',
  });
  expect(await certificates.state(holders())).toMatchObject({ kind: 'due' });
  await certificates.issue(holders());
  expect(await certificates.state(holders())).toMatchObject({ kind: 'issued' });
  const first = await read('music-tls');
  await certificates.issue(holders());
  expect((await read('music-tls'))?.data).toEqual(first?.data);

  // One of them is damaged: the others stay.
  const damaged = { ...first?.data, ...encodedData({ 'music-z1-0.crt': 'damaged' }) };
  await api.client.patch(
    resources.secrets,
    { namespace, name: 'music-tls' },
    { data: damaged },
    { contentType: 'merge' },
  );
  certificates.forget('uid');
  expect(await certificates.state(holders())).toEqual({
    kind: 'due',
    reason: 'the certificate of music-z1-0 is no certificate',
  });
  await certificates.issue(holders());
  const repaired = await read('music-tls');
  expect(repaired?.data?.['music-z0-0.crt']).toBe(first?.data?.['music-z0-0.crt']);
  expect(repaired?.data?.['music-z1-0.crt']).not.toBe(first?.data?.['music-z1-0.crt']);

  aheadMs = 61 * DAY_MS;
  expect(await certificates.state(holders())).toMatchObject({ kind: 'due' });
  await certificates.issue(holders());
  expect((await read('music-tls'))?.data?.['music-z0-0.crt']).not.toBe(
    first?.data?.['music-z0-0.crt'],
  );
});

test('Secrets that are good are read again in their time, one after the other, and at once when a leaf ends', async () => {
  const client = api.newClient();
  const secrets = secretsOf();
  const certificates = new IssuedCertificates({
    client,
    secrets,
    fieldManager: 'trestle-operator',
  });
  const tables = ['a', 'b', 'c'].map((uid) => ({ ...holders(), uid }));
  await certificates.issue(holders());
  const readsCount = async () => {
    const before = client.requestsCount.total;
    for (const table of tables) {
      expect(await certificates.state(table)).toMatchObject({ kind: 'issued' });
    }
    return client.requestsCount.total - before;
  };
  expect(await readsCount()).toBe(3);
  expect(await readsCount()).toBe(0);
  aheadMs = 40 * 60_000;
  expect([await readsCount(), await readsCount()]).toEqual([1, 0]);
  aheadMs += 10_000;
  expect([await readsCount(), await readsCount()]).toEqual([1, 0]);
  aheadMs = 61 * DAY_MS;
  const [table = holders()] = tables;
  expect(await certificates.state(table)).toMatchObject({ kind: 'due' });
  expect(await certificates.state(table)).toMatchObject({ kind: 'due' });
});

test('the Secret of an object whose pods do not all run is read again soon, one after the other', async () => {
  const certificates = new IssuedCertificates({
    client: api.client,
    secrets: secretsOf(),
    fieldManager: 'trestle-operator',
  });
  const [table, other] = ['a', 'b'].map((uid) => ({ ...holders(), uid }));
  if (table === undefined || other === undefined) throw new Error('there are two');
  await certificates.issue(table);
  for (const each of [table, other]) {
    expect(await certificates.state(each)).toMatchObject({ kind: 'issued' });
  }
  await api.client.delete(resources.secrets, { namespace, name: 'music-tls' });
  expect(await certificates.state(table, true)).toMatchObject({ kind: 'issued' });
  aheadMs = 16_000;
  expect(await certificates.state(table)).toMatchObject({ kind: 'issued' });
  expect(await certificates.state(table, true)).toMatchObject({ kind: 'due' });
  expect(await certificates.state(other, true)).toMatchObject({ kind: 'issued' });
  aheadMs += 1_000;
  expect(await certificates.state(other, true)).toMatchObject({ kind: 'due' });
});

test('another authority in the bundle: leaves go on, and all get the new bundle', async () => {
  const secrets = secretsOf();
  const certificates = new IssuedCertificates({
    client: api.client,
    secrets,
    fieldManager: 'trestle-operator',
  });
  await certificates.issue(holders());
  const other = await api.newNamespace('other');
  await secretsOf().ensure(other);
  const own = secretText(await read('trestle-ca'), 'ca.crt');
  const foreign = secretText(
    await api.client.get<SecretObject>(resources.secrets, { namespace: other, name: 'trestle-ca' }),
    'ca.crt',
  );
  const data = encodedData({ 'ca.crt': `${own}${foreign}` });
  await api.client.patch(
    resources.secrets,
    { namespace, name: 'trestle-ca' },
    { data },
    { contentType: 'merge' },
  );
  const before = await read('music-tls');
  await secrets.ensure(namespace);
  expect(await certificates.state(holders())).toMatchObject({
    kind: 'due',
    reason: expect.stringContaining('authority'),
  });
  await certificates.issue(holders());
  const after = await read('music-tls');
  expect(secretText(after, 'ca.crt')).toBe(`${own}${foreign}`);
  expect(after?.data?.['music-z0-0.crt']).toBe(before?.data?.['music-z0-0.crt']);
});

test('the operator shows one certificate at a time, however many ask', async () => {
  const secrets = secretsOf();
  const [first, second] = await Promise.all([
    secrets.operatorIdentity(namespace),
    secrets.operatorIdentity(namespace),
  ]);
  expect(second).toBe(first);
  expect(
    new X509Certificate(first.cert).checkHost('operator.trestle.dev', { subject: 'never' }),
  ).toBe('operator.trestle.dev');
});
