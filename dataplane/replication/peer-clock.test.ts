import { beforeEach, describe, expect, it } from 'vitest';
import type { ReplicationContext } from './context.ts';
import { PeerClock } from './peer-clock.ts';
import type { Transport } from './transport/transport.ts';

type Handler = (from: string, body: unknown) => void;

/** Two nodes, a and b; what they send waits, in order, until it is delivered. */
let nowMs: number;
let handlers: Map<string, Handler>;
let underWay: { readonly from: string; readonly to: string; readonly body: unknown }[];
let a: PeerClock;

function nodeOf(self: string, other: string): PeerClock {
  const transport: Pick<Transport, 'send' | 'onMessage' | 'peers'> = {
    send: (to, _, body) => underWay.push({ from: self, to, body }) > 0,
    onMessage: (_, handler) => handlers.set(self, handler),
    peers: () => [{ id: other, role: 'node' }],
  };
  const scheduler = { monotonicMs: () => nowMs };
  // Of what nodes share it uses only this.
  return new PeerClock({ nodeId: self, transport, scheduler } as unknown as ReplicationContext);
}

function deliver(): void {
  for (const { from, to, body } of underWay.splice(0)) handlers.get(to)?.(from, body);
}

function tick(): void {
  a.tick();
  a.tick();
}

beforeEach(() => {
  nowMs = 1_000;
  handlers = new Map();
  underWay = [];
  a = nodeOf('a', 'b');
  nodeOf('b', 'a');
});

describe('what is known of the age of messages', () => {
  it('is nothing before the first answer', () => {
    tick();
    deliver();
    expect(a.sentAfterMs('b')).toBe(Number.NEGATIVE_INFINITY);
    deliver();
    expect(a.sentAfterMs('b')).toBe(1_000);
  });

  it('is the time of the newest probe that was answered, however late the answer is read', () => {
    tick();
    nowMs = 1_200;
    tick();
    deliver();
    nowMs = 9_000; // b's answers lay about meanwhile, and so did whatever b sent behind them
    tick();
    deliver();
    expect(a.sentAfterMs('b')).toBe(1_200);
    deliver();
    expect(a.sentAfterMs('b')).toBe(9_000);
  });

  it('does not come from answers to nothing', () => {
    tick();
    deliver();
    deliver();
    for (const body of [[1, 1], [1, 0], [1, -1], [1, 0.5], [1, '0'], [2, 0], [1], [], null, 'x']) {
      handlers.get('a')?.('b', body);
    }
    handlers.get('a')?.('c', [1, 0]);
    expect(a.sentAfterMs('b')).toBe(1_000);
    expect(a.sentAfterMs('c')).toBe(Number.NEGATIVE_INFINITY);
  });

  it('goes on after a long silence of the other', () => {
    for (let round = 0; round < 500; round += 1) {
      nowMs += 200;
      tick();
    }
    underWay.length = 0;
    expect(a.sentAfterMs('b')).toBe(Number.NEGATIVE_INFINITY);
    tick();
    deliver();
    deliver();
    expect(a.sentAfterMs('b')).toBe(nowMs);
  });

  it('is now for a node itself', () => {
    expect(a.sentAfterMs('a')).toBe(nowMs);
  });
});
