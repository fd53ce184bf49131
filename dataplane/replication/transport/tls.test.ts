import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Authority } from './authority.fixture.ts';
import { ROUTER_CERTIFICATE_NAME } from './certificate.ts';
import type { TlsMaterial } from './options.ts';
import { TestTransports, until } from './transports.fixture.ts';

const timeoutMs = 30_000;
let ours: Authority;
let theirs: Authority;
let ofA: TlsMaterial;
let ofB: TlsMaterial;
let net: TestTransports;

beforeAll(() => {
  ours = new Authority();
  theirs = new Authority();
  ofA = ours.sign('a');
  ofB = ours.sign('b');
});

afterAll(() => {
  ours.remove();
  theirs.remove();
});

beforeEach(() => {
  net = new TestTransports(['a', 'b']);
});

afterEach(() => net.close());

test('peers with certificates of one authority talk, in bodies of all sizes', async () => {
  const { a, b } = await net.pair({ tls: ofA }, { tls: ofB });
  b.onRequest('echo', (body) => body);
  for (const bytes of [0, 10, 100_000, 5_000_000]) {
    const body = Buffer.alloc(bytes, 'x');
    expect(body.equals((await a.request('b', 'echo', body, { timeoutMs })) as Buffer)).toBe(true);
  }
  const many = Array.from({ length: 500 }, (_, n) => a.request('b', 'echo', n, { timeoutMs }));
  expect(await Promise.all(many)).toEqual(Array.from({ length: 500 }, (_, n) => n));
  await a.close();
  await until('b has noticed', () => !b.isConnected('a'));
});

test('a listener of another authority is not talked to', async () => {
  await net.open('b', { tls: theirs.sign('b') });
  const a = await net.open('a', { tls: ofA });
  await until('a has refused', () => a.lastFailure('b') !== undefined);
  expect(a.lastFailure('b')?.refusal).toMatchObject({ by: 'us', code: 'certificate' });
});

test('a dialler of another authority is not let in', async () => {
  const b = await net.open('b', { tls: ofB });
  const stranger = { ...theirs.sign('a'), ca: ofA.ca };
  const a = await net.open('a', { tls: stranger });
  await until('b has refused', () => net.events('refused').some(({ by }) => by === 'us'));
  expect(b.peers()).toEqual([]);
  await until('a knows', () => a.lastFailure('b') !== undefined);
  expect(a.isConnected('b')).toBe(false);
});

test('a listener whose certificate names another node is not talked to', async () => {
  await net.open('b', { tls: ours.sign('c') });
  const a = await net.open('a', { tls: ofA });
  await until('a has refused', () => a.lastFailure('b') !== undefined);
  expect(a.lastFailure('b')).toEqual({
    peer: 'b',
    reason: 'the certificate does not name b',
    refusal: { by: 'us', code: 'certificate', message: 'the certificate does not name b' },
  });
});

test('a dialler cannot speak in the name of another node than its certificate', async () => {
  const b = await net.open('b', { tls: ofB });
  const a = await net.open('a', { tls: ours.sign('c') });
  await until('a is refused', () => a.lastFailure('b') !== undefined);
  expect(a.lastFailure('b')?.refusal).toEqual({
    by: 'peer',
    code: 'certificate',
    message: 'the certificate does not name a',
  });
  expect(b.peers()).toEqual([]);
});

test('a wildcard certificate speaks for nobody', async () => {
  await net.open('b', { tls: ofB });
  const a = await net.open('a', { tls: ours.sign('*.example') });
  await until('a is refused', () => a.lastFailure('b')?.refusal?.code === 'certificate');
});

describe('routers that come and go share a name in their certificates', () => {
  const router = (id: string) => ({
    id,
    role: 'router' as const,
    clusterId: 'test',
    storeId: id,
    processId: id,
  });

  test('it stands for the id of any router', async () => {
    const b = await net.open('b', { tls: ofB });
    const tls = ours.sign(ROUTER_CERTIFICATE_NAME);
    for (const id of ['trestle-5d9-x7', 'trestle-5d9-k2']) {
      const one = await net.open(id, { self: router(id), tls });
      await net.connected(one, b);
    }
  });

  test('a router with a certificate of another name is not let in', async () => {
    await net.open('b', { tls: ofB });
    const tls = ours.sign('router.example');
    const one = await net.open('r', { self: router('r'), tls });
    await until('r is refused', () => one.lastFailure('b') !== undefined);
    expect(one.lastFailure('b')?.refusal).toEqual({
      by: 'peer',
      code: 'certificate',
      message: 'the certificate does not name r',
    });
  });

  test('it stands for no node: neither one that dials', async () => {
    const b = await net.open('b', { tls: ofB });
    const a = await net.open('a', { tls: ours.sign(ROUTER_CERTIFICATE_NAME) });
    await until('a is refused', () => a.lastFailure('b') !== undefined);
    expect(a.lastFailure('b')?.refusal).toEqual({
      by: 'peer',
      code: 'certificate',
      message: 'the certificate does not name a',
    });
    expect(b.peers()).toEqual([]);
  });

  test('nor one that says it is a router', async () => {
    const b = await net.open('b', { tls: ofB });
    const tls = ours.sign(ROUTER_CERTIFICATE_NAME);
    const a = await net.open('a', { self: router('a'), tls });
    await until('a is refused', () => a.lastFailure('b') !== undefined);
    expect(a.lastFailure('b')?.refusal).toMatchObject({ by: 'peer', code: 'unknownNode' });
    expect(b.peers()).toEqual([]);
  });

  test('nor one that is dialled', async () => {
    await net.open('b', { tls: ours.sign(ROUTER_CERTIFICATE_NAME) });
    const one = await net.open('r', { self: router('r'), tls: ours.sign('r') });
    await until('r has refused', () => one.lastFailure('b') !== undefined);
    expect(one.lastFailure('b')?.refusal).toMatchObject({ by: 'us', code: 'certificate' });
  });
});

test('plain TCP and TLS do not meet', async () => {
  const b = await net.open('b', { tls: ofB });
  const a = await net.open('a');
  await until('b has closed', () =>
    net.events('refused').some(({ code }) => code === 'certificate'),
  );
  await until('a has noticed', () => a.lastFailure('b') !== undefined);
  expect(b.peers()).toEqual([]);
});

test('half-open connections are bounded and closed in time under TLS too', async () => {
  const b = await net.open('b', { tls: ofB, limits: { halfOpenMax: 2, helloTimeoutMs: 400 } });
  const halfOpen = [await net.dialRaw(b), await net.dialRaw(b)];
  const tooMany = await net.dialRaw(b);
  await tooMany.closed();
  for (const one of halfOpen) await one.closed();
  const a = await net.open('a', { tls: ofA });
  await net.connected(a, b);
});

test('a dialler without a certificate, or of an older TLS, is not let in, also after a renewal', async () => {
  const b = await net.open('b', { tls: ofB });
  b.setTls(ofB);
  const { port, host } = b.address ?? { port: 0, host: '' };
  const attempts = [{ ca: ofB.ca }, { ...ofA, maxVersion: 'TLSv1.2' }] as const;
  for (const attempt of attempts) {
    const socket = connect({ port, host, checkServerIdentity: () => undefined, ...attempt });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => socket.destroy());
    await closed;
  }
  const reasons = net.events('refused').map(({ code, reason }) => [code, reason]);
  expect(reasons).toEqual([
    ['certificate', 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'],
    ['certificate', 'ERR_SSL_UNSUPPORTED_PROTOCOL'],
  ]);
});

test('renewed certificates are used for connections made from then on', async () => {
  const b = await net.open('b', { tls: theirs.sign('b') });
  const a = await net.open('a', { tls: ofA });
  await until('a has refused', () => a.lastFailure('b') !== undefined);
  b.setTls(ofB);
  await net.connected(a, b);
  a.setTls(ours.sign('a'));
  expect(a.isConnected('b')).toBe(true);
});
