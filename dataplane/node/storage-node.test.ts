import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { putOf } from '../routing/local-table.fixture.ts';
import { methods } from '../routing/protocol.ts';
import { configurationOf, key, plainSchema, refusal, TestNode } from './node.fixture.ts';

describe('a storage node', () => {
  let test: TestNode;
  beforeEach(async () => {
    test = await TestNode.start();
  });
  afterEach(() => test.close());

  it('serves what was written', async () => {
    await test.create(configurationOf(plainSchema));
    const item = { ...key(1), x: { S: 'text' } };
    const answer = await test.write(putOf(item, plainSchema), { returns: 3 });
    expect(answer[0]).toBe('applied');
    expect(answer[3]).toBeNull();
    expect(JSON.parse(Buffer.from(answer[4] ?? []).toString())).toEqual(item);
    expect(await test.get(key(1))).toEqual(item);
    expect(await test.get(key(1), { isConsistent: false })).toEqual(item);
    expect(await test.get(key(2))).toBeUndefined();
    expect(await test.scan()).toEqual([item]);
  });

  it('makes no replica in another data folder', async () => {
    const replica = { partitionId: 1n, replicaId: 1, members: [] };
    const call = { storeId: 'store-2', replica, configuration: undefined };
    await expect(test.call(methods.createReplica, call)).rejects.toMatchObject(
      refusal('otherStore'),
    );
    const drop = { storeId: 'store-2', partitionId: 1n };
    await expect(test.call(methods.dropReplica, drop)).rejects.toMatchObject(refusal('otherStore'));
  });

  it('keeps a replica when an earlier one is to be dropped', async () => {
    await test.create(configurationOf(plainSchema));
    const drop = { storeId: 'store-1', partitionId: 1n };
    await test.call(methods.dropReplica, { ...drop, replicaId: 0 });
    expect(test.node.report().partitions).toHaveLength(1);
    await test.call(methods.dropReplica, { ...drop, replicaId: 1 });
    expect(test.node.report().partitions).toHaveLength(0);
  });
});
