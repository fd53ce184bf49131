import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import { music } from '../../dataplane/api/server.fixture.ts';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { encodeKey } from '../protocol/keys.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { HandClock, TestNode } from './cached-tables.fixture.ts';
import { startTables, type TestTables } from './tables.fixture.ts';

let tables: TestTables;
let table: TableInfo;
let node: TestNode;
let clock: HandClock;

beforeEach(async () => {
  tables = await startTables();
  await tables.server.createTable(music);
  table = await tables.descriptions.describe('Music');
  clock = new HandClock();
  node = new TestNode({ tables, clock });
  for (const song of [abba1, abba2, blur1]) await putBehind(song);
  // Whatever the node may not know of has settled.
  await node.query(table, { S: 'nobody' });
  clock.advance(1000);
});

afterEach(async () => {
  await tables.close();
});

const abba1 = { Artist: { S: 'abba' }, Song: { S: 'one' }, Year: { N: '1' }, Genre: { S: 'pop' } };
const abba2 = { Artist: { S: 'abba' }, Song: { S: 'two' }, Year: { N: '2' }, Genre: { S: 'pop' } };
const abba3 = { Artist: { S: 'abba' }, Song: { S: 'three' } };
const blur1 = { Artist: { S: 'blur' }, Song: { S: 'one' }, Year: { N: '3' }, Genre: { S: 'pop' } };
const abba = { S: 'abba' };
const blur = { S: 'blur' };

const byGenre = {
  index: 'ByGenre',
  hash: undefined,
  requestKey: 'pop',
  body: {
    TableName: 'Music',
    IndexName: 'ByGenre',
    KeyConditionExpression: 'Genre = :g',
    ExpressionAttributeValues: { ':g': { S: 'pop' } },
  },
};

function putBehind(Item: object): Promise<unknown> {
  return tables.server.call('PutItem', { TableName: 'Music', Item });
}

function pagesCount(): number {
  return (tables.counts.get('Query') ?? 0) + (tables.counts.get('Scan') ?? 0);
}

/** Whether a read is answered without the table. */
async function isHit(read: () => Promise<unknown>): Promise<boolean> {
  const before = pagesCount();
  await read();
  return pagesCount() === before;
}

/** As if another node had written the item. */
function tell(item: JsonObject, isUncertain = false): void {
  const key = encodeKey(table.key, item as typeof abba1);
  node.coherence.deliver({
    tableId: table.id,
    keys: [{ key: key.toString('latin1'), hashLength: key.length - 'one'.length }],
    isUncertain,
  });
}

describe('a cached answer', () => {
  test('is read strongly consistent, once, and then given without a promise', async () => {
    const first = await node.query(table, abba);
    expect(first.Items).toEqual([abba1, abba2]);
    expect(tables.bodies.at(-1)?.body).toMatchObject({ ConsistentRead: true });
    expect(await node.query(table, abba)).toEqual(first);
    expect(await isHit(() => node.query(table, abba))).toBe(true);
    expect(node.cache.counters).toMatchObject({ queryHits: 2, queryMisses: 2 });
  });

  test('scans are counted by themselves', async () => {
    await node.scan(table);
    await node.scan(table);
    expect(node.cache.counters).toMatchObject({ scanHits: 1, scanMisses: 1 });
  });

  test('is given to its own form alone', async () => {
    await node.query(table, abba, { form: 'http' });
    expect(await isHit(() => node.query(table, abba, { form: 'dax' }))).toBe(false);
  });

  test('is not that of another request', async () => {
    const long = { requestKey: 'é'.repeat(1000) };
    await node.query(table, abba, long);
    expect(await isHit(() => node.query(table, abba))).toBe(false);
    expect(await isHit(() => node.query(table, abba, { requestKey: 'è'.repeat(1000) }))).toBe(
      false,
    );
    expect(await isHit(() => node.query(table, abba, long))).toBe(true);
  });

  test('a strongly consistent request passes through', async () => {
    await node.query(table, abba);
    expect(await isHit(() => node.query(table, abba, { consistentRead: true }))).toBe(false);
    expect(await isHit(() => node.query(table, abba))).toBe(true);
  });

  test('shows capacity to the one who read the table, and to nobody else', async () => {
    const body = { TableName: 'Music', ReturnConsumedCapacity: 'TOTAL' };
    const [first, joined] = await Promise.all([
      node.scan(table, { body }),
      node.scan(table, { body }),
    ]);
    expect(first.ConsumedCapacity).toMatchObject({ TableName: 'Music' });
    expect(joined).not.toHaveProperty('ConsumedCapacity');
    expect(await node.scan(table, { body })).toEqual(joined);
    expect(pagesCount()).toBe(2);
  });

  test('many simultaneous misses make one read', async () => {
    await Promise.all(Array.from({ length: 100 }, () => node.query(table, abba)));
    expect(pagesCount()).toBe(2);
    expect(node.cache.sizes.pageFlightsCount).toBe(0);
  });

  test('a failed read fails those who joined it with the same error', async () => {
    tables.hooks.before = () => {
      throw new ClientFault('AccessDeniedException', 'no');
    };
    const reads = [node.scan(table), node.scan(table)];
    for (const read of reads) {
      await expect(read).rejects.toMatchObject({ type: 'AccessDeniedException' });
    }
    expect(tables.counts.get('Scan')).toBe(1);
    tables.hooks = {};
    expect((await node.scan(table)).Items).toHaveLength(3);
  });

  test('a node that may not serve gives none out', async () => {
    await node.query(table, abba);
    node.coherence.mayServe = false;
    expect(await isHit(() => node.query(table, abba))).toBe(false);
  });
});

describe('time to live', () => {
  test('ends an answer; 0 keeps none', async () => {
    await node.query(table, abba);
    clock.advance(299_999);
    expect(await isHit(() => node.query(table, abba))).toBe(true);
    clock.advance(1);
    expect(await isHit(() => node.query(table, abba))).toBe(false);
    expect(node.cache.counters.pageExpirations).toBe(1);

    node.cache.setParameters({ recordTtlMillis: 1, queryTtlMillis: 0 });
    expect(node.cache.sizes.pagesCount).toBe(0);
    await node.query(table, abba);
    expect(await isHit(() => node.query(table, abba))).toBe(false);
  });
});

describe('eviction', () => {
  test('keeps within its bytes, and leaves no tags behind', async () => {
    node = new TestNode({ tables, clock, cacheBytes: 40_000 });
    for (let i = 0; i < 60; i += 1) {
      await node.query(table, { S: `artist ${i}` });
      const { pageBytes, pageBytesMax, pagesCount: count } = node.cache.sizes;
      expect(pageBytes).toBeLessThanOrEqual(pageBytesMax);
      expect(node.cache.sizes.pageTagsCount).toBe(count);
    }
    expect(node.cache.counters.pageEvictions).toBeGreaterThan(30);
    expect(await isHit(() => node.query(table, { S: 'artist 59' }))).toBe(true);
    expect(await isHit(() => node.query(table, { S: 'artist 0' }))).toBe(false);
  });
});

describe('a write through this node', () => {
  test('drops queries of its item collection and scans, and no others', async () => {
    await Promise.all([node.query(table, abba), node.query(table, blur), node.scan(table)]);
    await node.put(table, abba3);
    expect((await node.query(table, abba)).Items).toHaveLength(3);
    expect((await node.scan(table)).Items).toHaveLength(4);
    expect(await isHit(() => node.query(table, blur))).toBe(true);
  });

  test('so does a failed one, and a throttled one does not', async () => {
    await node.query(table, abba);
    const condition = { ConditionExpression: 'attribute_not_exists(Artist)' };
    await expect(node.put(table, abba1, condition)).rejects.toThrow();
    expect(await isHit(() => node.query(table, abba))).toBe(false);

    tables.hooks.before = () => {
      throw new ClientFault('ThrottlingException', 'later');
    };
    await expect(node.put(table, abba1)).rejects.toThrow();
    expect(await isHit(() => node.query(table, abba))).toBe(true);
  });

  test('a query under way is not kept, nor joined by those who come after the write', async () => {
    const waiting: (() => void)[] = [];
    tables.hooks.after = async (operation) => {
      if (operation === 'Query') await new Promise<void>((resolve) => waiting.push(resolve));
    };
    const before = node.query(table, abba);
    await expect.poll(() => waiting.length, { interval: 1 }).toBe(1);
    await node.put(table, abba3);
    const after = node.query(table, abba);
    await expect.poll(() => waiting.length, { interval: 1 }).toBe(2);
    for (const open of waiting) open();
    expect((await before).Items).toHaveLength(2);
    expect((await after).Items).toHaveLength(3);
    expect((await node.query(table, abba)).Items).toHaveLength(3);
    expect(tables.counts.get('Query')).toBe(3);
  });
});

describe('a write through another node', () => {
  test('does the same', async () => {
    await Promise.all([node.query(table, abba), node.query(table, blur), node.scan(table)]);
    await putBehind(abba3);
    tell({ ...abba3, Song: { S: 'one' } });
    expect((await node.query(table, abba)).Items).toHaveLength(3);
    expect((await node.scan(table)).Items).toHaveLength(4);
    expect(await isHit(() => node.query(table, blur))).toBe(true);
  });

  test('with unknown outcome keeps its item collection and scans out for 30 s', async () => {
    tell(abba1, true);
    for (const read of [() => node.query(table, abba), () => node.scan(table)]) {
      await read();
      expect(await isHit(read)).toBe(false);
    }
    await node.query(table, blur);
    expect(await isHit(() => node.query(table, blur))).toBe(true);
    clock.advance(30_000);
    await node.query(table, abba);
    expect(await isHit(() => node.query(table, abba))).toBe(true);
  });

  test('of the whole table drops all of it', async () => {
    await node.query(table, abba);
    node.coherence.deliver({ tableId: table.id, keys: 'all', isUncertain: false });
    expect(await isHit(() => node.query(table, abba))).toBe(false);
  });
});

describe('a global index', () => {
  const read = () => node.query(table, abba, byGenre);

  test('is read as it is, and kept when the table was left alone for a second', async () => {
    await tables.server.indexesCaughtUp('Music');
    expect((await read()).Items).toHaveLength(3);
    expect(tables.bodies.at(-1)?.body).not.toHaveProperty('ConsistentRead');
    expect(await isHit(read)).toBe(true);
  });

  test('is not kept within a second after a write through this node', async () => {
    await read();
    await node.put(table, abba3);
    clock.advance(999);
    await read();
    expect(await isHit(read)).toBe(false);
    clock.advance(1);
    await read();
    expect(await isHit(read)).toBe(true);
  });

  test('nor after one through another node', async () => {
    tell(abba1);
    clock.advance(999);
    await read();
    expect(await isHit(read)).toBe(false);
    clock.advance(1);
    await read();
    expect(await isHit(read)).toBe(true);
  });

  test('nor while a write is under way', async () => {
    const waiting: (() => void)[] = [];
    tables.hooks.before = async (operation) => {
      if (operation === 'PutItem') await new Promise<void>((resolve) => waiting.push(resolve));
    };
    const put = node.put(table, abba3);
    await expect.poll(() => waiting.length, { interval: 1 }).toBe(1);
    clock.advance(10_000);
    await read();
    expect(await isHit(read)).toBe(false);
    waiting[0]?.();
    await put;
  });

  test('nor 31 s after one with unknown outcome', async () => {
    tell(abba1, true);
    clock.advance(30_999);
    await read();
    expect(await isHit(read)).toBe(false);
    clock.advance(1);
    await read();
    expect(await isHit(read)).toBe(true);
  });
});

test('a local index is read strongly consistent, and dropped with its item collection', async () => {
  const byYear = {
    index: 'ByYear',
    requestKey: 'by year',
    body: {
      TableName: 'Music',
      IndexName: 'ByYear',
      KeyConditionExpression: 'Artist = :a',
      ExpressionAttributeValues: { ':a': abba },
    },
  };
  const read = () => node.query(table, abba, byYear);
  expect((await read()).Items).toHaveLength(2);
  expect(tables.bodies.at(-1)?.body).toMatchObject({ ConsistentRead: true });
  await node.put(table, blur1);
  expect(await isHit(read)).toBe(true);
  await node.remove(table, { Artist: abba, Song: { S: 'one' } });
  expect((await read()).Items).toHaveLength(1);
});
