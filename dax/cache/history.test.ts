import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { mulberry32 } from '../../dataplane/node/mulberry32.fixture.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { TestNode } from './cached-tables.fixture.ts';
import type { Clock } from './clock.ts';
import { TestCluster } from './coherence.fixture.ts';
import type { CacheCounters } from './counters.ts';
import {
  collections,
  type Drive,
  drive,
  type History,
  type Trouble,
  Workload,
} from './history.fixture.ts';
import { KeyActivities } from './key-activities.ts';
import { RedisL2 } from './l2/redis-l2.ts';
import { L2Sharing } from './l2/sharing.ts';
import { startRedis, startWire, type TestRedis, type TestWire } from './redis.fixture.ts';
import { startTables, type TestTables } from './tables.fixture.ts';

/**
 * Three nodes on one Redis, joined by messages that take their time; clients write and read few
 * keys through all of them, while Redis and its connections break. No read may be given what was
 * not the latest acknowledged value any more when it began.
 */

const NODES_COUNT = 3;
/** The nodes' clocks run so much faster: holds, settling and times to live come to their end. */
const CLOCK_RATE = 100;
const MESSAGE_MS_MAX = 4;

/** Of what is ours to choose: timers and sockets have their own order. */
const seed = Date.now() % 2 ** 32;

let redis: TestRedis;
let wires: TestWire[];
let tables: TestTables;
let table: TableInfo;
let nodes: TestNode[] = [];

beforeEach(async () => {
  redis = await startRedis('--maxmemory-policy', 'allkeys-lru');
  wires = await Promise.all(Array.from({ length: NODES_COUNT }, () => startWire(redis)));
  tables = await startTables();
  await tables.server.createTable(collections);
  table = await tables.descriptions.describe('Collections');
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const { cache } of nodes) cache.close();
  for (const wire of wires) await wire.close();
  await redis.close();
  await tables.close();
});

interface Run extends Pick<Drive, 'lengthMs' | 'troubles' | 'isHunt'> {
  readonly isEnough?: (history: History) => boolean;
  readonly losesInvalidations?: boolean;
  readonly hasRedis?: boolean;
}

async function run({ losesInvalidations, hasRedis, isEnough, ...length }: Run): Promise<History> {
  const random = mulberry32(seed);
  const cluster = new TestCluster(NODES_COUNT, {
    delayMs: () => Math.floor(random() * MESSAGE_MS_MAX),
    losesInvalidations: losesInvalidations === true,
  });
  const clock: Clock = { nowMs: () => Math.floor(performance.now() * CLOCK_RATE) };
  nodes = cluster.nodes.map((coherence, index) => {
    const url = wires[index]?.url ?? '';
    const generationSettleMs = 10 * MESSAGE_MS_MAX * CLOCK_RATE;
    const redisOptions = { url, prefix: 'history', generationSettleMs };
    return new TestNode({
      tables,
      coherence,
      clock,
      ...(hasRedis !== false && { redis: redisOptions }),
    });
  });
  await Promise.all(nodes.map(({ cache }) => cache.whenL2Tried()));
  const delayMs = () => Math.floor(random() * 4);
  const workload = new Workload({ nodes, tables, table, random, delayMs, uncertainShare: 0.01 });
  return drive(workload, {
    ...{ clientsCount: 9, calmMs: 400, troubleMs: 150, ...length },
    isEnough: () => isEnough?.(workload.history) !== false,
  });
}

const troubles: readonly Trouble[] = [
  { begin: () => wires[0]?.cut(), end: () => wires[0]?.mend() },
  { begin: () => redis.command('FLUSHALL') },
  { begin: () => redis.kill(), end: () => redis.start() },
  { begin: () => nodes[2]?.coherence.lapse(), end: () => nodes[2]?.coherence.renew() },
  {
    begin: () => wires.slice(1).map(({ cut }) => cut()),
    end: () => wires.slice(1).map(({ mend }) => mend()),
  },
  { begin: () => redis.pause(), end: () => redis.resume() },
  { begin: () => redis.command('CLIENT', 'KILL', 'TYPE', 'normal') },
  { begin: () => nodes[1]?.coherence.reset() },
  { begin: moveOnWithoutTheFirst, end: () => nodes[0]?.coherence.renew() },
];

/** The first node misses that the others take new keys for L2. */
function moveOnWithoutTheFirst(): void {
  nodes[0]?.coherence.lapse();
  wires[1]?.cut();
  wires[1]?.mend();
}

/** What is to be seen was there to be seen. */
const hasRaces = ({ racesCount }: History) => racesCount > 100;
const COVERED = ['itemHits', 'joinedReads', 'l2Hits', 'l2Losses'] as const;
const missing = () => COVERED.filter((name) => sumOf(name) === 0);

describe('no read is given an old value', { timeout: 180_000 }, () => {
  test('while Redis and nodes have their troubles', async () => {
    const isEnough = (history: History) =>
      hasRaces(history) && history.failedCount > 0 && missing().length === 0;
    const history = await run({ lengthMs: 12_000, troubles, isEnough });
    expect(history.violations, `seed ${seed}`).toEqual([]);
    expect(history.racesCount).toBeGreaterThan(100);
    expect(history.failedCount).toBeGreaterThan(0);
    expect(missing()).toEqual([]);
  });

  test('without Redis', async () => {
    const history = await run({
      ...{ lengthMs: 3000, troubles: [], hasRedis: false },
      isEnough: hasRaces,
    });
    expect(history.violations, `seed ${seed}`).toEqual([]);
    expect(history.racesCount).toBeGreaterThan(100);
  });
});

describe('the checker finds', { timeout: 120_000 }, () => {
  const hunt = { lengthMs: 40_000, isHunt: true, troubles: [] };

  test('invalidations that do not arrive', async () => {
    const history = await run({ ...hunt, hasRedis: false, losesInvalidations: true });
    expect(history.violations, `seed ${seed}`).not.toEqual([]);
  });

  test('values kept of writes that overlapped', async () => {
    const { beginWrite } = KeyActivities.prototype;
    vi.spyOn(KeyActivities.prototype, 'beginWrite').mockImplementation(function (
      this: KeyActivities<unknown>,
      key,
    ) {
      const watch = beginWrite.call(this, key);
      return Object.defineProperty(watch, 'isOverlapped', { get: () => false, set() {} });
    });
    const history = await run({ ...hunt, hasRedis: false });
    expect(history.violations, `seed ${seed}`).not.toEqual([]);
  });

  test('reads kept though a write came in between', async () => {
    const { endFlight } = KeyActivities.prototype;
    vi.spyOn(KeyActivities.prototype, 'endFlight').mockImplementation(function (
      this: KeyActivities<unknown>,
      flight,
    ) {
      endFlight.call(this, flight);
      return true;
    });
    const history = await run({ ...hunt, hasRedis: false });
    expect(history.violations, `seed ${seed}`).not.toEqual([]);
  });

  test('writes that L2 is not told of', async () => {
    vi.spyOn(RedisL2.prototype, 'mark').mockResolvedValue(undefined);
    vi.spyOn(RedisL2.prototype, 'finish').mockResolvedValue(undefined);
    const history = await run(hunt);
    expect(history.violations, `seed ${seed}`).not.toEqual([]);
  });

  test('nodes that use L2 while another writes without it', async () => {
    vi.spyOn(L2Sharing.prototype, 'withhold').mockResolvedValue();
    const history = await run({ ...hunt, troubles: troubles.slice(0, 1) });
    expect(history.violations, `seed ${seed}`).not.toEqual([]);
  });
});

function sumOf(name: keyof CacheCounters): number {
  return nodes.reduce((sum, { cache }) => sum + cache.counters[name], 0);
}
