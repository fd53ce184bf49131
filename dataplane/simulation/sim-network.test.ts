import { describe, expect, it } from 'vitest';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import { SimNetwork } from './sim-network.ts';
import type { Death, SimProcess } from './sim-scheduler.ts';
import type { SimTransport } from './sim-transport.ts';
import { SimWorld } from './sim-world.ts';

interface Peer {
  readonly process: SimProcess;
  readonly transport: SimTransport;
  readonly received: number[];
  readonly told: string[];
}

/** A few processes that keep what they receive, connected. */
class Bench {
  readonly world: SimWorld;
  readonly network: SimNetwork;

  constructor(seed: string | number) {
    this.world = new SimWorld(seed);
    this.network = new SimNetwork(this.world, { bodyMode: 'checked', log: () => {} });
  }

  add(id: string, role: 'node' | 'router' = 'node', storeId = `store ${id}`): Peer {
    const clock = this.world.newClock(id, { wallSkewMsMax: 0, drift: 0 });
    const process = this.world.startProcess(id, clock);
    const transport = this.network.attach({ id, role, storeId }, process);
    const received: number[] = [];
    const told: string[] = [];
    transport.onMessage('numbers', (_from, body) => void received.push(body as number));
    transport.onPeer((peer, isUp) => void told.push(`${peer} ${isUp ? 'up' : 'down'}`));
    return { process, transport, received, told };
  }

  async connect(...peers: readonly Peer[]): Promise<void> {
    await this.world.run(() =>
      peers.every(({ transport }) =>
        peers.every(
          (other) => other.transport === transport || transport.isConnected(other.transport.self),
        ),
      ),
    );
  }

  /** What a promise settled to within the time, or `pending`. */
  async outcome(promise: Promise<unknown>, withinMs = 20_000): Promise<unknown> {
    let outcome: unknown = 'pending';
    promise.then(
      (value) => {
        outcome = value;
      },
      (error) => {
        outcome = error;
      },
    );
    const end = this.world.nowMs + withinMs;
    await this.world.run(() => outcome !== 'pending' || this.world.nowMs >= end);
    return outcome;
  }
}

async function pair(seed: string | number) {
  const bench = new Bench(seed);
  const [a, b] = [bench.add('a'), bench.add('b')];
  await bench.connect(a, b);
  return { bench, a, b };
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('messages', () => {
  it('arrive in order, each once', async () => {
    const { bench, a, b } = await pair(1);
    for (const number of numbers(500)) {
      expect(a.transport.send('b', 'numbers', number)).toBe(true);
    }
    await bench.world.runFor(1_000);
    expect(b.received).toEqual(numbers(500));
  });
  it('are refused at once when the peer is not connected', () => {
    const bench = new Bench(1);
    expect(bench.add('a').transport.send('b', 'numbers', 1)).toBe(false);
  });
  it('reach the process itself', async () => {
    const bench = new Bench(1);
    const a = bench.add('a');
    a.transport.send('a', 'numbers', 7);
    expect(a.received).toEqual([]);
    await bench.world.runFor(1);
    expect(a.received).toEqual([7]);
  });
  it('get lost, doubled and overtaken in a lossy network', async () => {
    const { bench, a, b } = await pair(2);
    bench.network.links.setLoss({ drop: 0.1, duplicate: 0.1, reorder: 0.1 });
    for (const number of numbers(1_000)) {
      a.transport.send('b', 'numbers', number);
    }
    await bench.world.runFor(2_000);
    const once = new Set(b.received);
    expect(once.size).toBeGreaterThan(850);
    expect(once.size).toBeLessThan(950);
    expect(b.received.length).toBeGreaterThan(once.size + 50);
    expect(b.received).not.toEqual(b.received.toSorted((one, other) => one - other));
  });
  it('stuck behind a short block come late, and in order', async () => {
    const { bench, a, b } = await pair(3);
    bench.network.block(['a'], ['b']);
    for (const number of numbers(10)) {
      a.transport.send('b', 'numbers', number);
    }
    b.transport.send('a', 'numbers', 99);
    await bench.world.runFor(1_000);
    expect([a.received, b.received]).toEqual([[99], []]);
    bench.network.heal();
    a.transport.send('b', 'numbers', 10);
    await bench.world.runFor(1_500);
    expect(b.received).toEqual(numbers(11));
    expect(b.told).toEqual(['a up']);
  });
});

describe('connections', () => {
  it('end on both sides when a direction is silent for long, and are taken up again', async () => {
    const { bench, a, b } = await pair(4);
    bench.network.block(['a'], ['b']);
    a.transport.send('b', 'numbers', 1);
    await bench.world.runFor(10_000);
    expect([a.told, b.told]).toEqual([
      ['b up', 'b down'],
      ['a up', 'a down'],
    ]);
    bench.network.heal();
    await bench.connect(a, b);
    expect(b.received).toEqual([]);
  });
  it.each<Death>(['kill', 'power'])('notice the death of a process (%s)', async (death) => {
    const { bench, a, b } = await pair(5);
    b.process.kill(death);
    const diedMs = bench.world.nowMs;
    await bench.world.run(() => !a.transport.isConnected('b'));
    const noticedMs = bench.world.nowMs - diedMs;
    expect(death === 'kill' ? noticedMs < 500 : noticedMs > 2_500).toBe(true);
    const b2 = bench.add('b', 'node', 'another store');
    await bench.connect(a, b2);
    expect(a.transport.peers()).toMatchObject([
      { id: 'b', role: 'node', storeId: 'another store' },
    ]);
  });
  it('survive a short pause; what was sent meanwhile is read then', async () => {
    const { bench, a, b } = await pair(6);
    b.process.pause();
    a.transport.send('b', 'numbers', 1);
    await bench.world.runFor(2_000);
    expect(b.received).toEqual([]);
    b.process.resume();
    await bench.world.runFor(1);
    expect([b.received, a.told]).toEqual([[1], ['b up']]);
  });
  it('end during a long pause', async () => {
    const { bench, a, b } = await pair(7);
    b.process.pause();
    await bench.world.runFor(5_000);
    expect(a.told).toEqual(['b up', 'b down']);
    expect(b.told).toEqual(['a up']);
    b.process.resume();
    await bench.connect(a, b);
    expect(b.told).toEqual(['a up', 'a down', 'a up']);
  });
  it('are dropped on demand, and end with close', async () => {
    const { bench, a, b } = await pair(8);
    bench.network.dropConnection('a', 'b');
    await bench.world.run(() => a.told.length === 3 && b.told.length === 3);
    await b.transport.close();
    await bench.world.runFor(20_000);
    expect(a.told).toEqual(['b up', 'b down', 'b up', 'b down']);
    expect(b.transport.peers()).toEqual([]);
  });
  it('are not made between routers', async () => {
    const bench = new Bench(9);
    const [node, one, other] = [
      bench.add('n'),
      bench.add('r1', 'router'),
      bench.add('r2', 'router'),
    ];
    await bench.world.runFor(20_000);
    expect(
      node.transport
        .peers()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(['r1', 'r2']);
    expect([one.told, other.told]).toEqual([['n up'], ['n up']]);
  });
});

describe('requests', () => {
  it('are answered with what the handler returns or throws', async () => {
    const { bench, a, b } = await pair(10);
    b.transport.onRequest('double', (body, { from }) => `${from} ${2 * (body as number)}`);
    b.transport.onRequest('fail', () => {
      throw new RemoteFailure('busy', 'too much', { waitMs: 5 });
    });
    b.transport.onRequest('bug', async () => {
      throw new TypeError('oops');
    });
    const call = (method: string) =>
      bench.outcome(a.transport.request('b', method, 21, { timeoutMs: 1_000 }));
    expect(await call('double')).toBe('a 42');
    expect(await call('fail')).toMatchObject({ code: 'busy', data: { waitMs: 5 } });
    expect(await call('bug')).toMatchObject({ code: 'internal' });
    expect(await call('nothing')).toMatchObject({ code: 'noMethod' });
    a.transport.onRequest('self', () => 'me');
    expect(await bench.outcome(a.transport.request('a', 'self', 0, { timeoutMs: 1 }))).toBe('me');
  });
  it('that take too long are given up, and the handler is told', async () => {
    const { bench, a, b } = await pair(11);
    let isTold = false;
    b.transport.onRequest('hang', (_body, { signal }) => {
      signal.addEventListener('abort', () => {
        isTold = true;
      });
      return new Promise(() => {});
    });
    const request = a.transport.request('b', 'hang', 0, { timeoutMs: 100 });
    expect(await bench.outcome(request)).toMatchObject({ outcome: 'unknown' });
    await bench.world.runFor(1_000);
    expect(isTold).toBe(true);
  });
  it('fail for certain when there is no connection', async () => {
    const bench = new Bench(12);
    const request = bench.add('a').transport.request('b', 'any', 0, { timeoutMs: 100 });
    expect(await bench.outcome(request)).toMatchObject({ outcome: 'notSent' });
  });
  it('whose connection ends are unknown, or never ran', async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 20; seed += 1) {
      const { bench, a, b } = await pair(`end ${seed}`);
      let ran = 0;
      b.transport.onRequest('count', () => {
        ran += 1;
      });
      bench.network.block(['a'], ['b']);
      const requests = numbers(10).map(() =>
        a.transport.request('b', 'count', 0, { timeoutMs: 60_000 }),
      );
      const failures = requests.map((request) => request.catch((failure: unknown) => failure));
      await bench.outcome(Promise.all(failures));
      for (const failure of await Promise.all(failures)) {
        expect(failure).toBeInstanceOf(RequestFailed);
        outcomes.add((failure as RequestFailed).outcome);
      }
      bench.network.heal();
      await bench.world.runFor(10_000);
      expect(ran).toBe(0);
    }
    expect([...outcomes].sort()).toEqual(['notSent', 'unknown']);
  });
  it('of a process that died are never settled', async () => {
    const { bench, a, b } = await pair(13);
    b.transport.onRequest('hang', () => new Promise(() => {}));
    const request = a.transport.request('b', 'hang', 0, { timeoutMs: 100 });
    a.process.kill('kill');
    expect(await bench.outcome(request)).toBe('pending');
    expect(await bench.outcome(a.transport.request('b', 'hang', 0, { timeoutMs: 1 }))).toBe(
      'pending',
    );
  });
});
