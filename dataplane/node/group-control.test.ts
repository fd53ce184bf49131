import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CompiledSchema } from '../partition/compiled-schema.ts';
import { metaKey, spacePrefix } from '../partition/key-space.ts';
import { putOf } from '../routing/local-table.fixture.ts';
import { methods } from '../routing/protocol.ts';
import { walkSpace } from '../routing/space-walk.ts';
import {
  encodePartitionConfiguration,
  encodeTableConfiguration,
  type TableConfiguration,
} from '../routing/table-configuration.ts';
import { StoreError } from '../storage/store.ts';
import { turns } from './manual-scheduler.fixture.ts';
import {
  configurationOf,
  indexedSchema,
  key,
  plainSchema,
  refusal,
  TestNode,
} from './node.fixture.ts';

const unreachable = async () => {
  throw new Error('the index cannot be reached');
};
const indexed = (index: number) => putOf({ ...key(index), g: { S: 'x' } }, plainSchema);

describe('a partition that is configured', () => {
  let test: TestNode;
  beforeEach(async () => {
    test = await TestNode.start();
    await test.create(configurationOf(plainSchema));
  });
  afterEach(() => test.close());

  const configure = (table: TableConfiguration, partitionId = 1n) =>
    test.call(methods.configure, { partitionId, configuration: encodeTableConfiguration(table) });
  const withIndex = configurationOf(indexedSchema, { version: 2 });
  /** Units of the index that a write cost. */
  const indexUnits = async (index: number) => (await test.write(indexed(index)))[1][2];

  it('evaluates no write on the former schema after the answer', async () => {
    await test.createReplica(withIndex, 2_000n, 2);
    expect(await indexUnits(1)).toEqual([]);
    await configure(withIndex);
    expect(await indexUnits(2)).toEqual([['G2', 1]]);
    await test.scheduler.until(() => test.node.metrics()[1]?.metrics.fedChanges === 1);
    expect(await test.scan(2_000n, { indexName: 'G2' })).toHaveLength(1);
  });

  it('commits the configuration in order with the writes', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const before = test.write(indexed(1));
    await turns();
    let isAnswered = false;
    const configuring = configure(withIndex).then(() => {
      isAnswered = true;
    });
    await turns();
    const behind = test.write(indexed(2));
    await turns();
    // The third waits for one of the two that are under way.
    expect(replica.held).toHaveLength(2);
    await replica.release(1);
    expect((await before)[1][2]).toEqual([]);
    expect(isAnswered).toBe(false);
    replica.isHolding = false;
    await replica.release();
    await configuring;
    expect((await behind)[1][2]).toEqual([['G2', 1]]);
  });

  it('keeps the former one when the new one is lost', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    const configuring = configure(withIndex);
    await turns();
    replica.failHeld('dropped');
    await expect(configuring).rejects.toMatchObject(refusal('unavailable'));
    replica.isHolding = false;
    await replica.release();
    await turns();
    expect(await indexUnits(1)).toEqual([]);
    expect((await test.report()).partitions[0]?.configurationVersion).toBe(1);
  });

  it('does nothing for an older one, nor for one that does not list it', async () => {
    await configure(withIndex);
    await configure(configurationOf(plainSchema));
    expect(await indexUnits(1)).toEqual([['G2', 1]]);
    const other = configurationOf(plainSchema, { version: 3 });
    await configure({ ...other, layout: { ...other.layout, partitions: [] } });
    expect((await test.report()).partitions[0]?.configurationVersion).toBe(2);
  });

  it('waits, for the same one again, until that is committed', async () => {
    const replica = test.replica();
    replica.isHolding = true;
    let answers = 0;
    const both = [1, 2].map(() =>
      configure(withIndex).then(() => {
        answers += 1;
      }),
    );
    await turns();
    expect(answers).toBe(0);
    await replica.release();
    await Promise.all(both);
  });

  /** Changes that wait for global indexes, in the store. */
  const pendingCount = async () => {
    const prefix = spacePrefix(test.replica().storageId, 'pendingIndex');
    let count = 0;
    for await (const pairs of walkSpace(test.host.store, prefix, 100)) {
      count += pairs.length;
    }
    return count;
  };

  it('discards what waits for an index that was dropped', async () => {
    test.onCallLeader = unreachable;
    await configure(withIndex);
    await test.write(indexed(1));
    expect(await pendingCount()).toBe(1);
    await configure(configurationOf(plainSchema, { version: 3 }));
    await turns();
    expect(await pendingCount()).toBe(0);
    expect(await indexUnits(2)).toEqual([]);
  });

  it('discards what an earlier leader has not come to discard', async () => {
    test.onCallLeader = unreachable;
    await configure(withIndex);
    await test.write(indexed(1));
    const replica = test.replica();
    replica.depose();
    const table = configurationOf(plainSchema, { version: 3 });
    const value = encodePartitionConfiguration({ partitionId: 1n, indexId: 0, table });
    await replica.apply([{ key: metaKey(replica.storageId, 'configuration'), value }]);
    expect(await pendingCount()).toBe(1);
    replica.elect();
    await turns();
    expect(await pendingCount()).toBe(0);
  });

  it('is told to the partitions of indexes, too', async () => {
    await test.createReplica(withIndex, 2_000n, 2);
    await configure(configurationOf(indexedSchema, { version: 5 }), 2_000n);
    const report = await test.report();
    expect(report.partitions.map(({ configurationVersion }) => configurationVersion)).toEqual([
      1, 5,
    ]);
    expect(report.tables).toHaveLength(1);
  });

  it('is refused by a replica that does not lead', async () => {
    test.replica().depose();
    await expect(configure(withIndex)).rejects.toMatchObject(refusal('notLeader'));
  });
});

describe('a group', () => {
  let test: TestNode;
  beforeEach(async () => {
    test = await TestNode.start();
    await test.create(configurationOf(plainSchema));
    const replica = test.replica();
    const members = [1, 2, 3].map(
      (replicaId) => ({ replicaId, node: `node-${replicaId}`, kind: 'voter' }) as const,
    );
    replica.membership = { ...replica.membership, members };
  });
  afterEach(() => test.close());

  it('changes its members', async () => {
    const change = { addLearners: [{ node: 'node-4' }], promote: [], remove: [3] };
    const membership = await test.call(methods.changeMembers, { partitionId: 1n, ...change });
    expect(membership).toMatchObject({ epoch: 2 });
    expect(test.replica().changes).toEqual([change]);
  });

  it('has its leadership transferred to the member on a node', async () => {
    const transfer = (toNode: string) =>
      test.call(methods.transferLeadership, { partitionId: 1n, toNode });
    await transfer('node-1');
    expect(test.replica().transferred).toEqual([]);
    await expect(transfer('node-9')).rejects.toMatchObject(refusal('noReplica'));
    await transfer('node-3');
    expect(test.replica().transferred).toEqual([3]);
  });

  it('is led by others once its node is drained', async () => {
    test.network.join('node-3', 'node');
    const draining = test.node.drain();
    await test.scheduler.advance(1_000);
    await draining;
    expect(test.replica().transferred).toEqual([3]);
    expect(test.events).toContainEqual({ event: 'drained', fields: { leadershipsKept: 0 } });
    test.replica().elect();
    await turns();
    expect(test.replica().transferred).toEqual([3, 3]);
  });

  it('is led by others once its data here is found damaged, as long as theirs may be sound', async () => {
    test.network.join('node-3', 'node');
    const replica = test.replica();
    await test.write(putOf(key(1), plainSchema));
    const itemKey = new CompiledSchema(plainSchema).itemKey(key(1));
    spacePrefix(replica.storageId, 'item').copy(itemKey);
    await replica.apply([{ key: itemKey, value: Buffer.from('not a record at all, but long') }]);
    await expect(test.get(key(1))).rejects.toMatchObject(refusal('damaged'));
    await turns();
    expect(replica.transferred).toEqual([3]);
    replica.elect();
    await turns();
    await expect(test.get(key(1))).rejects.toMatchObject(refusal('damaged'));
    expect(replica.transferred).toEqual([3]);
  });

  it('is led by others again when a copy of its damaged state is wanted', async () => {
    test.network.join('node-3', 'node');
    const replica = test.replica();
    const damage = new StoreError('damaged', 'a bit is another one');
    replica.listener?.onDamaged(damage);
    await turns();
    expect(replica.transferred).toEqual([3]);
    replica.elect();
    await turns();
    expect(replica.transferred).toEqual([3]);
    replica.listener?.onDamaged(damage);
    await turns();
    expect(replica.transferred).toEqual([3, 3]);
  });

  it('is led by others each time that it cannot be led here', async () => {
    test.network.join('node-3', 'node');
    const replica = test.replica();
    const configuration = metaKey(replica.storageId, 'configuration');
    await replica.apply([{ key: configuration, value: Buffer.from('none') }]);
    await turns();
    expect(replica.transferred).toEqual([3]);
    replica.elect();
    await test.scheduler.until(() => replica.transferred.length === 2);
    expect(replica.isReady).toBe(false);
  });

  it('is led on when nobody can take it, and given away once somebody can', async () => {
    const draining = test.node.drain();
    await test.scheduler.advance(11_000);
    await draining;
    expect(test.replica().transferred).toEqual([]);
    expect(test.events).toContainEqual({ event: 'drained', fields: { leadershipsKept: 1 } });
    await test.write(putOf(key(1), plainSchema));
    test.network.join('node-3', 'node');
    await test.scheduler.until(() => test.replica().transferred.length === 1);
    expect(test.replica().transferred).toEqual([3]);
  });

  it('is served no more by a node that is closed', async () => {
    test.node.close();
    await expect(test.write(putOf(key(1), plainSchema))).rejects.toMatchObject(
      refusal('unavailable'),
    );
    await expect(test.get(key(1))).rejects.toMatchObject(refusal('unavailable'));
  });
});
