import type { Effect } from '../storage/store.ts';
import type { ReplicationContext } from './context.ts';
import { encodeEffects, STORAGE_ID_BYTES } from './effects-codec.ts';
import type { Group } from './group.ts';
import { handOverTicks } from './group-ticks.ts';
import { planChange } from './membership-change.ts';
import type { ReadWaiter } from './read-rounds.ts';
import {
  type Member,
  type Membership,
  type MembershipChange,
  ProposalError,
  type Replica,
  type ReplicaListener,
} from './replica.ts';

/** How long a caller's interest in the progress of others lasts. */
const PROGRESS_WANTED_MS = 10_000;

/** A group as its owner sees it. */
export class RaftReplica implements Replica {
  readonly #context: ReplicationContext;
  readonly #group: Group;
  /** Has the group's proposals taken along by the flush of this turn. */
  readonly #hasProposals: (group: Group) => void;

  constructor(context: ReplicationContext, group: Group, hasProposals: (group: Group) => void) {
    this.#context = context;
    this.#group = group;
    this.#hasProposals = hasProposals;
  }

  get partitionId(): bigint {
    return this.#group.partitionId;
  }
  get replicaId(): number {
    return this.#group.replicaId;
  }
  get storageId(): bigint {
    return this.#group.storageId;
  }
  get role(): Replica['role'] {
    return this.#group.role;
  }
  get term(): number {
    return this.#group.term;
  }
  get leader(): Member | undefined {
    return this.#group.leader;
  }
  get membership(): Membership {
    return this.#group.configuration.membership;
  }
  get appliedIndex(): number {
    return this.#group.appliedIndex;
  }
  get commitIndex(): number {
    return Math.max(this.#group.commitIndex, this.#group.appliedIndex);
  }
  get lastIndex(): number {
    return this.#group.log.lastIndex;
  }
  get isReady(): boolean {
    return this.#group.isReady;
  }
  get failure(): Error | undefined {
    return this.#group.failure;
  }
  get listener(): ReplicaListener | undefined {
    return this.#group.listener;
  }
  set listener(listener: ReplicaListener | undefined) {
    this.#group.listener = listener;
  }

  propose(effects: readonly Effect[]): Promise<void> {
    const group = this.#group;
    const refusal = this.#refusal();
    if (refusal !== undefined) return this.#refuse(refusal);
    for (const { key } of effects) {
      if (group.storagePrefix.compare(key, 0, STORAGE_ID_BYTES) !== 0) {
        return Promise.reject(new RangeError('a key is not of the state of this replica'));
      }
    }
    const payload = encodeEffects(effects);
    const { proposalEntriesMax, proposalBytesMax, payloadBytesMax } = this.#context.limits;
    const { count, bytes } = group.proposals;
    if (payload.length > payloadBytesMax) {
      return this.#refuse(new ProposalError('dropped', `${payload.length} bytes are too many`));
    }
    if (count >= proposalEntriesMax || (count > 0 && bytes + payload.length > proposalBytesMax)) {
      return this.#refuse(new ProposalError('dropped', `${count} proposals wait already`));
    }
    this.#hasProposals(group);
    return group.proposals.add(payload);
  }

  holdsLease(): boolean {
    const group = this.#group;
    if (!group.isReady) return false;
    const nowMs = this.#context.scheduler.monotonicMs();
    if (!group.reads.areUnderWay && group.lease.isDue(nowMs)) group.reads.renew();
    return group.lease.holds(nowMs);
  }

  confirmLeadership(timeoutMs: number): Promise<void> {
    const group = this.#group;
    if (this.holdsLease()) return Promise.resolve();
    if (!group.isLeader || group.handle === 0) {
      return Promise.reject(new ProposalError('notLeader', 'this replica does not lead'));
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: ReadWaiter = { resolve, reject, timer: undefined };
    waiter.timer = this.#context.scheduler.after(timeoutMs, () => {
      group.reads.forget(waiter);
      reject(new ProposalError('unknown', `no quorum answered for ${timeoutMs} ms`));
    });
    group.reads.confirm(waiter);
    return promise;
  }

  stalenessMs(): number {
    const group = this.#group;
    if (group.isLeader && this.holdsLease()) return 0;
    return group.staleness.ms(this.#context.scheduler.monotonicMs());
  }

  changeMembers(change: MembershipChange): Promise<Membership> {
    const group = this.#group;
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    const { membership } = group.configuration;
    if (group.change !== undefined || membership.isJoint) {
      return Promise.reject(new ProposalError('dropped', 'another change is under way'));
    }
    const nonce = `${group.replicaId}-${group.term}-${this.#context.randomU32()}`;
    try {
      const planned = planChange(membership, change, nonce);
      const { promise, resolve, reject } = Promise.withResolvers<Membership>();
      group.change = { nonce, index: undefined, resolve, reject };
      const context = Buffer.from(JSON.stringify(planned.context));
      this.#context.commands.push(
        {
          op: 'confChange',
          group: group.handle,
          changes: planned.changes,
          context,
          leaveJoint: false,
        },
        (message) => {
          if (group.change?.nonce !== nonce) return;
          group.change = undefined;
          reject(new ProposalError('dropped', message));
        },
      );
      return promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  transferLeadership(to: number): Promise<void> {
    const group = this.#group;
    const { limits, commands, probe } = this.#context;
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    const member = this.membership.members.find(({ replicaId }) => replicaId === to);
    if (member?.kind !== 'voter' || to === group.replicaId) {
      return Promise.reject(new ProposalError('dropped', `replica ${to} is no other voter`));
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const wasForfeited = group.lease.isForfeited;
    // From here on the other may be told to campaign, whatever leases say.
    group.lease.forfeit();
    probe('transfer');
    const transfer = { ticksLeft: limits.electionTicks + 2, resolve, reject };
    group.transfer = transfer;
    handOverTicks(this.#context, group);
    commands.push({ op: 'transfer', group: group.handle, to }, (message) => {
      if (group.transfer !== transfer) return;
      group.transfer = undefined;
      if (!wasForfeited && group.isLeader) group.lease.unforfeit();
      reject(new ProposalError('dropped', message));
    });
    return promise;
  }

  progress(): ReturnType<Replica['progress']> {
    const group = this.#group;
    const { scheduler, commands } = this.#context;
    const nowMs = scheduler.monotonicMs();
    const isNew = nowMs >= group.progressWantedUntilMs;
    group.progressWantedUntilMs = nowMs + PROGRESS_WANTED_MS;
    if (isNew && group.isLeader && group.handle !== 0) {
      commands.push({ op: 'status', group: group.handle });
    }
    return group.isLeader ? group.progress : [];
  }

  /** Why nothing can be proposed now. */
  #refusal(): ProposalError | undefined {
    const { state, handle, isLeader, transfer, isRefusing } = this.#group;
    if (state !== 'active' || handle === 0) {
      return new ProposalError('unavailable', `this replica is ${state}`);
    }
    if (!isLeader) return new ProposalError('notLeader', 'this replica does not lead');
    if (transfer !== undefined) {
      return new ProposalError('dropped', 'leadership is being handed over');
    }
    if (isRefusing) return new ProposalError('dropped', 'a proposal before it was refused');
    return undefined;
  }

  /**
   * What its caller computed from a refused proposal must not get into the log: until the caller has
   * heard of it, all others are refused too.
   */
  #refuse(error: ProposalError): Promise<void> {
    const group = this.#group;
    this.#context.metrics.proposalsRefused += 1;
    if (!group.isRefusing) {
      group.isRefusing = true;
      this.#context.scheduler.soon(() => {
        group.isRefusing = false;
      });
    }
    return Promise.reject(error);
  }
}
