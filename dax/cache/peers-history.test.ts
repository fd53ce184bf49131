import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mulberry32 } from '../../dataplane/node/mulberry32.fixture.ts';
import { MemoryRegistryStore } from '../cluster/memory-registry-store.ts';
import { PeerCoherence } from '../cluster/peer-coherence.ts';
import { RegistryError, type RegistryStore } from '../cluster/registry-store.ts';
import { systemScheduler } from '../cluster/scheduler.ts';
import { TcpPeerNetwork } from '../cluster/tcp-peer-network.ts';
import { TestNode } from './cached-tables.fixture.ts';
import type { CacheCounters } from './counters.ts';
import { collections, drive, type Trouble, Workload } from './history.fixture.ts';
import { startRedis, startWire, type TestRedis, type TestWire } from './redis.fixture.ts';
import { startTables, type TestTables } from './tables.fixture.ts';

/** The test of `history.test.ts` with nodes that are joined as they really are: leases, views, TCP. */

const NODES_COUNT = 3;

/** A fifth of the real times. */
const LIMITS = {
  renewMs: 100,
  registryMs: 200,
  leaseMs: 400,
  fenceMs: 415,
  joinMs: 415,
  ackMs: 200,
  deadMs: 400,
  cautionMs: 300,
  pingMs: 60,
  tickMs: 20,
  invalidateMs: 2500,
};

/** Of what is ours to choose: timers and sockets have their own order. */
const seed = Date.now() % 2 ** 32;

/** The store of all nodes, which this one does not always reach. */
class MortalRegistry implements RegistryStore {
  isDead = false;
  readonly #store: RegistryStore;

  constructor(store: RegistryStore) {
    this.#store = store;
  }

  get(...args: Parameters<RegistryStore['get']>): ReturnType<RegistryStore['get']> {
    return this.isDead ? away() : this.#store.get(...args);
  }

  put(...args: Parameters<RegistryStore['put']>): ReturnType<RegistryStore['put']> {
    return this.isDead ? away() : this.#store.put(...args);
  }
}

function away(): Promise<never> {
  return Promise.reject(new RegistryError('the registry is away'));
}

let redis: TestRedis;
let wires: TestWire[];
let tables: TestTables;
let registries: MortalRegistry[];
let peers: PeerCoherence[];
let nodes: TestNode[];

beforeEach(async () => {
  redis = await startRedis('--maxmemory-policy', 'allkeys-lru');
  wires = await Promise.all(Array.from({ length: NODES_COUNT }, () => startWire(redis)));
  tables = await startTables();
  await tables.server.createTable(collections);
  const store = new MemoryRegistryStore();
  registries = wires.map(() => new MortalRegistry(store));
  peers = await Promise.all(registries.map(openPeer));
  nodes = peers.map((coherence, index) => {
    const url = wires[index]?.url ?? '';
    const redisOptions = { url, prefix: 'peers', generationSettleMs: LIMITS.fenceMs };
    return new TestNode({ tables, peers: coherence, redis: redisOptions });
  });
  for (const [nodeId, peer] of peers.entries()) {
    const address = { zone: 'a', address: '127.0.0.1', port: 0, tlsPort: 0 };
    peer.start({ ...address, nodeId, name: `node ${nodeId}` });
  }
  const isWhole = ({ mayServe, metrics }: PeerCoherence) =>
    mayServe && metrics.membersCount === NODES_COUNT;
  await expect.poll(() => peers.every(isWhole)).toBe(true);
});

afterEach(async () => {
  await Promise.all(peers.map((peer) => peer.close()));
  for (const { cache } of nodes) cache.close();
  for (const wire of wires) await wire.close();
  await redis.close();
  await tables.close();
});

async function openPeer(registry: RegistryStore): Promise<PeerCoherence> {
  const log = () => undefined;
  const network = await TcpPeerNetwork.listen({ host: '127.0.0.1', port: 0, tls: undefined, log });
  return new PeerCoherence({
    cluster: 'history',
    registry,
    network,
    scheduler: systemScheduler,
    newId: randomUUID,
    random: Math.random,
    log,
    limits: LIMITS,
  });
}

const troubles: readonly Trouble[] = [
  { begin: () => reach(0, false), end: () => reach(0, true) },
  { begin: () => wires[0]?.cut(), end: () => wires[0]?.mend() },
  { begin: () => redis.kill(), end: () => redis.start() },
  { begin: () => redis.command('FLUSHALL') },
  {
    begin: () => {
      wires[1]?.cut();
      reach(2, false);
    },
    end: () => {
      wires[1]?.mend();
      reach(2, true);
    },
  },
];

function reach(index: number, doesReach: boolean): void {
  const registry = registries[index];
  if (registry !== undefined) registry.isDead = !doesReach;
}

/** What is to have happened at least once; on a machine with much else to do one run may be too short for it. */
const COVERED = ['itemHits', 'l2Hits', 'l2Losses', 'readsThrough'] as const;
const RUNS_MAX = 4;

test('no read is given an old value', { timeout: 180_000 }, async () => {
  const random = mulberry32(seed);
  const table = await tables.descriptions.describe('Collections');
  const delayMs = () => Math.floor(random() * 4);
  const workload = new Workload({ nodes, tables, table, random, delayMs, uncertainShare: 0.002 });
  // Long enough for L2 to be used again before the next trouble.
  const isCovered = () => workload.history.racesCount > 100 && missing().length === 0;
  const times = { lengthMs: 20_000, calmMs: 2400, troubleMs: 800 };
  for (let runs = 1; runs === 1 || (runs <= RUNS_MAX && !isCovered()); runs += 1) {
    const history = await drive(workload, { clientsCount: 9, troubles, ...times });
    expect(history.violations, `seed ${seed}`).toEqual([]);
  }
  expect(workload.history.racesCount).toBeGreaterThan(100);
  expect(missing()).toEqual([]);
});

function missing(): readonly string[] {
  return COVERED.filter((name) => sumOf(name) === 0);
}

function sumOf(name: keyof CacheCounters): number {
  return nodes.reduce((sum, { cache }) => sum + cache.counters[name], 0);
}
