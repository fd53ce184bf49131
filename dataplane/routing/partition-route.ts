import type { Member, Membership } from '../replication/replica.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import type { NodeState } from './node-state.ts';
import { type PartitionView, viewOf } from './partition-view.ts';
import type { PartitionReport } from './protocol.ts';

/** Where the logs of founders begin: what is beyond was written by a leader. */
const FOUNDING_INDEX = 1;

/** Who leads a partition, as a node told in its answer or by answering as the leader. */
interface Hint {
  readonly term: number;
  readonly leader: NodeId | undefined;
}

/**
 * Where a partition is: the newest that reports and answers say. One object for as long as any node
 * reports the partition, so that whoever has it need not look it up again.
 */
export class PartitionRoute {
  readonly id: bigint;
  /** No node has it any more; another object stands for it should it be reported again. */
  isGone = false;
  /** It has had a leader: its founders alone are not taken for a partition of an active table. */
  hasBeenLed = false;
  /** The believed leader. */
  leader: NodeState | undefined;
  /** Nodes of the members, voters first. */
  members: readonly NodeState[] = [];
  /** Calls that wait for a free place at a node. */
  waitingCount = 0;
  /** In the order in which eventual reads ask; made when needed, dropped with each change. */
  nearest: readonly NodeState[] | undefined;
  readonly #nodeOf: (id: NodeId) => NodeState;
  /** The newest of each node. */
  readonly #reports = new Map<NodeId, PartitionReport>();
  readonly #droppers = new Set<NodeId>();
  readonly #listeners = new Set<() => void>();
  #view: PartitionView;
  #hint: Hint | undefined;

  constructor(report: PartitionReport, from: NodeId, nodeOf: (id: NodeId) => NodeState) {
    this.id = report.partitionId;
    this.#nodeOf = nodeOf;
    this.#reports.set(from, report);
    this.#view = viewOfOne(report);
    this.#takeIndex(report);
    this.#update();
  }

  get tableId(): string {
    return this.#view.tableId;
  }

  /** 0: of the table itself; else the id of the global index. */
  get indexId(): number {
    return this.#view.indexId;
  }

  get epoch(): number {
    return this.#view.membership.epoch;
  }

  get membership(): Membership {
    return this.#view.membership;
  }

  /** As its leader reports: transactions there that wait for somebody to finish them. */
  get stalledTransactions(): number {
    return this.#view.stalledTransactions;
  }

  /** Of the believed leader. */
  get leaderTerm(): number {
    return Math.max(this.#view.leaderTerm, this.#hint?.term ?? 0);
  }

  takeReport(from: NodeId, report: PartitionReport): void {
    this.#reports.set(from, report);
    this.#droppers.delete(from);
    this.#takeIndex(report);
    this.#update();
  }

  /**
   * A node does not have it any more.
   * @param isDropped - it has dropped its replica, and has not just lost its data folder
   * @returns false when the partition is gone: nobody reports it, or most of its members have
   *   dropped it. Whoever still had it when it was last heard of cannot serve it alone.
   */
  dropReport(from: NodeId, isDropped: boolean): boolean {
    this.#reports.delete(from);
    if (isDropped) this.#droppers.add(from);
    if (this.#reports.size > 0) this.#update();
    if (this.#reports.size > 0 && !this.#isDroppedByMost()) return true;
    this.isGone = true;
    this.leader = undefined;
    this.#tell();
    return false;
  }

  /** A node that was believed to lead says that it does not, and who does as far as it knows. */
  takeDenial(from: NodeId, hint: Hint): void {
    if (hint.leader !== undefined && hint.leader !== from && hint.term >= this.leaderTerm) {
      this.#takeHint(hint);
    } else if (this.leader?.id === from) {
      this.#takeHint({ term: this.leaderTerm, leader: undefined });
    }
  }

  /** A node has answered what only the leader answers. */
  takeProof(from: NodeState): void {
    if (this.leader !== from) this.#takeHint({ term: this.leaderTerm, leader: from.id });
  }

  /** Calls `fn` once, when the leader or the members are others, or the partition is gone. */
  onceChanged(fn: () => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  #isDroppedByMost(): boolean {
    const voters = this.membership.members.filter(({ kind }) => kind === 'voter');
    const dropped = voters.filter(({ node }) => this.#droppers.has(node));
    return dropped.length * 2 > voters.length;
  }

  #takeIndex({ replica }: PartitionReport): void {
    if (replica.appliedIndex > FOUNDING_INDEX) this.hasBeenLed = true;
  }

  #takeHint(hint: Hint): void {
    if (this.isGone) return;
    this.#hint = hint;
    this.#resolve();
  }

  #update(): void {
    this.#view = viewOf(this.#reports.values()) ?? this.#view;
    const { leader, leaderTerm, membership } = this.#view;
    // Reports of the same term are as good as the hint, and newer.
    if (this.#hint !== undefined && leader !== undefined && leaderTerm >= this.#hint.term) {
      this.#hint = undefined;
    }
    const members = nodesOf(membership.members).map(this.#nodeOf);
    const isSame =
      members.length === this.members.length &&
      members.every((member, index) => member === this.members[index]);
    if (!isSame) this.members = members;
    this.nearest = undefined;
    this.#resolve(!isSame);
  }

  #resolve(isChanged = false): void {
    const leaderId = this.#hint === undefined ? this.#view.leader : this.#hint.leader;
    const leader = leaderId === undefined ? undefined : this.#nodeOf(leaderId);
    const isSame = leader === this.leader;
    this.leader = leader;
    if (leader !== undefined) this.hasBeenLed = true;
    if (!isSame) this.nearest = undefined;
    if (isChanged || !isSame) this.#tell();
  }

  #tell(): void {
    if (this.#listeners.size === 0) return;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }
}

function viewOfOne(report: PartitionReport): PartitionView {
  const { tableId, indexId, membership, leader, term, stalledTransactions = 0 } = report;
  const leaderTerm = leader === undefined ? 0 : term;
  return { tableId, indexId, membership, leader, leaderTerm, stalledTransactions };
}

/** Voters first; a node is named once. */
function nodesOf(members: readonly Member[]): NodeId[] {
  const nodes = new Set<NodeId>();
  for (const kind of ['voter', 'learner']) {
    for (const member of members) if (member.kind === kind) nodes.add(member.node);
  }
  return [...nodes];
}
