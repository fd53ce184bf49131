import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { frameKinds } from './frame.ts';
import { TestTransports, until } from './transports.fixture.ts';

const timeoutMs = 30_000;
const MiB = 1024 * 1024;
setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');
let net: TestTransports;

beforeEach(() => {
  net = new TestTransports();
});

afterEach(() => net.close());

test('a peer that takes nothing fills a bounded queue: messages are dropped first, then requests fail', async () => {
  const limits = { queueBytesMax: 4 * MiB, queueFramesMax: 10_000, deadMs: 60_000 };
  const b = await net.open('b', { limits });
  const raw = await net.raw(b);
  raw.socket.pause();
  const body = Buffer.alloc(10_000);
  let sent = 0;
  while (b.send('a', 'raft', body) && sent < 10_000) {
    sent += 1;
    if (sent % 50 === 0) await new Promise(setImmediate);
  }
  const queued = b.peerInfo('a')?.load.queuedBytes ?? 0;
  expect(queued).toBeGreaterThan(MiB);
  expect(queued).toBeLessThan(MiB + 20_000);
  const outcomes = new Map<string, number>();
  const requests = Array.from({ length: 600 }, () =>
    b.request('a', 'put', body, { timeoutMs }).catch((error) => {
      const key = `${error.outcome} ${error.message}`;
      outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
    }),
  );
  expect(b.peerInfo('a')?.load.queuedBytes).toBeLessThan(4 * MiB + 20_000);
  raw.socket.destroy();
  await Promise.all(requests);
  const full = outcomes.get('notSent put to a: its queue is full') ?? 0;
  expect(full).toBeGreaterThan(250);
  // Those that were accepted were still in the queue when the connection was lost.
  const lost = [...outcomes].filter(([key]) => !key.includes('full'));
  expect(lost.every(([key]) => key.startsWith('notSent'))).toBe(true);
  expect(lost.reduce((sum, [, count]) => sum + count, full)).toBe(600);
});

test('the queue is bounded in frames as well', async () => {
  const limits = { queueFramesMax: 400, deadMs: 60_000 };
  const { a, b } = await net.pair({ limits }, { limits });
  b.onRequest('echo', (body) => body);
  const sent = Array.from({ length: 150 }, () => a.send('b', 'raft', 1));
  expect(sent.filter((isSent) => isSent)).toHaveLength(100);
  const requests = Array.from({ length: 400 }, (_, n) =>
    a.request('b', 'echo', n, { timeoutMs }).catch(({ outcome }) => outcome),
  );
  const answers = await Promise.all(requests);
  expect(answers.slice(0, 300)).toEqual(Array.from({ length: 300 }, (_, n) => n));
  expect(new Set(answers.slice(300))).toEqual(new Set(['notSent']));
});

test('requests that are unanswered are bounded, however quickly they are sent', async () => {
  const { a, b } = await net.pair({ limits: { queueFramesMax: 200 } });
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  b.onRequest('wait', () => gate);
  const requests = [];
  for (let n = 0; n < 300; n += 1) {
    requests.push(a.request('b', 'wait', n, { timeoutMs }).catch(({ message }) => message));
    if (n % 50 === 0) await new Promise(setImmediate);
  }
  await until('b runs them', () => b.peerInfo('a')?.load.servingCount === 200);
  open();
  const answers = await Promise.all(requests);
  const refused = 'wait to b: too many requests are unanswered';
  expect(answers.slice(0, 200)).toEqual(Array.from({ length: 200 }, () => undefined));
  expect(new Set(answers.slice(200))).toEqual(new Set([refused]));
});

test('while too many requests of a peer run, further ones are held, and all else goes on', async () => {
  const { a, b } = await net.pair({}, { limits: { servingMax: 100 } });
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const started: number[] = [];
  b.onRequest('wait', async (body) => {
    started.push((body as { n: number }).n);
    await gate;
    return (body as { n: number }).n;
  });
  const pad = Buffer.alloc(4_000);
  const numbers = Array.from({ length: 3_000 }, (_, n) => n);
  const requests = numbers.map((n) => a.request('b', 'wait', { n, pad }, { timeoutMs }));
  await until('all have come', () => b.peerInfo('a')?.load.heldCount === 2_900);
  const seen: unknown[] = [];
  b.onMessage('raft', (_from, body) => seen.push(body));
  a.send('b', 'raft', 'heartbeat');
  await until('messages pass them by', () => seen.length === 1);
  expect(b.peerInfo('a')?.load).toMatchObject({ servingCount: 100, isReading: true });
  expect(started).toHaveLength(100);
  open();
  expect(await Promise.all(requests)).toEqual(numbers);
  expect(started).toEqual(numbers);
  expect(b.peerInfo('a')?.load).toMatchObject({ servingCount: 0, heldCount: 0 });
});

test('a request that is given up while it is held never runs', async () => {
  const { a, b } = await net.pair({}, { limits: { servingMax: 1 } });
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const started: unknown[] = [];
  b.onRequest('wait', async (body) => {
    started.push(body);
    await gate;
  });
  const controller = new AbortController();
  const { signal } = controller;
  const first = a.request('b', 'wait', 1, { timeoutMs });
  const second = a.request('b', 'wait', 2, { timeoutMs, signal }).catch(({ outcome }) => outcome);
  const third = a.request('b', 'wait', 3, { timeoutMs });
  await until('two are held', () => b.peerInfo('a')?.load.heldCount === 2);
  controller.abort();
  await until('one is forgotten', () => b.peerInfo('a')?.load.heldCount === 1);
  open();
  await Promise.all([first, third]);
  expect(await second).toBe('unknown');
  expect(started).toEqual([1, 3]);
});

test('a held request that is none closes the connection when its turn comes', async () => {
  const b = await net.open('b', { limits: { servingMax: 1 } });
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  b.onRequest('wait', () => gate);
  const raw = await net.raw(b);
  raw.send(frameKinds.request, 1, ['wait', null]);
  raw.send(frameKinds.request, 2, 'no request');
  await until('it is held', () => b.peerInfo('a')?.load.heldCount === 1);
  open();
  await raw.closed();
  await until('b has told', () => net.events('peerDown').length === 1);
  expect(net.events('peerDown')[0]?.reason).toBe('undecodable body: not a name and a value');
});

test('a peer that has more unanswered than it may is not read until that is worked off', async () => {
  const b = await net.open('b', {
    limits: { servingMax: 10, queueFramesMax: 100, deadMs: 60_000 },
  });
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  b.onRequest('wait', () => gate);
  const raw = await net.raw(b);
  for (let id = 1; id <= 5_000; id += 1) {
    raw.send(frameKinds.request, id, ['wait', Buffer.alloc(1_000)]);
  }
  await until('b does not read', () => b.peerInfo('a')?.load.isReading === false);
  expect(b.peerInfo('a')?.load.heldCount).toBeLessThan(300);
  open();
  const answered = () => raw.frames.filter(({ kind }) => kind === frameKinds.response).length;
  await until('all are answered', () => answered() === 5_000);
  expect(b.peerInfo('a')?.load).toMatchObject({ heldCount: 0, isReading: true });
});

test('a peer that takes no answers is served no further, and cut off before long', async () => {
  const b = await net.open('b', { limits: { answerBytesMax: MiB, queueFramesMax: 2_000 } });
  let ran = 0;
  b.onRequest('bulky', () => {
    ran += 1;
    return Buffer.alloc(100_000);
  });
  const raw = await net.raw(b);
  raw.socket.pause();
  const before = process.memoryUsage().arrayBuffers;
  let id = 0;
  const feed = setInterval(() => {
    if (raw.socket.writableLength > MiB) return;
    for (let count = 0; count < 100; count += 1) {
      id += 1;
      raw.send(frameKinds.request, id, ['bulky', Buffer.alloc(2_000)]);
    }
  }, 1);
  await until('requests are held', () => (b.peerInfo('a')?.load.heldCount ?? 0) > 100);
  await until('it is cut off', () => !b.isConnected('a'));
  clearInterval(feed);
  expect(net.events('peerDown')[0]?.reason).toMatch(/^has taken nothing for \d+ ms$/);
  collectGarbage();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * MiB);
  expect(ran).toBeLessThan(400);
});

test('two peers that flood each other with requests and bulky answers both get through', async () => {
  const limits = { answerBytesMax: MiB };
  const { a, b } = await net.pair({ limits }, { limits });
  for (const one of [a, b]) one.onRequest('echo', (body) => body);
  const body = Buffer.alloc(50_000);
  const flood = (from: typeof a, to: string) =>
    Array.from({ length: 300 }, () => from.request(to, 'echo', body, { timeoutMs }));
  const answers = await Promise.all([...flood(a, 'b'), ...flood(b, 'a')]);
  expect(answers).toHaveLength(600);
  expect(net.events('peerDown')).toEqual([]);
});
