import { describe, expect, it } from 'vitest';
import { RemoteFailure } from '../replication/transport/transport.ts';
import { configurationOf, FakeCluster } from './cluster.fixture.ts';
import { plain } from './local-table.fixture.ts';
import type { NodeReport, ReportCall } from './protocol.ts';

describe('a router learns', () => {
  it('from every node that is connected when it starts', async () => {
    const cluster = new FakeCluster();
    cluster.addTable(configurationOf(plain));
    cluster.node('c1').isUp = false;
    const { map } = await cluster.router();
    expect(cluster.askedFor('report')).toEqual(['a1', 'b1']);
    expect(map.table('T')?.isReadable).toBe(true);
    expect(map.node('a1')).toMatchObject({ zone: 'a', storeId: 'store-a1', isUp: true });
  });

  it('when a connection comes up', async () => {
    const cluster = new FakeCluster();
    for (const id of cluster.nodes.keys()) cluster.node(id).isUp = false;
    const { map, readiness } = await cluster.router();
    expect(readiness.isReady).toBe(false);
    cluster.addTable(configurationOf(plain));
    cluster.setUp('b1', true);
    await cluster.scheduler.settle();
    expect(map.table('T')).toBeDefined();
  });

  it('when a node says that something changed: one question at a time', async () => {
    const cluster = new FakeCluster();
    const { map } = await cluster.router();
    const before = cluster.seenOf('report').length;
    cluster.addTable(configurationOf(plain));
    for (let times = 0; times < 10; times += 1) cluster.tell();
    await cluster.scheduler.settle();
    expect(map.table('T')).toBeDefined();
    expect(cluster.seenOf('report').length - before).toBe(6);
  });

  it('nothing from other routers that a node is connected to', async () => {
    const cluster = new FakeCluster(['a']);
    const { map } = await cluster.router({ routerId: 'a1', isNode: true });
    for (const isUp of [true, false]) cluster.peerChanged('router7', isUp);
    await cluster.scheduler.advance(3_000);
    expect([...map.nodes()].map(({ id }) => id)).toEqual(['a1']);
  });

  it('every second, only what changed', async () => {
    const cluster = new FakeCluster();
    await cluster.router();
    const before = cluster.seenOf('report').length;
    await cluster.scheduler.advance(5_000);
    const calls = cluster.seenOf('report').slice(before);
    expect(calls.length).toBe(15);
    for (const { node, body } of calls) {
      expect((body as ReportCall).since).toEqual({ processId: `process-${node}-1`, version: 1 });
    }
  });

  it('all of a node that was started anew', async () => {
    const cluster = new FakeCluster();
    cluster.addPartition({ id: 1n }, {});
    const { map } = await cluster.router();
    for (const node of cluster.nodes.values()) {
      node.processId += '-again';
      node.version = 1;
      node.partitions.clear();
    }
    await cluster.scheduler.advance(1_001);
    expect(map.partition(1n)).toBeUndefined();
    expect(map.node('a1').processId).toBe('process-a1-1-again');
  });

  it('everything from a node that leaves out a table’s configuration', async () => {
    const cluster = new FakeCluster(['a']);
    const node = cluster.node('a1');
    const { map } = await cluster.router();
    cluster.addTable(configurationOf(plain));
    node.on('report', (body): NodeReport => {
      const { since } = body as ReportCall;
      const report = node.report(since);
      return since === undefined ? report : { ...report, tables: [] };
    });
    cluster.tell();
    await cluster.scheduler.settle();
    expect(map.table('T')).toBeDefined();
  });

  it('keeps what a node that is away has reported, and goes on without it', async () => {
    const cluster = new FakeCluster();
    cluster.addPartition({ id: 1n }, { leader: 'c1' });
    const { map } = await cluster.router();
    cluster.setUp('c1', false);
    await cluster.scheduler.advance(600_000);
    expect(map.partition(1n)?.members.map(({ id }) => id)).toEqual(['a1', 'b1', 'c1']);
    expect(map.node('a1').reportedAtMs).toBeGreaterThan(cluster.scheduler.monotonicMs() - 2_000);
  });

  it('is not held up by a node that refuses or is silent', async () => {
    const cluster = new FakeCluster();
    cluster.node('a1').on('report', () => {
      throw new RemoteFailure('internal', 'no');
    });
    cluster.node('b1').isPaused = true;
    cluster.addPartition({ id: 1n }, {});
    const { map } = await cluster.router();
    expect(map.partition(1n)).toBeDefined();
    await cluster.scheduler.advance(3_000);
    expect([map.node('a1').isSilent, map.node('b1').isSilent]).toEqual([false, true]);
    cluster.node('b1').isPaused = false;
    await cluster.scheduler.advance(3_000);
    expect(map.node('b1').isSilent).toBe(false);
  });
});

describe('a refresh', () => {
  it('asks each node once for all who want it, at most every 50 ms', async () => {
    const cluster = new FakeCluster();
    const { learner } = await cluster.router();
    const { scheduler } = cluster;
    const before = cluster.seenOf('report').length;
    const first = await scheduler.until(Promise.all([learner.refresh(), learner.refresh()]));
    expect([first.tookMs, cluster.seenOf('report').length - before]).toEqual([0, 3]);
    const second = await scheduler.until(Promise.all([learner.refresh(), learner.refresh()]));
    expect([second.tookMs, cluster.seenOf('report').length - before]).toEqual([50, 6]);
  });

  it('takes in what a question that was under way before may have missed', async () => {
    const cluster = new FakeCluster(['a']);
    const node = cluster.node('a1');
    const answers: (() => void)[] = [];
    node.on('report', async (body) => {
      const report = node.report((body as ReportCall).since);
      await new Promise<void>((resolve) => answers.push(resolve));
      return report;
    });
    const { map, learner } = await cluster.router();
    cluster.addPartition({ id: 1n }, {});
    const refreshed = learner.refresh();
    await cluster.scheduler.settle();
    answers.shift()?.();
    await cluster.scheduler.settle();
    expect(map.partition(1n)).toBeUndefined();
    answers.shift()?.();
    await cluster.scheduler.until(refreshed);
    expect(map.partition(1n)).toBeDefined();
  });

  it('waits for a node that does not answer once, and for no longer than it may', async () => {
    const cluster = new FakeCluster();
    const { learner } = await cluster.router();
    cluster.node('c1').isPaused = true;
    const first = await cluster.scheduler.until(learner.refresh());
    expect(first.tookMs).toBe(500);
    await cluster.scheduler.advance(2_000);
    const second = await cluster.scheduler.until(learner.refresh());
    expect(second.tookMs).toBeLessThanOrEqual(50);
  });
});
