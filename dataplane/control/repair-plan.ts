import type { Member, Membership } from '../replication/replica.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import type { PartitionReport } from '../routing/protocol.ts';
import type { ObservedNode } from './cluster-view.ts';
import {
  isWell,
  type MemberState,
  memberState,
  type NodePartition,
  type Patience,
  placeOf,
  reportsByPartition,
} from './member-state.ts';
import { type CandidateNode, chooseFurtherNode, REPLICAS_COUNT } from './placement.ts';
import type { PlacedReplica, Placement } from './placement-records.ts';

/** One thing to be done for one partition; what follows from it is planned when it is observed. */
export type RepairStep =
  /** The node has a replica that is no member any more, or of a partition that is gone. */
  | { readonly kind: 'drop'; readonly partitionId: bigint; readonly replica: PlacedReplica }
  /** By the leader, which gives it its id; it is made on its node after that. */
  | { readonly kind: 'addLearner'; readonly partitionId: bigint; readonly node: NodeId }
  /** It is a learner that its node does not have yet, as it seems. To be written down before. */
  | { readonly kind: 'create'; readonly partitionId: bigint; readonly replica: PlacedReplica }
  /** In one step. */
  | {
      readonly kind: 'change';
      readonly partitionId: bigint;
      readonly promote: readonly number[];
      readonly remove: readonly number[];
    }
  /** A member in a data folder that was not written down. */
  | { readonly kind: 'adopt'; readonly partitionId: bigint; readonly replica: PlacedReplica }
  /** A founder that was never made, and is no member any more. */
  | { readonly kind: 'writeOff'; readonly partitionId: bigint; readonly replicaId: number }
  /** A former member of which nothing is left. */
  | { readonly kind: 'forget'; readonly partitionId: bigint; readonly replica: PlacedReplica };

export interface RepairInput extends Patience {
  readonly nodes: readonly ObservedNode[];
  readonly placements: readonly Placement[];
  /** Partitions that were dropped of late. */
  readonly dropped: ReadonlySet<bigint>;
  readonly candidates: readonly CandidateNode[];
  /** Memberships that leaders have answered with, which may be newer than what is reported. */
  readonly memberships: ReadonlyMap<bigint, Membership>;
  /** Partitions whose last change may still take effect. */
  readonly unsettled: ReadonlySet<bigint>;
  /** Partitions that may be given a new replica at the same time. */
  readonly learnersCountMax: number;
}

/** A learner is near enough to vote when it lacks no more entries than this, as reported. */
export const CAUGHT_UP_ENTRIES = 2_000;
/** A learner whose node stays away for longer is given up. */
const LEARNER_AWAY_MS_MAX = 30_000;

/**
 * What to do next so that every partition has all its voters again.
 *
 * A voter that is lost is replaced in observed steps: a learner under a fresh id, on the same node if
 * that can be (its zone must stay covered); when it has caught up, one joint change that makes it a
 * voter and takes the lost one out. The leader gives the id before the replica is made, and the data
 * folder is written down in between: so an id is never used in two of them. A node that is merely away is waited for. Replicas that were
 * taken out are dropped. Depends on the arguments alone; at most one change of a group at a time.
 */
export function planRepairs(input: RepairInput): readonly RepairStep[] {
  const reports = reportsByPartition(input.nodes);
  const nodes = new Map(input.nodes.map((node) => [node.node, node]));
  const parts = input.placements.map((placement) => {
    const ofPartition = reports.get(placement.partitionId) ?? [];
    return observe(placement, { input, nodes, reports: ofPartition });
  });
  let learnersCount = parts.filter(({ learners }) => learners.length > 0).length;
  const steps: RepairStep[] = dropsOfGone(input);
  for (const part of parts) {
    steps.push(...dropsOfFormer(part), ...bookKeeping(part));
    if (!part.isChangeable) continue;
    const change = planChange(part, input, learnersCount < input.learnersCountMax);
    if (change === undefined) continue;
    if (change.kind === 'addLearner') learnersCount += 1;
    steps.push(change);
  }
  return steps;
}

/** One partition with all that is known of it. */
interface Part {
  readonly placement: Placement;
  readonly reports: readonly NodePartition[];
  readonly nodes: ReadonlyMap<NodeId, ObservedNode>;
  /** The newest known; undefined before any. */
  readonly membership: Membership | undefined;
  readonly leader: PartitionReport | undefined;
  /** There is a leader, which knows the newest membership, and no change is under way. */
  readonly isChangeable: boolean;
  readonly voters: readonly ObservedMember[];
  readonly learners: readonly ObservedMember[];
}

interface ObservedMember extends Member {
  readonly state: MemberState;
  readonly report: PartitionReport | undefined;
  readonly isUp: boolean;
}

function observe(
  placement: Placement,
  parts: Pick<Part, 'nodes' | 'reports'> & { readonly input: RepairInput },
): Part {
  const { partitionId } = placement;
  const { nodes, reports, input } = parts;
  const answered = input.memberships.get(partitionId);
  const membership = newest(reports, answered);
  const leader = leaderOf(reports);
  const members = (membership?.members ?? []).map((member): ObservedMember => {
    const node = nodes.get(member.node);
    const report = node?.partitions.get(partitionId);
    const isSame = report?.replica.replicaId === member.replicaId;
    return {
      ...member,
      state: memberState(member, placement, { node, patience: input }),
      report: isSame ? report : undefined,
      isUp: isSame && node?.isConnected === true && node.halted === undefined,
    };
  });
  return {
    placement,
    reports,
    nodes,
    membership,
    leader,
    isChangeable:
      // Before that it may still have to begin anew.
      placement.isFounded &&
      leader !== undefined &&
      membership !== undefined &&
      leader.membership.epoch >= membership.epoch &&
      !membership.isJoint &&
      !input.unsettled.has(partitionId),
    voters: members.filter(({ kind }) => kind === 'voter'),
    learners: members.filter(({ kind }) => kind === 'learner'),
  };
}

function newest(
  reports: readonly NodePartition[],
  answered: Membership | undefined,
): Membership | undefined {
  let best = answered;
  for (const { report } of reports) {
    const { membership } = report;
    if (membership.members.length === 0) continue; // It waits for its leader.
    if (best === undefined || isNewer(membership, best)) best = membership;
  }
  return best;
}

/** Of two foundings the later one has the higher ids. */
function isNewer(one: Membership, other: Membership): boolean {
  if (one.epoch !== other.epoch) return one.epoch > other.epoch;
  return one.replicaIdNext > other.replicaIdNext;
}

function leaderOf(reports: readonly NodePartition[]): PartitionReport | undefined {
  let best: PartitionReport | undefined;
  for (const { node, report } of reports) {
    if (!node.isConnected || !report.replica.isReadyLeader) continue;
    if (best === undefined || report.term > best.term) best = report;
  }
  return best;
}

/** Replicas of partitions that were dropped: creations that came late. */
function dropsOfGone({ nodes, dropped }: RepairInput): RepairStep[] {
  return nodes
    .filter(({ isConnected }) => isConnected)
    .flatMap(({ node, storeId, partitions }) =>
      [...partitions.values()]
        .filter(({ partitionId }) => dropped.has(partitionId))
        .map(({ partitionId, replica: { replicaId } }): RepairStep => {
          return { kind: 'drop', partitionId, replica: { replicaId, node, storeId } };
        }),
    );
}

/** An id that has been given out and is no member now never will be again. */
function isFormer({ membership }: Part, replicaId: number, node: NodeId): boolean {
  if (membership === undefined || replicaId >= membership.replicaIdNext) return false;
  return !membership.members.some((each) => each.replicaId === replicaId && each.node === node);
}

function dropsOfFormer(part: Part): readonly RepairStep[] {
  const { partitionId } = part.placement;
  return part.reports
    .filter(({ node, report }) => {
      return node.isConnected && isFormer(part, report.replica.replicaId, node.node);
    })
    .map(({ node: { node, storeId }, report }) => {
      const replica = { replicaId: report.replica.replicaId, node, storeId };
      return { kind: 'drop', partitionId, replica };
    });
}

/** Brings what is written down after what is the case. */
function bookKeeping(part: Part): readonly RepairStep[] {
  const { placement, nodes, voters, learners } = part;
  const { partitionId, founders, others, isFounded } = placement;
  const steps: RepairStep[] = [];
  for (const member of [...voters, ...learners]) {
    const node = nodes.get(member.node);
    if (node?.isConnected !== true || member.state !== 'present') continue;
    if (placeOf(placement, member) !== undefined) continue;
    const { replicaId } = member;
    const replica = { replicaId, node: node.node, storeId: node.storeId };
    steps.push({ kind: 'adopt', partitionId, replica });
  }
  if (!isFounded) return steps;
  const isOpen = founders.some(({ state }) => state === 'open');
  for (const founder of founders) {
    const { replicaId } = founder;
    if (founder.state === 'open' && isFormer(part, replicaId, founder.node)) {
      steps.push({ kind: 'writeOff', partitionId, replicaId });
    } else if (!isOpen && isForgettable(part, founder)) {
      steps.push({ kind: 'forget', partitionId, replica: founder });
    }
  }
  for (const other of others) {
    if (!isForgettable(part, other)) continue;
    steps.push({ kind: 'forget', partitionId, replica: other });
  }
  return steps;
}

/** It is no member, and its data folder is gone or, as its node reports, without it. */
function isForgettable(part: Part, { replicaId, node: id, storeId }: PlacedReplica): boolean {
  if (!isFormer(part, replicaId, id)) return false;
  const node = part.nodes.get(id);
  if (node === undefined) return false;
  if (node.storeId !== storeId) return true;
  return node.isConnected && !node.partitions.has(part.placement.partitionId);
}

/** The next change of the group, if it needs one. */
function planChange(part: Part, input: RepairInput, mayAdd: boolean): RepairStep | undefined {
  const { partitionId } = part.placement;
  const { learners, voters } = part;
  const countMin = Math.min(REPLICAS_COUNT, input.nodes.length);
  const lost = voters.filter(({ state }) => state === 'lost');
  const isNeeded = lost.length > 0 || voters.length < countMin;
  const [useful] = learners.filter((learner) => isNeeded && isUseful(learner, part, input));
  const useless = learners.filter((learner) => learner !== useful);
  if (useless.length > 0) {
    const remove = useless.map(({ replicaId }) => replicaId);
    return { kind: 'change', partitionId, promote: [], remove };
  }
  if (useful !== undefined) return planLearner(part, useful, lost[0]);
  return isNeeded && mayAdd ? planNewLearner(part, input, lost[0]) : undefined;
}

/** A learner that may still become a voter. */
function isUseful(learner: ObservedMember, part: Part, input: RepairInput): boolean {
  if (learner.state === 'lost' || input.awayMs(learner.node) > LEARNER_AWAY_MS_MAX) return false;
  const others = part.voters.filter(({ state }) => state !== 'lost');
  return !others.some(({ node }) => node === learner.node);
}

/** @param lost the voter that it replaces, if it is not an additional one */
function planLearner(
  part: Part,
  learner: ObservedMember,
  lost: ObservedMember | undefined,
): RepairStep | undefined {
  const { leader, placement, nodes, voters } = part;
  const { partitionId } = placement;
  if (learner.state === 'absent') {
    const { replicaId } = learner;
    const node = nodes.get(learner.node);
    if (node === undefined || !isWell(node)) return undefined;
    const { storeId } = placeOf(placement, learner) ?? node;
    return { kind: 'create', partitionId, replica: { replicaId, node: node.node, storeId } };
  }
  if (!learner.isUp || !isCaughtUp(learner.report, leader)) return undefined;
  const after = [...voters.filter((voter) => voter !== lost), learner];
  // The change would be of no use: nothing could be committed after it.
  if (after.filter(({ isUp }) => isUp).length <= after.length / 2) return undefined;
  const remove = lost === undefined ? [] : [lost.replicaId];
  return { kind: 'change', partitionId, promote: [learner.replicaId], remove };
}

function isCaughtUp(
  learner: PartitionReport | undefined,
  leader: PartitionReport | undefined,
): boolean {
  if (learner === undefined || leader === undefined) return false;
  const { members } = learner.membership;
  // It has applied the change that made it a learner, so its state is whole.
  if (!members.some(({ replicaId }) => replicaId === learner.replica.replicaId)) return false;
  return leader.replica.appliedIndex - learner.replica.appliedIndex <= CAUGHT_UP_ENTRIES;
}

function planNewLearner(
  { placement, nodes, voters }: Part,
  { candidates }: RepairInput,
  lost: ObservedMember | undefined,
): RepairStep | undefined {
  const { partitionId } = placement;
  const taken = voters.filter((voter) => voter !== lost).map(({ node }) => node);
  const isFree = (node: NodeId) =>
    !taken.includes(node) &&
    candidates.some((candidate) => candidate.node === node && candidate.isHealthy);
  // A damaged replica may still vote: it can only go when the others are able to do without it.
  const isQuorate = voters.filter((each) => each !== lost && each.isUp).length > voters.length / 2;
  const isOccupied = (node: NodeId) => nodes.get(node)?.partitions.has(partitionId) === true;
  const isFirstChoice = (node: NodeId) => isFree(node) && (isQuorate || !isOccupied(node));
  const chosen =
    lost !== undefined && isFirstChoice(lost.node)
      ? lost.node
      : chooseFurtherNode(candidates, lost === undefined ? taken : [...taken, lost.node]);
  const node = chosen === undefined ? undefined : nodes.get(chosen);
  if (node === undefined) return undefined;
  const present = node.partitions.get(partitionId)?.replica.replicaId;
  if (present === undefined) return { kind: 'addLearner', partitionId, node: node.node };
  // It is damaged, or not a member any more: first it has to go.
  const replica = { replicaId: present, node: node.node, storeId: node.storeId };
  return { kind: 'drop', partitionId, replica };
}
