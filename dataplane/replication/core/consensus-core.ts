/**
 * The consensus core: a deterministic step machine that holds the Raft groups of one node. Commands
 * go in, records come out; it has no clock, disk or socket, and its only randomness is the election
 * time-out of each group. `WasmCore` is etcd's Raft; the interface leaves room for another.
 *
 * What the caller owes (etcd raft, doc.go; reference raft-wasm.md §3):
 *  1. `append`: entries, hard state and snapshot of all records in one atomic write; synced when the
 *     record says `mustSync`; then `appendAck`, per group in the order of the records.
 *  2. `msg`: may leave at once, before any sync; in order per destination. Acknowledgements of
 *     appends are held back inside until their `appendAck`.
 *  3. `apply`: applied in order, then `applyAck`. Never ahead of what was appended here.
 *  4. An instance that threw is dead: drop it and create another from what is on disk.
 *
 * Payloads stay outside: a normal entry carries a token of the proposer's choice and the length of
 * its payload, nothing else. Indexes and terms are integers below 2^53.
 */
export interface ConsensusCore {
  /**
   * Runs commands in order, then collects what every touched group has ready.
   * @throws CoreTrapped when the instance is dead
   */
  send(commands: readonly CoreCommand[]): readonly CoreRecord[];
  /** Bytes of linear memory; it only grows. Beyond `CORE_MEMORY_BYTES_BOUND`, start anew. */
  readonly memoryBytes: number;
  /** Lets the instance go. */
  close(): void;
}

/** Makes instances; `randomU32` seeds their election time-outs. */
export type NewCore = (randomU32: () => number) => ConsensusCore;

/** The instance threw, ran out of memory or left: nothing it says may be trusted any more. */
export class CoreTrapped extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CoreTrapped';
  }
}

/** Names a group inside one instance: u32, chosen by the caller, not reused in an instance's life. */
export type GroupHandle = number;

/** Names a replica inside its group: 1 to 2^53 - 1, never used twice in the life of the group. */
export type ReplicaId = number;

export interface HardState {
  readonly term: number;
  /** 0: none. */
  readonly vote: ReplicaId;
  readonly commit: number;
}

export interface ConfState {
  readonly voters: readonly ReplicaId[];
  readonly learners: readonly ReplicaId[];
  /** Not empty during a joint change. */
  readonly votersOutgoing: readonly ReplicaId[];
  readonly learnersNext: readonly ReplicaId[];
  readonly autoLeave: boolean;
}

/** An entry as the core holds it. */
export interface EntryMeta {
  readonly index: number;
  readonly term: number;
  /** `empty`: what a new leader begins its term with. */
  readonly kind: 'normal' | 'empty' | 'conf';
  /** Normal entries: chosen by the proposer; 0 else. */
  readonly token: number;
  /** Normal entries: bytes of the payload kept outside; 0 else. */
  readonly payloadBytes: number;
  /** Conf entries: the change itself, protobuf, to be stored as it is; undefined else. */
  readonly data: Uint8Array | undefined;
  /** Conf entries in an `apply` record: the proposer's context; undefined else. */
  readonly context: Uint8Array | undefined;
}

export interface GroupConfig {
  readonly replicaId: ReplicaId;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Most payload-less entries a message carries (large indexes: a fifth fewer); 1 or more. */
  readonly messageEntriesMax: number;
  /** Most messages with entries in flight to a follower. */
  readonly inflightMessagesMax: number;
  /** Most entries proposed and not yet applied; beyond, proposals are dropped. */
  readonly uncommittedEntriesMax: number;
  readonly applied: number;
  /** As stored; all 0 if none ever was. Its commit index may be behind `applied`. */
  readonly hardState: HardState;
  /** The place before the first entry: of the last snapshot or compaction. */
  readonly logStart: { readonly index: number; readonly term: number };
  readonly entries: readonly EntryMeta[];
  readonly conf: ConfState;
}

export type ConfChangeKind = 'addVoter' | 'addLearner' | 'remove';

export type CoreCommand =
  | { readonly op: 'create'; readonly group: GroupHandle; readonly config: GroupConfig }
  | { readonly op: 'destroy'; readonly group: GroupHandle }
  | { readonly op: 'tick'; readonly group: GroupHandle }
  /** One tick for every group. */
  | { readonly op: 'tickAll' }
  | {
      readonly op: 'propose';
      readonly group: GroupHandle;
      /** u32, not 0. */
      readonly token: number;
      readonly payloadBytes: number;
    }
  | { readonly op: 'step'; readonly group: GroupHandle; readonly message: Uint8Array }
  | { readonly op: 'appendAck'; readonly group: GroupHandle; readonly seq: number }
  | { readonly op: 'applyAck'; readonly group: GroupHandle; readonly seq: number }
  | {
      readonly op: 'confChange';
      readonly group: GroupHandle;
      readonly changes: readonly { readonly kind: ConfChangeKind; readonly replicaId: ReplicaId }[];
      /** Travels in the entry; the caller's own (who the new replicas are). */
      readonly context: Uint8Array;
      /** Leaves a joint configuration that did not leave by itself: no changes then. */
      readonly leaveJoint: boolean;
      /**
       * `auto` (if absent): joint only for more than one change, and left by itself.
       * `jointImplicit`: always joint, left by itself. `jointExplicit`: left by `leaveJoint` alone.
       */
      readonly transition?: 'auto' | 'jointImplicit' | 'jointExplicit';
    }
  /** At the leader only, to another voter. Not answered: it ends with a new leader or a time-out. */
  | { readonly op: 'transfer'; readonly group: GroupHandle; readonly to: ReplicaId }
  | { readonly op: 'campaign'; readonly group: GroupHandle }
  | { readonly op: 'forgetLeader'; readonly group: GroupHandle }
  | { readonly op: 'unreachable'; readonly group: GroupHandle; readonly replicaId: ReplicaId }
  | {
      readonly op: 'reportSnapshot';
      readonly group: GroupHandle;
      readonly replicaId: ReplicaId;
      readonly ok: boolean;
    }
  /** A safe read index (quorum round); `context`: an integer of the caller, 1 to 2^53 - 1. */
  | { readonly op: 'readIndex'; readonly group: GroupHandle; readonly context: number }
  /**
   * A snapshot can be sent: of the state at `index`, with the configuration then. Serves one message;
   * void after a compaction beyond it, a change of members, or another offer.
   */
  | {
      readonly op: 'offerSnapshot';
      readonly group: GroupHandle;
      readonly index: number;
      readonly term: number;
      readonly conf: ConfState;
    }
  /** Entries up to `index` (at most applied) are no longer needed. */
  | { readonly op: 'compact'; readonly group: GroupHandle; readonly index: number }
  | { readonly op: 'status'; readonly group: GroupHandle };

export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  readonly conf: ConfState;
}

export type CoreRecord =
  /** A command was refused. `command`: its place in the list. */
  | {
      readonly kind: 'error';
      readonly group: GroupHandle;
      readonly command: number;
      /** Raft's own text, e.g. `raft proposal dropped`. */
      readonly message: string;
    }
  | {
      readonly kind: 'append';
      readonly group: GroupHandle;
      readonly seq: number;
      readonly mustSync: boolean;
      readonly hardState: HardState | undefined;
      /** Installed before the entries: replaces all state and the log. */
      readonly snapshot: SnapshotMeta | undefined;
      /** Replace whatever stands at their indexes and behind. */
      readonly entries: readonly EntryMeta[];
    }
  | {
      readonly kind: 'msg';
      readonly group: GroupHandle;
      readonly to: ReplicaId;
      readonly type: MessageType;
      readonly message: Uint8Array;
      /** Normal entries inside, whose payloads must travel with the message, in order. */
      readonly payloads: readonly { readonly index: number; readonly term: number }[];
      /**
       * Set for `snapshot`: the state to be sent ahead of the message. `reportSnapshot` must follow,
       * whatever became of it, or the follower gets nothing any more.
       */
      readonly snapshot: SnapshotMeta | undefined;
    }
  | {
      readonly kind: 'apply';
      readonly group: GroupHandle;
      readonly seq: number;
      readonly entries: readonly EntryMeta[];
    }
  /**
   * After the applyAck of a conf entry: the configuration that holds from `index` on. To be stored in
   * the write that first stores an applied index of `index` or more, so applyAck comes before it.
   */
  | {
      readonly kind: 'conf';
      readonly group: GroupHandle;
      readonly index: number;
      readonly conf: ConfState;
    }
  | {
      readonly kind: 'read';
      readonly group: GroupHandle;
      readonly index: number;
      readonly context: number;
    }
  /** Leader, role or term changed. */
  | {
      readonly kind: 'soft';
      readonly group: GroupHandle;
      readonly leader: ReplicaId;
      readonly role: RaftRole;
      readonly term: number;
    }
  /** Raft needs a snapshot for a follower: offer one of the applied state. Once a tick at most. */
  | { readonly kind: 'snapWanted'; readonly group: GroupHandle }
  /** The group panicked and is gone from the instance; the others go on. */
  | { readonly kind: 'failed'; readonly group: GroupHandle; readonly message: string }
  | { readonly kind: 'status'; readonly group: GroupHandle; readonly status: GroupStatus };

export type RaftRole = 'follower' | 'candidate' | 'preCandidate' | 'leader';

/** Messages that the caller treats in its own way; all else is `other`. */
export type MessageType =
  | 'append'
  | 'appendResponse'
  | 'heartbeat'
  | 'heartbeatResponse'
  | 'vote'
  | 'preVote'
  | 'timeoutNow'
  | 'snapshot'
  | 'other';

export interface GroupStatus {
  readonly term: number;
  readonly vote: ReplicaId;
  readonly commit: number;
  readonly applied: number;
  readonly leader: ReplicaId;
  readonly role: RaftRole;
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** At the leader: each other member. */
  readonly progress: readonly {
    readonly replicaId: ReplicaId;
    readonly match: number;
    readonly next: number;
    readonly state: 'probe' | 'replicate' | 'snapshot';
    readonly isLearner: boolean;
    readonly isRecentlyActive: boolean;
  }[];
}

/** What a message tells without being stepped. */
export interface MessageHead {
  readonly type: MessageType;
  /** Of a read index that a follower handed on (`other`): the replica that asked, not the sender. */
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly term: number;
  /** Of appends and heartbeats: the leader's commit index as told to this follower; 0 else. */
  readonly commit: number;
  /** A vote asked for by a transfer of leadership, which need not wait for a lease to end. */
  readonly isTransfer: boolean;
  /** As in the `msg` record. */
  readonly payloads: readonly {
    readonly index: number;
    readonly term: number;
    readonly payloadBytes: number;
  }[];
  readonly snapshot: SnapshotMeta | undefined;
}
