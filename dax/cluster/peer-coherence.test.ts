import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../dataplane/endpoint/endpoint.fixture.ts';
import { Authority } from '../../dataplane/replication/transport/authority.fixture.ts';
import type { HttpTableCalls } from '../tables/http-table-calls.ts';
import { callsTo } from '../tables/table-calls.fixture.ts';
import { CoherenceError, type Invalidation } from './coherence.ts';
import type { CoherenceLimits } from './coherence-limits.ts';
import { PeerCoherence } from './peer-coherence.ts';
import { RegistryError, type RegistryStore } from './registry-store.ts';
import { createRegistryTable } from './registry-table.fixture.ts';
import { systemScheduler } from './scheduler.ts';
import { TableRegistryStore } from './table-registry-store.ts';
import { DAX_CERTIFICATE_NAME, type PeerTls, TcpPeerNetwork } from './tcp-peer-network.ts';

let server: TestServer;
let calls: HttpTableCalls;
let authority: Authority;
let cluster = '';
let clustersCount = 0;
const running: TestNode[] = [];

beforeAll(async () => {
  server = await startServer();
  calls = callsTo(`http://127.0.0.1:${server.port}`);
  await createRegistryTable(calls);
  authority = new Authority();
});
afterAll(async () => {
  calls.close();
  authority.remove();
  await server.close();
});
beforeEach(() => {
  clustersCount += 1;
  cluster = `c${clustersCount}`;
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.coherence.close()));
});

/** A registry that can be cut off. */
class Registry implements RegistryStore {
  readonly #store: RegistryStore;
  isAway = false;

  constructor() {
    this.#store = new TableRegistryStore({ calls, tableName: 'registry', cluster });
  }

  get(...args: Parameters<RegistryStore['get']>) {
    return this.isAway ? Promise.reject(new RegistryError('away')) : this.#store.get(...args);
  }

  put(...args: Parameters<RegistryStore['put']>) {
    return this.isAway ? Promise.reject(new RegistryError('away')) : this.#store.put(...args);
  }
}

interface TestNode {
  readonly coherence: PeerCoherence;
  readonly network: TcpPeerNetwork;
  readonly registry: Registry;
  /** What reached it, and resets, in order. */
  readonly seen: (Invalidation | 'reset')[];
  readonly generations: string[];
  /** What peers did wrong. */
  readonly refusals: string[];
}

interface NodeOptions {
  readonly tls?: PeerTls;
  readonly cluster?: string;
  readonly limits?: Partial<CoherenceLimits>;
}

/**
 * Nobody is excluded, and no lease ends, because the machine has no time for this process: that has tests of its own, which
 * give what they are about.
 */
const PATIENT: Partial<CoherenceLimits> = {
  ...{ registryMs: 20_000, leaseMs: 60_000, ackMs: 60_000, deadMs: 60_000 },
  ...{ helloMs: 20_000, reachMs: 20_000, invalidateMs: 60_000 },
};

async function start(nodeId: number, options: NodeOptions = {}): Promise<TestNode> {
  const network = await TcpPeerNetwork.listen({
    host: '127.0.0.1',
    port: 0,
    tls: options.tls,
    log: () => undefined,
  });
  const registry = new Registry();
  const refusals: string[] = [];
  const coherence = new PeerCoherence({
    cluster: options.cluster ?? cluster,
    registry,
    network,
    scheduler: systemScheduler,
    newId: () => randomBytes(12).toString('base64url'),
    random: Math.random,
    log: (event, { reason }) => {
      if (event === 'peerRefused') refusals.push(String(reason));
    },
    // Most of the tests are not about the wait.
    limits: { ...PATIENT, joinMs: 100, fenceMs: 100, ...options.limits },
  });
  const node: TestNode = { coherence, network, registry, seen: [], generations: [], refusals };
  coherence.onInvalidation((message) => node.seen.push(message));
  coherence.onReset(() => node.seen.push('reset'));
  coherence.onL2Generation((generation) => node.generations.push(generation));
  const self = { nodeId, name: `node-${nodeId}`, zone: 'z', address: '127.0.0.1' };
  coherence.start({ ...self, port: 8000 + nodeId, tlsPort: 9000 + nodeId });
  running.push(node);
  return node;
}

/** The nodes serve, and know each other. */
async function whenReady(nodes: readonly TestNode[]): Promise<void> {
  await expect
    .poll(() =>
      nodes.every(
        ({ coherence }) =>
          coherence.mayServe &&
          coherence.metrics.membersCount === nodes.length &&
          coherence.metrics.connectedPeersCount === nodes.length - 1,
      ),
    )
    .toBe(true);
}

async function startAll(nodesCount: number, options: NodeOptions = {}): Promise<TestNode[]> {
  const nodes = await Promise.all(
    Array.from({ length: nodesCount }, (_, nodeId) => start(nodeId, options)),
  );
  await whenReady(nodes);
  for (const { seen } of nodes) seen.length = 0;
  return nodes;
}

const written = (key: string): Invalidation => ({
  tableId: 't',
  keys: [{ key, hashLength: 1 }],
  isUncertain: false,
});

function at(nodes: readonly TestNode[], index: number): TestNode {
  const node = nodes[index];
  if (node === undefined) throw new Error(`there is no node ${index}`);
  return node;
}

describe.each(['TCP', 'mutual TLS'])('three nodes over %s', (transport) => {
  const options = (): NodeOptions =>
    transport === 'TCP' ? {} : { tls: authority.sign(DAX_CERTIFICATE_NAME, 'node') };

  it('are members, and one of them leads', async () => {
    const nodes = await startAll(3, options());
    const shown = nodes.map(({ coherence }) => coherence.members());
    expect(shown[0]?.map(({ name, role, port, isSelf }) => [name, role, port, isSelf])).toEqual([
      ['node-0', 1, 8000, true],
      ['node-1', 2, 8001, false],
      ['node-2', 2, 8002, false],
    ]);
    const withoutSelf = shown.map((members) =>
      members.map(({ isSelf: _isSelf, ...member }) => member),
    );
    expect(withoutSelf[1]).toEqual(withoutSelf[0]);
    expect(withoutSelf[2]).toEqual(withoutSelf[0]);
  });

  it('have dropped what was written when a write is acknowledged', async () => {
    const nodes = await startAll(3, options());
    await at(nodes, 0).coherence.invalidate(written('a\xff'));
    expect(nodes.map(({ seen }) => seen)).toEqual([[], [written('a\xff')], [written('a\xff')]]);
    const uncertain: Invalidation = { tableId: 't', keys: 'all', isUncertain: true };
    await at(nodes, 1).coherence.invalidate(uncertain);
    expect(at(nodes, 0).seen).toEqual([uncertain]);
    expect(at(nodes, 2).seen).toEqual([written('a\xff'), uncertain]);
  });

  it('write all at once', async () => {
    const nodes = await startAll(3, options());
    const writes = nodes.flatMap(({ coherence }, n) =>
      Array.from({ length: 500 }, (_, i) => coherence.invalidate(written(`${n} ${i}`))),
    );
    await Promise.all(writes);
    for (const { seen, coherence } of nodes) {
      expect(seen).toHaveLength(1_000);
      expect(coherence.metrics).toMatchObject({ pendingCount: 0, failedCount: 0 });
      expect(coherence.metrics.settledCount).toBeGreaterThanOrEqual(500);
    }
  });
});

describe('members', () => {
  it('that drain are in no list, and go on; the next one leads', async () => {
    const nodes = await startAll(3);
    await at(nodes, 0).coherence.leave();
    for (const { coherence } of nodes) {
      await expect
        .poll(() => coherence.members().map(({ name, role }) => `${name} ${role}`))
        .toEqual(['node-1 1', 'node-2 2']);
    }
    expect(at(nodes, 0).coherence.mayServe).toBe(true);
    await at(nodes, 1).coherence.invalidate(written('a'));
    expect(at(nodes, 0).seen).toEqual([written('a')]);
  });

  it('that leave in order keep nobody waiting', async () => {
    const nodes = await startAll(3);
    const others = [at(nodes, 0), at(nodes, 1)];
    const fences = () => others.map(({ coherence }) => coherence.metrics.fencesCount);
    const before = fences();
    await at(nodes, 2).coherence.close();
    expect(at(nodes, 2).coherence.mayServe).toBe(false);
    for (const { coherence } of others)
      await expect.poll(() => coherence.members()).toHaveLength(2);
    expect(fences()).toEqual(before);
    await at(nodes, 0).coherence.invalidate(written('a'));
    expect(at(nodes, 1).seen).toEqual([written('a')]);
    expect(at(nodes, 2).seen).toEqual([]);
  });

  it('that are gone without a word are excluded, and writes wait for the end of their lease', async () => {
    // The one that is left has time to answer.
    const nodes = await startAll(3, { limits: { fenceMs: 1_500, ackMs: 5_000 } });
    // Its process is as good as dead: it neither listens nor reads the view.
    at(nodes, 2).registry.isAway = true;
    await at(nodes, 2).network.close();
    const startMs = performance.now();
    await at(nodes, 0).coherence.invalidate(written('a'));
    expect(performance.now() - startMs).toBeGreaterThan(1_500);
    expect(at(nodes, 0).coherence.metrics.fencesCount).toBeGreaterThan(0);
    expect(
      at(nodes, 0)
        .coherence.members()
        .map(({ name }) => name),
    ).toEqual(['node-0', 'node-1']);
    expect(at(nodes, 1).seen).toEqual([written('a')]);
  });

  it('that were excluded drop everything and come back as others', async () => {
    const nodes = await startAll(2, { limits: { leaseMs: 2_000, ackMs: 5_000 } });
    const [first, second] = [at(nodes, 0), at(nodes, 1)];
    const former = second.coherence.members().find(({ isSelf }) => isSelf)?.incarnation;
    second.registry.isAway = true;
    await expect.poll(() => second.coherence.mayServe).toBe(false);
    // A registry that is away is no reason to be excluded: acknowledgements come from peers.
    await first.coherence.invalidate(written('a'));
    expect(second.seen).toEqual([written('a')]);
    await second.network.close();
    await first.coherence.invalidate(written('b'));
    expect(first.coherence.members()).toHaveLength(1);
    second.registry.isAway = false;
    await expect.poll(() => second.seen).toEqual([written('a'), 'reset']);
    await expect.poll(() => second.coherence.mayServe).toBe(true);
    const current = second.coherence.members().find(({ isSelf }) => isSelf)?.incarnation;
    expect(current).toEqual(expect.any(String));
    expect(current).not.toBe(former);
  });

  it('of another cluster are not listened to, even if they share a registry by mistake', async () => {
    const [node] = await startAll(1);
    const stranger = await start(7, { cluster: 'another' });
    await expect.poll(() => node?.refusals).toContain('node 7 of the cluster another said hello');
    expect(stranger.coherence.metrics.connectedPeersCount).toBe(0);
    expect(node?.seen).toEqual([]);
  });
});

describe('a node', () => {
  it('that does not reach the registry serves until its lease ends, and cannot acknowledge then', async () => {
    const nodes = await startAll(2, { limits: { leaseMs: 5_000, invalidateMs: 5_000 } });
    const node = at(nodes, 0);
    node.registry.isAway = true;
    expect(node.coherence.mayServe).toBe(true);
    await expect.poll(() => node.coherence.mayServe).toBe(false);
    await expect(node.coherence.invalidate(written('a'))).rejects.toBeInstanceOf(CoherenceError);
    // The others have dropped it all the same.
    expect(at(nodes, 1).seen).toEqual([written('a')]);
    node.registry.isAway = false;
    await expect.poll(() => node.coherence.mayServe).toBe(true);
    await node.coherence.invalidate(written('b'));
    expect(node.seen).toEqual([]);
  });

  it('that is alone acknowledges by itself', async () => {
    const [node] = await startAll(1);
    await node?.coherence.invalidate(written('a'));
    expect(node?.coherence.metrics.sentCount).toBeLessThan(3);
  });

  it('that came later is told of uncertain writes of late', async () => {
    const nodes = await startAll(1);
    const uncertain = { ...written('a'), isUncertain: true };
    await at(nodes, 0).coherence.invalidate(uncertain);
    const late = await start(1);
    await expect.poll(() => late.seen).toContainEqual(uncertain);
  });

  it('shows itself until it has seen the view', async () => {
    const node = await start(3);
    expect(node.coherence.members()).toMatchObject([{ name: 'node-3', role: 1, isSelf: true }]);
    expect(node.coherence.mayServe).toBe(false);
  });

  it('that has left acknowledges nothing any more', async () => {
    const nodes = await startAll(2);
    const { coherence } = at(nodes, 0);
    await coherence.close();
    await expect(coherence.invalidate(written('a'))).rejects.toBeInstanceOf(CoherenceError);
  });
});

describe('L2', () => {
  it('has the same generation everywhere; a new one is everywhere when it is had', async () => {
    const nodes = await startAll(3);
    const before = new Set(nodes.map(({ coherence }) => coherence.l2Generation));
    expect(before.size).toBe(1);
    await at(nodes, 1).coherence.newL2Generation();
    const after = new Set(nodes.map(({ coherence }) => coherence.l2Generation));
    expect(after.size).toBe(1);
    expect(after).not.toEqual(before);
    for (const { coherence, generations } of nodes)
      expect(generations.at(-1)).toBe(coherence.l2Generation);
  });

  it('calls at once share a switch, but none that has begun already', async () => {
    const nodes = await startAll(2);
    const { coherence } = at(nodes, 0);
    const { epoch } = coherence.metrics;
    const first = coherence.newL2Generation();
    await Promise.all([first, ...Array.from({ length: 9 }, () => coherence.newL2Generation())]);
    expect(coherence.metrics.epoch).toBe(epoch + 2);
    await coherence.newL2Generation();
    expect(coherence.metrics.epoch).toBe(epoch + 3);
  });

  it('is not shared while a member does not reach it, and for a while afterwards', async () => {
    const fenceMs = 600;
    const nodes = await startAll(3, { limits: { fenceMs } });
    let firstSharedMs = Number.NaN;
    const shared = () => {
      const all = nodes.map(({ coherence }) => coherence.isL2Shared);
      if (all.includes(true)) firstSharedMs = Math.min(firstSharedMs, performance.now());
      return all;
    };
    await expect.poll(shared).toEqual([true, true, true]);
    const before = at(nodes, 0).coherence.l2Generation;
    await at(nodes, 1).coherence.setL2Reachable(false);
    expect(shared()).toEqual([false, false, false]);
    const without = at(nodes, 0).coherence.l2Generation;
    expect(without).not.toBe(before);
    await at(nodes, 0).coherence.invalidate(written('a'));
    await at(nodes, 1).coherence.invalidate(written('b'));
    const startMs = performance.now();
    firstSharedMs = Number.POSITIVE_INFINITY;
    await at(nodes, 1).coherence.setL2Reachable(true);
    await expect.poll(shared).toEqual([true, true, true]);
    expect(firstSharedMs - startMs).toBeGreaterThan(fenceMs - 2);
    expect(at(nodes, 2).coherence.l2Generation).not.toBe(without);
  });
});
