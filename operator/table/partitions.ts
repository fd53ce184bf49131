import {
  type AnsweringNode,
  answering,
  type BackfillAnswer,
  type KeyRange,
  type NodeView,
  type ReplicaAnswer,
} from './node-answer.ts';

/** A follower that is so few entries behind has what was written up to a moment ago. */
const LAG_ENTRIES_MAX = 1_000;

/** A group of replicas, as its nodes tell of it. */
export interface PartitionView {
  readonly id: string;
  readonly table: string | undefined;
  readonly index: string | undefined;
  /** The pod that says that it leads, or that the others take for their leader. */
  readonly leader: string | undefined;
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  readonly items: number;
  readonly bytes: number;
  readonly range: KeyRange | undefined;
  /** How far indexes that are being filled have come here. */
  readonly backfills: readonly BackfillAnswer[];
  /** Pods of voters that do not answer, have lost or damaged their replica, or lag. */
  readonly ailing: readonly string[];
}

/** By partition id, in order. */
export function partitionsOf(nodes: readonly NodeView[]): readonly PartitionView[] {
  const answers = answering(nodes);
  const byId = Map.groupBy(
    answers.flatMap((node) => node.replicas.map((replica) => ({ node, replica }))),
    ({ replica }) => replica.partitionId,
  );
  return [...byId]
    .map(([id, holders]) => viewOf(id, holders))
    .sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
}

/** Whether nothing is missing of the group, so that one replica may go away for a while. */
export function isFull(partition: PartitionView, replicasCount: number): boolean {
  const { leader, voters, learners, ailing } = partition;
  return (
    leader !== undefined &&
    voters.length === replicasCount &&
    learners.length === 0 &&
    ailing.length === 0
  );
}

/** Whether the group is full but for what is missing on one pod. */
export function isFullBut(partition: PartitionView, replicasCount: number, pod: string): boolean {
  return isFull(
    { ...partition, ailing: partition.ailing.filter((each) => each !== pod) },
    replicasCount,
  );
}

/** The partitions of tables and indexes, without the catalog's. */
export function dataPartitions(partitions: readonly PartitionView[]): readonly PartitionView[] {
  return partitions.filter(({ table }) => table !== undefined);
}

interface Holder {
  readonly node: AnsweringNode;
  readonly replica: ReplicaAnswer;
}

function viewOf(id: string, holders: readonly Holder[]): PartitionView {
  // Who leads in the latest term knows best; an older leader has not heard of it yet.
  const [best] = holders.toSorted(
    (a, b) => b.replica.term - a.replica.term || rank(b.replica) - rank(a.replica),
  );
  if (best === undefined) throw new Error('a group has at least one holder');
  const { replica } = best;
  const leader = replica.role === 'leader' ? best.node.pod : (replica.leader ?? undefined);
  return {
    id,
    table: replica.table ?? undefined,
    index: replica.index ?? undefined,
    leader,
    voters: replica.voters,
    learners: replica.learners,
    items: replica.items ?? 0,
    bytes: replica.bytes ?? 0,
    range: holders.map(({ node }) => node.ranges.get(id)).find((range) => range !== undefined),
    backfills: replica.backfills ?? [],
    ailing: replica.voters.filter((pod) => isAiling(holders, pod, replica.lastIndex)),
  };
}

function rank({ role, lastIndex }: ReplicaAnswer): number {
  return role === 'leader' ? Number.MAX_SAFE_INTEGER : lastIndex;
}

function isAiling(holders: readonly Holder[], pod: string, lastIndex: number): boolean {
  const holder = holders.find(({ node }) => node.pod === pod);
  if (holder === undefined || holder.node.halted !== undefined) return true;
  const { failure, appliedIndex } = holder.replica;
  return failure !== null || lastIndex - appliedIndex > LAG_ENTRIES_MAX;
}
