import { metaKey } from '../partition/key-space.ts';
import type { ReplicaHost } from '../replication/replica.ts';
import {
  type Member,
  type Membership,
  ProposalError,
  type Replica,
  ReplicaExists,
} from '../replication/replica.ts';
import { RemoteFailure } from '../replication/transport/transport.ts';
import type {
  ChangeMembersCall,
  ConfigureCall,
  CreateReplicaCall,
  DropReplicaCall,
  TransferLeadershipCall,
} from '../routing/protocol.ts';
import { decodeTableConfiguration } from '../routing/table-configuration.ts';
import { StoreError } from '../storage/store.ts';
import { failure, failureOf, notLeader } from './failures.ts';
import type { HostedPartition } from './hosted-partition.ts';
import type { NodeContext } from './node-context.ts';

const STORAGE_ID_BYTES = 8;

/** Replicas come and go, change members, leaders and configuration, as the control plane says. */
export class GroupControl {
  readonly #node: NodeContext;
  readonly #host: ReplicaHost;
  readonly #storeId: string;

  constructor(node: NodeContext, host: ReplicaHost, storeId: string) {
    this.#node = node;
    this.#host = host;
    this.#storeId = storeId;
  }

  /** @throws RemoteFailure; code `replicaExists` when the partition has, or had, another one here */
  async createReplica({ storeId, replica, configuration }: CreateReplicaCall): Promise<null> {
    this.#assertStore(storeId);
    // Founders begin with the configuration; the rest of their state is nothing.
    const key = metaKey(0n, 'configuration').subarray(STORAGE_ID_BYTES);
    const initialEffects = configuration === undefined ? [] : [{ key, value: configuration }];
    try {
      await this.#host.create({ ...replica, initialEffects });
    } catch (error) {
      if (error instanceof ReplicaExists) throw new RemoteFailure('replicaExists', error.message);
      throw withoutDisk(error);
    }
    return null;
  }

  /** @throws RemoteFailure */
  async dropReplica({ storeId, partitionId, replicaId }: DropReplicaCall): Promise<null> {
    this.#assertStore(storeId);
    // A call that comes late must not take away what has come in the place of what it means.
    const present = this.#host.get(partitionId)?.replicaId ?? 0;
    if (replicaId !== undefined && present > replicaId) return null;
    try {
      await this.#host.drop(partitionId);
    } catch (error) {
      throw withoutDisk(error);
    }
    return null;
  }

  /** @throws RemoteFailure */
  async configure(hosted: HostedPartition, { configuration }: ConfigureCall): Promise<null> {
    const table = this.#node.tables.share(decodeTableConfiguration(configuration));
    const leader = leaderOf(hosted);
    return this.#asFailures(hosted.replica, async () => {
      await leader.configure(table);
      return null;
    });
  }

  /** @throws RemoteFailure */
  async changeMembers({ replica }: HostedPartition, call: ChangeMembersCall): Promise<Membership> {
    const { addLearners, promote, remove } = call;
    const isEarly = replica
      .progress()
      .some((each) => each.isInSnapshot && promote.includes(each.replicaId));
    if (isEarly) throw failure('unavailable', 'a learner has no whole state yet');
    return this.#asFailures(replica, () => replica.changeMembers({ addLearners, promote, remove }));
  }

  /** @throws RemoteFailure */
  async transferLeadership(
    { replica }: HostedPartition,
    { toNode }: TransferLeadershipCall,
  ): Promise<null> {
    const target = replica.membership.members.find(
      ({ node, kind }) => node === toNode && kind === 'voter',
    );
    if (target === undefined) throw failure('noReplica', `${toNode} has no vote in the group`);
    if (target.replicaId === replica.replicaId && replica.isReady) return null;
    return this.#asFailures(replica, async () => {
      await replica.transferLeadership(target.replicaId);
      return null;
    });
  }

  /**
   * Hands leadership to the voter that is furthest.
   * @param isConnected - whether its node can be reached
   * @returns false when there is nobody to take it, or who was asked did not
   */
  async handOver(replica: Replica, isConnected: (member: Member) => boolean): Promise<boolean> {
    const progress = new Map(replica.progress().map((each) => [each.replicaId, each]));
    const matchOf = ({ replicaId }: Member) => progress.get(replicaId)?.matchIndex ?? 0;
    const [best] = replica.membership.members
      .filter((member) => {
        const of = progress.get(member.replicaId);
        // Members of a group without work are not active either, but have all there is.
        const isAlive = of?.isRecentlyActive === true || matchOf(member) >= replica.lastIndex;
        const isAble = isAlive && of?.isInSnapshot === false;
        const isOther = member.replicaId !== replica.replicaId;
        return isOther && member.kind === 'voter' && isAble && isConnected(member);
      })
      .sort((one, other) => matchOf(other) - matchOf(one));
    if (best === undefined) return false;
    try {
      await replica.transferLeadership(best.replicaId);
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const partitionId = `${replica.partitionId}`;
      this.#node.log('leadershipNotHandedOver', { partitionId, to: best.node, reason });
      return false;
    }
  }

  #assertStore(storeId: string): void {
    if (storeId === this.#storeId) return;
    throw failure('otherStore', `the data folder of this node is ${this.#storeId}`);
  }

  async #asFailures<T>(replica: Replica, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw failureOf(error, replica, { mayBeDone: true });
    }
  }
}

/** What the caller is told when the host could not write. */
function withoutDisk(error: unknown): unknown {
  const isExpected = error instanceof ProposalError || error instanceof StoreError;
  return isExpected ? failure('unavailable', error.message) : error;
}

/** @throws RemoteFailure when the replica does not lead, or cannot take calls yet */
export function leaderOf(hosted: HostedPartition): NonNullable<HostedPartition['leader']> {
  const { leader, replica } = hosted;
  if (!replica.isReady) throw notLeader(replica);
  if (leader === undefined) throw failure('unavailable', 'the state of the leader is being made');
  return leader;
}
