import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { connect as connectPlain, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Authority } from '../replication/transport/authority.fixture.ts';
import { startServer, type TestServer } from './endpoint.fixture.ts';

let authority: Authority;
let other: Authority;
let folder: string;
let server: TestServer | undefined;

beforeAll(() => {
  authority = new Authority();
  other = new Authority();
});
afterAll(() => {
  authority.remove();
  other.remove();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trestle endpoint '));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

const files = () => ({ cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') });

function write(signer: Authority): void {
  const { cert, key } = signer.sign('localhost', 'trestle.default.svc');
  writeFileSync(files().cert, cert);
  writeFileSync(files().key, key);
}

async function start(signer = authority): Promise<TestServer & { readonly tlsPort: number }> {
  write(signer);
  const started = await startServer({ tls: { port: 0, ...files() } });
  server = started;
  return { ...started, tlsPort: Number(new URL(started.endpoint.tlsUrl ?? '').port) };
}

async function tablesSeenBy(endpoint: string, ca: string): Promise<readonly string[] | string> {
  const httpsAgent = new Agent({ ca });
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
    requestHandler: { httpsAgent },
  });
  try {
    return (await client.send(new ListTablesCommand({}))).TableNames ?? [];
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  } finally {
    client.destroy();
  }
}

async function dial(port: number, ca = authority.ca): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca });
  await once(socket, 'secureConnect');
  return socket;
}

/** What comes back, until the other end closes. */
async function answerTo(socket: TLSSocket, text: string): Promise<string> {
  socket.setEncoding('latin1');
  socket.write(text);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}

const health = (connection: string) =>
  `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: ${connection}\r\n\r\n`;

describe('the API by HTTPS', () => {
  it('serves SDKs that trust its authority, and no others', async () => {
    const { tlsPort } = await start();
    const url = `https://localhost:${tlsPort}`;
    expect(await tablesSeenBy(url, authority.ca)).toEqual([]);
    expect(await tablesSeenBy(url, other.ca)).toMatch(/^(UNABLE_TO_VERIFY|SELF_SIGNED|CERT_)/);
  });

  it('is a second way to the same: plain HTTP goes on', async () => {
    const { endpoint } = await start();
    expect(endpoint.tlsUrl).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(endpoint.urls).toBe(`${endpoint.url} and ${endpoint.tlsUrl}`);
    expect((await fetch(endpoint.url)).status).toBe(200);
  });

  it('takes renewed certificates for new connections, and leaves the open ones', async () => {
    const { tlsPort } = await start();
    const open = await dial(tlsPort);
    write(other);
    await expect.poll(() => tablesSeenBy(`https://localhost:${tlsPort}`, other.ca)).toEqual([]);
    expect(await answerTo(open, health('close'))).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('keeps what it has when the new certificate is of no use', async () => {
    const { tlsPort, logged } = await start();
    writeFileSync(files().cert, 'x');
    await expect.poll(() => logged.map(({ msg }) => msg)).toContain('certificateRefused');
    expect(logged.at(-1)?.error).toMatch(/^the TLS files .* are unusable: /);
    expect(await answerTo(await dial(tlsPort), health('close'))).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('answers malformed HTTP, and cuts off what is no TLS', async () => {
    const { tlsPort } = await start();
    expect(await answerTo(await dial(tlsPort), 'nonsense\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\n/,
    );
    const plain = connectPlain(tlsPort, '127.0.0.1');
    plain.on('error', () => undefined);
    plain.write(health('close'));
    await once(plain, 'close');
  });

  it('asks for the end of connections while it drains, and goes on', async () => {
    const { endpoint, tlsPort, port } = await start();
    const drained = endpoint.drain(200);
    for (const answer of [
      await answerTo(await dial(tlsPort), health('keep-alive')),
      await answerTo(await dial(tlsPort), health('keep-alive')),
    ]) {
      expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\nConnection: close\r\n/i);
    }
    const response = await fetch(`http://127.0.0.1:${port}`);
    expect([response.status, response.headers.get('connection')]).toEqual([200, 'close']);
    await drained;
  });

  it('ends at once, whoever has connected and said nothing', async () => {
    const { tlsPort, endpoint } = await start();
    const silent = connectPlain(tlsPort, '127.0.0.1');
    await once(silent, 'connect');
    const open = await dial(tlsPort);
    await endpoint.close(60_000);
    await Promise.all([silent, open].map((socket) => socket.closed || once(socket, 'close')));
    server = undefined;
  });
});

describe('the API by HTTPS does not start', () => {
  it('without its files', async () => {
    await expect(startServer({ tls: { port: 0, ...files() } })).rejects.toThrow(
      `cannot read the TLS file ${files().cert}: ENOENT`,
    );
  });

  it('on a port that is taken, and then there is no plain HTTP either', async () => {
    write(authority);
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const freed = free.address();
    const plainPort = typeof freed === 'object' && freed !== null ? freed.port : 0;
    await new Promise((resolve) => free.close(resolve));
    await expect(startServer({ port: plainPort, tls: { port, ...files() } })).rejects.toThrow(
      /EADDRINUSE/,
    );
    const again = connectPlain(plainPort, '127.0.0.1');
    const [error] = await once(again, 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    await new Promise((resolve) => taken.close(resolve));
  });
});
