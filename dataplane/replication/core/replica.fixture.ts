import type {
  ConfState,
  ConsensusCore,
  CoreCommand,
  CoreRecord,
  EntryMeta,
  GroupConfig,
  GroupStatus,
  HardState,
  NewCore,
  ReplicaId,
  SnapshotMeta,
} from './consensus-core.ts';

/** The handle of the cluster's group in every instance. */
export const GROUP = 1;

export type RecordOf<Kind extends CoreRecord['kind']> = Extract<CoreRecord, { kind: Kind }>;
/** A command without its group, which the fixture adds. */
export type GroupCommand = CoreCommand extends infer Command
  ? Command extends { readonly group: number }
    ? Omit<Command, 'group'>
    : never
  : never;

/** What survives a crash: all that was synced, and what was applied. */
export interface Disk {
  hardState: HardState;
  logStart: { index: number; term: number };
  entries: EntryMeta[];
  applied: number;
  conf: ConfState;
}

export const NO_CONF: ConfState = {
  voters: [],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};

/** As bootstrapped with the others, from a made-up snapshot; or empty, for a replica added later. */
export function newDisk(voters: readonly ReplicaId[]): Disk {
  const start = voters.length > 0 ? 1 : 0;
  return {
    hardState: { term: start, vote: 0, commit: start },
    logStart: { index: start, term: start },
    entries: [],
    applied: start,
    conf: { ...NO_CONF, voters },
  };
}

export const LIMITS = {
  electionTicks: 10,
  heartbeatTicks: 1,
  messageEntriesMax: 64,
  inflightMessagesMax: 64,
  uncommittedEntriesMax: 1000,
};

export function configOf(replicaId: ReplicaId, disk: Disk): GroupConfig {
  return {
    ...LIMITS,
    replicaId,
    applied: disk.applied,
    hardState: disk.hardState,
    logStart: disk.logStart,
    entries: disk.entries,
    conf: disk.conf,
  };
}

/** Where a replica's effects go. */
export interface Surroundings {
  send(from: ReplicaId, record: RecordOf<'msg'>): void;
  applied(replica: ReplicaId, entries: readonly EntryMeta[]): void;
  read(replica: ReplicaId, record: RecordOf<'read'>): void;
  becameLeader(replica: ReplicaId, term: number): void;
}

/** One replica on a disk of its own, whose syncs can be held up and lost. */
export class Replica {
  readonly id: ReplicaId;
  readonly disk: Disk;
  /** All records of the present life, oldest first. */
  records: CoreRecord[] = [];
  /** Appends are written and synced only while this is false. */
  isDiskHeld = false;
  /** Committed entries are applied and acknowledged only while this is false. */
  isApplyHeld = false;
  /** Snapshots are offered as soon as they are wanted, unless this is set. */
  isSnapshotHeld = false;
  readonly #newCore: () => ConsensusCore;
  readonly #surroundings: Surroundings;
  #core: ConsensusCore | undefined;
  #inbox: CoreCommand[] = [];
  #unsynced: RecordOf<'append'>[] = [];
  #unapplied: RecordOf<'apply'>[] = [];

  constructor(options: {
    id: ReplicaId;
    disk: Disk;
    newCore: NewCore;
    randomU32: () => number;
    surroundings: Surroundings;
  }) {
    this.id = options.id;
    this.disk = options.disk;
    this.#newCore = () => options.newCore(options.randomU32);
    this.#surroundings = options.surroundings;
    this.start();
  }

  get isUp(): boolean {
    return this.#core !== undefined;
  }

  get hasWork(): boolean {
    const isSyncDue = !this.isDiskHeld && this.#unsynced.length > 0;
    const isApplyDue = !this.isApplyHeld && this.#unapplied.length > 0;
    return this.isUp && (this.#inbox.length > 0 || isSyncDue || isApplyDue);
  }

  start(): void {
    this.records = [];
    this.#core = this.#newCore();
    this.#run([{ op: 'create', group: GROUP, config: configOf(this.id, this.disk) }]);
  }

  /** Loses what was not synced and what was not yet done. */
  crash(): void {
    this.#core?.close();
    this.#core = undefined;
    this.#inbox = [];
    this.#unsynced = [];
    this.#unapplied = [];
  }

  queue(command: GroupCommand): void {
    if (this.isUp) {
      // The members of each command are kept; only the group comes back.
      this.#inbox.push({ ...command, group: GROUP } as CoreCommand);
    }
  }

  /** Runs commands now, in one call, and returns what they gave. */
  do(...commands: readonly GroupCommand[]): readonly CoreRecord[] {
    return this.#run(commands.map((command) => ({ ...command, group: GROUP }) as CoreCommand));
  }

  status(): GroupStatus {
    const record = this.do({ op: 'status' }).find((each) => each.kind === 'status');
    if (record === undefined) throw new Error(`replica ${this.id} has no status`);
    return record.status;
  }

  of<Kind extends CoreRecord['kind']>(kind: Kind): RecordOf<Kind>[] {
    // The filter proves what the type says.
    return this.records.filter((record) => record.kind === kind) as RecordOf<Kind>[];
  }

  /** Syncs and applies what waits, acknowledges it, and runs what has arrived. */
  turn(): void {
    if (!this.isUp) return;
    if (!this.isDiskHeld) {
      for (const record of this.#unsynced.splice(0)) this.#sync(record);
    }
    if (!this.isApplyHeld) {
      for (const record of this.#unapplied.splice(0)) this.#apply(record);
    }
    const commands = this.#inbox;
    if (commands.length === 0) return;
    this.#inbox = [];
    this.#run(commands);
  }

  #run(commands: readonly CoreCommand[]): readonly CoreRecord[] {
    const records = this.#core?.send(commands) ?? [];
    for (const record of records) {
      this.records.push(record);
      this.#handle(record);
    }
    return records;
  }

  #handle(record: CoreRecord): void {
    switch (record.kind) {
      case 'append':
        this.#unsynced.push(record);
        return;
      case 'msg':
        this.#surroundings.send(this.id, record);
        return;
      case 'apply':
        this.#unapplied.push(record);
        return;
      case 'conf':
        this.disk.conf = record.conf;
        return;
      case 'soft':
        if (record.role === 'leader') this.#surroundings.becameLeader(this.id, record.term);
        return;
      case 'read':
        this.#surroundings.read(this.id, record);
        return;
      case 'snapWanted':
        if (!this.isSnapshotHeld) this.offerSnapshot();
        return;
      default:
        return;
    }
  }

  #apply(record: RecordOf<'apply'>): void {
    const last = record.entries.at(-1)?.index ?? 0;
    // A snapshot that was installed since has their effects already.
    if (last > this.disk.logStart.index) {
      if (record.entries[0]?.index !== this.disk.applied + 1) {
        throw new Error(`replica ${this.id} applies out of order`);
      }
      this.#surroundings.applied(this.id, record.entries);
      this.disk.applied = last;
    }
    // At once: what follows a conf entry is stored only together with its configuration.
    this.#run([{ op: 'applyAck', group: GROUP, seq: record.seq }]);
  }

  #sync(record: RecordOf<'append'>): void {
    const { disk } = this;
    if (record.snapshot !== undefined) this.#install(record.snapshot);
    if (record.hardState !== undefined) disk.hardState = record.hardState;
    const first = record.entries[0];
    if (first !== undefined) {
      const kept = first.index - disk.logStart.index - 1;
      if (kept < 0 || kept > disk.entries.length) {
        throw new Error(`replica ${this.id} appends out of order`);
      }
      disk.entries.splice(kept, Infinity, ...record.entries);
    }
    this.queue({ op: 'appendAck', seq: record.seq });
  }

  #install(snapshot: SnapshotMeta): void {
    const { index, term, conf } = snapshot;
    Object.assign(this.disk, { logStart: { index, term }, entries: [], applied: index, conf });
  }

  offerSnapshot(): void {
    const { applied: index, conf } = this.disk;
    this.queue({ op: 'offerSnapshot', index, term: this.termAt(index), conf });
  }

  /** Forgets the log up to an index, on disk and in the core. */
  compact(index: number): void {
    const term = this.termAt(index);
    this.disk.entries.splice(0, index - this.disk.logStart.index);
    this.disk.logStart = { index, term };
    this.queue({ op: 'compact', index });
  }

  termAt(index: number): number {
    const { logStart, entries } = this.disk;
    if (index === logStart.index) return logStart.term;
    const entry = entries[index - logStart.index - 1];
    if (entry === undefined) throw new Error(`replica ${this.id} has no entry ${index}`);
    return entry.term;
  }
}
