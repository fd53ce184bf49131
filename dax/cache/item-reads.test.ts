import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { users } from '../../dataplane/api/server.fixture.ts';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { encodeKey } from '../protocol/keys.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { HandClock, TestNode } from './cached-tables.fixture.ts';
import { listen, startTables, type TestTables } from './tables.fixture.ts';

let tables: TestTables;
let table: TableInfo;
let node: TestNode;
let clock: HandClock;

beforeEach(async () => {
  tables = await startTables();
  await tables.server.createTable(users);
  table = await tables.descriptions.describe('Users');
  clock = new HandClock();
  node = new TestNode({ tables, clock });
});

afterEach(async () => {
  await tables.close();
});

const ann = { Id: { S: 'ann' } };
const bob = { Id: { S: 'bob' } };

function putBehind(item: object): Promise<unknown> {
  return tables.server.call('PutItem', { TableName: 'Users', Item: item });
}

function keyOf(key: { Id: { S: string } }): Buffer {
  return encodeKey(table.key, key);
}

function getCall(key: { Id: { S: string } }) {
  return { table, key: keyOf(key), consistentRead: false, capacity: undefined };
}

describe('GetItem', () => {
  test('reads the table once, strongly consistent, and then the cache, without a promise', async () => {
    await putBehind({ ...ann, age: { N: '31' } });
    expect(await node.get(table, ann)).toEqual({ age: { N: '31' } });
    expect(tables.bodies.at(-1)).toMatchObject({
      operation: 'GetItem',
      body: { ConsistentRead: true },
    });

    const hit = node.cache.getItem(getCall(ann));
    expect(hit).not.toBeInstanceOf(Promise);
    expect(await node.get(table, ann)).toEqual({ age: { N: '31' } });
    expect(tables.counts.get('GetItem')).toBe(1);
    expect(node.cache.counters).toMatchObject({ itemHits: 2, itemMisses: 1 });
  });

  test('remembers that there is no such item', async () => {
    expect(await node.get(table, ann)).toBeUndefined();
    expect(node.cache.getItem(getCall(ann))).toEqual({ values: undefined });
    expect(tables.counts.get('GetItem')).toBe(1);
  });

  test('tells an item with its key alone from no item', async () => {
    await putBehind(ann);
    await node.get(table, ann);
    expect(await node.get(table, ann)).toEqual({});
  });

  test('passes strongly consistent reads through, and keeps nothing of them', async () => {
    await putBehind(ann);
    await node.get(table, ann, true);
    await node.get(table, ann, true);
    expect(tables.counts.get('GetItem')).toBe(2);
    expect(node.cache.sizes.itemsCount).toBe(0);
  });

  test('shows capacity to the one who read the table, and to nobody else', async () => {
    await putBehind(ann);
    const call = { ...getCall(ann), capacity: 'TOTAL' as const };
    const [first, joined] = await Promise.all([node.cache.getItem(call), node.cache.getItem(call)]);
    expect(first.consumedCapacity).toEqual({ TableName: 'Users', CapacityUnits: 1 });
    expect(joined).not.toHaveProperty('consumedCapacity');
    expect(node.cache.getItem(call)).not.toHaveProperty('consumedCapacity');
  });

  test('a thousand simultaneous misses make one read', async () => {
    await putBehind({ ...ann, age: { N: '31' } });
    const reads = await Promise.all(Array.from({ length: 1000 }, () => node.get(table, ann)));
    expect(reads).toEqual(Array.from({ length: 1000 }, () => ({ age: { N: '31' } })));
    expect(tables.counts.get('GetItem')).toBe(1);
    expect(node.cache.counters.joinedReads).toBe(999);
    expect(node.cache.sizes.itemFlightsCount).toBe(0);
  });

  test('by HTTP, as counted by the server, too', async () => {
    await putBehind({ ...ann, age: { N: '31' } });
    const http = await listen(tables);
    node = new TestNode({ tables: { ...tables, call: http.calls.call.bind(http.calls) }, clock });
    const reads = await Promise.all(Array.from({ length: 1000 }, () => node.get(table, ann)));
    expect(reads).toEqual(Array.from({ length: 1000 }, () => ({ age: { N: '31' } })));
    expect(http.counts).toEqual(new Map([['GetItem', 1]]));
    await http.close();
  });

  test('a failed read fails all who joined it with the same error, and the next one tries again', async () => {
    const fault = new ClientFault('AccessDeniedException', 'no');
    tables.hooks.before = () => {
      throw fault;
    };
    const reads = await Promise.allSettled(Array.from({ length: 3 }, () => node.get(table, ann)));
    expect(reads.map((read) => read.status === 'rejected' && read.reason)).toEqual([
      fault,
      fault,
      fault,
    ]);
    expect(tables.counts.get('GetItem')).toBe(1);

    tables.hooks = {};
    expect(await node.get(table, ann)).toBeUndefined();
  });

  test('a node that may not serve reads the table for everybody anew, and keeps nothing', async () => {
    await node.get(table, ann);
    node.coherence.mayServe = false;
    await Promise.all([node.get(table, ann), node.get(table, ann), node.get(table, bob)]);
    expect(tables.counts.get('GetItem')).toBe(4);

    node.coherence.mayServe = true;
    await node.get(table, ann);
    expect(tables.counts.get('GetItem')).toBe(4);
    await node.get(table, bob);
    expect(tables.counts.get('GetItem')).toBe(5);
  });

  test('forgets a table that the tables do not have any more', async () => {
    await node.cache.describe('Users');
    await node.get(table, ann);
    await tables.server.call('DeleteTable', { TableName: 'Users' });
    await expect(node.get(table, bob)).rejects.toMatchObject({ type: 'ResourceNotFoundException' });
    expect(tables.descriptions.forgotten).toContain('Users');
    await expect(node.get(table, ann)).rejects.toMatchObject({ type: 'ResourceNotFoundException' });
  });
});

describe('time to live', () => {
  test('an item is read again when it is older', async () => {
    await node.get(table, ann);
    clock.advance(299_999);
    await node.get(table, ann);
    expect(tables.counts.get('GetItem')).toBe(1);
    clock.advance(1);
    await node.get(table, ann);
    expect(tables.counts.get('GetItem')).toBe(2);
    expect(node.cache.counters.itemExpirations).toBe(1);
  });

  test('a change goes for what is cached already; 0 is for ever', async () => {
    await node.get(table, ann);
    clock.advance(1000);
    node.cache.setParameters({ recordTtlMillis: 1000, queryTtlMillis: 0 });
    await node.get(table, ann);
    expect(tables.counts.get('GetItem')).toBe(2);

    node.cache.setParameters({ recordTtlMillis: 0, queryTtlMillis: 0 });
    clock.advance(365 * 24 * 3_600_000);
    await node.get(table, ann);
    expect(tables.counts.get('GetItem')).toBe(2);
  });
});

describe('eviction', () => {
  test('what was not read for longest goes first, and the cache stays within its bytes', async () => {
    node = new TestNode({ tables, clock, cacheBytes: 4096 });
    await node.put(table, ann);
    for (let i = 0; i < 50; i += 1) {
      await node.put(table, { Id: { S: `other ${i}` }, text: { S: 'x'.repeat(100) } });
      await node.get(table, ann);
      expect(node.cache.sizes.itemBytes).toBeLessThanOrEqual(node.cache.sizes.itemBytesMax);
    }
    expect(node.cache.counters.itemEvictions).toBeGreaterThan(30);
    expect(tables.counts.get('GetItem')).toBeUndefined();
    await node.get(table, { Id: { S: 'other 0' } });
    expect(tables.counts.get('GetItem')).toBe(1);
  });
});

describe('BatchGetItem', () => {
  const people = Array.from({ length: 120 }, (_, i) => ({ Id: { S: `p${i}` } }));

  test('fetches what is missing by one call, and keeps it', async () => {
    for (const key of people.slice(0, 9)) await putBehind({ ...key, me: key.Id });
    await node.get(table, { Id: { S: 'p3' } });
    const items = await node.batchGet(table, people.slice(0, 10));
    expect(items).toEqual(people.slice(0, 9).map(({ Id }) => ({ me: Id })));
    expect(tables.counts.get('BatchGetItem')).toBe(1);
    expect(tables.bodies.at(-1)?.body).toMatchObject({
      RequestItems: { Users: { ConsistentRead: true, Keys: { length: 9 } } },
    });

    await node.batchGet(table, people.slice(0, 10));
    expect(node.cache.getItem(getCall({ Id: { S: 'p9' } }))).toEqual({ values: undefined });
    expect(tables.counts.get('BatchGetItem')).toBe(1);
  });

  test('joins reads that are under way, and is joined', async () => {
    await putBehind({ ...ann, n: { N: '1' } });
    await putBehind({ ...bob, n: { N: '2' } });
    const read = await Promise.all([
      node.get(table, ann),
      node.batchGet(table, [ann, bob]),
      node.get(table, bob),
      node.batchGet(table, [bob]),
    ]);
    expect(read).toEqual([
      { n: { N: '1' } },
      [{ n: { N: '1' } }, { n: { N: '2' } }],
      { n: { N: '2' } },
      [{ n: { N: '2' } }],
    ]);
    expect(tables.counts.get('GetItem')).toBe(1);
    expect(tables.counts.get('BatchGetItem')).toBe(1);
  });

  test('shows the capacity of its own reads, table by table, and none for hits', async () => {
    await putBehind(ann);
    const requests = [{ table, keys: [keyOf(ann), keyOf(bob)], consistentRead: false }];
    const call = { requests, capacity: 'TOTAL' as const };
    const first = await node.cache.batchGetItem(call);
    expect(first.consumedCapacity).toEqual([{ TableName: 'Users', CapacityUnits: 2 }]);
    const second = await node.cache.batchGetItem(call);
    expect(second.consumedCapacity).toEqual([]);
  });

  test('passes strongly consistent tables through', async () => {
    const requests = [{ table, keys: [keyOf(ann)], consistentRead: true }];
    await node.cache.batchGetItem({ requests, capacity: undefined });
    await node.cache.batchGetItem({ requests, capacity: undefined });
    expect(tables.counts.get('BatchGetItem')).toBe(2);
    expect(node.cache.sizes.itemsCount).toBe(0);
  });

  test('asks again for what was left unprocessed', async () => {
    await putBehind(ann);
    await putBehind(bob);
    let left = 2;
    tables.hooks.after = async (operation, { RequestItems }, answer) => {
      left -= 1;
      if (operation !== 'BatchGetItem' || left < 0) return answer;
      return { Responses: { Users: [] }, UnprocessedKeys: RequestItems };
    };
    expect(await node.batchGet(table, [ann, bob])).toEqual([{}, {}]);
    expect(tables.counts.get('BatchGetItem')).toBe(3);
  });

  test('leaves keys unprocessed in the end; those who joined by GetItem are throttled', async () => {
    tables.hooks.after = async (_, { RequestItems }) => ({
      Responses: {},
      UnprocessedKeys: RequestItems,
    });
    const requests = [{ table, keys: [keyOf(ann)], consistentRead: false }];
    const batch = node.cache.batchGetItem({ requests, capacity: undefined });
    const joined = node.get(table, ann);
    await expect(joined).rejects.toMatchObject({ type: 'ProvisionedThroughputExceededException' });
    const { tables: read } = await batch;
    expect(read).toEqual([{ table, items: [], unprocessedKeys: [keyOf(ann)] }]);
    expect(node.cache.sizes.itemFlightsCount).toBe(0);
  });

  test('a failure fails the batch and all who joined it', async () => {
    tables.hooks.before = () => {
      throw new ClientFault('AccessDeniedException', 'no');
    };
    const batch = node.batchGet(table, [ann, bob]);
    const joined = node.get(table, bob);
    await expect(batch).rejects.toMatchObject({ type: 'AccessDeniedException' });
    await expect(joined).rejects.toMatchObject({ type: 'AccessDeniedException' });
    expect(node.cache.sizes.itemFlightsCount).toBe(0);
  });

  test('shows at most 16 MB of items; the rest is unprocessed', async () => {
    const text = { S: 'x'.repeat(390_000) };
    const large = people.slice(0, 50);
    for (const key of large) await node.put(table, { ...key, text });
    node = new TestNode({ tables, cacheBytes: 64 * 1024 * 1024 });
    for (const key of large) await node.get(table, key);
    const requests = [{ table, keys: large.map(keyOf), consistentRead: false }];
    const { tables: read } = await node.cache.batchGetItem({ requests, capacity: undefined });
    const itemsCount = Math.floor((16 * 1024 * 1024) / 390_000);
    expect(read[0]?.items).toHaveLength(itemsCount);
    expect(read[0]?.unprocessedKeys).toEqual(large.slice(itemsCount).map(keyOf));
  });
});
