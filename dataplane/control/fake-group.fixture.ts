import type { Member, Membership } from '../replication/replica.ts';
import { type NodeId, RemoteFailure } from '../replication/transport/transport.ts';
import type { ChangeMembersCall } from '../routing/protocol.ts';
import type { PartitionConfiguration, TableConfiguration } from '../routing/table-configuration.ts';

/** What the replicas of one founding have in common. */
export class FakeGroup {
  readonly partitionId: bigint;
  /** Their ids. */
  readonly founders: string;
  /** What they began with. */
  readonly state: string;
  readonly about: PartitionConfiguration | undefined;
  membership: Membership;
  leader: NodeId | undefined;
  term = 1;
  index = 1;
  configurationVersion: number;
  /** The newest that its leader has taken over. */
  configuration: TableConfiguration | undefined;

  constructor(parts: {
    readonly partitionId: bigint;
    readonly members: readonly Member[];
    readonly state: string;
    readonly about: PartitionConfiguration | undefined;
  }) {
    const { partitionId, members, state, about } = parts;
    this.partitionId = partitionId;
    this.founders = members.map(({ replicaId }) => replicaId).join();
    this.state = state;
    this.about = about;
    const replicaIdNext = Math.max(...members.map(({ replicaId }) => replicaId)) + 1;
    this.membership = { members, replicaIdNext, epoch: 1, isJoint: false };
    this.configurationVersion = about?.table.version ?? 0;
    this.configuration = about?.table;
  }

  /** The first live voter leads, unless another one does. */
  elect(live: readonly Member[], hasQuorum: boolean): void {
    const voters = live.filter(({ kind }) => kind === 'voter');
    if (!hasQuorum) {
      this.leader = undefined;
    } else if (!voters.some(({ node }) => node === this.leader)) {
      this.leader = voters[Number(this.partitionId % BigInt(voters.length))]?.node;
      this.term += 1;
      this.index += 1;
    }
  }

  /** As replication/membership-change.ts does it. */
  changed({ addLearners, promote, remove }: ChangeMembersCall): Membership {
    const { members, replicaIdNext, epoch } = this.membership;
    const kindOf = (id: number) => members.find(({ replicaId }) => replicaId === id)?.kind;
    if (promote.some((id) => kindOf(id) !== 'learner') || remove.some((id) => !kindOf(id))) {
      throw new RemoteFailure('unavailable', 'a change that makes no sense');
    }
    const kept = members
      .filter(({ replicaId }) => !remove.includes(replicaId))
      .map((member) =>
        promote.includes(member.replicaId) ? { ...member, kind: 'voter' as const } : member,
      );
    const added = addLearners.map(({ node }, i) => ({
      replicaId: replicaIdNext + i,
      node,
      kind: 'learner' as const,
    }));
    return {
      members: [...kept, ...added],
      replicaIdNext: replicaIdNext + added.length,
      epoch: epoch + 1,
      isJoint: false,
    };
  }
}
