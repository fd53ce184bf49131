import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { users } from '../../dataplane/api/server.fixture.ts';
import { CoherenceError } from '../cluster/coherence.ts';
import { TestNode } from './cached-tables.fixture.ts';
import { TestCluster, type TestCoherence } from './coherence.fixture.ts';
import { startTables, TestDescriptions, type TestTables } from './tables.fixture.ts';

/** A table is deleted and made anew past the cluster, and nodes learn of it at different times. */

interface Peer {
  readonly node: TestNode;
  readonly coherence: TestCoherence;
  readonly descriptions: TestDescriptions;
}

let tables: TestTables;
let old: Peer;
let aware: Peer;

beforeEach(async () => {
  tables = await startTables();
  await tables.server.createTable(users);
  const peers = new TestCluster(2, { delayMs: () => 0 }).nodes.map((coherence) => {
    const descriptions = new TestDescriptions(tables.server);
    // Each with descriptions of its own.
    const node = new TestNode({ tables: { ...tables, descriptions }, coherence });
    return { node, coherence, descriptions };
  });
  const [first, second] = peers;
  if (first === undefined || second === undefined) throw new Error('two nodes');
  [old, aware] = [first, second];
});

afterEach(async () => {
  for (const { descriptions } of [old, aware]) descriptions.close();
  await tables.close();
});

const ann = { Id: { S: 'ann' } };

async function makeAnew(): Promise<void> {
  await tables.server.call('DeleteTable', { TableName: 'Users' });
  await tables.server.createTable(users);
}

describe('of a table that was made anew', () => {
  test('a node that has not noticed forgets the old one as soon as another node uses the new one', async () => {
    const before = await old.node.cache.describe('Users');
    await old.node.put(before, { ...ann, n: { N: '1' } });
    await makeAnew();
    expect(await old.node.cache.describe('Users')).toBe(before);
    const after = await aware.node.cache.describe('Users');
    expect(after.id).not.toBe(before.id);
    const noticed = await old.node.cache.describe('Users');
    expect(noticed.id).toBe(after.id);
    expect(await old.node.get(noticed, ann)).toBeUndefined();
  });

  test('a write through it that had begun before is seen through the others', async () => {
    const before = await old.node.cache.describe('Users');
    await makeAnew();
    tables.hooks.after = async (operation) => {
      if (operation !== 'PutItem') return undefined;
      // The write is done, and not told yet: the other node learns of the new table, and reads.
      const after = await aware.node.cache.describe('Users');
      expect(await aware.node.get(after, ann)).toEqual({ n: { N: '2' } });
      await tables.server.call('PutItem', { TableName: 'Users', Item: { ...ann, n: { N: '3' } } });
      return undefined;
    };
    await old.node.put(before, { ...ann, n: { N: '2' } });
    const after = await aware.node.cache.describe('Users');
    // What was cached under the new id meanwhile is gone.
    expect(await aware.node.get(after, ann)).toEqual({ n: { N: '3' } });
  });

  test('a write through the node that noticed is seen through the one that has not', async () => {
    const before = await old.node.cache.describe('Users');
    await old.node.get(before, ann);
    await makeAnew();
    aware.coherence.mayServe = false;
    // It is told of nothing but the write itself.
    const after = await aware.node.cache.describe('Users');
    expect(aware.coherence.sent).toEqual([]);
    await aware.node.put(after, { ...ann, n: { N: '1' } });
    const noticed = await old.node.cache.describe('Users');
    expect(await old.node.get(noticed, ann)).toEqual({ n: { N: '1' } });
  });

  test('within one node, a write under the old description drops what is cached by the new one', async () => {
    const before = await old.node.cache.describe('Users');
    await makeAnew();
    old.descriptions.forget('Users');
    const after = await old.node.cache.describe('Users');
    expect(await old.node.get(after, ann)).toBeUndefined();
    await old.node.put(before, { ...ann, n: { N: '1' } });
    expect(await old.node.get(after, ann)).toEqual({ n: { N: '1' } });
  });
});

describe('a table that a node sees for the first time', () => {
  test('is told to the others once, and cached from then on', async () => {
    const table = await aware.node.cache.describe('Users');
    await aware.node.cache.describe('Users');
    expect(aware.coherence.sent).toEqual([{ tableId: table.id, keys: [], isUncertain: false }]);
    await aware.node.get(table, ann);
    await aware.node.get(table, ann);
    expect(tables.counts.get('GetItem')).toBe(1);
  });

  test('is read and written, and not cached, while the others cannot be told', async () => {
    aware.coherence.failure = new CoherenceError('nobody answers');
    const table = await aware.node.cache.describe('Users');
    aware.coherence.failure = undefined;
    await aware.node.put(table, { ...ann, n: { N: '1' } });
    for (let reads = 1; reads <= 2; reads += 1) {
      expect(await aware.node.get(table, ann)).toEqual({ n: { N: '1' } });
      expect(tables.counts.get('GetItem')).toBe(reads);
      await aware.node.query(table, ann.Id);
      expect(tables.counts.get('Query')).toBe(reads);
    }
    await aware.node.cache.describe('Users');
    await aware.node.get(table, ann);
    await aware.node.get(table, ann);
    expect(tables.counts.get('GetItem')).toBe(3);
  });

  test('that is not the one a node knows costs it nothing of what it has cached of others', async () => {
    const table = await old.node.cache.describe('Users');
    await old.node.get(table, ann);
    await tables.server.createTable({ ...users, TableName: 'Others' });
    await aware.node.cache.describe('Others');
    expect(await old.node.cache.describe('Users')).toEqual(table);
    await old.node.get(table, ann);
    expect(tables.counts.get('GetItem')).toBe(1);
  });
});

test('a node that was out of the cluster asks for descriptions again', async () => {
  const before = await old.node.cache.describe('Users');
  await makeAnew();
  old.coherence.reset();
  expect((await old.node.cache.describe('Users')).id).not.toBe(before.id);
});
