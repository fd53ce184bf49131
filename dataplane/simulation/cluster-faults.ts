import { ProposalError, type Replica } from '../replication/replica.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import type { ClusterApp } from './cluster-program.ts';
import { incompleteness, isSettled, observedGroups, runningNodes } from './cluster-state.ts';
import type { CorePool } from './core-pool.ts';
import { SimRandom } from './random.ts';
import type { FaultHooks, SimCluster } from './sim-cluster.ts';

/** A value on a node's disk that is not what was written. */
export interface Damage {
  readonly node: NodeId;
  readonly key: Buffer;
  /** Of the disk then: another one has it no more. */
  readonly wipesCount: number;
}

/**
 * Faults that only the code under test can be made to have, and when nodes may lose data: never what
 * would take a group more than one of its voters for good, for nothing could bring that back.
 */
export class ClusterFaults implements FaultHooks {
  readonly #cluster: SimCluster<ClusterApp>;
  readonly #cores: CorePool;
  readonly #votersCount: number;
  readonly #damages: Damage[] = [];
  /** Removals of voters under way, or that may be: losing another one would be too much. */
  readonly #removals = new Set<object>();

  constructor(cluster: SimCluster<ClusterApp>, cores: CorePool, votersCount: number) {
    this.#cluster = cluster;
    this.#cores = cores;
    this.#votersCount = votersCount;
  }

  mayLoseData(node: NodeId): boolean {
    const isOnly = this.damages().every((damage) => damage.node === node);
    return isOnly && this.#removals.size === 0 && this.#areWhole();
  }

  onDamage(node: NodeId, key: Buffer): void {
    const disk = this.#cluster.machines.get(node)?.disk;
    if (disk !== undefined) this.#damages.push({ node, key, wipesCount: disk.wipesCount });
  }

  /** Bits that were changed, and may be there still. */
  damages(): readonly Damage[] {
    return this.#damages.filter(
      ({ node, wipesCount }) => this.#cluster.machines.get(node)?.disk.wipesCount === wipesCount,
    );
  }

  /** As an operator would, through the admin interface: takes a voter out, or puts a learner in. */
  memberChange(draw: number): void {
    const random = new SimRandom(draw);
    const leader = this.#someLeader(random);
    if (leader === undefined) return;
    const { replica, process } = leader;
    const { members } = replica.membership;
    const free = [...this.#cluster.machines.values()].filter(
      ({ id, role }) => role === 'node' && !members.some(({ node }) => node === id),
    );
    const isGrowing = free.length > 0 && random.chance(0.5);
    if (!isGrowing && (this.damages().length > 0 || !this.#areWhole())) return;
    const change = isGrowing
      ? { addLearners: [{ node: random.pick(free).id }] }
      : { remove: [random.pick(members).replicaId] };
    const removal = {};
    if (!isGrowing) this.#removals.add(removal);
    process(() => {
      replica.changeMembers(change).then(
        () => this.#watchWhole(removal),
        (error: unknown) => {
          if (!(error instanceof ProposalError)) throw error;
          // What is not known to have failed may come about later.
          if (error.code !== 'unknown') this.#removals.delete(removal);
        },
      );
    });
  }

  leaderTransfer(draw: number): void {
    const random = new SimRandom(draw);
    const leader = this.#someLeader(random);
    if (leader === undefined) return;
    const { replica, process } = leader;
    const voters = replica.membership.members.filter(({ kind }) => kind === 'voter');
    const { replicaId } = random.pick(voters);
    process(() => {
      replica.transferLeadership(replicaId).catch((error: unknown) => {
        if (!(error instanceof ProposalError)) throw error;
      });
    });
  }

  /** Some routers stay with it, one may reach both sides, and the others are with the majority. */
  leaderCut(draw: number): void {
    const random = new SimRandom(draw);
    const leader = this.#someLeader(random);
    if (leader === undefined) return;
    const own = [leader.node];
    const others: NodeId[] = [];
    for (const { id, role } of this.#cluster.machines.values()) {
      if (id === leader.node) continue;
      if (role === 'node') others.push(id);
      else random.pick([own, others, []]).push(id);
    }
    this.#cluster.network.partition([own, others]);
  }

  /** The consensus core of a node dies, or becomes too large, or one of its groups panics. */
  coreTrap(draw: number): void {
    const nodes = runningNodes(this.#cluster);
    if (nodes.length === 0) return;
    const random = new SimRandom(draw);
    const { id } = random.pick(nodes);
    this.#cores[random.pick(['trap', 'swell', 'panic'] as const)](id);
  }

  #areWhole(): boolean {
    const nodes = runningNodes(this.#cluster);
    const all = [...this.#cluster.machines.values()].filter(({ role }) => role === 'node');
    // Groups of which only nodes that are away have replicas are not seen.
    if (nodes.length < all.length) return false;
    const groups = observedGroups(nodes);
    return groups.every(
      (group) =>
        isSettled(group, nodes) && incompleteness(group, nodes, this.#votersCount) === undefined,
    );
  }

  /** From the moment on that all groups are whole again, nodes may lose data again. */
  #watchWhole(removal: object): void {
    if (this.#areWhole()) this.#removals.delete(removal);
    else this.#cluster.world.afterMs(500, 'faults.whole', () => this.#watchWhole(removal));
  }

  #someLeader(random: SimRandom) {
    const leaders = runningNodes(this.#cluster).flatMap(({ id, app }) =>
      [...app.host.all()].filter(({ isReady }) => isReady).map((replica) => ({ id, replica })),
    );
    if (leaders.length === 0) return undefined;
    const { id, replica } = random.pick<{ id: NodeId; replica: Replica }>(leaders);
    const process = (fn: () => void) => {
      this.#cluster.machines.get(id)?.process?.afterUs(0, 'admin', fn);
    };
    return { node: id, replica, process };
  }
}
