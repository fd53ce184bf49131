import type { NodeId } from '../replication/transport/transport.ts';
import type { PartitionReport } from '../routing/protocol.ts';
import type { ObservedNode } from './cluster-view.ts';
import { type NodePartition, reportsByPartition } from './member-state.ts';
import { CATALOG_PARTITION } from './placement-records.ts';

/** A node leads its share and a little more before something is moved away from it. */
const EXCESS_MIN = 2;
const EXCESS_PART = 0.1;
/** Members that lack more entries than this would take their time to lead. */
const LAG_ENTRIES_MAX = 200;

export interface Transfer {
  readonly partitionId: bigint;
  readonly toNode: NodeId;
}

/**
 * The next leadership to be moved so that nodes lead about as many partitions as each other; one at a
 * time. Only of groups in which nothing is amiss: all members are there, connected and caught up.
 * The catalog stays where it is, since moving it makes all of its callers wait.
 * @param unwilling nodes that give leaderships away at present
 */
export function planTransfer(
  nodes: readonly ObservedNode[],
  unwilling: ReadonlySet<NodeId> = new Set(),
): Transfer | undefined {
  const counts = new Map<NodeId, number>();
  const led: { node: NodeId; report: PartitionReport }[] = [];
  for (const { node, isConnected, halted, partitions } of nodes) {
    if (!isConnected || halted !== undefined || unwilling.has(node)) continue;
    counts.set(node, 0);
    for (const report of partitions.values()) {
      if (!report.replica.isReadyLeader || report.partitionId === CATALOG_PARTITION) continue;
      counts.set(node, (counts.get(node) ?? 0) + 1);
      led.push({ node, report });
    }
  }
  const excess = Math.max(
    EXCESS_MIN,
    Math.ceil((led.length / Math.max(1, counts.size)) * EXCESS_PART),
  );
  const reports = reportsByPartition(nodes);
  let best: (Transfer & { readonly difference: number }) | undefined;
  for (const { node, report } of led) {
    for (const member of report.membership.members) {
      const difference = (counts.get(node) ?? 0) - (counts.get(member.node) ?? Infinity);
      if (difference <= excess || difference <= (best?.difference ?? 0)) continue;
      if (!isAtRest(reports.get(report.partitionId) ?? [], report)) continue;
      best = { partitionId: report.partitionId, toNode: member.node, difference };
    }
  }
  return best && { partitionId: best.partitionId, toNode: best.toNode };
}

function isAtRest(
  reports: readonly NodePartition[],
  { membership, replica }: PartitionReport,
): boolean {
  if (membership.isJoint) return false;
  return membership.members.every(({ replicaId, node: id, kind }) => {
    const found = reports.find(({ node }) => node.node === id);
    if (found === undefined || kind === 'learner') return false;
    const { node, report } = found;
    return (
      node.isConnected &&
      node.halted === undefined &&
      report.replica.replicaId === replicaId &&
      report.replica.failure === undefined &&
      replica.appliedIndex - report.replica.appliedIndex <= LAG_ENTRIES_MAX
    );
  });
}
