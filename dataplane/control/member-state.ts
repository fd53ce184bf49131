import type { Member } from '../replication/replica.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import type { PartitionReport } from '../routing/protocol.ts';
import type { ObservedNode } from './cluster-view.ts';
import type { JoinedReplica, PlacedReplica, Placement } from './placement-records.ts';

/**
 * What has become of a member of a group:
 * - `present`: its node has it (the node may be away at present, or halted);
 * - `absent`: it has not been made yet, or so it seems; or its node has been away for a while;
 * - `lost`: it is never to be heard of again.
 */
export type MemberState = 'present' | 'absent' | 'lost';

/** What is observed of replicas over time, and what is asked for. */
export interface Patience {
  /** Since when the node has been away, in ms; 0 for one that is connected. */
  readonly awayMs: (node: NodeId) => number;
  /** For how long its node, connected, has been reporting without the replica, or that it failed. */
  readonly missingMs: (partitionId: bigint, replicaId: number) => number;
  /** A node that is away for longer is given up; undefined: never. */
  readonly replaceAfterMs: number | undefined;
}

/** A replica that is missing may be one whose creation is not reported yet. */
export const MISSING_MS_MAX = 5_000;

/** The replica as it was written down when it was placed, the last time. */
export function placeOf(
  { founders, others }: Placement,
  { replicaId, node }: Pick<PlacedReplica, 'replicaId' | 'node'>,
): JoinedReplica | undefined {
  return [...founders, ...others].findLast(
    (each) => each.replicaId === replicaId && each.node === node,
  );
}

/** Whether what the node reports is to be taken at its word. */
export function isWell({ isConnected, halted }: ObservedNode): boolean {
  return isConnected && halted === undefined;
}

/** Whether a connected node lacks the replica, or has it in a state in which it does nothing. */
export function isMissing(node: ObservedNode, partitionId: bigint, replicaId: number): boolean {
  const report = node.partitions.get(partitionId);
  return report?.replica.replicaId !== replicaId || report.replica.failure !== undefined;
}

export function memberState(
  member: Member,
  placement: Placement,
  { node, patience }: { readonly node: ObservedNode | undefined; readonly patience: Patience },
): MemberState {
  const { partitionId } = placement;
  const { replicaId, node: id } = member;
  const founder = placement.founders.find((each) => each.replicaId === replicaId);
  if (founder?.state === 'lost') return 'lost';
  const place = placeOf(placement, member);
  if (place?.isLost === true) return 'lost';
  if (place !== undefined && node !== undefined && place.storeId !== node.storeId) return 'lost';
  if (node === undefined || !isWell(node)) {
    const { replaceAfterMs } = patience;
    if (replaceAfterMs !== undefined && patience.awayMs(id) > replaceAfterMs) return 'lost';
    return node === undefined || isMissing(node, partitionId, replicaId) ? 'absent' : 'present';
  }
  if (!isMissing(node, partitionId, replicaId)) return 'present';
  if (founder?.state === 'open') return 'absent'; // About to be made.
  // One that has just joined is not reported before it has got its state, which may take long.
  const isJoining = member.kind === 'learner' && !node.partitions.has(partitionId);
  if (isJoining) return 'absent';
  return patience.missingMs(partitionId, replicaId) > MISSING_MS_MAX ? 'lost' : 'absent';
}

/** How a node reports a partition. */
export interface NodePartition {
  readonly node: ObservedNode;
  readonly report: PartitionReport;
}

/** All reports, by partition. */
export function reportsByPartition(
  nodes: readonly ObservedNode[],
): ReadonlyMap<bigint, readonly NodePartition[]> {
  const reports = new Map<bigint, NodePartition[]>();
  for (const node of nodes) {
    for (const [id, report] of node.partitions) {
      const ofPartition = reports.get(id);
      if (ofPartition === undefined) reports.set(id, [{ node, report }]);
      else ofPartition.push({ node, report });
    }
  }
  return reports;
}
