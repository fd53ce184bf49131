import type { Membership, Replica, ReplicaListener } from '../replication/replica.ts';
import { ProposalError } from '../replication/replica.ts';
import type { Effect, Store } from '../storage/store.ts';

/** A group of one: what it is given is committed as soon as its store has it. */
export class FakeReplica0 implements Replica {
  readonly partitionId = 0n;
  readonly replicaId = 1;
  readonly storageId = 2n ** 63n + 7n;
  readonly leader = { replicaId: 1, node: 'n1', kind: 'voter' as const };
  readonly membership: Membership = {
    members: [this.leader],
    replicaIdNext: 2,
    epoch: 1,
    isJoint: false,
  };
  readonly commitIndex = 1;
  readonly appliedIndex = 1;
  readonly lastIndex = 1;
  readonly failure = undefined;
  term = 2;
  listener: ReplicaListener | undefined;
  /** What proposals fail with from now on. */
  refusal: ProposalError | undefined;
  /** Called before a proposal; a promise that never resolves loses it. */
  beforeCommit: () => Promise<void> | void = () => {};
  hasLease = true;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get role() {
    return this.refusal === undefined ? ('leader' as const) : ('follower' as const);
  }

  get isReady(): boolean {
    return this.refusal === undefined;
  }

  async propose(effects: readonly Effect[]): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal;
    await this.beforeCommit();
    await this.#store.commit(effects);
    // Lost while it was under way.
    if (this.refusal !== undefined) throw new ProposalError('unknown', 'leadership was lost');
  }

  holdsLease(): boolean {
    return this.hasLease && this.refusal === undefined;
  }

  async confirmLeadership(): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal;
    if (!this.hasLease) throw new ProposalError('notLeader', 'nobody confirms');
  }

  stalenessMs(): number {
    return 0;
  }

  changeMembers(): Promise<Membership> {
    throw new Error('not here');
  }

  transferLeadership(): Promise<void> {
    throw new Error('not here');
  }

  progress() {
    return [];
  }
}
