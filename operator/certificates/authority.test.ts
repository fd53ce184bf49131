import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { expect, test } from 'vitest';
import { checkLeaf, newAuthority, newLeaf, signingPair } from './authority.ts';

const nowMs = Date.parse('2026-11-26T00:00:00Z');
const DAY_MS = 86_400_000;
const issuance = { nowMs, randomBytes };
const names = {
  commonName: 'music-12345-z0-0',
  dnsNames: ['music-12345-z0-0', 'music-12345-z0-0.music-12345.shop.svc'],
  uri: 'spiffe://trestle.dev/ns/shop/table/music/storage',
};

test('a leaf names the pod, is signed by the authority and serves both sides of mutual TLS', async () => {
  const authority = await newAuthority('trestle shop', { nowMs: Date.now(), randomBytes });
  const leaf = await newLeaf(authority, names, { nowMs: Date.now(), randomBytes });
  const certificate = new X509Certificate(leaf.certificate);
  expect(certificate.subjectAltName).toBe(
    'DNS:music-12345-z0-0, DNS:music-12345-z0-0.music-12345.shop.svc, URI:spiffe://trestle.dev/ns/shop/table/music/storage',
  );
  expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
  const tls = { ca: authority.certificate, cert: leaf.certificate, key: leaf.key };
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const client = tlsConnect({ ...tls, port, host: '127.0.0.1', servername: 'music-12345-z0-0' });
  await once(client, 'secureConnect');
  const [socket] = await accepted;
  expect(socket.authorized).toBe(true);
  expect(client.authorized).toBe(true);
  client.destroy();
  socket.destroy();
  server.close();
});

test('a leaf lives 90 days and is renewed at two thirds of its life, a little earlier by chance', async () => {
  const authority = await newAuthority('trestle shop', issuance);
  const leaf = await newLeaf(authority, names, issuance);
  const state = checkLeaf(leaf, { issuers: authority.certificate, dnsNames: names.dnsNames });
  if ('fault' in state) throw new Error(state.fault);
  expect(state.notAfterMs).toBe(nowMs + 90 * DAY_MS);
  expect(state.renewAtMs).toBeGreaterThan(nowMs + 54 * DAY_MS);
  expect(state.renewAtMs).toBeLessThan(nowMs + 61 * DAY_MS);
});

test('an authority lives five years and may sign leaves only', async () => {
  const authority = new X509Certificate((await newAuthority('trestle shop', issuance)).certificate);
  expect(authority.ca).toBe(true);
  expect(authority.validToDate.getTime()).toBe(nowMs + 1825 * DAY_MS);
  expect(authority.subject).toBe('CN=trestle shop');
});

test.each([
  ['that is absent', { certificate: undefined, key: undefined }, 'is not there'],
  ['that is no PEM', { certificate: 'x', key: 'y' }, 'is no certificate'],
])('a leaf %s cannot stay', async (_, leaf, fault) => {
  const authority = await newAuthority('trestle shop', issuance);
  const state = checkLeaf(leaf, { issuers: authority.certificate, dnsNames: [] });
  expect(state).toEqual({ fault });
});

test('a leaf of another authority or without a name cannot stay', async () => {
  const [authority, other] = await Promise.all([
    newAuthority('trestle shop', issuance),
    newAuthority('trestle shop', issuance),
  ]);
  const leaf = await newLeaf(authority, names, issuance);
  const issuers = authority.certificate;
  expect(checkLeaf(leaf, { issuers: other.certificate, dnsNames: [] })).toEqual({
    fault: 'is of another authority',
  });
  expect(checkLeaf(leaf, { issuers, dnsNames: ['music-12345-z1-0'] })).toEqual({
    fault: 'does not name music-12345-z1-0',
  });
  const both = `${other.certificate}${issuers}`;
  expect(checkLeaf(leaf, { issuers: both, dnsNames: [] })).toHaveProperty('renewAtMs');
});

test('the signing certificate is the one that the key belongs to', async () => {
  const [old, young] = await Promise.all([
    newAuthority('trestle shop', issuance),
    newAuthority('trestle shop', issuance),
  ]);
  const bundle = `${old.certificate}${young.certificate}`;
  const digest = (pem: string) =>
    createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
  const pair = signingPair(bundle, young.key);
  expect(digest(pair?.certificate ?? '')).toBe(digest(young.certificate));
  expect(signingPair(old.certificate, young.key)).toBeUndefined();
  expect(signingPair(bundle, 'no key')).toBeUndefined();
});
