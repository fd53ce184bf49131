import type { Membership } from '../replication/replica.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import type { PartitionReport } from './protocol.ts';

/** What several nodes' reports say of one partition together. */
export interface PartitionView {
  readonly tableId: string;
  readonly indexId: number;
  /** Of the highest epoch. */
  readonly membership: Membership;
  /** The newest term of which a leader is known; 0 without one. */
  readonly leaderTerm: number;
  readonly leader: NodeId | undefined;
  /** As the newest leader reports: transactions that wait for somebody to finish them. */
  readonly stalledTransactions: number;
}

/**
 * Brings reports of one partition, each node's newest, to one view. The order of the reports does
 * not matter: memberships are ordered by epoch and leaders by term, and a term has one leader.
 */
export function viewOf(reports: Iterable<PartitionReport>): PartitionView | undefined {
  let newest: PartitionReport | undefined;
  let leaderTerm = 0;
  let leader: NodeId | undefined;
  let ofLeader: PartitionReport | undefined;
  for (const report of reports) {
    if (newest === undefined || report.membership.epoch > newest.membership.epoch) newest = report;
    if (report.leader !== undefined && report.term > leaderTerm) {
      leaderTerm = report.term;
      leader = report.leader;
    }
    if (report.replica.isReadyLeader && report.term > (ofLeader?.term ?? 0)) ofLeader = report;
  }
  if (newest === undefined) return undefined;
  const { tableId, indexId, membership } = newest;
  const stalledTransactions = ofLeader?.stalledTransactions ?? 0;
  return { tableId, indexId, membership, leaderTerm, leader, stalledTransactions };
}
