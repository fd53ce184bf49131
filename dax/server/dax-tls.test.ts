import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../../dataplane/replication/transport/authority.fixture.ts';
import type { CertificateFiles } from '../../dataplane/tls-files.ts';
import { type Door, openDoor } from './door.fixture.ts';
import { signedHandshake } from './handshake.fixture.ts';
import {
  authorizeConnection,
  getItem,
  PREAMBLE,
  RawClient,
  request,
} from './raw-client.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'trestle-dax-tls-'));
const files: CertificateFiles = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
const authority = new Authority();
const lines: string[] = [];
const opened: { door?: Door; clients: RawClient[] } = { clients: [] };
const signed = () => authorizeConnection(signedHandshake({ nowMs: Date.now() }));

beforeAll(async () => {
  install();
  const log = pino({ level: 'info', base: null }, { write: (line) => lines.push(line) });
  opened.door = await openDoor({ tls: files, log });
});

afterEach(() => {
  for (const client of opened.clients.splice(0)) client.destroy();
});

afterAll(async () => {
  await opened.door?.close();
  authority.remove();
  rmSync(folder, { recursive: true });
});

/** A new certificate for the address that users connect to. */
function install(): void {
  const { cert, key } = authority.sign('cache.example', '127.0.0.1');
  writeFileSync(files.key, key);
  writeFileSync(files.cert, cert);
}

function theDoor(): Door {
  if (opened.door === undefined) throw new Error('it is open');
  return opened.door;
}

/** As Node's client does: by address, and so without naming a host. */
async function connectTls(): Promise<{ client: RawClient; socket: TLSSocket; serial: string }> {
  const port = theDoor().server.tlsPort ?? 0;
  const socket = connect({ port, host: '127.0.0.1', ca: authority.ca });
  const client = new RawClient(socket);
  opened.clients.push(client);
  await once(socket, 'secureConnect');
  return { client, socket, serial: socket.getPeerCertificate().serialNumber };
}

async function expectService(client: RawClient): Promise<void> {
  client.send(signed(), getItem('Nowhere', 'a'));
  expect(await client.fault()).toMatchObject({ errorCode: 'ResourceNotFoundException' });
}

describe('daxs', () => {
  it('has a certificate for clients that name no host, and tells nodes by their TLS ports', async () => {
    const { client } = await connectTls();
    client.send(PREAMBLE, signed(), request('endpoints'));
    const reply = (await client.take(30)).toString('hex');
    expect(reply).toContain(`19${(theDoor().server.tlsPort ?? 0).toString(16).padStart(4, '0')}`);
  });

  it('what is no TLS is closed, and nobody else is disturbed', async () => {
    const { client } = await connectTls();
    client.send(PREAMBLE);
    const plain = await RawClient.connect(theDoor().server.tlsPort ?? 0);
    opened.clients.push(plain);
    plain.send(PREAMBLE, signed(), getItem('Nowhere', 'a'));
    expect(await plain.end()).not.toBe(undefined);
    await expectService(client);
  });

  it('a new certificate is for new connections; the others go on', async () => {
    const old = await connectTls();
    old.client.send(PREAMBLE);
    await expectService(old.client);
    install();
    await expect.poll(async () => (await connectTls()).serial).not.toBe(old.serial);
    await expectService(old.client);
  });

  it('a certificate that does not fit its key is refused, and the one before stays', async () => {
    const { serial } = await connectTls();
    writeFileSync(files.cert, 'no certificate');
    await expect.poll(() => lines.join('')).toContain('certificateRefused');
    const { client, serial: later } = await connectTls();
    expect(later).toBe(serial);
    client.send(PREAMBLE);
    await expectService(client);
    install();
    await expect.poll(async () => (await connectTls()).serial).not.toBe(serial);
  });

  it('ends with FIN as well', async () => {
    const { client } = await connectTls();
    client.send(PREAMBLE, signed(), '011a00000001', Buffer.alloc(100_000));
    expect(await client.fault()).toMatchObject({ codes: [4, 37, 38, 44] });
    expect(await client.end()).toBe('fin');
  });
});
