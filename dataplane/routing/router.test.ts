import { describe, expect, it } from 'vitest';
import { schemaOf } from '../partition/schema.fixture.ts';
import { configurationOf, FakeCluster, refusal } from './cluster.fixture.ts';
import { repeatable } from './forwarder.ts';
import { plain } from './local-table.fixture.ts';
import { UnknownTableFault } from './remote-table.ts';

describe('a router', () => {
  it('is ready once a node has reported the catalog or a table', async () => {
    const cluster = new FakeCluster();
    for (const id of cluster.nodes.keys()) cluster.node(id).isUp = false;
    const router = await cluster.router();
    expect(router.readiness).toEqual({
      isReady: false,
      reasons: ['no node is connected', 'no node has reported the catalog or a table'],
    });
    cluster.setUp('a1', true);
    await cluster.scheduler.settle();
    expect(router.readiness.reasons).toEqual(['no node has reported the catalog or a table']);
    cluster.addPartition({ id: 0n }, {});
    cluster.tell();
    await cluster.scheduler.settle();
    expect(router.readiness).toEqual({ isReady: true, reasons: [] });
  });

  it('counts what it does', async () => {
    const cluster = new FakeCluster();
    cluster.addTable(configurationOf(plain, { partitions: 2 }), 'a1');
    cluster.node('a1').on('get', () => {
      throw refusal('notLeader', { leader: 'b1', term: 5 });
    });
    cluster.node('b1').on('get', () => null);
    const router = await cluster.router();
    const key = { p: { S: 'a' }, s: { N: '1' } };
    await router.tables.openTable('T').get(key, { consistentRead: true, projection: undefined });
    await cluster.scheduler.advance(400);
    expect(router.metrics).toEqual({
      calls: 1,
      retries: new Map([['notLeader', 1]]),
      failed: new Map(),
      callsInFlight: 0,
      nodesConnected: 3,
      nodesKnown: 3,
      partitionsCount: 2,
      tablesCount: 1,
      mapAgeMs: 400,
    });
  });

  it('asks nobody any more once it is closed', async () => {
    const cluster = new FakeCluster();
    const router = await cluster.router();
    router.close();
    const before = cluster.seenOf('report').length;
    await cluster.scheduler.advance(5_000);
    cluster.tell();
    await cluster.scheduler.until(router.learner.refresh());
    expect(cluster.seenOf('report').length).toBe(before);
  });

  it('inside a node learns from the node itself too', async () => {
    const cluster = new FakeCluster();
    cluster.addPartition({ id: 1n }, { leader: 'a1' });
    cluster.node('a1').on('feed', () => 'fed');
    for (const id of ['b1', 'c1']) cluster.node(id).isUp = false;
    const router = await cluster.router({ routerId: 'a1', isNode: true });
    const fed = router.forwarder.callLeader(1n, 'feed', () => [], repeatable);
    expect(await fed).toBe('fed');
  });
});

describe('tables of a router', () => {
  it('are not found while they are being made, nor when they are gone', async () => {
    const cluster = new FakeCluster();
    cluster.addTable(configurationOf(plain), 'a1');
    cluster.setLeader(1n, undefined, 1);
    const { tables } = await cluster.router();
    expect(() => tables.openTable('T')).toThrow(UnknownTableFault);
    cluster.setLeader(1n, 'b1', 2);
    cluster.tell();
    await cluster.scheduler.settle();
    const table = tables.openTable('T');
    expect(tables.openTable(plain.tableArn)).toBe(table);
    for (const node of cluster.nodes.values()) node.remove(1n);
    cluster.tell();
    await cluster.scheduler.settle();
    expect(() => tables.openTable('T')).toThrow(UnknownTableFault);
  });

  it('are other ones when a name is used again', async () => {
    const cluster = new FakeCluster();
    cluster.addTable(configurationOf(plain), 'a1');
    const { tables } = await cluster.router();
    const before = tables.openTable('T');
    for (const node of cluster.nodes.values()) {
      node.remove(1n);
      node.tables = [];
    }
    const again = configurationOf(schemaOf({ tableId: 'again' }), { createdAtMs: 2_000 });
    const { layout } = again;
    const [range] = layout.partitions;
    if (range === undefined) throw new Error('one partition');
    cluster.addTable(
      { ...again, layout: { ...layout, partitions: [{ ...range, id: 50n }] } },
      'a1',
    );
    cluster.tell();
    await cluster.scheduler.settle();
    expect(tables.openTable('T')).not.toBe(before);
    expect(tables.openTable('T').schema.tableId).toBe('again');
  });

  it('are looked up by what a name or ARN means here', async () => {
    const cluster = new FakeCluster();
    cluster.addTable(configurationOf(plain), 'a1');
    const { tables } = await cluster.router({
      tableNameOf: (nameOrArn) => {
        if (nameOrArn === 'arn:elsewhere') throw new Error('another place');
        return nameOrArn.replace('arn:here:', '');
      },
    });
    expect(tables.openTable('arn:here:T')).toBe(tables.openTable('T'));
    expect(() => tables.openTable('arn:elsewhere')).toThrow('another place');
  });
});
