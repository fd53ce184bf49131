import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TlsMaterial } from './options.ts';
import { TestTransports, until } from './transports.fixture.ts';

/** An authority of its own, and certificates that it signs. */
class Authority {
  readonly #folder = mkdtempSync(join(tmpdir(), 'transport-tls-'));

  constructor() {
    const subject = ['-subj', '/CN=test authority', '-days', '2'];
    openssl([
      'req',
      '-x509',
      ...newKey,
      ...subject,
      '-keyout',
      this.#at('ca.key'),
      '-out',
      this.#at('ca.pem'),
    ]);
  }

  sign(name: string): TlsMaterial {
    const key = this.#at(`${name}.key`);
    const request = this.#at(`${name}.csr`);
    // The subject is another node's, to show that it does not count.
    openssl(['req', ...newKey, '-subj', '/CN=b', '-keyout', key, '-out', request]);
    writeFileSync(this.#at('names'), `subjectAltName=DNS:${name}\n`);
    const authority = ['-CA', this.#at('ca.pem'), '-CAkey', this.#at('ca.key'), '-CAcreateserial'];
    const names = ['-days', '2', '-extfile', this.#at('names')];
    openssl([
      'x509',
      '-req',
      '-in',
      request,
      ...authority,
      ...names,
      '-out',
      this.#at(`${name}.pem`),
    ]);
    return {
      ca: readFileSync(this.#at('ca.pem'), 'utf8'),
      cert: readFileSync(this.#at(`${name}.pem`), 'utf8'),
      key: readFileSync(key, 'utf8'),
    };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  #at(file: string): string {
    return join(this.#folder, file);
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(args: readonly string[]): void {
  try {
    execFileSync('openssl', args, { stdio: 'pipe' });
  } catch (error) {
    throw new Error('these tests need a working `openssl` on the path', { cause: error });
  }
}

const timeoutMs = 5_000;
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
  const b = await net.open('b', { tls: ofB, limits: { halfOpenMax: 2 } });
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
