import type { Effect, Store, StoreError } from '../storage/store.ts';
import type { ReplicaId } from './core/consensus-core.ts';
import type { NodeId } from './transport/transport.ts';

/** A member of a group: which replica, and the node that it is on. */
export interface Member {
  readonly replicaId: ReplicaId;
  readonly node: NodeId;
  readonly kind: 'voter' | 'learner';
}

/** Who belongs to a group; replicated with it, and in its snapshots. */
export interface Membership {
  /** In order of replica ids. During a joint change: members of both configurations. */
  readonly members: readonly Member[];
  /** Replica ids below this have been given out in the life of the group. */
  readonly replicaIdNext: ReplicaId;
  /** Rises with every change: the epoch of the partition. */
  readonly epoch: number;
  /** A joint change is under way. */
  readonly isJoint: boolean;
}

/**
 * What the owner of a replica (the node) is told. Calls come in order and must not throw. `onLeader`
 * and `onLostLeadership` alternate, beginning with `onLeader`.
 */
export interface ReplicaListener {
  /** It leads, and everything committed before its term is applied here: it may evaluate writes. */
  onLeader(term: number): void;
  /** It does not lead any more. All its proposals have been settled, or are now (`unknown`). */
  onLostLeadership(): void;
  /** Effects are in the store (visible), before their proposal is resolved. Keys are full. */
  onApplied(effects: readonly Effect[]): void;
  /** The state was replaced by a snapshot: `storageId` is another one. */
  onInstalled(): void;
  /** Leader, term or membership as known here have changed. */
  onChange(): void;
  /** The state here was found not to match its checksums, where a leader needs it: another one is to lead. */
  onDamaged(error: StoreError): void;
}

/** One replica on this node of one partition's Raft group. */
export interface Replica {
  readonly partitionId: bigint;
  readonly replicaId: ReplicaId;
  /**
   * The partition id under which the state is kept in the node's store: the first 8 bytes of every
   * key. The replica's own (from 2^63 on), and another one after a snapshot was installed, so that
   * a half-received state is never mistaken for a whole one.
   */
  readonly storageId: bigint;
  readonly role: 'follower' | 'candidate' | 'leader';
  readonly term: number;
  /** The leader as known here. */
  readonly leader: Member | undefined;
  readonly membership: Membership;
  readonly appliedIndex: number;
  readonly commitIndex: number;
  readonly lastIndex: number;
  /** Between `onLeader` and `onLostLeadership`. */
  readonly isReady: boolean;
  /** Why it does not take part, e.g. damage on disk; undefined while it does. `onChange` tells. */
  readonly failure: Error | undefined;

  listener: ReplicaListener | undefined;

  /**
   * Puts effects into the log; resolves when they are committed and applied here. In order of the
   * calls; when one fails, all behind it fail too. Keys must begin with `storageId`.
   * @throws ProposalError
   */
  propose(effects: readonly Effect[]): Promise<void>;

  /**
   * Whether it holds the read lease now: no other replica can have become leader. Look before and
   * after reading the store. Renews itself in the background while it is being asked.
   */
  holdsLease(): boolean;

  /**
   * Resolves when leadership was confirmed by a quorum after the call (a read index round; several
   * calls share one), and all that was committed before is applied. At once under the lease.
   * @throws ProposalError `notLeader` or `unknown`
   */
  confirmLeadership(timeoutMs: number): Promise<void>;

  /**
   * How old the state may be at most: ms since the leader last vouched, by a message, for a commit
   * index that is applied here. 0 at a leader with its lease; Infinity before any message.
   */
  stalenessMs(): number;

  /**
   * One change of membership through the log: adds learners, promotes them, removes members, all
   * that is given in one joint step. Resolves when the new configuration alone holds.
   * New replica ids are taken from `replicaIdNext` on, in order.
   * @throws ProposalError
   */
  changeMembers(change: MembershipChange): Promise<Membership>;

  /** Resolves when another member leads, or fails after about an election time-out. @throws ProposalError */
  transferLeadership(to: ReplicaId): Promise<void>;

  /** At the leader: how far each other member's log is. */
  progress(): readonly {
    readonly replicaId: ReplicaId;
    readonly matchIndex: number;
    readonly isRecentlyActive: boolean;
    readonly isInSnapshot: boolean;
  }[];
}

export interface MembershipChange {
  readonly addLearners?: readonly { readonly node: NodeId }[];
  /** Learners that become voters. */
  readonly promote?: readonly ReplicaId[];
  readonly remove?: readonly ReplicaId[];
}

export type ProposalErrorCode =
  /** Not proposed: this replica does not lead. */
  | 'notLeader'
  /** Not proposed, and never will be: too much waits, or leadership is being handed over. */
  | 'dropped'
  /** It may be committed, now or later, or never: leadership was lost while it was under way. */
  | 'unknown'
  /** Not proposed: this node cannot write (disk full, stopped). */
  | 'unavailable';

export class ProposalError extends Error {
  readonly code: ProposalErrorCode;
  constructor(code: ProposalErrorCode, message: string) {
    super(message);
    this.name = 'ProposalError';
    this.code = code;
  }
}

/** A replica to be made on this node. */
export interface NewReplica {
  readonly partitionId: bigint;
  readonly replicaId: ReplicaId;
  /**
   * Founding members, the same at each of them; empty for a replica that joins a group later and
   * waits for its leader.
   */
  readonly members: readonly Member[];
  /** The state that founders begin with, the same at each; keys without their first 8 bytes. */
  readonly initialEffects: readonly Effect[];
}

/** All replicas on one node. */
export interface ReplicaHost {
  /**
   * Makes a replica, durably. Does nothing when it is there already.
   * @throws ReplicaExists when the partition has another replica here, or had this one before
   */
  create(replica: NewReplica): Promise<Replica>;
  /** Removes a replica and its data, durably; its id stays refused for good. Repeats do nothing. */
  drop(partitionId: bigint): Promise<void>;
  get(partitionId: bigint): Replica | undefined;
  all(): Iterable<Replica>;
  /** Told of replicas that come (also when recovered at the start) and go. */
  onReplica(listener: (replica: Replica, change: 'added' | 'removed') => void): void;
  /** Why no replica of this node can take part, e.g. a full disk; undefined while they can. */
  readonly halted: Error | undefined;
  /** Stops taking part; what is under way fails. The store stays open. */
  close(): Promise<void>;
  readonly store: Store;
}

export class ReplicaExists extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ReplicaExists';
  }
}
