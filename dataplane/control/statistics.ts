import type { PartitionRange, TableLayout } from '../partition/schema.ts';
import type { PartitionReport } from '../routing/protocol.ts';
import type { TableStatistics } from '../routing/table.ts';
import type { ClusterView } from './cluster-view.ts';

interface Totals {
  readonly items: number;
  readonly bytes: number;
}

/** Items and bytes of a table and its indexes, as the nodes have reported them of late. */
export function statisticsOf(layout: TableLayout, view: ClusterView): TableStatistics {
  const { schema, partitions, indexPartitions } = layout;
  const reports = reportsOf(partitions, view);
  const indexes = new Map<string, Totals>();
  for (const { name, id } of schema.localIndexes) {
    indexes.set(name, sumOf(reports.map((report) => localIndexTotals(report, id))));
  }
  for (const { name, id } of schema.globalIndexes) {
    indexes.set(name, sumOf(reportsOf(indexPartitions.get(id) ?? [], view)));
  }
  return { ...sumOf(reports), indexes };
}

/** Of each partition the report of the replica that has applied the most. */
function reportsOf(ranges: readonly PartitionRange[], view: ClusterView): PartitionReport[] {
  return ranges.flatMap(({ id }) => {
    let newest: PartitionReport | undefined;
    for (const { partitions } of view.nodes()) {
      const report = partitions.get(id);
      if (report === undefined) continue;
      const isNewer = report.replica.appliedIndex > (newest?.replica.appliedIndex ?? -1);
      if (isNewer) newest = report;
    }
    return newest === undefined ? [] : [newest];
  });
}

function localIndexTotals({ localIndexes }: PartitionReport, id: number): Totals {
  const [, items = 0, bytes = 0] = localIndexes.find(([indexId]) => indexId === id) ?? [];
  return { items, bytes };
}

function sumOf(all: readonly Totals[]): Totals {
  let items = 0;
  let bytes = 0;
  for (const totals of all) {
    items += totals.items;
    bytes += totals.bytes;
  }
  return { items, bytes };
}
