import type { Member, Membership } from '../replication/replica.ts';
import type { ClusterApp, NodeApp } from './cluster-program.ts';
import type { RunningNode } from './replica-states.ts';
import type { SimCluster } from './sim-cluster.ts';
import type { SimMachine } from './sim-machine.ts';

/** The nodes that run, in the order of their names. */
export function runningNodes(cluster: SimCluster<ClusterApp>): readonly RunningNode[] {
  return [...cluster.machines.values()].flatMap((machine) => {
    const { app, id, disk } = machine;
    return app?.kind === 'node' ? [{ id, app, disk }] : [];
  });
}

export function nodeApp(machine: SimMachine<ClusterApp> | undefined): NodeApp | undefined {
  return machine?.app?.kind === 'node' ? machine.app : undefined;
}

/** A group, as the newest membership that any node has applied describes it. */
export interface ObservedGroup {
  readonly partitionId: bigint;
  readonly membership: Membership;
  readonly voters: readonly Member[];
}

/** All groups of which a running node has a replica. */
export function observedGroups(nodes: readonly RunningNode[]): readonly ObservedGroup[] {
  const newest = new Map<bigint, Membership>();
  for (const { app } of nodes) {
    for (const { partitionId, membership } of app.host.all()) {
      const known = newest.get(partitionId);
      if (known === undefined || membership.epoch > known.epoch) {
        newest.set(partitionId, membership);
      }
    }
  }
  return [...newest].map(([partitionId, membership]) => ({
    partitionId,
    membership,
    voters: membership.members.filter(({ kind }) => kind === 'voter'),
  }));
}

/**
 * Whether a leader of the newest term has applied the membership that was observed. Else a newer one
 * may be committed that nodes have in their logs alone, after a loss of power.
 */
export function isSettled(
  { partitionId, membership }: ObservedGroup,
  nodes: readonly RunningNode[],
): boolean {
  const replicas = nodes.flatMap(({ app }) => app.host.get(partitionId) ?? []);
  const term = Math.max(...replicas.map((replica) => replica.term));
  return replicas.some(
    (replica) =>
      replica.isReady && replica.term === term && replica.membership.epoch === membership.epoch,
  );
}

/** Why the group lacks something; undefined if all its voters are there and nothing is under way. */
export function incompleteness(
  { partitionId, membership, voters }: ObservedGroup,
  nodes: readonly RunningNode[],
  votersCount: number,
): string | undefined {
  const name = `partition ${partitionId}`;
  if (membership.isJoint) return `${name}: a change of members is under way`;
  if (voters.length !== votersCount) return `${name} has ${voters.length} voters`;
  if (membership.members.length !== voters.length) return `${name} has learners`;
  for (const { node, replicaId } of voters) {
    const app = nodes.find(({ id }) => id === node)?.app;
    const replica = app?.host.get(partitionId);
    if (app === undefined) return `${name}: ${node} does not run`;
    if (app.host.halted !== undefined) return `${node} is halted: ${app.host.halted.message}`;
    if (replica?.replicaId !== replicaId) return `${name}: ${node} lacks replica ${replicaId}`;
    if (replica.failure !== undefined) return `${name} at ${node}: ${replica.failure.message}`;
    if (replica.membership.epoch !== membership.epoch) return `${name}: ${node} is behind`;
  }
  return undefined;
}
