import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { users } from '../../../dataplane/api/server.fixture.ts';
import type { TableInfo } from '../../tables/table-descriptions.ts';
import { HandClock, TestNode, type TestNodeOptions } from '../cached-tables.fixture.ts';
import { TestCluster } from '../coherence.fixture.ts';
import { startRedis, startWire, type TestRedis, type TestWire } from '../redis.fixture.ts';
import { startTables, type TestTables } from '../tables.fixture.ts';

let redis: TestRedis;
/** The first node's way to Redis. */
let wire: TestWire;
let tables: TestTables;
let table: TableInfo;
let nodes: TestNode[] = [];
let cluster: TestCluster;

beforeEach(async () => {
  redis = await startRedis();
  wire = await startWire(redis);
  tables = await startTables();
  await tables.server.createTable(users);
  table = await tables.descriptions.describe('Users');
});

afterEach(async () => {
  for (const { cache } of nodes) cache.close();
  nodes = [];
  await wire.close();
  await redis.close();
  await tables.close();
});

/** Redis is another process, which may have to wait for the processor: a test that is not about silence has patience. */
const PATIENT_MS = 20_000;

/** Two nodes on one Redis. */
async function startNodes(
  options: Partial<TestNodeOptions> & { settleMs?: number; timeoutMs?: number } = {},
): Promise<[a: TestNode, b: TestNode]> {
  const { settleMs = 0, timeoutMs = PATIENT_MS, ...others } = options;
  cluster = new TestCluster(2, { delayMs: () => 0 });
  nodes = cluster.nodes.map(
    (coherence, index) =>
      new TestNode({
        tables,
        coherence,
        redis: {
          url: index === 0 ? wire.url : redis.url,
          prefix: 'test',
          generationSettleMs: settleMs,
          timeoutMs,
        },
        ...others,
      }),
  );
  await Promise.all(nodes.map(({ cache }) => cache.whenL2Tried()));
  // As doors do. Each node then tells the other of the table, which is not what these tests are about.
  await Promise.all(nodes.map(({ cache }) => cache.describe('Users')));
  for (const { sent } of cluster.nodes) sent.length = 0;
  const [a, b] = nodes;
  if (a === undefined || b === undefined) throw new Error('two nodes');
  if (settleMs === 0) await expect.poll(() => isUsable(a) && isUsable(b)).toBe(true);
  return [a, b];
}

function isUsable(node: TestNode): boolean {
  return node.cache.l2?.isUsable === true;
}

function isUp(node: TestNode): boolean {
  return node.cache.l2?.isUp === true;
}

const ann = { Id: { S: 'ann' } };
const readsCount = () => tables.counts.get('GetItem') ?? 0;

/** Empties the memory of a node, not L2. */
function forget(node: TestNode): void {
  node.coherence.reset();
}

/** L2 has a value: whatever was to be stored there is. */
async function whenStored(): Promise<void> {
  await expect.poll(() => redis.command('DBSIZE')).not.toMatch(/^:0/);
}

describe('a value in L2', () => {
  test('that one node read is found by the other', async () => {
    const [a, b] = await startNodes();
    await tables.server.call('PutItem', { TableName: 'Users', Item: { ...ann, n: { N: '1' } } });
    await a.get(table, ann);
    await expect.poll(async () => (await readingOf(b, ann)).readsCount).toBe(0);
    expect(await b.get(table, ann)).toEqual({ n: { N: '1' } });
    expect(b.cache.counters.l2Hits).toBe(1);
  });

  test('that one node wrote is found by the other; so is that there is none', async () => {
    const [a, b] = await startNodes();
    await a.put(table, { ...ann, n: { N: '1' } });
    expect(await b.get(table, ann)).toEqual({ n: { N: '1' } });
    await b.remove(table, ann);
    expect(await a.get(table, ann)).toBeUndefined();
    expect(readsCount()).toBe(0);
  });

  test('is under keys of any bytes and any length', async () => {
    const binary = {
      ...users,
      TableName: 'Binary',
      AttributeDefinitions: [{ AttributeName: 'Id', AttributeType: 'B' }],
    };
    await tables.server.createTable(binary);
    const info = await tables.descriptions.describe('Binary');
    const [a, b] = await startNodes();
    for (const bytes of [Buffer.from([0]), Buffer.from('\r\n $1\r\n'), Buffer.alloc(2048, 255)]) {
      const key = { Id: { B: bytes.toString('base64') } };
      await a.put(info, { ...key, n: { N: String(bytes.length) } });
      expect(await b.get(info, key)).toEqual({ n: { N: String(bytes.length) } });
    }
    expect(readsCount()).toBe(0);
  });

  test('lives as long as it would in memory, counted from when the table was read', async () => {
    const [a, b] = await startNodes({
      parameters: { recordTtlMillis: 20_000, queryTtlMillis: 0 },
    });
    await a.put(table, ann);
    const key = await redis.command('RANDOMKEY');
    const name = key.split('\r\n')[1] ?? '';
    const ttlMs = Number((await redis.command('PTTL', name)).split('\r\n')[0]?.slice(1));
    expect(ttlMs).toBeGreaterThan(10_000);
    expect(ttlMs).toBeLessThanOrEqual(20_000);

    b.cache.setParameters({ recordTtlMillis: 1, queryTtlMillis: 0 });
    // It is read from L2 until it is a millisecond old, and then from the table.
    await expect
      .poll(async () => {
        await b.get(table, ann);
        return readsCount();
      })
      .toBeGreaterThan(0);
  });

  test('a batch asks L2 once, and the tables for the rest', async () => {
    const [a, b] = await startNodes();
    const keys = Array.from({ length: 40 }, (_, i) => ({ Id: { S: `p${i}` } }));
    for (const key of keys.slice(0, 30)) await a.put(table, { ...key, me: key.Id });
    const before = await commandsCount();
    const items = await b.batchGet(table, keys);
    expect(items).toEqual(keys.slice(0, 30).map(({ Id }) => ({ me: Id })));
    expect(b.cache.counters).toMatchObject({ l2Hits: 30, l2Misses: 10 });
    expect(tables.bodies.at(-1)?.body).toMatchObject({
      RequestItems: { Users: { Keys: { length: 10 } } },
    });
    // Three portions to look, one to store, and nothing for each key.
    await expect.poll(async () => (await commandsCount()) - before).toBeGreaterThanOrEqual(4);
    expect((await commandsCount()) - before).toBeLessThan(10);
  });

  test('a thousand simultaneous misses ask L2 and the table once', async () => {
    const [a] = await startNodes();
    await Promise.all(Array.from({ length: 1000 }, () => a.get(table, ann)));
    expect(readsCount()).toBe(1);
    expect(a.cache.counters).toMatchObject({ l2Misses: 1, joinedReads: 999 });
  });

  test('is not used by a node that may not serve', async () => {
    const [a, b] = await startNodes();
    await a.put(table, ann);
    b.coherence.mayServe = false;
    await b.get(table, ann);
    expect(readsCount()).toBe(1);
  });

  test('is left alone while a write of the key is under way', async () => {
    const [a, b] = await startNodes();
    let open: () => void = () => undefined;
    tables.hooks.after = async (operation) => {
      if (operation === 'PutItem')
        await new Promise<void>((resolve) => {
          open = resolve;
        });
    };
    const put = a.put(table, { ...ann, n: { N: '1' } });
    await expect.poll(() => tables.counts.get('PutItem')).toBe(1);
    await b.get(table, ann);
    forget(b);
    await b.get(table, ann);
    expect(readsCount()).toBe(2);
    open();
    await put;
    expect(await b.get(table, ann)).toEqual({ n: { N: '1' } });
    expect(readsCount()).toBe(2);
  });

  test('of an uncertain write is kept out, for nodes that were not told, too', async () => {
    const [a, b] = await startNodes();
    tables.hooks.after = async (operation) => {
      if (operation === 'PutItem') throw new Error('lost');
      return undefined;
    };
    await expect(a.put(table, ann)).rejects.toThrow('lost');
    tables.hooks = {};
    cluster.nodes[1]?.reset();
    const c = new TestNode({
      tables,
      redis: { url: redis.url, prefix: 'test', generationSettleMs: 0, timeoutMs: PATIENT_MS },
    });
    nodes.push(c);
    await expect.poll(() => isUsable(c)).toBe(true);
    for (const node of [b, c]) {
      const before = readsCount();
      await node.get(table, ann);
      await node.get(table, ann);
      expect(readsCount()).toBe(before + 2);
    }
  });
});

describe('a generation', () => {
  test('that is new has nothing of the one before', async () => {
    const [a, b] = await startNodes();
    await a.put(table, ann);
    await cluster.change({});
    await b.get(table, ann);
    expect(readsCount()).toBe(1);
  });

  test('is used only when all nodes must know it', async () => {
    const clock = new HandClock();
    const [a, b] = await startNodes({ settleMs: 300, clock });
    await expect.poll(() => isUp(a) && isUp(b)).toBe(true);
    clock.advance(299);
    expect(isUsable(a)).toBe(false);
    await a.put(table, ann);
    await b.get(table, ann);
    expect(readsCount()).toBe(1);
    clock.advance(1);
    expect(isUsable(a)).toBe(true);
    await cluster.change({});
    expect(isUsable(a)).toBe(false);
  });

  test('that came during a write has nothing of it', async () => {
    const [a, b] = await startNodes();
    await a.put(table, { ...ann, n: { N: '1' } });
    tables.hooks.before = async (operation) => {
      if (operation !== 'PutItem') return;
      await cluster.change({});
      // Somebody reads the table before the write, and stores that under the new keys.
      await b.get(table, ann);
      await whenStored();
    };
    await a.put(table, { ...ann, n: { N: '2' } });
    forget(b);
    expect(await b.get(table, ann)).toEqual({ n: { N: '2' } });
  });
});

test('a write that was finished under keys which the others had left is finished again', async () => {
  const [a, b] = await startNodes();
  const [lapsed, other] = cluster.nodes;
  await a.put(table, { ...ann, n: { N: '1' } });
  tables.hooks.before = async (operation) => {
    if (operation !== 'PutItem') return;
    // The lease of the writer runs out; the others move on, and read what is still old.
    lapsed?.lapse();
    await cluster.change({});
    forget(b);
    expect(await b.get(table, ann)).toEqual({ n: { N: '1' } });
    await expect.poll(() => redis.command('DBSIZE')).toMatch(/^:2/);
  };
  const put = a.put(table, { ...ann, n: { N: '2' } });
  await expect.poll(() => lapsed?.sent.length).toBe(2);
  forget(b);
  expect(await b.get(table, ann)).toEqual({ n: { N: '1' } });
  lapsed?.renew();
  await put;
  expect(lapsed?.sent).toHaveLength(3);
  expect(await b.get(table, ann)).toEqual({ n: { N: '2' } });
  expect(other?.mayServe).toBe(true);
});

describe('without Redis', () => {
  test('reads and writes go on, and it is used again when it is back', async () => {
    const [a, b] = await startNodes();
    await a.put(table, { ...ann, n: { N: '1' } });
    await redis.kill();
    await expect.poll(() => isUp(a) || isUp(b)).toBe(false);
    await a.put(table, { ...ann, n: { N: '2' } });
    expect(await a.get(table, ann)).toEqual({ n: { N: '2' } });
    expect(await b.get(table, ann)).toEqual({ n: { N: '2' } });
    expect(a.cache.counters.l2Losses).toBe(1);

    await redis.start();
    await expect.poll(() => isUsable(a) && isUsable(b)).toBe(true);
    await a.put(table, { ...ann, n: { N: '3' } });
    const before = readsCount();
    expect(await b.get(table, ann)).toEqual({ n: { N: '3' } });
    expect(readsCount()).toBe(before);
  });

  test('Redis that stops answering is given up, and the write acknowledged', async () => {
    const [a, b] = await startNodes({ timeoutMs: 500 });
    await a.put(table, { ...ann, n: { N: '1' } });
    redis.pause();
    await a.put(table, { ...ann, n: { N: '2' } });
    expect(isUp(a)).toBe(false);
    expect(await b.get(table, ann)).toEqual({ n: { N: '2' } });
    redis.resume();
    await expect.poll(() => isUsable(a) && isUsable(b)).toBe(true);
    forget(a);
    forget(b);
    expect(await a.get(table, ann)).toEqual({ n: { N: '2' } });
    expect(await b.get(table, ann)).toEqual({ n: { N: '2' } });
  });

  test('what one node alone cannot reach is used by no other after its writes', async () => {
    const [a, b] = await startNodes();
    await a.put(table, { ...ann, n: { N: '1' } });
    expect(await b.get(table, ann)).toEqual({ n: { N: '1' } });

    wire.cut();
    await expect.poll(() => isUp(a)).toBe(false);
    for (const n of ['2', '3', '4']) {
      await a.put(table, { ...ann, n: { N: n } });
      forget(b);
      expect(await b.get(table, ann)).toEqual({ n: { N: n } });
      await whenIdle(b);
    }
    expect(isUp(b)).toBe(true);
    expect(isUsable(b)).toBe(false);

    wire.mend();
    await expect.poll(() => isUsable(a) && isUsable(b)).toBe(true);
    forget(a);
    forget(b);
    expect(await a.get(table, ann)).toEqual({ n: { N: '4' } });
    expect(await b.get(table, ann)).toEqual({ n: { N: '4' } });
  });

  test('a refused operation (no memory, no eviction) is a loss, not a failure', async () => {
    const [a] = await startNodes();
    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    await a.put(table, ann);
    expect(await a.get(table, ann)).toEqual({});
    expect(a.cache.counters.l2Losses).toBeGreaterThan(0);
    expect(a.logged.map(({ event }) => event)).toContain('redisLost');
  });
});

test('a connection that breaks while nothing is written comes back with what L2 has', async () => {
  const [a, b] = await startNodes();
  await a.put(table, ann);
  await redis.command('CLIENT', 'KILL', 'TYPE', 'normal');
  await expect.poll(() => a.cache.counters.l2Losses + b.cache.counters.l2Losses).toBe(2);
  await expect.poll(() => isUsable(a) && isUsable(b)).toBe(true);
  await b.get(table, ann);
  expect(readsCount()).toBe(0);
});

test('Redis that was restarted has nothing of the time before, even if it loaded it', async () => {
  const [a, b] = await startNodes();
  await a.put(table, { ...ann, n: { N: '1' } });
  await redis.command('SAVE');
  await a.put(table, { ...ann, n: { N: '2' } });
  await redis.kill();
  await redis.start();
  await expect.poll(() => redis.command('DBSIZE')).not.toMatch(/^:0/);
  await expect.poll(() => isUsable(a) && isUsable(b)).toBe(true);
  forget(b);
  expect(await b.get(table, ann)).toEqual({ n: { N: '2' } });
});

test('a node starts without Redis, and uses it when it is there', async () => {
  await redis.kill();
  const node = new TestNode({
    tables,
    redis: { url: redis.url, prefix: 'test', generationSettleMs: 0 },
  });
  nodes.push(node);
  await node.put(table, ann);
  expect(await node.get(table, ann)).toEqual({});
  await redis.start();
  await expect.poll(() => isUsable(node)).toBe(true);
});

async function readingOf(node: TestNode, key: typeof ann) {
  const before = readsCount();
  forget(node);
  await node.get(table, key);
  return { readsCount: readsCount() - before };
}

async function commandsCount(): Promise<number> {
  const stats = await redis.command('INFO', 'commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

/** What the node left under way in L2 is done. */
async function whenIdle(node: TestNode): Promise<void> {
  await node.get(table, { Id: { S: 'somebody' } });
}
