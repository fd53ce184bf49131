import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { users } from '../../dataplane/api/server.fixture.ts';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { CoherenceError } from '../cluster/coherence.ts';
import { encodeKey } from '../protocol/keys.ts';
import { TableCallError } from '../tables/table-calls.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { HandClock, TestNode } from './cached-tables.fixture.ts';
import type { KeyWrite } from './cached-tables.ts';
import { startTables, type TestTables } from './tables.fixture.ts';

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

const annInvalid = { tableId: '', keys: [{ key: 'ann', hashLength: 3 }], isUncertain: false };

function invalid(isUncertain = false) {
  return { ...annInvalid, tableId: table.id, isUncertain };
}

/** What the cache has, without asking the table. */
async function cached(key: { Id: { S: string } }): Promise<unknown> {
  const before = readsCount();
  const item = await node.get(table, key);
  return readsCount() === before ? (item ?? 'no such item') : 'nothing';
}

function readsCount(): number {
  return tables.counts.get('GetItem') ?? 0;
}

/** Lets calls of one operation wait at the table's door, or behind it, until they are let go. */
function gate(side: 'before' | 'after', gated: string) {
  const waiting: (() => void)[] = [];
  const wait = async (operation: string): Promise<void> => {
    if (operation === gated) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  tables.hooks =
    side === 'before'
      ? { before: wait }
      : { after: async (operation) => wait(operation).then(() => undefined) };
  return {
    whenWaiting: (count = 1) => expect.poll(() => waiting.length, { interval: 1 }).toBe(count),
    open: () => waiting.shift()?.(),
  };
}

describe('what a write leaves in the cache', () => {
  test('PutItem: the item as the table has it, in normal form', async () => {
    await node.put(table, { ...ann, n: { N: '1.50' }, set: { SS: ['b', 'a'] } });
    expect(await cached(ann)).toEqual({ n: { N: '1.5' }, set: { SS: ['a', 'b'] } });
    expect(node.coherence.sent).toEqual([invalid()]);
  });

  test('DeleteItem: that there is none', async () => {
    await node.put(table, ann);
    await node.remove(table, ann);
    expect(await cached(ann)).toBe('no such item');
  });

  test('UpdateItem: the new item, which the caller is not shown', async () => {
    const answer = await node.update(table, ann, {
      UpdateExpression: 'SET n = :n',
      ExpressionAttributeValues: { ':n': { N: '1' } },
    });
    expect(answer).toEqual({});
    expect(await cached(ann)).toEqual({ n: { N: '1' } });
  });

  test('UpdateItem that shows the new item: the same', async () => {
    const answer = await node.update(table, ann, { ReturnValues: 'ALL_NEW' });
    expect(answer).toEqual({ Attributes: ann });
    expect(await cached(ann)).toEqual({});
  });

  test('UpdateItem that shows anything else: nothing', async () => {
    await node.put(table, ann);
    await node.update(table, ann, { ReturnValues: 'UPDATED_NEW' });
    expect(await cached(ann)).toBe('nothing');
  });

  test('a failed condition: nothing, here and on other nodes', async () => {
    await node.put(table, ann);
    await tables.server.call('PutItem', { TableName: 'Users', Item: { ...ann, note: ann.Id } });
    const put = node.put(table, ann, { ConditionExpression: 'attribute_not_exists(note)' });
    await expect(put).rejects.toMatchObject({ type: 'ConditionalCheckFailedException' });
    expect(node.coherence.sent).toEqual([invalid(), invalid()]);
    expect(await cached(ann)).toBe('nothing');
  });

  test('throttled, or certainly not sent: what was there before', async () => {
    await node.put(table, { ...ann, n: { N: '1' } });
    for (const error of [
      new ClientFault('ProvisionedThroughputExceededException', 'later'),
      new TableCallError('connection refused', false),
    ]) {
      tables.hooks.before = () => {
        throw error;
      };
      await expect(node.put(table, ann)).rejects.toBe(error);
    }
    expect(await cached(ann)).toEqual({ n: { N: '1' } });
    expect(node.coherence.sent).toEqual([invalid()]);
  });

  test('an attribute list without an id: nothing, and the write is acknowledged', async () => {
    const lists = {
      namesOf: () => undefined,
      idOf: () => {
        throw new ClientFault('LimitExceededException', 'too many lists');
      },
    };
    node = new TestNode({ tables: { ...tables, lists }, clock });
    await node.put(table, { ...ann, n: { N: '1' } });
    expect(node.cache.sizes.itemsCount).toBe(0);
  });
});

describe('writes with unknown outcome', () => {
  const lost = new TableCallError('connection lost', true);

  test('drop the key everywhere, and keep it out for 30 s', async () => {
    await node.put(table, ann);
    tables.hooks.after = async () => {
      throw lost;
    };
    await expect(node.put(table, { ...ann, n: { N: '2' } })).rejects.toBe(lost);
    expect(node.coherence.sent.at(-1)).toEqual(invalid(true));
    tables.hooks = {};

    clock.advance(29_999);
    expect(await cached(ann)).toBe('nothing');
    await node.put(table, { ...ann, n: { N: '3' } });
    expect(await cached(ann)).toBe('nothing');
    clock.advance(1);
    expect(await cached(ann)).toBe('nothing');
    expect(await cached(ann)).toEqual({ n: { N: '3' } });
  });

  test('of other nodes do the same', async () => {
    await node.put(table, ann);
    node.coherence.deliver(invalid(true));
    expect(await cached(ann)).toBe('nothing');
    expect(await cached(ann)).toBe('nothing');
    expect(node.cache.sizes.heldKeysCount).toBeGreaterThan(0);
    clock.advance(30_000);
    await cached(ann);
    expect(await cached(ann)).toEqual({});
  });

  test('a held key stays held when everything is dropped', async () => {
    node.coherence.deliver(invalid(true));
    node.coherence.deliver({ tableId: table.id, keys: 'all', isUncertain: false });
    await cached(ann);
    expect(await cached(ann)).toBe('nothing');
    node.coherence.reset();
    await cached(ann);
    expect(await cached(ann)).toBe('nothing');
  });

  test('readers still share one read of a held key', async () => {
    node.coherence.deliver(invalid(true));
    await Promise.all([node.get(table, ann), node.get(table, ann), node.get(table, ann)]);
    expect(readsCount()).toBe(1);
  });

  test('more of them than can be named hold everything', async () => {
    const keys = Array.from({ length: 10_001 }, (_, i) => ({ key: `k${i}`, hashLength: 2 }));
    node.coherence.deliver({ tableId: table.id, keys, isUncertain: true });
    expect(node.cache.sizes.heldKeysCount).toBeLessThanOrEqual(10_000);
    await node.put(table, bob);
    expect(await cached(bob)).toBe('nothing');
    clock.advance(30_000);
    await node.put(table, bob);
    expect(await cached(bob)).toEqual({});
  });
});

describe('the acknowledgement', () => {
  test('waits until other nodes have dropped the key', async () => {
    const answers: (() => void)[] = [];
    node.coherence.invalidate = () => new Promise<void>((resolve) => answers.push(resolve));
    let isAnswered = false;
    const put = node.put(table, ann).then(() => {
      isAnswered = true;
    });
    await expect.poll(() => answers.length).toBe(1);
    expect(isAnswered).toBe(false);
    answers[0]?.();
    await put;
  });

  test('becomes an uncertain error when they could not be told in time', async () => {
    node.coherence.failure = new CoherenceError('no acknowledgement');
    const error = await node.put(table, ann).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TableCallError);
    expect(error).toMatchObject({ isUncertain: true, cause: node.coherence.failure });
  });

  test('a failed write keeps its own error then', async () => {
    node.coherence.failure = new CoherenceError('no acknowledgement');
    const put = node.put(table, ann, { ConditionExpression: 'attribute_exists(Id)' });
    await expect(put).rejects.toMatchObject({ type: 'ConditionalCheckFailedException' });
  });
});

describe('writes that overlap', () => {
  test('with a read: what was read is given to those who joined before, and not kept', async () => {
    const door = gate('after', 'GetItem');
    const before = node.get(table, ann);
    await door.whenWaiting();
    await node.put(table, { ...ann, n: { N: '1' } });
    node.coherence.deliver(invalid());

    const after = node.get(table, ann);
    await door.whenWaiting(2);
    door.open();
    expect(await before).toBeUndefined();
    door.open();
    expect(await after).toEqual({ n: { N: '1' } });
    expect(await cached(ann)).toEqual({ n: { N: '1' } });
  });

  test('an invalidation during a read: the same', async () => {
    const door = gate('after', 'GetItem');
    const before = node.get(table, ann);
    await door.whenWaiting();
    await tables.server.call('PutItem', { TableName: 'Users', Item: { ...ann, n: { N: '1' } } });
    node.coherence.deliver(invalid());
    door.open();
    expect(await before).toBeUndefined();
    const after = node.get(table, ann);
    await door.whenWaiting();
    door.open();
    expect(await after).toEqual({ n: { N: '1' } });
  });

  test('with each other: neither value is kept', async () => {
    const door = gate('after', 'PutItem');
    const writes = [1, 2].map((n) => node.put(table, { ...ann, n: { N: String(n) } }));
    await door.whenWaiting(2);
    door.open();
    door.open();
    await Promise.all(writes);
    expect(await cached(ann)).toBe('nothing');
  });

  test('with another node: the value is not kept', async () => {
    const door = gate('after', 'PutItem');
    const write = node.put(table, ann);
    await door.whenWaiting();
    node.coherence.deliver(invalid());
    door.open();
    await write;
    expect(await cached(ann)).toBe('nothing');
  });

  test('one after the other: the later value is kept', async () => {
    await node.put(table, { ...ann, n: { N: '1' } });
    await node.put(table, { ...ann, n: { N: '2' } });
    expect(await cached(ann)).toEqual({ n: { N: '2' } });
  });

  test('with a drop of the whole table: nothing is kept', async () => {
    const door = gate('after', 'PutItem');
    const write = node.put(table, ann);
    await door.whenWaiting();
    node.coherence.deliver({ tableId: table.id, keys: 'all', isUncertain: false });
    // Read after the drop, perhaps before the write: it must not outlive the acknowledgement.
    await node.get(table, ann);
    door.open();
    await write;
    expect(await cached(ann)).toBe('nothing');
  });

  test('with a reset: nothing is kept', async () => {
    const door = gate('after', 'PutItem');
    const write = node.put(table, ann);
    await door.whenWaiting();
    node.coherence.reset();
    door.open();
    await write;
    expect(await cached(ann)).toBe('nothing');
  });
});

describe('BatchWriteItem', () => {
  const writes = (): KeyWrite[] => [
    { table, key: encodeKey(table.key, ann), item: { ...ann, n: { N: '1' } } },
    { table, key: encodeKey(table.key, bob), item: null },
  ];
  const requests = [
    { PutRequest: { Item: { ...ann, n: { N: '1.0' } } } },
    { DeleteRequest: { Key: bob } },
  ];
  const body = { RequestItems: { Users: requests } };

  test('keeps puts and deletes, and tells other nodes once', async () => {
    await node.put(table, bob);
    await node.cache.batchWriteItem({ body, writes: writes(), retriesUnprocessedPuts: false });
    expect(await cached(ann)).toEqual({ n: { N: '1' } });
    expect(await cached(bob)).toBe('no such item');
    expect(node.coherence.sent.at(-1)?.keys).toHaveLength(2);
  });

  test('hands back what the table left unprocessed, and keeps what was there of it', async () => {
    await node.put(table, { ...ann, n: { N: '0' } });
    tables.hooks.after = async () => ({ UnprocessedItems: { Users: [requests[0]] } });
    const call = { body, writes: writes(), retriesUnprocessedPuts: false };
    const answer = await node.cache.batchWriteItem(call);
    expect(answer).toEqual({ UnprocessedItems: { Users: [requests[0]] } });
    expect(await cached(ann)).toEqual({ n: { N: '0' } });
    expect(await cached(bob)).toBe('no such item');
  });

  test('tries puts again where the caller cannot', async () => {
    let callsCount = 0;
    tables.hooks.after = async (_, { RequestItems }, answer) => {
      callsCount += 1;
      return callsCount < 3 ? { ...answer, UnprocessedItems: RequestItems } : answer;
    };
    const call = {
      body: { ...body, ReturnConsumedCapacity: 'TOTAL' },
      writes: writes(),
      retriesUnprocessedPuts: true,
    };
    const answer = await node.cache.batchWriteItem(call);
    expect(callsCount).toBe(3);
    expect(answer).toEqual({
      UnprocessedItems: {},
      ConsumedCapacity: [{ TableName: 'Users', CapacityUnits: 6 }],
    });
    expect(await cached(ann)).toEqual({ n: { N: '1' } });
  });

  test('is throttled when that does not help; what was done is kept', async () => {
    tables.hooks.after = async () => ({ UnprocessedItems: { Users: [requests[0]] } });
    const call = { body, writes: writes(), retriesUnprocessedPuts: true };
    await expect(node.cache.batchWriteItem(call)).rejects.toMatchObject({
      type: 'ProvisionedThroughputExceededException',
    });
    expect(tables.counts.get('BatchWriteItem')).toBe(6);
    expect(await cached(bob)).toBe('no such item');
    expect(node.coherence.sent).toEqual([
      { tableId: table.id, keys: [{ key: 'bob', hashLength: 3 }], isUncertain: false },
    ]);
  });

  test('unprocessed deletes are not tried again', async () => {
    tables.hooks.after = async () => ({ UnprocessedItems: { Users: [requests[1]] } });
    const call = { body, writes: writes(), retriesUnprocessedPuts: true };
    expect(await node.cache.batchWriteItem(call)).toEqual({
      UnprocessedItems: { Users: [requests[1]] },
    });
    expect(tables.counts.get('BatchWriteItem')).toBe(1);
  });

  test('a failure of the first call says nothing was put', async () => {
    tables.hooks.before = () => {
      throw new ClientFault('ProvisionedThroughputExceededException', 'later');
    };
    const call = { body, writes: writes(), retriesUnprocessedPuts: false };
    await expect(node.cache.batchWriteItem(call)).rejects.toThrow();
    tables.hooks = {};
    expect(await cached(ann)).toBe('nothing');
  });
});

describe('TransactWriteItems', () => {
  const transactItems = (n: string) => [
    { Put: { TableName: 'Users', Item: { ...ann, n: { N: n } } } },
    { Delete: { TableName: 'Users', Key: bob } },
  ];
  const writes = (n: string): KeyWrite[] => [
    { table, key: encodeKey(table.key, ann), item: { ...ann, n: { N: n } } },
    { table, key: encodeKey(table.key, bob), item: null },
  ];

  test('keeps puts and deletes', async () => {
    const body = { TransactItems: transactItems('1') };
    await node.cache.transactWriteItems({ body, writes: writes('1') });
    expect(await cached(ann)).toEqual({ n: { N: '1' } });
    expect(await cached(bob)).toBe('no such item');
  });

  test('drops what is updated', async () => {
    await node.put(table, ann);
    const update = { TableName: 'Users', Key: ann, UpdateExpression: 'SET a = Id' };
    await node.cache.transactWriteItems({
      body: { TransactItems: [{ Update: update }] },
      writes: [{ table, key: encodeKey(table.key, ann), item: undefined }],
    });
    expect(await cached(ann)).toBe('nothing');
  });

  test('with a token: the table may answer for an earlier time, so nothing is kept', async () => {
    const body = { TransactItems: transactItems('1'), ClientRequestToken: 'again' };
    await node.cache.transactWriteItems({ body, writes: writes('1') });
    await node.put(table, { ...ann, n: { N: '2' } });
    await node.cache.transactWriteItems({ body, writes: writes('1') });
    expect(await node.get(table, ann)).toEqual({ n: { N: '2' } });
  });

  test('cancelled: drops all of its keys', async () => {
    await node.put(table, ann);
    const [put] = transactItems('1');
    const failing = { ...put?.Put, ConditionExpression: 'attribute_not_exists(Id)' };
    const body = { TransactItems: [{ Put: failing }] };
    await expect(
      node.cache.transactWriteItems({ body, writes: writes('1') }),
    ).rejects.toMatchObject({ type: 'TransactionCanceledException' });
    expect(await cached(ann)).toBe('nothing');
  });
});

describe('dropTable', () => {
  test('drops items here and everywhere, and descriptions', async () => {
    await node.put(table, ann);
    await node.cache.dropTable(table, false);
    expect(await cached(ann)).toBe('nothing');
    expect(node.coherence.sent.at(-1)).toEqual({
      tableId: table.id,
      keys: 'all',
      isUncertain: false,
    });
    expect(tables.descriptions.forgotten).toEqual(['Users', table.arn]);
  });

  test('told by another node: the same here', async () => {
    await node.cache.describe('Users');
    await node.put(table, ann);
    node.coherence.deliver({ tableId: table.id, keys: 'all', isUncertain: false });
    expect(await cached(ann)).toBe('nothing');
    expect(tables.descriptions.forgotten).toEqual(['Users', table.arn]);
  });

  test('with a write that may still be done: nothing of the table is kept for 30 s', async () => {
    await node.cache.dropTable(table, true);
    await node.put(table, ann);
    expect(await cached(ann)).toBe('nothing');
    clock.advance(30_000);
    await node.put(table, ann);
    expect(await cached(ann)).toEqual({});
  });
});
