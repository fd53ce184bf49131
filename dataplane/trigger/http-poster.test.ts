import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { TriggerTarget } from '../partition/trigger.ts';
import { Authority } from '../replication/transport/authority.fixture.ts';
import type { PostResult } from './batch-answer.ts';
import { HttpPoster, signatureOf } from './http-poster.ts';
import { SecretFiles } from './secret-files.ts';

const BODY = Buffer.from('{"Records":[]}');
const NOW_MS = 1_795_651_200_500;

let authority: Authority;
let other: Authority;
let folder: string;
let poster: HttpPoster;
let secretsMs = 0;
const servers: Server[] = [];

beforeAll(() => {
  authority = new Authority();
  other = new Authority();
});
afterAll(() => {
  authority.remove();
  other.remove();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trestle trigger '));
  secretsMs = 0;
  poster = new HttpPoster(new SecretFiles(folder, () => secretsMs), () => NOW_MS);
});
afterEach(async () => {
  poster.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  rmSync(folder, { recursive: true });
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // It listens on TCP.
  return (server.address() as AddressInfo).port;
}

async function serve(listener: RequestListener): Promise<TriggerTarget> {
  // Connections are kept for longer than a busy machine takes between two events.
  const port = await listen(createServer({ keepAliveTimeout: 60_000 }, listener));
  return { url: `http://127.0.0.1:${port}/hook?x=1`, caBundle: undefined, auth: undefined };
}

async function serveSecurely(
  listener: RequestListener,
  names: readonly string[] = ['localhost'],
): Promise<TriggerTarget> {
  const [first = '', ...more] = names;
  const port = await listen(createSecureServer(authority.sign(first, ...more), listener));
  writeFileSync(join(folder, 'ca.crt'), authority.ca);
  return { url: `https://localhost:${port}/`, caBundle: 'ca.crt', auth: undefined };
}

function post(target: TriggerTarget, options: { timeoutMs?: number; signal?: AbortSignal } = {}) {
  const { timeoutMs = 30_000, signal = new AbortController().signal } = options;
  return poster.post({ target, body: BODY, timeoutMs, signal });
}

const shown = (result: PostResult) =>
  result.kind === 'answered'
    ? `${result.status} ${(result.body ?? 'too large').toString('utf8')}`
    : result.reason;

it('poster: posts JSON, and hands over status and answer', async () => {
  const seen: unknown[] = [];
  const target = await serve(async (request, response) => {
    const { method, url, headers } = request;
    seen.push([method, url, headers['content-type'], await text(request)]);
    response.writeHead(202).end('taken');
  });
  expect(shown(await post(target))).toBe('202 taken');
  expect(seen).toEqual([['POST', '/hook?x=1', 'application/json', BODY.toString('utf8')]]);
});

it('poster: does not follow redirects', async () => {
  let count = 0;
  const target = await serve((_, response) => {
    count += 1;
    response.writeHead(307, { location: '/elsewhere' }).end();
  });
  expect(shown(await post(target))).toBe('307 ');
  expect(count).toBe(1);
});

it('poster: an answer that does not come, or not to its end, fails in time', async () => {
  const silent = await serve(() => {});
  expect(shown(await post(silent, { timeoutMs: 50 }))).toBe('no answer within 0.05 s');
  const slow = await serve((_, response) => {
    response.writeHead(200).write('x');
  });
  expect(shown(await post(slow, { timeoutMs: 50 }))).toBe('no answer within 0.05 s');
});

it('poster: an answer without end is not read for ever', async () => {
  const target = await serve((_, response) => {
    response.on('error', () => {});
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  });
  const result = await post(target);
  expect(result).toEqual({ kind: 'answered', status: 200, body: undefined });
});

it('poster: a refused connection, and one that breaks off, are failures', async () => {
  const gone = await serve((request) => request.socket.destroy());
  expect(shown(await post(gone))).toBe('ECONNRESET');
  // A port that no system gives to whoever asks for any: another process would get one of ours.
  const nobody = { ...gone, url: 'http://127.0.0.1:1/' };
  expect(shown(await post(nobody))).toBe('ECONNREFUSED');
});

it('poster: a connection that was kept, and that the target has closed, is no failure', async () => {
  const requestsOf = new Map<unknown, number>();
  const target = await serve(({ socket }, response) => {
    const count = (requestsOf.get(socket) ?? 0) + 1;
    requestsOf.set(socket, count);
    if (count === 2) socket.resetAndDestroy();
    else response.end('ok');
  });
  expect(shown(await post(target))).toBe('200 ok');
  expect(shown(await post(target))).toBe('200 ok');
  expect([...requestsOf.values()]).toEqual([2, 1]);
});

it('poster: its signal ends it, also while it waits for its turn', async () => {
  const allArrived = Promise.withResolvers<void>();
  let arrived = 0;
  const target = await serve(() => {
    arrived += 1;
    if (arrived === 64) allArrived.resolve();
  });
  const abort = new AbortController();
  const posts = Array.from({ length: 70 }, () => post(target, { signal: abort.signal }));
  await allArrived.promise;
  abort.abort();
  expect(new Set((await Promise.all(posts)).map(shown))).toEqual(new Set(['it was ended']));
});

it('poster: no more than 64 events are under way to one address', async () => {
  const waiting: (() => void)[] = [];
  let most = 0;
  const target = await serve((_, response) => {
    waiting.push(() => response.end());
    most = Math.max(most, waiting.length);
    if (waiting.length === 64) for (const answer of waiting.splice(0)) answer();
  });
  const posts = Array.from({ length: 128 }, () => post(target));
  expect(new Set((await Promise.all(posts)).map(shown))).toEqual(new Set(['200 ']));
  expect(most).toBe(64);
});

it('poster: signs body and time by HMAC', async () => {
  writeFileSync(join(folder, 'key'), 'opensesame\n');
  const seen: unknown[] = [];
  const target = await serve(({ headers }, response) => {
    seen.push([headers['x-trestle-timestamp'], headers['x-trestle-signature']]);
    response.end();
  });
  await post({ ...target, auth: { scheme: 'HMAC', secret: 'key' } });
  const timestamp = '1795651200';
  expect(seen).toEqual([[timestamp, `v1=${signatureOf('opensesame', timestamp, BODY)}`]]);
  // printf '1795651200.{"Records":[]}' | openssl dgst -sha256 -hmac opensesame
  expect(signatureOf('opensesame', timestamp, BODY)).toBe(
    'bc87195a22cf4f80012c27e702bbfad0f6c911812558aae2fbe19f2c5f5a3ae8',
  );
});

it('poster: sends a token, and the new one when its file has changed', async () => {
  const seen: unknown[] = [];
  const target = await serve(({ headers }, response) => {
    seen.push(headers.authorization);
    response.end();
  });
  const auth = { scheme: 'BEARER', secret: 'token' } as const;
  writeFileSync(join(folder, 'token'), 'first');
  await post({ ...target, auth });
  writeFileSync(join(folder, 'token'), 'second');
  secretsMs += 3_000;
  await post({ ...target, auth });
  expect(seen).toEqual(['Bearer first', 'Bearer second']);
});

it('poster: sends nothing without the secret it needs', async () => {
  let count = 0;
  const target = await serve((_, response) => {
    count += 1;
    response.end();
  });
  const absent = { ...target, auth: { scheme: 'HMAC', secret: 'absent' } as const };
  expect(shown(await post(absent))).toBe(`cannot read ${join(folder, 'absent')}: ENOENT`);
  writeFileSync(join(folder, 'empty'), '\n');
  const empty = { ...target, auth: { scheme: 'BEARER', secret: 'empty' } as const };
  expect(shown(await post(empty))).toBe('the secret empty is empty');
  writeFileSync(join(folder, 'broken'), 'one\r\nX-Other: two');
  const broken = { ...target, auth: { scheme: 'BEARER', secret: 'broken' } as const };
  expect(shown(await post(broken))).toBe('the token broken has characters that no header takes');
  expect(count).toBe(0);
});

it('poster: HTTPS with the authority that is given', async () => {
  const target = await serveSecurely((_, response) => response.end('safe'));
  expect(shown(await post(target))).toBe('200 safe');
});

it('poster: HTTPS is refused for another authority, and for another name', async () => {
  let count = 0;
  const count1 = (_: unknown, response: { end: () => void }) => {
    count += 1;
    response.end();
  };
  const target = await serveSecurely(count1);
  expect(shown(await post({ ...target, caBundle: undefined }))).toBe('SELF_SIGNED_CERT_IN_CHAIN');
  writeFileSync(join(folder, 'other.crt'), other.ca);
  expect(shown(await post({ ...target, caBundle: 'other.crt' }))).toBe('SELF_SIGNED_CERT_IN_CHAIN');
  const elsewhere = await serveSecurely(count1, ['elsewhere']);
  expect(shown(await post(elsewhere))).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  expect(count).toBe(0);
});
