import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import { indexIdBytes, metaKey, spacePrefix } from '../partition/key-space.ts';
import { schemaOf } from '../partition/schema.fixture.ts';
import type { TableSchema } from '../partition/schema.ts';
import { putOf } from '../routing/local-table.fixture.ts';
import { methods, type WorkAnswer } from '../routing/protocol.ts';
import { walkSpace } from '../routing/space-walk.ts';
import { encodeTableConfiguration } from '../routing/table-configuration.ts';
import type { NodeLimits } from './limits.ts';
import { turns } from './manual-scheduler.fixture.ts';
import {
  configurationOf,
  indexedSchema,
  key,
  plainSchema,
  refusal,
  TestNode,
} from './node.fixture.ts';

const withTtl = schemaOf({ timeToLiveAttribute: 'ttl' });
const inIndex = (index: number): Item => ({ ...key(index), g: { S: `g${index}` } });

let test: TestNode;
afterEach(() => test.close());

async function start(items: readonly Item[], limits: Partial<NodeLimits> = {}): Promise<void> {
  test = await TestNode.start(limits);
  await test.create(configurationOf(plainSchema));
  await Promise.all(items.map((item) => test.write(putOf(item, plainSchema))));
}

function configure(schema: TableSchema, version: number): Promise<unknown> {
  const configuration = encodeTableConfiguration(configurationOf(schema, { version }));
  return test.call(methods.configure, { partitionId: 1n, configuration });
}

/** Time passes while the call is under way. */
async function work(method: string, body: object): Promise<boolean> {
  const call = test.call(method, { partitionId: 1n, ...body }) as Promise<WorkAnswer>;
  let isAnswered = false;
  const settled = call.finally(() => {
    isAnswered = true;
  });
  settled.catch(() => {});
  await test.scheduler.until(() => isAnswered, 100);
  return (await call).isDone;
}

async function countOf(space: 'expiry' | 'pendingIndex'): Promise<number> {
  const prefix = spacePrefix(test.replica().storageId, space);
  let count = 0;
  for await (const pairs of walkSpace(test.host.store, prefix, 100)) count += pairs.length;
  return count;
}

describe('a backfill', () => {
  const items = Array.from({ length: 450 }, (_, index) => inIndex(index));
  const backfill = () => work(methods.backfillIndex, { indexId: 2 });
  const indexItems = async () => (await test.scan(2_000n, { indexName: 'G2' })).length;
  const addIndex = async () => {
    await test.createReplica(configurationOf(indexedSchema, { version: 2 }), 2_000n, 2);
    await configure(indexedSchema, 2);
  };
  /** The leader is deposed when the first page is committed, and no more. @returns makes it leader again */
  const deposeInBackfill = async () => {
    const replica = test.replica();
    const propose = replica.propose.bind(replica);
    replica.propose = (effects) => {
      const proposed = propose(effects);
      replica.isHolding = true;
      return proposed;
    };
    const running = test.call(methods.backfillIndex, { partitionId: 1n, indexId: 2 });
    const failed = expect(running).rejects.toMatchObject({ name: 'RemoteFailure' });
    await test.scheduler.until(() => replica.held.length > 0, 1);
    replica.depose();
    await failed;
    return () => {
      replica.propose = propose;
      replica.isHolding = false;
      replica.elect();
    };
  };

  it('brings all items to the index, and says when they are there', async () => {
    await start([...items, key(1_000)]);
    await addIndex();
    expect(await backfill()).toBe(true);
    expect(await indexItems()).toBe(450);
    expect(await countOf('pendingIndex')).toBe(0);
    // Asked again, it has nothing to do.
    const { fedChanges } = test.node.metrics()[1]?.metrics ?? { fedChanges: -1 };
    expect(await backfill()).toBe(true);
    expect(test.node.metrics()[1]?.metrics.fedChanges).toBe(fedChanges);
  });

  it('is not done while the index has not taken all', async () => {
    await start(items);
    await addIndex();
    let isAway = true;
    test.onCallLeader = (_, call) => (isAway ? Promise.reject(new Error('away')) : call());
    expect(await backfill()).toBe(false);
    isAway = false;
    expect(await backfill()).toBe(true);
    expect(await indexItems()).toBe(450);
  });

  it('goes on where the last leader was, with writes in between', async () => {
    await start(items);
    await addIndex();
    const electAgain = await deposeInBackfill();
    test.restart();
    electAgain();
    await test.write({ kind: 'delete', key: key(3), condition: undefined });
    await test.write(putOf({ ...key(4), g: { S: 'moved' } }, indexedSchema));
    await test.scheduler.advance(100);
    const { fedChanges } = test.node.metrics()[1]?.metrics ?? { fedChanges: -1 };
    expect(await backfill()).toBe(true);
    expect(await indexItems()).toBe(449);
    expect((test.node.metrics()[1]?.metrics.fedChanges ?? 0) - fedChanges).toBe(250);
    expect(await countOf('pendingIndex')).toBe(0);
  });

  it('says how far it has come, also to a replica that does not lead', async () => {
    await start(items);
    const share = () => test.node.backfills().get(1n)?.[0]?.walkedShare;
    expect(share()).toBeUndefined();
    const [index] = indexedSchema.globalIndexes;
    if (index === undefined) throw new Error('the schema has an index');
    const filling: TableSchema = {
      ...indexedSchema,
      globalIndexes: [{ ...index, state: 'backfilling' }],
    };
    await test.createReplica(configurationOf(filling, { version: 2 }), 2_000n, 2);
    await configure(filling, 2);
    expect(test.node.backfills().get(1n)).toEqual([{ index: 'G2', walkedShare: 0 }]);
    const electAgain = await deposeInBackfill();
    // 200 of 450 items, whose hashes are even.
    expect(share()).toBeGreaterThan(0.3);
    expect(share()).toBeLessThan(0.6);
    electAgain();
    expect(await backfill()).toBe(true);
    expect(share()).toBe(1);
    await configure(indexedSchema, 3);
    expect(share()).toBeUndefined();
  });

  it('leaves nothing behind when the index is dropped', async () => {
    await start(items);
    await addIndex();
    await backfill();
    const { storageId } = test.replica();
    const cursorKey = metaKey(storageId, 'backfill', indexIdBytes(2));
    expect(test.host.store.get(cursorKey)).toBeDefined();
    await configure(plainSchema, 3);
    expect(test.host.store.get(cursorKey)).toBeUndefined();
  });

  it('waits for room, and answers in time all the same', async () => {
    await start(items, { feedChangesMax: 300 });
    await addIndex();
    let isAway = true;
    test.onCallLeader = (_, call) => (isAway ? Promise.reject(new Error('away')) : call());
    const startMs = test.scheduler.monotonicMs();
    expect(await backfill()).toBe(false);
    expect(test.scheduler.monotonicMs() - startMs).toBeLessThanOrEqual(5_000);
    expect(await countOf('pendingIndex')).toBe(400);
    isAway = false;
    while (!(await backfill()));
    expect(await indexItems()).toBe(450);
  });

  it('of an index that the leader does not know of is refused', async () => {
    await start([]);
    await expect(backfill()).rejects.toMatchObject(refusal('unavailable'));
    test.replica().depose();
    await expect(backfill()).rejects.toMatchObject(refusal('notLeader'));
  });
});

describe('expiry entries', () => {
  const expiring = (index: number, second: number): Item => ({
    ...key(index),
    ttl: { N: String(second) },
  });
  const nowSeconds = () => Math.floor(test.scheduler.nowMs() / 1_000);
  const rebuild = (configurationVersion: number) =>
    work(methods.rebuildExpiry, { configurationVersion });

  beforeEach(async () => {
    await start([]);
    const later = nowSeconds() + 1_000;
    await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        test.write(putOf(index % 2 === 0 ? expiring(index, later) : key(index), plainSchema)),
      ),
    );
  });

  it('are made when time to live is switched on, and go when it is switched off', async () => {
    await configure(withTtl, 2);
    expect(await rebuild(2)).toBe(true);
    expect(await countOf('expiry')).toBe(150);
    expect(await rebuild(2)).toBe(true);
    await configure(plainSchema, 3);
    expect(await rebuild(3)).toBe(true);
    expect(await countOf('expiry')).toBe(0);
    await configure(withTtl, 4);
    expect(await rebuild(4)).toBe(true);
    expect(await countOf('expiry')).toBe(150);
  });

  it('are not rebuilt for a configuration that the leader does not have', async () => {
    await expect(rebuild(2)).rejects.toMatchObject(refusal('unavailable'));
  });

  it('lead to deletions when they are due, except of items renewed', async () => {
    await configure(withTtl, 2);
    await rebuild(2);
    await test.write(putOf(expiring(0, nowSeconds() + 10_000), withTtl));
    await test.scheduler.advance(1_010_000);
    await turns(30);
    expect(await countOf('expiry')).toBe(1);
    expect(await test.get(key(0))).toBeDefined();
    expect(await test.get(key(2))).toBeUndefined();
    expect(test.node.metrics()[0]?.metrics.expired).toBe(149);
  });

  it('are left alone by a replica that does not lead', async () => {
    await configure(withTtl, 2);
    await rebuild(2);
    test.replica().depose();
    await test.scheduler.advance(1_010_000);
    expect(await countOf('expiry')).toBe(150);
  });
});
