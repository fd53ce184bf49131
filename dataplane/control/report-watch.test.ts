import { describe, expect, it } from 'vitest';
import { RemoteFailure } from '../replication/transport/transport.ts';
import type { NodeReport, PartitionReport, ReportCall } from '../routing/protocol.ts';
import { NodeNetwork } from './node-network.fixture.ts';
import { ReportWatch } from './report-watch.ts';
import { VirtualTime } from './virtual-time.fixture.ts';

function partition(partitionId: bigint, items = 0): PartitionReport {
  return {
    partitionId,
    tableId: 't',
    indexId: 0,
    membership: { members: [], replicaIdNext: 1, epoch: 0, isJoint: false },
    term: 1,
    leader: undefined,
    replica: { replicaId: 1, isReadyLeader: false, appliedIndex: 1, failure: undefined },
    items,
    bytes: 0,
    localIndexes: [],
    configurationVersion: 1,
  };
}

function report(more: Partial<NodeReport>): NodeReport {
  return {
    node: 'n2',
    zone: 'b',
    storeId: 'store-2',
    processId: 'process-2',
    version: 1,
    monotonicMs: 0,
    routersCount: 0,
    halted: undefined,
    isWhole: true,
    partitions: [],
    removedPartitions: [],
    tables: [],
    ...more,
  };
}

/** A watch at n1, and n2 that answers what the test says. */
function watching() {
  const time = new VirtualTime();
  const network = new NodeNetwork(time);
  const self = network.join('n1', 'node');
  const other = network.join('n2', 'node');
  const asked: ReportCall['since'][] = [];
  let answer: () => NodeReport = () => report({});
  self.onRequest('report', (body) => {
    const isWhole = (body as ReportCall).since === undefined;
    return report({ node: 'n1', zone: 'a', storeId: 'store-1', isWhole });
  });
  other.onRequest('report', (body) => {
    asked.push((body as ReportCall).since);
    return answer();
  });
  const nodes = () => ['n1', 'n2', 'n3'];
  const watch = ReportWatch.start({ transport: self, nodes, scheduler: time });
  return {
    time,
    network,
    watch,
    asked,
    answers: (next: () => NodeReport) => {
      answer = next;
    },
  };
}

describe('the watch of reports', () => {
  it('knows the nodes that have answered, itself included, and no others', async () => {
    const { time, watch } = watching();
    await time.pass(10);
    expect(watch.nodes().map(({ node }) => node)).toEqual(['n1', 'n2']);
    expect(watch.node('n2')).toMatchObject({ zone: 'b', storeId: 'store-2', isConnected: true });
    expect(watch.node('n3')).toBeUndefined();
    watch.close();
  });

  it('takes changes in: partitions come, change and go', async () => {
    const { time, watch, answers, asked } = watching();
    answers(() => report({ partitions: [partition(1n), partition(2n)] }));
    await time.pass(10);
    answers(() =>
      report({
        version: 2,
        isWhole: false,
        partitions: [partition(2n, 7), partition(3n)],
        removedPartitions: [1n],
      }),
    );
    await time.pass(1_000);
    expect(asked).toEqual([undefined, { processId: 'process-2', version: 1 }]);
    const { partitions } = watch.node('n2') ?? {};
    expect([...(partitions?.keys() ?? [])]).toEqual([2n, 3n]);
    expect(partitions?.get(2n)?.items).toBe(7);
    watch.close();
  });

  it('a whole report replaces all', async () => {
    const { time, watch, answers } = watching();
    answers(() => report({ partitions: [partition(1n)] }));
    await time.pass(10);
    answers(() => report({ processId: 'process-3', partitions: [partition(2n)] }));
    await time.pass(1_000);
    expect([...(watch.node('n2')?.partitions.keys() ?? [])]).toEqual([2n]);
    watch.close();
  });

  it('asks for all of it once in a while, and at once for counts', async () => {
    const { time, watch, asked, answers } = watching();
    answers(() => report({ isWhole: asked.at(-1) === undefined }));
    await time.pass(10);
    await time.during(watch.refresh());
    expect(asked.at(-1)).toBeDefined();
    await time.during(watch.refreshCounts(['n2']));
    expect(asked.at(-1)).toBeUndefined();
    const count = asked.length;
    await time.pass(30_000);
    expect(asked.slice(count).filter((since) => since === undefined)).toHaveLength(1);
    watch.close();
  });

  it('a node that is away, or does not answer, stays known as not connected', async () => {
    const { time, watch, network, answers } = watching();
    answers(() => report({ partitions: [partition(1n)] }));
    await time.pass(10);
    answers(() => {
      throw new RemoteFailure('unavailable', 'the node is stopping');
    });
    await time.pass(1_000);
    expect(watch.node('n2')?.isConnected).toBe(false);
    answers(() => report({ partitions: [partition(1n)] }));
    await time.pass(1_000);
    expect(watch.node('n2')?.isConnected).toBe(true);
    network.kill('n2');
    expect(watch.node('n2')).toMatchObject({ isConnected: false, storeId: 'store-2' });
    expect(watch.node('n2')?.partitions.size).toBe(1);
    watch.close();
  });

  it('has another version when something is otherwise, and the same when nothing is', async () => {
    const { time, watch, network, answers, asked } = watching();
    answers(() => report({ isWhole: asked.at(-1) === undefined }));
    await time.pass(10);
    const first = watch.version;
    await time.pass(5_000);
    expect(watch.version).toBe(first);
    const changes: Partial<NodeReport>[] = [
      { version: 2 },
      { version: 2, partitions: [partition(1n)] },
      { version: 2, removedPartitions: [1n] },
      { version: 2, halted: 'the disk is full' },
    ];
    for (const next of changes) {
      const before = watch.version;
      answers(() => report({ isWhole: false, ...next }));
      await time.pass(1_000);
      expect(watch.version).toBeGreaterThan(before);
    }
    const before = watch.version;
    network.kill('n2');
    expect(watch.version).toBeGreaterThan(before);
    watch.close();
  });

  it('tells of changes until it is told not to', async () => {
    const { time, watch } = watching();
    let count = 0;
    const stop = watch.onChange(() => {
      count += 1;
    });
    await time.pass(10);
    expect(count).toBe(2);
    stop();
    await time.pass(5_000);
    expect(count).toBe(2);
    watch.close();
  });
});
