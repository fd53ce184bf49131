import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { globalIndex, schemaOf } from '../partition/schema.fixture.ts';
import { configurationOf, membershipOf, partitionReport } from './cluster.fixture.ts';
import { ClusterMap } from './cluster-map.ts';
import type { NodeReport, PartitionReport } from './protocol.ts';
import { encodeTableConfiguration, type TableConfiguration } from './table-configuration.ts';

function nodeReport(node: string, parts: Partial<NodeReport> = {}): NodeReport {
  return {
    node,
    zone: node.charAt(0),
    storeId: `store-${node}`,
    processId: `process-${node}`,
    version: 1,
    monotonicMs: 1,
    routersCount: 1,
    halted: undefined,
    partitions: [],
    isWhole: false,
    removedPartitions: [],
    tables: [],
    ...parts,
  };
}

function reportOf(
  node: string,
  configuration: TableConfiguration,
  partitions: Partial<PartitionReport> = {},
): NodeReport {
  const { tableId } = configuration.layout.schema;
  return nodeReport(node, {
    tables: [encodeTableConfiguration(configuration)],
    partitions: configuration.layout.partitions.map(({ id }) =>
      partitionReport(id, { tableId, leader: 'a1', ...partitions }),
    ),
  });
}

const since = { processId: 'process-a1', version: 1 };

/** All that a map says, as one value. */
function contentOf(map: ClusterMap, partitionIds: readonly bigint[], names: readonly string[]) {
  return {
    partitions: partitionIds.map((id) => {
      const route = map.partition(id);
      return (
        route && [route.tableId, route.epoch, route.leader?.id, route.members.map((m) => m.id)]
      );
    }),
    tables: names.map((name) => {
      const table = map.table(name);
      return table && [table.tableId, table.configuration.version, table.isReadable];
    }),
  };
}

describe('merging', () => {
  const nodes = ['a1', 'b1', 'c1'] as const;
  const partitionArbitrary = fc.record({
    partitionId: fc.constantFrom(1n, 2n, 3n),
    // A term has one leader and an epoch one membership, as Raft makes sure.
    term: fc.integer({ min: 1, max: 4 }),
    knowsLeader: fc.boolean(),
    epoch: fc.integer({ min: 1, max: 3 }),
    appliedIndex: fc.integer({ min: 1, max: 2 }),
  });
  const reportArbitrary = fc.record({
    partitions: fc.uniqueArray(partitionArbitrary, { selector: (each) => each.partitionId }),
    version: fc.integer({ min: 1, max: 3 }),
  });

  function tableOf(partitionId: bigint): TableConfiguration {
    // Tables 1 and 2 have the same name.
    const tableName = partitionId === 3n ? 'other' : 'same';
    const schema = schemaOf({
      tableName,
      tableId: `table${partitionId}`,
      tableArn: `arn:${tableName}`,
    });
    const configuration = configurationOf(schema, { createdAtMs: Number(partitionId) });
    const [range] = configuration.layout.partitions;
    if (range === undefined) throw new Error('one partition');
    const layout = { ...configuration.layout, partitions: [{ ...range, id: partitionId }] };
    return { ...configuration, layout };
  }

  test('the order of reports of different nodes makes no difference', () => {
    fc.assert(
      fc.property(
        fc.tuple(reportArbitrary, reportArbitrary, reportArbitrary),
        fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
        (contents, order) => {
          const reports = contents.map(({ partitions, version }, index) => {
            const node = nodes[index] ?? '';
            return nodeReport(node, {
              tables: partitions.map(({ partitionId }) =>
                encodeTableConfiguration({ ...tableOf(partitionId), version }),
              ),
              partitions: partitions.map(
                ({ partitionId, term, knowsLeader, epoch, appliedIndex }) =>
                  partitionReport(partitionId, {
                    tableId: `table${partitionId}`,
                    term,
                    leader: knowsLeader ? nodes[term % 3] : undefined,
                    membership: membershipOf(nodes.slice(0, epoch), epoch),
                    replica: {
                      replicaId: 1,
                      isReadyLeader: false,
                      appliedIndex,
                      failure: undefined,
                    },
                  }),
              ),
            });
          });
          const inOrder = new ClusterMap();
          for (const report of reports) inOrder.merge(report, undefined, 0);
          const shuffled = new ClusterMap();
          for (const index of order) {
            const report = reports[index];
            if (report !== undefined) shuffled.merge(report, undefined, 0);
          }
          const names = ['same', 'other', 'arn:same'];
          expect(contentOf(shuffled, [1n, 2n, 3n], names)).toEqual(
            contentOf(inOrder, [1n, 2n, 3n], names),
          );
        },
      ),
    );
  });

  test('a report that is what changed does to the map what a whole one does', () => {
    const configuration = configurationOf(schemaOf(), { partitions: 2 });
    const first = reportOf('a1', configuration);
    const [one] = first.partitions;
    if (one === undefined) throw new Error('two partitions');
    const moved = { ...one, term: 3, leader: 'b1' };
    const incremental = new ClusterMap();
    incremental.merge(first, undefined, 0);
    incremental.merge(
      nodeReport('a1', { version: 2, partitions: [moved], removedPartitions: [2n] }),
      since,
      0,
    );
    const whole = new ClusterMap();
    whole.merge(first, undefined, 0);
    whole.merge({ ...first, version: 2, partitions: [moved] }, undefined, 0);
    expect(contentOf(incremental, [1n, 2n], ['T'])).toEqual(contentOf(whole, [1n, 2n], ['T']));
    expect(incremental.partition(1n)?.leader?.id).toBe('b1');
    expect(incremental.partition(2n)).toBeUndefined();
  });

  test('an older report of the same process changes nothing', () => {
    const map = new ClusterMap();
    map.merge({ ...reportOf('a1', configurationOf(schemaOf())), version: 5 }, undefined, 0);
    map.merge(nodeReport('a1', { version: 4, removedPartitions: [1n] }), since, 0);
    expect(map.partition(1n)).toBeDefined();
  });

  test('a configuration of a newer format leaves the rest of the report', () => {
    const map = new ClusterMap();
    const report = reportOf('a1', configurationOf(schemaOf()));
    const outcome = map.merge(
      { ...report, tables: [...report.tables, Buffer.from('[99,{}]')] },
      undefined,
      0,
    );
    expect(outcome.unreadableCount).toBe(1);
    expect(map.table('T')).toBeDefined();
  });
});

describe('tables', () => {
  test('are found by name and by ARN', () => {
    const map = new ClusterMap();
    const schema = schemaOf();
    map.merge(reportOf('a1', configurationOf(schema)), undefined, 0);
    expect(map.table('T')?.tableId).toBe(schema.tableId);
    expect(map.table(schema.tableArn)).toBe(map.table('T'));
  });

  test('of two with one name the one created later is found, and the other once that is gone', () => {
    const older = configurationOf(schemaOf({ tableId: 'older' }), { createdAtMs: 1 });
    const newer = configurationOf(schemaOf({ tableId: 'newer' }), { createdAtMs: 2 });
    const newerReport = reportOf('b1', newer);
    const map = new ClusterMap();
    map.merge(
      {
        ...newerReport,
        partitions: newerReport.partitions.map((each) => ({ ...each, partitionId: 7n })),
      },
      undefined,
      0,
    );
    map.merge(reportOf('a1', older), undefined, 0);
    expect(map.table('T')?.tableId).toBe('newer');
    map.merge(
      nodeReport('b1', { version: 2, removedPartitions: [7n] }),
      { processId: 'process-b1', version: 1 },
      0,
    );
    expect(map.table('T')?.tableId).toBe('older');
  });

  test('that were deleted have no name, but are there while their streams can be read', () => {
    const schema = schemaOf({ tableId: 'older' });
    const older = configurationOf(schema, { createdAtMs: 1 });
    const retired = {
      ...older,
      version: 2,
      layout: { ...older.layout, retiredAtMs: 10 },
    };
    const map = new ClusterMap();
    map.merge(reportOf('a1', older), undefined, 0);
    map.merge({ ...reportOf('a1', retired), version: 2 }, since, 0);
    expect(map.table('T')).toBeUndefined();
    expect(map.table(schema.tableArn)).toBeUndefined();
    expect([...map.tables()]).toMatchObject([{ tableId: 'older', isReadable: true }]);

    const newer = configurationOf(schemaOf({ tableId: 'newer' }), { createdAtMs: 2 });
    const report = reportOf('b1', newer);
    const partitions = report.partitions.map((each) => ({ ...each, partitionId: 7n }));
    map.merge({ ...report, partitions }, undefined, 0);
    expect(map.table('T')?.tableId).toBe('newer');
    map.merge(
      nodeReport('b1', { version: 2, removedPartitions: [7n] }),
      { processId: 'process-b1', version: 1 },
      0,
    );
    expect(map.table('T')).toBeUndefined();
    expect(map.tableById('older')).toBeDefined();
  });

  test('go with the last partition that any node reports', () => {
    const configuration = configurationOf(schemaOf());
    const map = new ClusterMap();
    const told: string[] = [];
    map.onTable((_, change) => told.push(change));
    map.merge(reportOf('a1', configuration), undefined, 0);
    map.merge(reportOf('b1', configuration), undefined, 0);
    map.merge(nodeReport('a1', { version: 2, removedPartitions: [1n] }), since, 0);
    expect(map.table('T')).toBeDefined();
    const route = map.partition(1n);
    map.merge(nodeReport('b1', { version: 2 }), undefined, 0);
    expect(map.table('T')).toBeUndefined();
    expect(route?.isGone).toBe(true);
    expect(told).toEqual(['changed', 'gone']);
  });

  test('go when most members have dropped them, though one that is away had them', () => {
    const configuration = configurationOf(schemaOf());
    const map = new ClusterMap();
    for (const node of ['a1', 'b1', 'c1']) {
      map.merge(reportOf(node, configuration), undefined, 0);
    }
    map.merge(nodeReport('a1', { version: 2, removedPartitions: [1n] }), since, 0);
    expect(map.table('T')).toBeDefined();
    map.merge(nodeReport('b1', { version: 1, processId: 'again' }), undefined, 0);
    expect(map.table('T')).toBeUndefined();
  });

  test('stay when members have only lost their data folders', () => {
    const configuration = configurationOf(schemaOf());
    const map = new ClusterMap();
    for (const node of ['a1', 'b1', 'c1']) {
      map.merge(reportOf(node, configuration), undefined, 0);
    }
    for (const node of ['a1', 'b1']) {
      map.merge(nodeReport(node, { processId: 'again', storeId: 'another' }), undefined, 0);
    }
    expect(map.table('T')).toBeDefined();
  });

  test('cannot be read before each of their partitions has had a leader, and can from then on', () => {
    const configuration = configurationOf(schemaOf(), { partitions: 2 });
    const { tableId } = configuration.layout.schema;
    const map = new ClusterMap();
    map.merge(reportOf('a1', configuration, { leader: undefined }), undefined, 0);
    const leads = (id: bigint, leader: string | undefined, version: number) =>
      map.merge(
        nodeReport('a1', { version, partitions: [partitionReport(id, { tableId, leader })] }),
        since,
        0,
      );
    leads(1n, 'a1', 2);
    expect(map.table('T')?.isReadable).toBe(false);
    leads(2n, 'a1', 3);
    expect(map.table('T')?.isReadable).toBe(true);
    leads(2n, undefined, 4);
    expect(map.table('T')?.isReadable).toBe(true);
  });

  test('need the partitions of active indexes only', () => {
    const active = globalIndex(1, { hash: 'g:S', range: '' });
    const open = (schema: ReturnType<typeof schemaOf>) => {
      const map = new ClusterMap();
      map.merge(reportOf('a1', configurationOf(schema)), undefined, 0);
      return map.table('T')?.isReadable;
    };
    expect(open(schemaOf({ globalIndexes: [active] }))).toBe(false);
    expect(open(schemaOf({ globalIndexes: [{ ...active, state: 'backfilling' }] }))).toBe(true);
  });

  test('a partition whose table was never told of asks for all', () => {
    const map = new ClusterMap();
    const report = { ...reportOf('a1', configurationOf(schemaOf())), tables: [] };
    expect(map.merge(report, undefined, 0).isIncomplete).toBe(true);
  });
});

describe('leaders', () => {
  const learn = (...reports: Partial<PartitionReport>[]) => {
    const map = new ClusterMap();
    reports.forEach((parts, index) => {
      const node = ['a1', 'b1', 'c1'][index] ?? '';
      map.merge(nodeReport(node, { partitions: [partitionReport(0n, parts)] }), undefined, 0);
    });
    const route = map.partition(0n);
    if (route === undefined) throw new Error('reported');
    return { map, route };
  };

  test('a leader cut off from the others does not hide the one of a newer term', () => {
    const { route } = learn({ term: 4, leader: 'a1' }, { term: 5, leader: 'b1' }, { term: 5 });
    expect(route.leader?.id).toBe('b1');
  });

  test('a hint of a newer term counts until reports are as new', () => {
    const { map, route } = learn({ term: 4, leader: 'a1' });
    route.takeDenial('a1', { term: 5, leader: 'b1' });
    expect(route.leader?.id).toBe('b1');
    const report = partitionReport(0n, { term: 6, leader: 'c1' });
    map.merge(nodeReport('a1', { version: 2, partitions: [report] }), undefined, 0);
    expect(route.leader?.id).toBe('c1');
  });

  test('an older hint is passed over, and a leader that denies it is none', () => {
    const { route } = learn({ term: 4, leader: 'a1' });
    route.takeDenial('b1', { term: 3, leader: 'c1' });
    expect(route.leader?.id).toBe('a1');
    route.takeDenial('a1', { term: 4, leader: undefined });
    expect(route.leader).toBeUndefined();
  });

  test('whoever waits for a change is told once', () => {
    const { route } = learn({ term: 4, leader: 'a1' });
    let told = 0;
    route.onceChanged(() => {
      told += 1;
    });
    route.takeDenial('a1', { term: 5, leader: 'b1' });
    route.takeDenial('b1', { term: 6, leader: 'c1' });
    expect(told).toBe(1);
  });
});

describe('stalled transactions', () => {
  const configuration = configurationOf(schemaOf(), { partitions: 2 });
  const { tableId } = configuration.layout.schema;
  const replica = { replicaId: 1, isReadyLeader: true, appliedIndex: 5, failure: undefined };
  const leading = (term: number, stalledTransactions?: number) =>
    partitionReport(1n, {
      tableId,
      term,
      leader: 'a1',
      replica,
      ...(stalledTransactions !== undefined && { stalledTransactions }),
    });
  const stalledOf = (...partitions: readonly PartitionReport[]) => {
    const map = new ClusterMap();
    map.merge(reportOf('c1', configuration, { term: 1 }), undefined, 0);
    for (const [index, partition] of partitions.entries()) {
      map.merge(nodeReport(`a${index}`, { partitions: [partition] }), undefined, 0);
    }
    return [...map.partitionsWithStalledTransactions()];
  };

  test('are those that the leader reports', () => {
    expect(stalledOf(leading(2, 1))).toEqual([{ tableId, partitionId: 1n }]);
    expect(stalledOf(leading(2))).toEqual([]);
  });

  test('are not those of a leader that was deposed', () => {
    expect(stalledOf(leading(2, 1), leading(3))).toEqual([]);
    expect(stalledOf(leading(2), leading(3, 1))).toEqual([{ tableId, partitionId: 1n }]);
  });
});
