import { afterEach, beforeEach, expect, test } from 'vitest';
import { frameKinds } from './frame.ts';
import { LinkFaults } from './link-faults.ts';
import { TestTransports, until } from './transports.fixture.ts';

let net: TestTransports;

beforeEach(() => {
  net = new TestTransports();
});

afterEach(() => net.close());

test('an idle connection is kept up by pings, and a silent peer is dead before long', async () => {
  const b = await net.open('b');
  const raw = await net.raw(b);
  const ping = await raw.frame(frameKinds.ping);
  expect(ping.id).toBeGreaterThan(0);
  await raw.closed();
  const [down] = net.events('peerDown');
  // 16 silent beats of 10 ms; the clock may have gone on for longer.
  expect(down?.reason).toBe('not heard of for 160 ms');
});

test('two idle peers stay connected', async () => {
  const { a, b } = await net.pair();
  let beats = 0;
  b.onMessage('beat', () => {
    beats += 1;
  });
  const sinceMs = performance.now();
  await until('three deaths would have come', () => performance.now() - sinceMs > 3 * 160);
  expect(net.events('peerDown')).toEqual([]);
  a.send('b', 'beat', null);
  await until('it is the same connection', () => beats === 1);
});

test.each(['in', 'out', 'both'] as const)(
  'a link blocked %s is lost in silence, does not come back, and comes back healed',
  async (direction) => {
    const faults = new LinkFaults();
    const { a, b } = await net.pair({ faults });
    const seen: unknown[] = [];
    a.onMessage('raft', (_from, body) => seen.push(['a', body]));
    b.onMessage('raft', (_from, body) => seen.push(['b', body]));
    faults.block('b', direction);
    expect(a.send('b', 'raft', 1)).toBe(true);
    expect(b.send('a', 'raft', 1)).toBe(true);
    const pending = a.request('b', 'absent', null, { timeoutMs: 60_000 }).catch((error) => error);
    await until('both have noticed', () => !a.isConnected('b') && !b.isConnected('a'));
    expect(await pending).toMatchObject({ outcome: 'unknown' });
    const passed = { in: [['b', 1]], out: [['a', 1]], both: [] }[direction];
    expect(seen).toEqual(passed);
    const sinceMs = performance.now();
    await until('attempts were made', () => performance.now() - sinceMs > 100);
    expect(a.isConnected('b')).toBe(false);
    faults.heal('b');
    await net.connected(a, b);
    a.send('b', 'raft', 2);
    await until('it gets through', () => seen.length === passed.length + 1);
  },
);

test('a listener does not answer the hello of a peer that it blocks', async () => {
  const faults = new LinkFaults();
  faults.block('a', 'in');
  const b = await net.open('b', { faults });
  const a = await net.open('a', { limits: { helloTimeoutMs: 100 } });
  await until('a has given up once', () => a.lastFailure('b') !== undefined);
  expect(a.lastFailure('b')?.refusal).toBeUndefined();
  faults.heal('a');
  await net.connected(a, b);
});

test('a delayed link keeps its order while the delay changes', async () => {
  const faults = new LinkFaults();
  const { a, b } = await net.pair({ faults });
  const seen: unknown[] = [];
  b.onMessage('raft', (_from, body) => seen.push(body));
  const startMs = performance.now();
  for (const [n, delayMs] of [100, 5, 60, 0].entries()) {
    faults.delay('b', delayMs);
    a.send('b', 'raft', n);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  }
  faults.heal('b');
  await until('all have come', () => seen.length === 4);
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(99);
  expect(seen).toEqual([0, 1, 2, 3]);
});
