import { execFile } from 'node:child_process';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemScheduler } from '../scheduler.ts';
import { frameKinds } from './frame.ts';
import { Handlers } from './handlers.ts';
import { RemoteFailure, RequestFailed } from './transport.ts';
import { bodyOf, TestTransports, until } from './transports.fixture.ts';

const timeoutMs = 30_000;
let net: TestTransports;

beforeEach(() => {
  net = new TestTransports();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await net.close();
});

/** How a request ended that was not answered. */
async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => ({ answered: value }),
    (error) => error,
  );
}

function never(): Promise<never> {
  return new Promise(() => {});
}

test('messages come in the order of sending, per peer, whatever their size', async () => {
  const { a, b } = await net.pair();
  const seen: unknown[] = [];
  b.onMessage('raft', (from, body) => {
    seen.push([from, (body as { n: number }).n]);
  });
  const random = Math.random;
  for (let n = 0; n < 3_000; n += 1) {
    const pad = Buffer.alloc(n % 100 === 0 ? 40_000 : Math.floor(random() * 200));
    expect(a.send('b', 'raft', { n, pad })).toBe(true);
    if (n % 500 === 0) await new Promise(setImmediate);
  }
  await until('all messages have come', () => seen.length === 3_000);
  expect(seen).toEqual(Array.from({ length: 3_000 }, (_, n) => ['a', n]));
});

test('frames of one turn leave in one write', async () => {
  const { a, b } = await net.pair();
  let count = 0;
  b.onMessage('raft', () => {
    count += 1;
  });
  const write = vi.spyOn(Socket.prototype, 'write');
  for (let n = 0; n < 100; n += 1) a.send('b', 'raft', { n });
  await until('all messages have come', () => count === 100);
  const sizes = write.mock.calls.map(([bytes]) => (bytes as Buffer).length);
  expect(sizes.filter((size) => size > 100)).toHaveLength(1);
});

test('a message on a channel that nobody takes is dropped, and told of once', async () => {
  const { a, b } = await net.pair();
  let isThere = false;
  b.onMessage('known', () => {
    isThere = true;
  });
  a.send('b', 'stray', 1);
  a.send('b', 'stray', 2);
  a.send('b', 'known', 3);
  await until('the known one has come', () => isThere);
  expect(net.events('strayMessage')).toEqual([{ peer: 'a', channel: 'stray' }]);
});

test('a message to a peer that is away is dropped at once', async () => {
  const a = await net.open('a');
  expect(a.send('b', 'raft', 1)).toBe(false);
  expect(a.send('nobody', 'raft', 1)).toBe(false);
});

test('a message too large for a frame is dropped', async () => {
  const { a } = await net.pair({ limits: { bodyBytesMax: 1_000 } });
  expect(a.send('b', 'raft', Buffer.alloc(2_000))).toBe(false);
  expect(net.events('messageTooLarge')).toHaveLength(1);
});

test('requests are answered, both ways, sync and async, with any value', async () => {
  const { a, b } = await net.pair();
  b.onRequest('echo', (body) => body);
  a.onRequest('later', async (body, { from }) => [from, body]);
  const value = { list: [1, 2n ** 60n, null, undefined], bytes: Buffer.from('x') };
  expect(await a.request('b', 'echo', value, { timeoutMs })).toEqual(value);
  expect(await a.request('b', 'echo', undefined, { timeoutMs })).toBeUndefined();
  expect(await b.request('a', 'later', 5, { timeoutMs })).toEqual(['b', 5]);
});

test('many requests at once get their own answers, in whatever order these come', async () => {
  const { a, b } = await net.pair();
  b.onRequest('double', async (body) => {
    if (Number(body) % 3 === 0) await new Promise(setImmediate);
    return Number(body) * 2;
  });
  const numbers = Array.from({ length: 2_000 }, (_, n) => n);
  const answers = await Promise.all(numbers.map((n) => a.request('b', 'double', n, { timeoutMs })));
  expect(answers).toEqual(numbers.map((n) => n * 2));
});

test('bodies of many megabytes get through in both directions', async () => {
  const { a, b } = await net.pair();
  b.onRequest('echo', (body) => body);
  const bytes = Buffer.alloc(20 * 1024 * 1024, 'abcdefg');
  const back = await a.request('b', 'echo', bytes, { timeoutMs });
  expect(bytes.equals(back as Buffer)).toBe(true);
});

test('a failure that the handler threw on purpose reaches the caller with its data', async () => {
  const { a, b } = await net.pair();
  b.onRequest('lead', () => {
    throw new RemoteFailure('notLeader', 'b does not lead', { leader: 'c' });
  });
  const error = await failure(a.request('b', 'lead', null, { timeoutMs }));
  expect(error).toBeInstanceOf(RemoteFailure);
  expect(error).toMatchObject({
    code: 'notLeader',
    message: 'b does not lead',
    data: { leader: 'c' },
  });
});

test('anything else that a handler throws reaches the caller as internal, and the log whole', async () => {
  const { a, b } = await net.pair();
  b.onRequest('sync', () => {
    throw new TypeError('secret');
  });
  b.onRequest('async', async () => {
    throw new TypeError('secret');
  });
  for (const method of ['sync', 'async']) {
    const error = await failure(a.request('b', method, null, { timeoutMs }));
    expect(error).toMatchObject({
      code: 'internal',
      message: `${method} failed; the log of the node that ran it says why`,
    });
  }
  expect(net.events('handlerFailed')).toMatchObject([
    { method: 'sync', from: 'a', error: { message: 'secret' } },
    { method: 'async', from: 'a', error: { message: 'secret' } },
  ]);
});

test('a result that no frame can hold is an internal failure', async () => {
  const { a, b } = await net.pair({}, { limits: { bodyBytesMax: 100_000 } });
  b.onRequest('bulky', () => Buffer.alloc(200_000));
  b.onRequest('beyond', () => 2n ** 64n);
  for (const method of ['bulky', 'beyond']) {
    const error = await failure(a.request('b', method, null, { timeoutMs }));
    expect(error).toMatchObject({ name: 'RemoteFailure', code: 'internal' });
  }
  expect(net.events('answerFailed')).toHaveLength(2);
  expect(a.isConnected('b')).toBe(true);
});

test('a method that nobody handles is noMethod', async () => {
  const { a } = await net.pair();
  const error = await failure(a.request('b', 'absent', null, { timeoutMs }));
  expect(error).toMatchObject({ code: 'noMethod', message: 'nobody handles absent' });
});

test('a request that times out has an unknown outcome, and its handler is told', async () => {
  const { a, b } = await net.pair();
  let signal: AbortSignal | undefined;
  b.onRequest('hang', (_body, context) => {
    signal = context.signal;
    return never();
  });
  const error = await failure(a.request('b', 'hang', null, { timeoutMs: 30 }));
  expect(error).toBeInstanceOf(RequestFailed);
  expect(error).toMatchObject({ outcome: 'unknown', message: 'hang to b: timed out' });
  await until('the handler is told', () => signal?.aborted === true);
  expect(a.peerInfo('b')?.load.callsCount).toBe(0);
});

test('a caller that gives up fails at once, and the handler is told', async () => {
  const { a, b } = await net.pair();
  let signal: AbortSignal | undefined;
  b.onRequest('hang', (_body, context) => {
    signal = context.signal;
    return never();
  });
  const controller = new AbortController();
  const pending = failure(a.request('b', 'hang', null, { timeoutMs, signal: controller.signal }));
  await until('the handler runs', () => signal !== undefined);
  expect(signal?.aborted).toBe(false);
  controller.abort();
  expect(await pending).toMatchObject({ outcome: 'unknown', message: 'hang to b: given up' });
  await until('the handler is told', () => signal?.aborted === true);
});

test('a request given up before it began is not sent', async () => {
  const { a, b } = await net.pair();
  const run = vi.fn();
  b.onRequest('run', run);
  const signal = AbortSignal.abort();
  const error = await failure(a.request('b', 'run', null, { timeoutMs, signal }));
  expect(error).toMatchObject({ outcome: 'notSent' });
  expect(run).not.toHaveBeenCalled();
});

test('the signal that a handler asks for late has fired when the caller is gone', async () => {
  const { a, b } = await net.pair();
  let late: boolean | undefined;
  const { promise: gone, resolve: go } = Promise.withResolvers<void>();
  b.onRequest('hang', async (_body, context) => {
    await gone;
    late = context.signal.aborted;
  });
  await failure(a.request('b', 'hang', null, { timeoutMs: 20 }));
  b.onMessage('after', () => go());
  a.send('b', 'after', null);
  await until('the handler has looked', () => late !== undefined);
  expect(late).toBe(true);
});

test('a request to a peer that is away is not sent, and the failure says why', async () => {
  const a = await net.open('a');
  await until('dialling has failed', () => a.lastFailure('b') !== undefined);
  const error = await failure(a.request('b', 'run', null, { timeoutMs }));
  expect(error).toMatchObject({ outcome: 'notSent' });
  expect(String(error)).toMatch(/run to b: not connected \(.*ECONNREFUSED.*\)/);
});

test('a lost connection leaves the outcome of what was sent unknown, and fires signals', async () => {
  const { a, b } = await net.pair();
  let signal: AbortSignal | undefined;
  b.onRequest('hang', (_body, context) => {
    signal = context.signal;
    return never();
  });
  const pending = failure(a.request('b', 'hang', null, { timeoutMs }));
  await until('the handler runs', () => signal !== undefined);
  a.setPeers(new Map());
  expect(await pending).toMatchObject({ outcome: 'unknown' });
  await until('the handler is told', () => signal?.aborted === true);
});

test('what was queued and not handed to the socket is certainly not sent', async () => {
  const { a } = await net.pair();
  const pending = failure(a.request('b', 'run', null, { timeoutMs }));
  // Still in the turn in which it was queued.
  a.setPeers(new Map());
  expect(await pending).toMatchObject({ outcome: 'notSent' });
});

test('the listener of peers is told of up and down, and peers() follows', async () => {
  const b = net.make('b');
  const told: unknown[] = [];
  b.onPeer((peer, isUp) => told.push([peer, isUp, b.isConnected(peer)]));
  await net.start(b);
  const a = await net.open('a');
  await net.connected(a, b);
  expect(b.peers()).toEqual([{ id: 'a', role: 'node' }]);
  expect(b.peerInfo('a')).toMatchObject({ storeId: 'store-a', role: 'node', protocol: 2 });
  await a.close();
  await until('b is told', () => told.length === 2);
  expect(told).toEqual([
    ['a', true, true],
    ['a', false, false],
  ]);
  expect(b.peers()).toEqual([]);
  expect(b.peerInfo('a')).toBeUndefined();
});

test('a message sent when the peer is told to be up gets there', async () => {
  const b = net.make('b');
  const seen: unknown[] = [];
  b.onMessage('first', (_from, body) => seen.push(body));
  await net.start(b);
  const a = net.make('a');
  a.onPeer((peer, isUp) => isUp && a.send(peer, 'first', 'hello'));
  await net.start(a);
  await until('it has come', () => seen.length === 1);
});

test('a peer that comes back is reached again, at its new address', async () => {
  const { a, b } = await net.pair();
  await b.close();
  await until('a has noticed', () => !a.isConnected('b'));
  const again = await net.open('b');
  a.setPeers(net.peers());
  await net.connected(a, again);
  again.onRequest('who', () => 'again');
  expect(await a.request('b', 'who', null, { timeoutMs })).toBe('again');
});

test('a router dials nodes, is told apart, and stays connected when nodes change', async () => {
  const b = await net.open('b');
  const identity = { clusterId: 'test', storeId: 'p', processId: 'p', role: 'router' } as const;
  const router = await net.open('zz-router', { self: { ...identity, id: 'zz-router' } });
  await net.connected(router, b);
  expect(b.peers()).toEqual([{ id: 'zz-router', role: 'router' }]);
  expect(router.peers()).toEqual([{ id: 'b', role: 'node' }]);
  b.setPeers(new Map());
  router.onRequest('ping', () => 'pong');
  expect(await b.request('zz-router', 'ping', null, { timeoutMs })).toBe('pong');
});

test('a node that is no more in the topology is cut off at both ends', async () => {
  const { a, b } = await net.pair();
  b.setPeers(new Map());
  await until('a is cut off', () => !a.isConnected('b') && !b.isConnected('a'));
  await until('a is refused', () => a.lastFailure('b')?.refusal?.code === 'unknownNode');
});

test('a process is its own peer: messages and requests, later and uncopied', async () => {
  // Before any timer, so that the handler runs before its request may time out.
  const scheduler = { ...systemScheduler, soon: queueMicrotask };
  const a = await net.open('a', { scheduler });
  const seen: unknown[] = [];
  a.onMessage('raft', (from, body) => seen.push([from, body]));
  a.onRequest('same', (body) => body);
  a.onRequest('hang', (_body, { signal }) => {
    signal.addEventListener('abort', () => seen.push('aborted'));
    return never();
  });
  const body = { n: 1 };
  expect(a.send('a', 'raft', body)).toBe(true);
  expect(seen).toEqual([]);
  expect(await a.request('a', 'same', body, { timeoutMs })).toBe(body);
  expect(seen).toEqual([['a', body]]);
  const late = await failure(a.request('a', 'hang', null, { timeoutMs: 20 }));
  expect(late).toMatchObject({ outcome: 'unknown' });
  expect(seen[1]).toBe('aborted');
  const absent = await failure(a.request('a', 'absent', null, { timeoutMs }));
  expect(absent).toMatchObject({ code: 'noMethod' });
});

test('a cancel frame for a request that is not running does nothing', async () => {
  const b = await net.open('b');
  b.onRequest('echo', (body) => body);
  const raw = await net.raw(b);
  raw.send(frameKinds.cancel, 77, null);
  raw.send(frameKinds.request, 1, ['echo', 'x']);
  expect(bodyOf(await raw.frame(frameKinds.response))).toBe('x');
});

test('a handler of a channel or method is set once', async () => {
  const a = await net.open('a');
  a.onMessage('raft', () => {});
  a.onRequest('run', () => {});
  expect(() => a.onMessage('raft', () => {})).toThrow('channel raft has a handler');
  expect(() => a.onRequest('run', () => {})).toThrow('method run has a handler');
});

test('a handler of messages that throws ends the process, not the connection', () => {
  const handlers = new Handlers(() => {});
  const uncaught: (() => void)[] = [];
  vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((fn) => uncaught.push(fn));
  handlers.setChannel('raft', () => {
    throw new TypeError('a bug');
  });
  expect(handlers.deliver('b', 'raft', null)).toBe(true);
  expect(uncaught[0]).toThrow('a bug');
});

test('a time-out that is no number is an error of the caller', async () => {
  const { a } = await net.pair();
  const error = await failure(a.request('b', 'run', null, { timeoutMs: Number.NaN }));
  expect(error).toMatchObject({ name: 'AssertionError' });
  expect(a.peerInfo('b')?.load.callsCount).toBe(0);
});

test('a transport that is closed while it opens does not dial', async () => {
  const a = net.make('a');
  const opening = a.open();
  await a.close();
  await opening;
  expect(a.lastFailure('b')).toBeUndefined();
});

test('close fails what is pending, tells the peer, and refuses what comes after', async () => {
  const { a, b } = await net.pair();
  let isRunning = false;
  let isAborted = false;
  b.onRequest('hang', (_body, { signal }) => {
    isRunning = true;
    signal.addEventListener('abort', () => {
      isAborted = true;
    });
    return never();
  });
  a.onRequest('own', never);
  const pending = failure(a.request('b', 'hang', null, { timeoutMs }));
  const own = failure(a.request('a', 'own', null, { timeoutMs }));
  await until('the handler runs', () => isRunning);
  const last: unknown[] = [];
  b.onMessage('last', (_from, body) => last.push(body));
  a.send('b', 'last', 'word');
  await a.close();
  expect(await pending).toMatchObject({ outcome: 'unknown' });
  expect(await own).toMatchObject({ outcome: 'unknown' });
  await until('b is told', () => isAborted && !b.isConnected('a'));
  expect(last).toEqual(['word']);
  expect(a.send('b', 'last', 1)).toBe(false);
  expect(a.send('a', 'last', 1)).toBe(false);
  expect(await failure(a.request('b', 'x', 1, { timeoutMs }))).toMatchObject({
    outcome: 'notSent',
  });
  expect(await failure(a.request('a', 'x', 1, { timeoutMs }))).toMatchObject({
    outcome: 'notSent',
  });
  await a.close();
});

test('an address that is taken is an error of open', async () => {
  const b = await net.open('b');
  const a = net.make('a', { ...(b.address && { listen: b.address }) });
  await expect(a.open()).rejects.toThrow('EADDRINUSE');
});

test('nothing keeps a process alive after close', async () => {
  const child = fileURLToPath(new URL('./open-and-close.child.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [child], { timeout: 50_000 });
  expect(stdout).toBe('connected\nclosed\n');
});
