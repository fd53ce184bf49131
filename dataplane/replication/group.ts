import { keptTogether } from '../partition/key-space.ts';
import type { Effect } from '../storage/store.ts';
import type { Configuration } from './applied-record.ts';
import type { EntryMeta, GroupHandle, HardState, ReplicaId } from './core/consensus-core.ts';
import { storageIdBytes } from './effects-codec.ts';
import type { LogExtent } from './log-extent.ts';
import { LogKeys } from './log-keys.ts';
import type { GroupPayloads } from './payload-cache.ts';
import { Proposals } from './proposals.ts';
import { ReadLease } from './read-lease.ts';
import type { ReadRounds } from './read-rounds.ts';
import type { Member, Membership, ProposalError, Replica, ReplicaListener } from './replica.ts';
import type { LogPlace } from './replica-records.ts';
import { Staleness } from './staleness.ts';
import { UnderWay } from './store-commits.ts';

const NO_STORAGE = storageIdBytes(0n);

/** What a replica knows from disk. */
export interface ReplicaOnDisk {
  readonly partitionId: bigint;
  readonly replicaId: ReplicaId;
  readonly storageId: bigint;
  readonly hardState: HardState;
  readonly appliedIndex: number;
  readonly configuration: Configuration;
  readonly founders: readonly Member[];
  readonly log: LogExtent;
  /** What the log holds, for the core. */
  readonly entries: readonly EntryMeta[];
}

/**
 * - `active`: in the core.
 * - `recovering`: its state is being read from disk; it takes no part.
 * - `failed`: damaged; it takes no part until it is dropped.
 * - `gone`: dropped, or the node is closed.
 */
export type GroupState = 'active' | 'recovering' | 'failed' | 'gone';

/** A payload that came with a message of this turn. */
export interface Arrival {
  readonly index: number;
  readonly term: number;
  readonly payload: Buffer;
}

/** Appends of all groups of one turn, in one synced commit. */
export interface AppendCommit {
  readonly effects: Effect[];
  readonly acks: Map<Group, AppendAck>;
  entriesCount: number;
}

export interface AppendAck {
  readonly handle: GroupHandle;
  seq: number;
  /** Entries up to here are in the store then. */
  storedIndex: number;
  truncations: number;
}

/** An append record in the store's terms. */
export interface PreparedAppend {
  readonly seq: number;
  readonly effects: readonly Effect[];
  readonly entriesCount: number;
  readonly storedIndex: number;
  readonly truncations: number;
}

/** A state received from the leader, in the store under an id that no replica has yet. */
export interface StagedState {
  readonly storageId: bigint;
  readonly place: LogPlace;
  readonly configuration: Configuration;
}

/** A snapshot that replaces the state; waits for what the group has under way in the store. */
export interface Install {
  readonly staged: StagedState;
  /** The record with the snapshot, and those after it until the commit begins. */
  readonly behind: PreparedAppend[];
  isWritten: boolean;
  /** Whether the state became the replica's; false if the replica left the core before. */
  readonly done: Promise<boolean>;
  readonly end: (isInstalled: boolean) => void;
}

export interface PendingChange {
  /** Tells the entry of this change from others. */
  readonly nonce: string;
  /** Index of its entry, once that is committed: from there on the change will happen. */
  index: number | undefined;
  readonly resolve: (membership: Membership) => void;
  readonly reject: (error: ProposalError) => void;
}

export interface PendingTransfer {
  ticksLeft: number;
  readonly resolve: () => void;
  readonly reject: (error: ProposalError) => void;
}

/** An apply record that waits for the configuration that its conf entries make. */
export interface ParkedApply {
  readonly seq: number;
  readonly entries: readonly EntryMeta[];
  readonly configurations: Map<number, Configuration['conf']>;
}

/**
 * One replica on this node: all that is known of it outside of the core. The parts of MultiRaft work
 * on it; callers see it as a Replica.
 */
export class Group {
  readonly partitionId: bigint;
  readonly replicaId: ReplicaId;
  readonly keys: LogKeys;
  readonly proposals: Proposals;
  readonly lease: ReadLease;
  readonly reads: ReadRounds;
  readonly staleness = new Staleness();
  /** Commits of this group alone that other commits must not overtake: applies and compactions. */
  readonly unsynced = new UnderWay();
  /** Synced commits that hold something of this group. */
  readonly synced = new UnderWay();
  /** Where replicas are; those that were members once too, for what is still on its way. */
  readonly nodes = new Map<ReplicaId, string>();
  /** Replicas to which nothing could be sent, until something comes from them. */
  readonly unreachable = new Set<ReplicaId>();

  readonly #changed: (group: Group) => void;

  state: GroupState = 'recovering';
  failure: Error | undefined;
  replica: Replica | undefined;
  listener: ReplicaListener | undefined;
  /** Counts its ways out of the core: what was begun before one is void behind it. */
  exits = 0;
  /** 0 while it is not in the core. A new one each time it gets there. */
  handle: GroupHandle = 0;
  role: Replica['role'] = 'follower';
  term = 0;
  leaderId: ReplicaId = 0;
  /** `onLeader` was called for `term`. */
  isReady = false;

  storageId = 0n;
  storagePrefix: Buffer = NO_STORAGE;
  /** As on disk, or on its way there. */
  hardState: HardState = { term: 0, vote: 0, commit: 0 };
  commitIndex = 0;
  appliedIndex = 0;
  /** That holds at `appliedIndex`. */
  configuration: Configuration;
  /** That holds behind all entries that are on their way to be applied. */
  nextConfiguration: Configuration;
  founders: readonly Member[];
  /** As of the latest append record. */
  log: LogExtent;
  payloads: GroupPayloads;

  arrivals: Map<number, Arrival[]> | undefined;
  /** The latest commit under way that has an append of this group. */
  lastAppend: AppendCommit | undefined;
  /** How often entries of the log have been replaced. */
  truncations = 0;
  install: Install | undefined;
  /** The state that belongs to the snapshot message being stepped. */
  staged: StagedState | undefined;
  readonly parked: ParkedApply[] = [];
  /** Of the latest apply record. */
  applySeq = 0;
  change: PendingChange | undefined;
  transfer: PendingTransfer | undefined;
  /** A proposal was refused in this turn: those behind it must not get into the log. */
  isRefusing = false;
  /** Monotonic; until then a restarted replica votes for nobody. */
  guardUntilMs = Number.NEGATIVE_INFINITY;
  /** Ticks that the core has not been given yet (group-ticks.ts). */
  owedTicks = 0;
  /**
   * A leader: its heartbeats leave with those of others. A follower: the core has had no tick since
   * it heard of its leader. Of neither before the core is known to count from 0.
   */
  isInStep = false;
  /** Ticks until a founder that is to lead first campaigns (again); undefined for all others. */
  foundingTicks: number | undefined;
  /** At the leader: what all members have. At followers: what the leader says of that. */
  floorIndex = 0;
  /** As of the previous look: entries up to here have been applied for a while. */
  settledIndex = 0;
  progress: ReturnType<Replica['progress']> = [];
  /** Monotonic; somebody wants to know the progress until then. */
  progressWantedUntilMs = Number.NEGATIVE_INFINITY;
  /** Of the joint configuration that was in force at the look before, if one was. */
  jointEpoch: number | undefined;
  /** Snapshots of it being sent. */
  snapshotsUnderWay = 0;
  /** Monotonic; when the core lost it. */
  failuresMs: number[] = [];

  constructor(options: {
    readonly disk: ReplicaOnDisk;
    readonly payloads: GroupPayloads;
    readonly firstToken: number;
    readonly electionTimeoutMs: number;
    readonly rounds: (group: Group) => ReadRounds;
    readonly changed: (group: Group) => void;
  }) {
    const { disk } = options;
    this.partitionId = disk.partitionId;
    this.replicaId = disk.replicaId;
    this.keys = new LogKeys(disk.partitionId);
    this.proposals = new Proposals(options.firstToken);
    this.lease = new ReadLease(options.electionTimeoutMs);
    this.reads = options.rounds(this);
    this.#changed = options.changed;
    this.configuration = disk.configuration;
    this.nextConfiguration = disk.configuration;
    this.founders = disk.founders;
    this.log = disk.log;
    this.payloads = options.payloads;
    this.load(disk, options.payloads);
  }

  /** Leader, term or membership are others now: the owner is told at the end of the turn. */
  changed(): void {
    this.#changed(this);
  }

  /** Takes over what the disk says. */
  load(disk: ReplicaOnDisk, payloads: GroupPayloads): void {
    this.storageId = disk.storageId;
    this.storagePrefix = keptTogether(storageIdBytes(disk.storageId));
    this.hardState = disk.hardState;
    this.term = disk.hardState.term;
    this.commitIndex = disk.hardState.commit;
    this.appliedIndex = disk.appliedIndex;
    this.log = disk.log;
    this.payloads = payloads;
    this.founders = disk.founders;
    this.configure(disk.configuration);
    this.nextConfiguration = disk.configuration;
    this.parked.length = 0;
    this.applySeq = 0;
    this.install?.end(false);
    this.install = undefined;
    this.staged = undefined;
    this.lastAppend = undefined;
    this.arrivals = undefined;
  }

  configure(configuration: Configuration): void {
    this.configuration = configuration;
    this.learnNodes(configuration.membership.members);
  }

  learnNodes(members: readonly Member[]): void {
    for (const { replicaId, node } of members) this.nodes.set(replicaId, node);
  }

  get isLeader(): boolean {
    return this.role === 'leader';
  }

  get leader(): Member | undefined {
    if (this.leaderId === 0) return undefined;
    const { members } = this.configuration.membership;
    const member = members.find(({ replicaId }) => replicaId === this.leaderId);
    if (member !== undefined) return member;
    const node = this.nodes.get(this.leaderId);
    return node === undefined ? undefined : { replicaId: this.leaderId, node, kind: 'voter' };
  }
}
