import { describe, expect, it } from 'vitest';
import { STREAM_RETENTION_MS } from '../partition/stream.ts';
import { methods } from '../routing/protocol.ts';
import { ControlPlane, table, tableWithIndex } from './control.fixture.ts';

const BASE = [1n, 2n, 3n, 4n] as const;
const enabled = { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' };
const enable = { TableName: 'Music', StreamSpecification: enabled };
const disable = { TableName: 'Music', StreamSpecification: { StreamEnabled: false } };

/** What the leader of a partition has been told. */
const layoutAt = (plane: ControlPlane, partitionId: bigint) =>
  plane.cluster.groupOf(partitionId)?.configuration?.layout;

async function opened(request: object = table()): Promise<ControlPlane> {
  const plane = await ControlPlane.open();
  await plane.call('CreateTable', request);
  await plane.untilActive();
  return plane;
}

async function openedWithStream(request: object = table()): Promise<ControlPlane> {
  return opened({ ...request, StreamSpecification: enabled });
}

const replicasOf = (plane: ControlPlane) =>
  [...plane.cluster.all.values()].flatMap(({ replicas }) => [...replicas.keys()]);
/** Nobody has more than the retired table's partitions. */
const hasBaseOnly = (plane: ControlPlane) => replicasOf(plane).every((id) => id <= 4n);

describe('a stream of a table in a cluster', () => {
  it('is there from the creation of the table: founders begin with it', async () => {
    const plane = await openedWithStream();
    const { Table } = await plane.call('DescribeTable', { TableName: 'Music' });
    expect(Table).toMatchObject({ StreamSpecification: enabled });
    for (const id of BASE) {
      expect(layoutAt(plane, id)?.schema.stream).toMatchObject({ viewType: 'KEYS_ONLY' });
    }
    expect(plane.cluster.calls.some(({ method }) => method === methods.configure)).toBe(false);
  });

  it('is enabled when all partitions have it, and disabled likewise', async () => {
    const plane = await opened();
    await plane.call('UpdateTable', enable);
    await plane.untilActive();
    for (const id of BASE) expect(layoutAt(plane, id)?.schema.stream).toBeDefined();
    await plane.call('UpdateTable', disable);
    await plane.untilActive();
    for (const id of BASE) {
      expect(layoutAt(plane, id)).toMatchObject({
        schema: { stream: undefined },
        endedStreams: [{ viewType: 'KEYS_ONLY' }],
      });
    }
  });

  it('keeps the table UPDATING while a partition has no leader, whoever leads the catalog', async () => {
    const plane = await opened();
    // All but one of the partitions hear of it.
    const holds = { isHolding: true };
    plane.cluster.beforeCall = ({ method, body }) => {
      const { partitionId } = body as { partitionId?: bigint };
      const isHeld = method === methods.configure && partitionId === 3n && holds.isHolding;
      return isHeld ? new Promise(() => {}) : undefined;
    };
    await plane.call('UpdateTable', enable);
    await plane.time.pass(20_000);
    expect((await plane.describe()).TableStatus).toBe('UPDATING');
    // Other changes are not held up meanwhile.
    await plane.call('CreateTable', table({ TableName: 'Other' }));
    await plane.untilActive('Other');
    await plane.failOver();
    await plane.time.pass(5_000);
    expect((await plane.describe()).TableStatus).toBe('UPDATING');
    holds.isHolding = false;
    await plane.failOver();
    await plane.untilActive();
    expect(layoutAt(plane, 3n)?.schema.stream).toBeDefined();
  });
});

describe('a deleted table that had a stream', () => {
  it('keeps its partitions, which know that it is gone, and loses those of its indexes', async () => {
    const plane = await openedWithStream(tableWithIndex);
    await plane.call('DeleteTable', { TableName: 'Music' });
    await plane.time.until(() => hasBaseOnly(plane));
    expect(await plane.call('ListTables', {})).toEqual({ TableNames: [] });
    for (const id of BASE) {
      expect(layoutAt(plane, id)).toMatchObject({
        schema: { stream: undefined, globalIndexes: [] },
        retiredAtMs: expect.any(Number),
        endedStreams: [{ viewType: 'KEYS_ONLY' }],
        indexPartitions: new Map(),
      });
    }
    expect(replicasOf(plane)).toHaveLength(3 * BASE.length);
  });

  it('has its name free at once, and its partitions looked after', async () => {
    const plane = await openedWithStream();
    await plane.call('DeleteTable', { TableName: 'Music' });
    await plane.call('CreateTable', table());
    await plane.untilActive();
    plane.cluster.wipe('n2');
    await plane.time.until(() => plane.cluster.replicaAt('n2', 1n) !== undefined);
    await plane.time.pass(10_000);
    expect(plane.cluster.groupOf(1n)?.membership.members).toHaveLength(3);
    expect(plane.cluster.violations).toEqual([]);
  });

  it('is gone after a day, whoever leads the catalog then', async () => {
    const plane = await openedWithStream();
    await plane.call('DeleteTable', { TableName: 'Music' });
    await plane.time.pass(5_000);
    await plane.failOver();
    plane.time.jump(STREAM_RETENTION_MS - 60_000);
    await plane.time.pass(50_000);
    expect(replicasOf(plane)).toHaveLength(3 * BASE.length);
    await plane.time.pass(120_000);
    expect(replicasOf(plane)).toEqual([]);
    plane.cluster.stop('n1');
    plane.cluster.start('n1');
    await plane.time.pass(20_000);
    expect(replicasOf(plane)).toEqual([]);
  });

  it('is retired by the next leader of the catalog where this one ended before', async () => {
    for (let steps = 1; steps < 90; steps += 1) {
      const plane = await openedWithStream(tableWithIndex);
      plane.life.stepsLeft = steps;
      void plane.call('DeleteTable', { TableName: 'Music' }).catch(() => {});
      await plane.time.pass(3_000);
      const hasDied = plane.life.isDead;
      await plane.failOver();
      plane.died?.arrive();
      await plane.time.pass(10_000);
      const { TableNames } = await plane.call('ListTables', {});
      const isDeleted = (TableNames as readonly string[]).length === 0;
      if (isDeleted) {
        expect({ steps, replicas: replicasOf(plane).length }).toEqual({ steps, replicas: 12 });
        for (const id of BASE) expect(layoutAt(plane, id)?.retiredAtMs).toBeDefined();
      } else {
        for (const id of BASE) expect(layoutAt(plane, id)?.retiredAtMs).toBeUndefined();
      }
      expect(plane.cluster.violations).toEqual([]);
      if (!hasDied) return;
    }
    throw new Error('it takes more steps than that');
  }, 120_000);

  it('has nothing to keep when its stream ended a day ago', async () => {
    const plane = await openedWithStream();
    await plane.call('UpdateTable', disable);
    await plane.untilActive();
    plane.time.jump(STREAM_RETENTION_MS);
    await plane.call('DeleteTable', { TableName: 'Music' });
    await plane.time.until(() => replicasOf(plane).length === 0);
  });
});
