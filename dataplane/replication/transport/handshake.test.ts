import { afterEach, beforeEach, expect, test } from 'vitest';
import { frameKinds } from './frame.ts';
import type { TcpTransportOptions } from './options.ts';
import { bodyOf, rawFrame, seeded, TestTransports, until } from './transports.fixture.ts';

const timeoutMs = 30_000;
let net: TestTransports;

beforeEach(() => {
  net = new TestTransports(['a', 'b', 'c']);
});

afterEach(() => net.close());

function self(id: string, fields: Record<string, string> = {}): Pick<TcpTransportOptions, 'self'> {
  const identity = { id, clusterId: 'test', storeId: `store-${id}`, processId: 'p' };
  return { self: { role: 'node', ...identity, ...fields } };
}

test.each([
  [
    { clusterId: 'other' },
    { code: 'wrongCluster', message: 'b belongs to cluster test, a to other' },
  ],
  [
    { protocolMin: 3, protocolMax: 5 },
    { code: 'unsupportedVersion', message: 'b speaks versions 1 to 2, a 3 to 5' },
  ],
  [{ id: 'x' }, { code: 'unknownNode', message: 'x is not a node of this cluster' }],
  [
    { role: 'router' },
    { code: 'unknownNode', message: 'a is a node of this cluster, not a router' },
  ],
  [{ dialled: 'c' }, { code: 'wrongNode', message: 'this is b, not c' }],
  [{ dialled: undefined }, { code: 'wrongNode', message: 'this is b, not somebody else' }],
  [{ id: 'c' }, { code: 'wrongNode', message: 'b dials c, not the other way round' }],
  [{ id: 'b' }, { code: 'duplicateNode', message: 'this is b itself' }],
])('a listener refuses the hello %j with a code and a line', async (fields, refusal) => {
  const b = await net.open('b');
  const raw = await net.dialRaw(b);
  raw.hello(fields);
  expect(await raw.refusal()).toEqual(refusal);
  await raw.closed();
  expect(b.peers()).toEqual([]);
  expect(net.events('refused')).toEqual([
    {
      peer: 'id' in fields ? fields.id : 'a',
      by: 'us',
      code: refusal.code,
      reason: `refused: ${refusal.message}`,
    },
  ]);
});

test('a dialler refuses another node than the one it dialled, and tries again', async () => {
  const c = await net.open('c');
  const b = await net.open('b', { peers: new Map() });
  const a = await net.open('a', {
    peers: new Map([
      ['b', c.address ?? { host: '', port: 0 }],
      ['c', b.address ?? { host: '', port: 0 }],
    ]),
  });
  await until('both are refused', () => a.lastFailure('b') !== undefined);
  expect(a.lastFailure('b')?.refusal).toMatchObject({ code: 'wrongNode' });
  a.setPeers(new Map([['c', c.address ?? { host: '', port: 0 }]]));
  await net.connected(a, c);
});

test('both sides know why they refused each other', async () => {
  const b = await net.open('b');
  const a = await net.open('a', self('a', { clusterId: 'other' }));
  await until('a is refused', () => a.lastFailure('b')?.refusal !== undefined);
  const message = 'b belongs to cluster test, a to other';
  expect(a.lastFailure('b')).toEqual({
    peer: 'b',
    reason: `refused by the peer: ${message}`,
    refusal: { by: 'peer', code: 'wrongCluster', message },
  });
  expect(b.lastFailure('a')?.refusal).toEqual({ by: 'us', code: 'wrongCluster', message });
});

test('of two live processes of one name the later is refused', async () => {
  const { a, b } = await net.pair({}, { limits: { probeMs: 10_000 } });
  const twin = await net.open('a', self('a', { processId: 'twin' }));
  await until('the twin is refused', () => twin.lastFailure('b') !== undefined);
  expect(twin.lastFailure('b')?.refusal).toMatchObject({
    by: 'peer',
    code: 'duplicateNode',
    message: 'another process is connected as a',
  });
  expect(b.peerInfo('a')?.processId).not.toBe('twin');
  expect(a.isConnected('b')).toBe(true);
  await a.close();
  await net.connected(twin, b);
  expect(b.peerInfo('a')?.processId).toBe('twin');
});

test('of two processes of one name that come at the same time one is refused', async () => {
  const b = await net.open('b');
  const first = await net.dialRaw(b);
  first.hello({ processId: 'first' });
  await first.frame(frameKinds.hello);
  const second = await net.dialRaw(b);
  second.hello({ processId: 'second' });
  expect((await second.refusal()).code).toBe('duplicateNode');
  first.ready();
  await until('the first is up', () => b.peerInfo('a')?.processId === 'first');
});

test('a second hello is out of turn, even while the first is being judged', async () => {
  const b = await net.open('b', { limits: { deadMs: 60_000, probeMs: 60_000 } });
  await net.raw(b);
  const twin = await net.dialRaw(b);
  twin.hello({ processId: 'twin' });
  twin.hello({ processId: 'twin' });
  await twin.closed();
  expect(net.events('strangerClosed')).toEqual([{ reason: 'a frame of kind 1 came out of turn' }]);
});

test('ready before the answer is out of turn', async () => {
  const b = await net.open('b', { limits: { deadMs: 60_000, probeMs: 60_000 } });
  await net.raw(b);
  const twin = await net.dialRaw(b);
  twin.hello({ processId: 'twin' });
  twin.ready();
  await twin.closed();
  expect(b.peerInfo('a')?.processId).toBe('raw');
});

test('a process that does not answer any more is replaced by another of its name', async () => {
  const b = await net.open('b', { limits: { deadMs: 60_000 } });
  const stopped = await net.raw(b);
  const a = await net.open('a');
  await until('a has replaced it', () => a.isConnected('b'));
  await stopped.closed();
  expect(b.peerInfo('a')?.storeId).toBe('store-a');
});

test('a process that dials again replaces its own connection at once', async () => {
  const b = await net.open('b', { limits: { deadMs: 60_000, probeMs: 60_000 } });
  const told: boolean[] = [];
  b.onPeer((_peer, isUp) => told.push(isUp));
  const first = await net.raw(b);
  const second = await net.raw(b);
  await first.closed();
  expect(second.isClosed).toBe(false);
  await until('b has told', () => told.length === 3);
  expect(told).toEqual([true, false, true]);
});

test.each([
  [2, 2, 2],
  [1, 2, 1],
  [2, 1, 1],
  [1, 1, 1],
] as const)('processes of versions %i and %i speak version %i', async (ofA, ofB, spoken) => {
  const { a, b } = await net.pair({ protocolMax: ofA }, { protocolMax: ofB });
  expect(a.peerInfo('b')?.protocol).toBe(spoken);
  expect(b.peerInfo('a')?.protocol).toBe(spoken);
  b.onRequest('echo', (body) => body);
  const bytes = Buffer.alloc(200_000, 'x');
  expect(await a.request('b', 'echo', bytes, { timeoutMs })).toEqual(bytes);
});

test('a later version that still speaks ours is welcome, whatever its hello adds', async () => {
  const b = await net.open('b');
  const raw = await net.dialRaw(b);
  raw.hello({ protocolMax: 9, zone: { name: 'north' } });
  const { body } = await raw.frame(frameKinds.hello);
  expect(JSON.parse(body.toString())).toEqual({
    protocolMin: 1,
    protocolMax: 2,
    id: 'b',
    role: 'node',
    clusterId: 'test',
    storeId: 'store-b',
    processId: expect.any(String),
  });
  raw.ready();
  await until('it is up', () => b.isConnected('a'));
  expect(b.peerInfo('a')?.protocol).toBe(2);
});

test('frames sent right behind ready are read', async () => {
  const b = await net.open('b');
  b.onRequest('echo', (body) => body);
  const raw = await net.dialRaw(b);
  raw.hello();
  await raw.frame(frameKinds.hello);
  raw.socket.cork();
  raw.ready();
  raw.send(frameKinds.request, 1, ['echo', 'early']);
  raw.socket.uncork();
  expect(bodyOf(await raw.frame(frameKinds.response))).toBe('early');
});

test('a conversation is understood when each byte comes alone', async () => {
  const b = await net.open('b');
  b.onRequest('echo', (body) => body);
  const raw = await net.dialRaw(b);
  raw.socket.setNoDelay(true);
  const bytes: Buffer[] = [];
  const write = raw.socket.write.bind(raw.socket);
  const drip = async (speak: () => void) => {
    raw.socket.write = (chunk: Buffer) => bytes.push(chunk) > 0;
    speak();
    raw.socket.write = write;
    for (const byte of Buffer.concat(bytes.splice(0))) {
      write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
  };
  await drip(() => raw.hello());
  await raw.frame(frameKinds.hello);
  await drip(() => {
    raw.ready();
    raw.send(frameKinds.request, 1, ['echo', { n: 1 }]);
  });
  expect(bodyOf(await raw.frame(frameKinds.response))).toEqual({ n: 1 });
});

test('garbage on many connections, before and after the handshake, leaves the others alone', async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = seeded(seed);
  const { a, b } = await net.pair();
  b.onRequest('echo', (body) => body);
  for (let round = 0; round < 60; round += 1) {
    const isUp = round % 2 === 0;
    const fields = { id: `r${round}`, role: 'router', protocolMax: 1 + (round % 3) };
    const raw = isUp ? await net.raw(b, fields) : await net.dialRaw(b);
    const garbage = Buffer.from(
      Array.from({ length: 1 + Math.floor(random() * 300) }, () => Math.floor(random() * 256)),
    );
    const kind = 1 + Math.floor(random() * 10);
    raw.socket.write(random() < 0.7 ? rawFrame(kind, round, garbage) : garbage);
    // Leaves some of them open, to be closed in time, and ends some amid a frame.
    if (random() < 0.5) raw.socket.end();
  }
  for (let n = 0; n < 20; n += 1) {
    expect(await a.request('b', 'echo', n, { timeoutMs }), `seed ${seed}`).toBe(n);
  }
  await until(`all are gone, seed ${seed}`, () => b.peers().length === 1);
  expect(net.events('peerDown').some(({ peer }) => peer === 'a' || peer === 'b')).toBe(false);
});

const hello = (body: string) => rawFrame(frameKinds.hello, 0, Buffer.from(body));

test.each([
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'wrong magic: not a Trestle peer'],
  ['no JSON', hello('{'), 'malformed hello: not JSON'],
  ['no object', hello('null'), 'malformed hello: not an object'],
  ['no versions', hello('{"id":"a"}'), 'malformed hello: protocolMin and protocolMax'],
  ['no role', hello('{"protocolMin":1,"protocolMax":2}'), 'malformed hello: role'],
  [
    'an empty id',
    hello('{"protocolMin":1,"protocolMax":2,"role":"node","id":""}'),
    'malformed hello or refusal: id',
  ],
  [
    'an oversize hello',
    hello(`"${'x'.repeat(5_000)}"`),
    'frame too large: 5002 bytes announced, 4096 allowed',
  ],
  [
    'a request',
    rawFrame(frameKinds.request, 1, Buffer.alloc(10)),
    'a frame of kind 5 came out of turn',
  ],
  ['ready', rawFrame(frameKinds.ready, 0, Buffer.alloc(0)), 'a frame of kind 3 came out of turn'],
])('a stranger that sends %s is closed, and the process goes on', async (_what, bytes, reason) => {
  const b = await net.open('b');
  const raw = await net.dialRaw(b);
  raw.socket.write(bytes);
  await raw.closed();
  expect(net.events('strangerClosed')).toEqual([{ reason }]);
  const a = await net.open('a');
  await net.connected(a, b);
});

test('a stranger that says nothing, or stops after hello, is closed in time', async () => {
  const b = await net.open('b', { limits: { helloTimeoutMs: 100 } });
  const silent = await net.dialRaw(b);
  const halting = await net.dialRaw(b);
  halting.hello();
  await silent.closed();
  await halting.closed();
  expect(net.events('strangerClosed')).toEqual([
    { reason: 'the handshake took too long' },
    { reason: 'the handshake took too long' },
  ]);
});

test('there are only so many half-open connections, and peers that are up do not count', async () => {
  const b = await net.open('b', { limits: { halfOpenMax: 3 } });
  await net.raw(b);
  const halfOpen = [await net.dialRaw(b), await net.dialRaw(b), await net.dialRaw(b)];
  const tooMany = await net.dialRaw(b);
  await tooMany.closed();
  expect(halfOpen.map(({ isClosed }) => isClosed)).toEqual([false, false, false]);
  for (const one of halfOpen) one.socket.destroy();
  const hasLeft = ({ reason }: Readonly<Record<string, unknown>>) =>
    reason === 'the peer closed the connection';
  await until(
    'there is room again',
    () => net.events('strangerClosed').filter(hasLeft).length === 3,
  );
  const router = await net.dialRaw(b);
  router.hello({ id: 'r', role: 'router' });
  await router.frame(frameKinds.hello);
});

test('garbage after the handshake closes that connection alone', async () => {
  const { b } = await net.pair();
  const router = await net.raw(b, { id: 'r', role: 'router' });
  router.socket.write(Buffer.alloc(100, 0xee));
  await router.closed();
  await until('b has told', () => net.events('peerDown').length === 1);
  expect(net.events('peerDown')[0]).toMatchObject({
    peer: 'r',
    reason: 'wrong magic: not a Trestle peer',
  });
  expect(b.isConnected('a')).toBe(true);
});

test.each([
  [
    'a hello',
    rawFrame(frameKinds.hello, 0, Buffer.from('{}')),
    'a frame of kind 1 belongs into the handshake',
  ],
  [
    'no name',
    rawFrame(frameKinds.message, 0, Buffer.of(1)),
    'undecodable body: not a name and a value',
  ],
  ['no body', rawFrame(frameKinds.request, 0, Buffer.alloc(0)), 'a body is missing'],
  [
    'no failure',
    rawFrame(frameKinds.failure, 0, Buffer.of(0x90)),
    'undecodable body: not a failure',
  ],
])('a peer that sends %s is cut off', async (_what, bytes, reason) => {
  const b = await net.open('b');
  const raw = await net.raw(b);
  raw.socket.write(bytes);
  await raw.closed();
  await until('b has told', () => net.events('peerDown').length === 1);
  expect(net.events('peerDown')[0]).toMatchObject({ peer: 'a', reason });
});

test('a peer that numbers two running requests alike is cut off', async () => {
  const b = await net.open('b');
  b.onRequest('hang', () => new Promise(() => {}));
  const raw = await net.raw(b);
  raw.send(frameKinds.request, 1, ['hang', 1]);
  raw.send(frameKinds.request, 1, ['hang', 2]);
  await raw.closed();
  await until('b has told', () => net.events('peerDown').length === 1);
  expect(net.events('peerDown')[0]).toMatchObject({ reason: 'request 1 is running already' });
});
