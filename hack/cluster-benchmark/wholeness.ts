import { setTimeout as delay } from 'node:timers/promises';
import { askAdmin } from '../cluster-cli/admin-client.ts';
import type { Process } from '../cluster-cli/cluster-folder.ts';
import { Complaint } from '../cluster-cli/complaint.ts';

const POLL_MS = 200;

/** One replica, of `GET /partitions`; the admin interface's README describes it. */
export interface ReplicaLine {
  readonly partitionId: string;
  readonly replicaId: number;
  readonly table: string | null;
  readonly index: string | null;
  readonly role: string;
  readonly term: number;
  readonly isReady: boolean;
  readonly appliedIndex: number;
  readonly lastIndex: number;
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  readonly bytes: number | null;
  readonly failure: string | null;
}

/** The replicas of each node; undefined where the node does not answer. */
export type ClusterState = ReadonlyMap<string, readonly ReplicaLine[] | undefined>;

export interface Wanted {
  /** What a follower may lack: 0 once nobody writes. */
  readonly lagEntriesMax: number;
  readonly voters: number;
}

export async function clusterState(nodes: readonly Process[]): Promise<ClusterState> {
  return new Map(
    await Promise.all(nodes.map(async (node) => [node.id, await replicasOf(node)] as const)),
  );
}

async function replicasOf(node: Process): Promise<readonly ReplicaLine[] | undefined> {
  try {
    const { status, body } = await askAdmin(node, 'GET', '/partitions');
    // The admin interface is of the same version as this file.
    return status === 200
      ? (body as { readonly partitions: readonly ReplicaLine[] }).partitions
      : undefined;
  } catch (error) {
    if (error instanceof Complaint) return undefined;
    throw error;
  }
}

/**
 * Why the cluster is not whole; undefined when it is: every partition has its leader and all its
 * voters, each of them where the leader says, without a failure and near enough behind.
 */
export function unwholeReason(state: ClusterState, wanted: Wanted): string | undefined {
  for (const [node, replicas] of state) {
    if (replicas === undefined) return `${node} does not answer`;
  }
  const ids = new Set([...state.values()].flatMap((all) => all?.map((each) => each.partitionId)));
  for (const id of ids) {
    if (id === undefined) continue;
    const reason = unwholePartition(id, state, wanted);
    if (reason !== undefined) return `partition ${id}: ${reason}`;
  }
  return undefined;
}

function unwholePartition(
  id: string,
  state: ClusterState,
  { lagEntriesMax, voters: votersCount }: Wanted,
): string | undefined {
  const byNode = new Map(
    [...state].flatMap(([node, replicas]) => {
      const replica = replicas?.find(({ partitionId }) => partitionId === id);
      return replica === undefined ? [] : [[node, replica] as const];
    }),
  );
  const leader = leaderOf([...byNode.values()]);
  if (leader === undefined) return 'nobody leads';
  const { voters, learners } = leader;
  if (learners.length > 0) return `learners: ${learners.join(', ')}`;
  if (voters.length !== votersCount) return `voters: ${voters.join(', ')}`;
  for (const node of byNode.keys()) {
    if (!voters.includes(node)) return `a replica on ${node} is no member`;
  }
  for (const node of voters) {
    const replica = byNode.get(node);
    if (replica === undefined) return `${node} has no replica`;
    if (replica.failure !== null) return `${node}: ${replica.failure}`;
    // A replica that waits for its leader knows of no voters, and one far behind of others.
    if (replica.voters.join() !== voters.join()) return `${node} does not know the voters`;
    const lag = leader.lastIndex - replica.appliedIndex;
    if (lag > lagEntriesMax) return `${node} lacks ${lag} entries`;
  }
  return undefined;
}

/** Of several that think that they lead, the one of the highest term. */
export function leaderOf(replicas: readonly ReplicaLine[]): ReplicaLine | undefined {
  return replicas
    .filter(({ isReady }) => isReady)
    .toSorted((one, other) => other.term - one.term)
    .at(0);
}

/** @throws Error with what is missing, after `msMax` */
export async function untilWhole(
  nodes: readonly Process[],
  wanted: Wanted,
  msMax: number,
): Promise<ClusterState> {
  const endMs = performance.now() + msMax;
  for (;;) {
    const state = await clusterState(nodes);
    const reason = unwholeReason(state, wanted);
    if (reason === undefined) return state;
    if (performance.now() > endMs) {
      throw new Error(`the cluster is not whole after ${msMax / 1000} s: ${reason}`);
    }
    await delay(POLL_MS);
  }
}
