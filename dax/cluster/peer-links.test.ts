import { beforeEach, describe, expect, it } from 'vitest';
import type { SimProcess } from '../../dataplane/simulation/sim-scheduler.ts';
import { SimWorld } from '../../dataplane/simulation/sim-world.ts';
import { CoherenceError, type Invalidation } from './coherence.ts';
import type { CoherenceLimits } from './coherence-limits.ts';
import { PeerCoherence } from './peer-coherence.ts';
import { decodeFrame, encodeFrame, type PeerFrame } from './peer-frame.ts';
import type { Channel } from './peer-network.ts';
import { SimPeerNetworks } from './sim-peer-network.fixture.ts';
import { SimRegistry } from './sim-registry.fixture.ts';

/** Two nodes of a simulation in which nothing goes wrong unless a test says so. */

let world: SimWorld;
let networks: SimPeerNetworks;
let registry: SimRegistry;

interface SimNode {
  readonly process: SimProcess;
  readonly coherence: PeerCoherence;
  readonly seen: string[];
  readonly refusals: string[];
}

beforeEach(() => {
  world = new SimWorld('links');
  networks = new SimPeerNetworks(world);
  registry = new SimRegistry(world);
});

function start(nodeId: number, limits: Partial<CoherenceLimits> = {}): SimNode {
  const name = `n${nodeId}`;
  const process = world.startProcess(name, world.newClock(name, { wallSkewMsMax: 0, drift: 0.01 }));
  const random = world.random.fork(name);
  const seen: string[] = [];
  const refusals: string[] = [];
  const coherence = new PeerCoherence({
    cluster: 'c',
    registry: registry.of(process),
    network: networks.of(process, { host: name, port: 8112 }),
    scheduler: process,
    newId: () => random.u32().toString(36),
    random: () => random.float(),
    log: (event, { reason }) => {
      if (event === 'peerRefused') refusals.push(String(reason));
    },
    limits,
  });
  coherence.onInvalidation(({ keys }) =>
    seen.push(keys === 'all' ? 'all' : keys.map(({ key }) => key).join()),
  );
  coherence.onReset(() => seen.push('reset'));
  const address = { name, zone: 'z', address: name, port: 8111, tlsPort: 9111 };
  process.afterUs(0, 'start', () => coherence.start({ nodeId, ...address }));
  return { process, coherence, seen, refusals };
}

async function startTwo(limits: Partial<CoherenceLimits> = {}): Promise<[SimNode, SimNode]> {
  const nodes: [SimNode, SimNode] = [start(0, limits), start(1, limits)];
  await world.run(() =>
    nodes.every(({ coherence }) => coherence.metrics.connectedPeersCount === 1),
  );
  await world.run(() => nodes.every(({ coherence }) => coherence.mayServe));
  for (const { seen } of nodes) seen.length = 0;
  return nodes;
}

const written = (key: string): Invalidation => ({
  tableId: 't',
  keys: [{ key, hashLength: 1 }],
  isUncertain: false,
});
/** Nobody is excluded in these tests. */
const PATIENT = { ackMs: 600_000, deadMs: 600_000, invalidateMs: 600_000 };

describe('a link', () => {
  it('sends again what a connection lost, and in order', async () => {
    const [from, to] = await startTwo(PATIENT);
    let doneCount = 0;
    const keys = Array.from({ length: 200 }, (_, n) => `k${n}`);
    for (const [n, key] of keys.entries()) {
      from.process.afterUs(n * 500, 'write', () => {
        from.coherence.invalidate(written(key)).then(() => (doneCount += 1));
      });
    }
    for (let n = 1; n < 10; n += 1) world.afterMs(n * 10, 'reset', () => networks.reset('n0'));
    await world.run(() => doneCount === keys.length);
    const firstSeen = [...new Set(to.seen)];
    expect(firstSeen).toEqual(keys);
    expect(to.seen.length).toBeGreaterThan(keys.length);
  });

  it('has no more on its way than its window, and goes on with acknowledgements', async () => {
    const [from, to] = await startTwo({ ...PATIENT, windowBytesMax: 300 });
    networks.block('n1', 'n0');
    let doneCount = 0;
    for (let n = 0; n < 50; n += 1)
      from.coherence.invalidate(written(`k${n}`)).then(() => (doneCount += 1));
    await world.runFor(1_000);
    expect(to.seen.length).toBeGreaterThan(2);
    expect(to.seen.length).toBeLessThan(30);
    networks.heal();
    await world.run(() => doneCount === 50);
    expect(new Set(to.seen).size).toBe(50);
  });

  it('that had no room for everything has its peer drop everything', async () => {
    const [from, to] = await startTwo({ ...PATIENT, logEntriesMax: 10 });
    networks.block('n0', 'n1');
    const outcomes: string[] = [];
    for (let n = 0; n < 15; n += 1) {
      from.coherence.invalidate(written(`k${n}`)).then(
        () => outcomes.push('done'),
        (error) => outcomes.push(error instanceof CoherenceError ? error.message : 'another'),
      );
    }
    await world.runFor(100);
    expect(outcomes).toEqual(Array(5).fill('too much waits already'));
    networks.heal();
    await world.run(() => to.seen.includes('reset'));
    await world.run(() => outcomes.length === 15);
    expect(outcomes.slice(5)).toEqual(Array(10).fill('done'));
    expect(to.seen.slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, n) => `k${n}`));
  });

  it('to a node whose clients write at the same time does not mix what comes with what goes', async () => {
    const [one, other] = await startTwo(PATIENT);
    let doneCount = 0;
    for (let n = 0; n < 30; n += 1) {
      one.coherence.invalidate(written(`a${n}`)).then(() => (doneCount += 1));
      other.coherence.invalidate(written(`b${n}`)).then(() => (doneCount += 1));
    }
    await world.run(() => doneCount === 60);
    expect(one.seen).toEqual(Array.from({ length: 30 }, (_, n) => `b${n}`));
    expect(other.seen).toEqual(Array.from({ length: 30 }, (_, n) => `a${n}`));
  });
});

describe('a peer that breaks the protocol', () => {
  /** Talks to node 0 by hand. */
  class Stranger {
    readonly answers: PeerFrame[] = [];
    readonly #channel: Channel;
    isOpen = false;
    isClosed = false;

    constructor() {
      const process = world.startProcess(
        'n9',
        world.newClock('n9', { wallSkewMsMax: 0, drift: 0 }),
      );
      this.#channel = networks.of(process, { host: 'n9', port: 1 }).dial(
        { host: 'n0', port: 8112 },
        {
          onOpen: () => {
            this.isOpen = true;
          },
          onFrame: (frame) => this.answers.push(decodeFrame(frame)),
          onClosed: () => {
            this.isClosed = true;
          },
        },
      );
    }

    send(frame: PeerFrame | Buffer): void {
      this.#channel.send(Buffer.isBuffer(frame) ? frame : encodeFrame(frame));
    }
  }

  const hello = (node: SimNode, change: object = {}): PeerFrame => ({
    kind: 'hello',
    cluster: 'c',
    nodeId: 9,
    to: node.coherence.members().find(({ isSelf }) => isSelf)?.incarnation ?? '',
    epoch: 0,
    ...change,
  });

  async function meet(): Promise<[SimNode, Stranger]> {
    const node = start(0, PATIENT);
    await world.run(() => node.coherence.mayServe);
    node.seen.length = 0;
    const stranger = new Stranger();
    await world.run(() => stranger.isOpen);
    return [node, stranger];
  }

  it('is not listened to before it has said hello', async () => {
    const [node, stranger] = await meet();
    stranger.send({ kind: 'invalidate', seq: 1, message: written('a') });
    await world.run(() => stranger.isClosed);
    expect(node.refusals).toEqual(['a stranger sent invalidate']);
    expect(node.seen).toEqual([]);
  });

  it('nor when it wanted another incarnation', async () => {
    const [node, stranger] = await meet();
    stranger.send(hello(node, { to: 'former' }));
    stranger.send({ kind: 'invalidate', seq: 1, message: written('a') });
    await world.run(() => stranger.isClosed);
    expect(stranger.answers).toMatchObject([{ kind: 'welcome' }]);
    expect(node.seen).toEqual([]);
  });

  it('is told what was handled, by its own numbers', async () => {
    const [node, stranger] = await meet();
    stranger.send(hello(node));
    stranger.send({ kind: 'invalidate', seq: 41, message: written('a') });
    stranger.send({ kind: 'dropAll', seq: 42 });
    await world.run(() =>
      stranger.answers.some((frame) => frame.kind === 'ack' && frame.seq === 42),
    );
    expect(node.seen).toEqual(['a', 'reset']);
  });

  it.each([
    ['hello a second time', (node: SimNode) => hello(node), /twice/],
    [
      'what only those who were dialled say',
      () => ({ kind: 'ack', seq: 1, epoch: 1 }) as const,
      /does not send ack/,
    ],
    ['bytes that are no frame', () => Buffer.from([0xc1, 0xff]), /./],
  ])('is hung up on when it says %s', async (_name, frame, reason) => {
    const [node, stranger] = await meet();
    stranger.send(hello(node));
    stranger.send(frame(node));
    await world.run(() => stranger.isClosed);
    expect(node.refusals).toEqual([expect.stringMatching(reason)]);
  });

  it('is hung up on when it says nothing for too long', async () => {
    const [node, stranger] = await meet();
    const startMs = world.nowMs;
    await world.run(() => stranger.isClosed);
    expect(world.nowMs - startMs).toBeLessThan(3_000);
    expect(node.refusals).toEqual([]);
  });
});
