import { joinKey, partitionRange } from '../partition/key-space.ts';
import {
  type Member,
  type Membership,
  type MembershipChange,
  type NewReplica,
  ProposalError,
  type ProposalErrorCode,
  type Replica,
  ReplicaExists,
  type ReplicaHost,
  type ReplicaListener,
} from '../replication/replica.ts';
import type { Effect, Store } from '../storage/store.ts';

interface Held {
  readonly effects: readonly Effect[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * A replica whose group agrees with whatever it proposes: commits go to the store at once, unless the
 * test holds them. The test plays the other members: elects, deposes, lets proposals fail.
 */
export class FakeReplica implements Replica {
  readonly partitionId: bigint;
  readonly replicaId: number;
  storageId: bigint;
  role: Replica['role'] = 'follower';
  term = 0;
  leader: Member | undefined;
  membership: Membership;
  appliedIndex = 0;
  isReady = false;
  failure: Error | undefined;
  listener: ReplicaListener | undefined;

  /** Whether `holdsLease` says so. */
  hasLease = true;
  /** What `confirmLeadership` waits for, and what it answers. */
  confirmation: () => Promise<void> = async () => {};
  confirmations = 0;
  staleMs = 0;
  /** Proposals wait until the test decides. */
  isHolding = false;
  held: Held[] = [];
  transferred: number[] = [];
  changes: MembershipChange[] = [];
  readonly #store: Store;
  #last: Promise<void> = Promise.resolve();

  constructor(store: Store, { partitionId, replicaId, members }: NewReplica, storageId: bigint) {
    this.#store = store;
    this.partitionId = partitionId;
    this.replicaId = replicaId;
    this.storageId = storageId;
    const replicaIdNext = Math.max(replicaId, ...members.map((member) => member.replicaId)) + 1;
    this.membership = { members, replicaIdNext, epoch: 1, isJoint: false };
  }

  get commitIndex(): number {
    return this.appliedIndex;
  }

  get lastIndex(): number {
    return this.appliedIndex + this.held.length;
  }

  propose(effects: readonly Effect[]): Promise<void> {
    if (this.role !== 'leader') return Promise.reject(new ProposalError('notLeader', 'no leader'));
    if (!this.isHolding) return this.apply(effects);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.held.push({ effects, resolve, reject });
    return promise;
  }

  /** Commits of this or another leader arrive. */
  apply(effects: readonly Effect[]): Promise<void> {
    const before = this.#last;
    this.#last = this.#store.commit(effects).then(async () => {
      await before;
      this.appliedIndex += 1;
      this.listener?.onApplied(effects);
    });
    return this.#last;
  }

  /** Commits and answers proposals that were held: the first `count`, or all. */
  async release(count = this.held.length): Promise<void> {
    for (const { effects, resolve } of this.held.splice(0, count)) {
      await this.apply(effects);
      resolve();
    }
  }

  /** Fails what is held. */
  failHeld(code: ProposalErrorCode): readonly Effect[][] {
    const failed = this.held.splice(0);
    for (const { reject } of failed) reject(new ProposalError(code, `failed as ${code}`));
    return failed.map(({ effects }) => [...effects]);
  }

  elect(): void {
    const self = this.membership.members.find(({ replicaId }) => replicaId === this.replicaId);
    this.term += 1;
    this.role = 'leader';
    this.leader = self;
    this.isReady = true;
    this.listener?.onLeader(this.term);
    this.listener?.onChange();
  }

  /** Another member leads from now on; what was held may be committed, or not. */
  depose(leader?: Member): readonly Effect[][] {
    this.role = 'follower';
    this.leader = leader;
    this.isReady = false;
    const open = this.failHeld('unknown');
    this.listener?.onLostLeadership();
    this.listener?.onChange();
    return open;
  }

  /** A snapshot replaces the state; keys without their first 8 bytes. */
  async install(storageId: bigint, effects: readonly Effect[]): Promise<void> {
    const before = partitionRange(this.storageId);
    await this.#store.commit(underStorageId(storageId, effects));
    this.storageId = storageId;
    this.listener?.onInstalled();
    await this.#store.clear(before.start, before.end);
  }

  holdsLease(): boolean {
    return this.role === 'leader' && this.hasLease;
  }

  async confirmLeadership(): Promise<void> {
    this.confirmations += 1;
    if (this.role !== 'leader') throw new ProposalError('notLeader', 'no leader');
    await this.confirmation();
  }

  stalenessMs(): number {
    return this.holdsLease() ? 0 : this.staleMs;
  }

  async changeMembers(change: MembershipChange): Promise<Membership> {
    this.changes.push(change);
    this.membership = { ...this.membership, epoch: this.membership.epoch + 1 };
    this.listener?.onChange();
    return this.membership;
  }

  async transferLeadership(to: number): Promise<void> {
    this.transferred.push(to);
    this.depose(this.membership.members.find(({ replicaId }) => replicaId === to));
  }

  progress() {
    return this.membership.members.map(({ replicaId }) => ({
      replicaId,
      matchIndex: this.appliedIndex,
      isRecentlyActive: true,
      isInSnapshot: false,
    }));
  }
}

/** Groups of one replica that leads, on one store. */
export class FakeReplicaHost implements ReplicaHost {
  readonly store: Store;
  halted: Error | undefined;
  /** Whether replicas lead as soon as they are made. */
  isElecting = true;
  readonly #replicas = new Map<bigint, FakeReplica>();
  readonly #dropped = new Set<number>();
  readonly #listeners: ((replica: Replica, change: 'added' | 'removed') => void)[] = [];
  #nextStorageId = 2n ** 63n;

  constructor(store: Store) {
    this.store = store;
  }

  newStorageId(): bigint {
    this.#nextStorageId += 1n;
    return this.#nextStorageId;
  }

  async create(replica: NewReplica): Promise<FakeReplica> {
    const { partitionId, replicaId, initialEffects } = replica;
    const existing = this.#replicas.get(partitionId);
    if (existing?.replicaId === replicaId) return existing;
    if (existing !== undefined || this.#dropped.has(replicaId)) throw new ReplicaExists('exists');
    const storageId = this.newStorageId();
    await this.store.commit(underStorageId(storageId, initialEffects));
    const made = new FakeReplica(this.store, replica, storageId);
    this.#replicas.set(partitionId, made);
    for (const listener of this.#listeners) listener(made, 'added');
    if (this.isElecting && replica.members.length > 0) made.elect();
    return made;
  }

  async drop(partitionId: bigint): Promise<void> {
    const replica = this.#replicas.get(partitionId);
    if (replica === undefined) return;
    if (replica.role === 'leader') replica.depose();
    this.#replicas.delete(partitionId);
    this.#dropped.add(replica.replicaId);
    for (const listener of this.#listeners) listener(replica, 'removed');
    const { start, end } = partitionRange(replica.storageId);
    await this.store.clear(start, end);
  }

  get(partitionId: bigint): FakeReplica | undefined {
    return this.#replicas.get(partitionId);
  }

  all(): Iterable<FakeReplica> {
    return this.#replicas.values();
  }

  onReplica(listener: (replica: Replica, change: 'added' | 'removed') => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {}
}

function underStorageId(storageId: bigint, effects: readonly Effect[]): Effect[] {
  const id = Buffer.alloc(8);
  id.writeBigUInt64BE(storageId);
  return effects.map(({ key, value }) => ({ key: joinKey(id, key), value }));
}
