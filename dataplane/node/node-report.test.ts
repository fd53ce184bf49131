import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { putOf } from '../routing/local-table.fixture.ts';
import { methods, type NodeReport, REPORT_CHANGED_CHANNEL } from '../routing/protocol.ts';
import {
  decodeTableConfiguration,
  encodeTableConfiguration,
} from '../routing/table-configuration.ts';
import { turns } from './manual-scheduler.fixture.ts';
import { configurationOf, indexedSchema, key, plainSchema, TestNode } from './node.fixture.ts';

describe('the report of a node', () => {
  let test: TestNode;
  beforeEach(async () => {
    test = await TestNode.start();
    await test.create(configurationOf(plainSchema, { partitions: 2 }));
    await turns();
  });
  afterEach(() => test.close());

  const since = ({ processId, version }: NodeReport) => ({ processId, version });
  const idsOf = ({ partitions }: NodeReport) => partitions.map(({ partitionId }) => partitionId);

  it('tells all of the node, its replicas and their tables', async () => {
    const report = await test.report();
    expect(report).toMatchObject({
      node: 'node-1',
      zone: 'a',
      storeId: 'store-1',
      processId: 'process-1',
      monotonicMs: test.scheduler.monotonicMs(),
      routersCount: 1,
      halted: undefined,
    });
    expect(idsOf(report)).toEqual([1n, 2n]);
    expect(report.partitions[0]).toMatchObject({
      tableId: plainSchema.tableId,
      indexId: 0,
      term: 1,
      leader: 'node-1',
      replica: { replicaId: 1, isReadyLeader: true, failure: undefined },
      configurationVersion: 1,
    });
    expect(report.tables.map((each) => decodeTableConfiguration(each).version)).toEqual([1]);
  });

  it('tells what has changed since', async () => {
    const first = await test.report();
    expect(await test.report(since(first))).toMatchObject({
      version: first.version,
      partitions: [],
      tables: [],
      removedPartitions: [],
    });
    test.replica(2n).depose();
    const second = await test.report(since(first));
    expect(second.version).toBeGreaterThan(first.version);
    expect(idsOf(second)).toEqual([2n]);
    expect(second.tables).toEqual([]);
    await test.call(methods.dropReplica, { storeId: 'store-1', partitionId: 1n });
    const third = await test.report(since(second));
    expect(third).toMatchObject({ isWhole: false, partitions: [], removedPartitions: [1n] });
    expect(idsOf(await test.report(since(first)))).toEqual([2n]);
  });

  it('tells all to who knows another process', async () => {
    const first = await test.report();
    const report = await test.report({ processId: 'process-0', version: first.version });
    expect(report.isWhole).toBe(true);
    expect(idsOf(report)).toEqual([1n, 2n]);
    expect(report.removedPartitions).toEqual([]);
  });

  it('tells a table again when it is configured', async () => {
    const first = await test.report();
    const configuration = encodeTableConfiguration(
      configurationOf(indexedSchema, { version: 2, partitions: 2 }),
    );
    await test.call(methods.configure, { partitionId: 1n, configuration });
    const report = await test.report(since(first));
    expect(report.tables.map((each) => decodeTableConfiguration(each).version)).toEqual([2]);
    expect(idsOf(report)).toEqual([1n]);
    await test.call(methods.configure, { partitionId: 2n, configuration });
    expect((await test.report(since(report))).tables).toEqual([]);
  });

  it('has fresh counts, which do not make a new version', async () => {
    const first = await test.report();
    await Promise.allSettled(
      [1n, 2n].map((partitionId) => test.write(putOf(key(1), plainSchema), { partitionId })),
    );
    const report = await test.report();
    expect(report.version).toBe(first.version);
    expect(report.partitions.map(({ items }) => items).sort()).toEqual([0, 1]);
  });

  it('tells of trouble, of the node also when nobody mentions it', async () => {
    const first = await test.report();
    test.replica(1n).failure = new Error('a record is damaged');
    test.replica(1n).listener?.onChange();
    const second = await test.report(since(first));
    expect(second.partitions[0]?.replica.failure).toBe('a record is damaged');
    test.host.halted = new Error('the disk is full');
    const third = await test.report(since(second));
    expect(third).toMatchObject({ halted: 'the disk is full', partitions: [] });
    expect(third.version).toBeGreaterThan(second.version);
  });

  it('leaves out a replica that has no state yet', async () => {
    const replica = { partitionId: 7n, replicaId: 4, members: [] };
    const call = { storeId: 'store-1', replica, configuration: undefined };
    await test.call(methods.createReplica, call);
    expect(idsOf(await test.report())).toEqual([1n, 2n]);
  });

  it('is announced once a turn to routers and nodes', async () => {
    const other = test.network.join('node-2', 'node');
    await turns();
    other.received.length = 0;
    test.router.received.length = 0;
    for (const id of [1n, 2n]) test.replica(id).depose();
    await turns();
    const message = { from: 'node-1', channel: REPORT_CHANGED_CHANNEL };
    expect(other.received).toEqual([message]);
    expect(test.router.received).toEqual([message]);
    await test.report();
    await test.write(putOf(key(1), plainSchema)).catch(() => {});
    expect(other.received).toHaveLength(1);
  });

  it('counts the routers', async () => {
    const first = await test.report();
    test.network.join('router-2', 'router');
    const second = await test.report(since(first));
    expect(second.routersCount).toBe(2);
    expect(second.version).toBeGreaterThan(first.version);
  });
});
