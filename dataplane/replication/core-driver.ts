import type { AppendWriter } from './append-writer.ts';
import type { Applier } from './applier.ts';
import type { CommandBatch, OnRefused } from './command-queue.ts';
import type { ReplicationContext } from './context.ts';
import {
  type ConsensusCore,
  type CoreRecord,
  CoreTrapped,
  type EntryMeta,
  type GroupHandle,
} from './core/consensus-core.ts';
import type { Group } from './group.ts';
import { takeSoft } from './leadership.ts';
import type { MessageReceiver } from './message-receiver.ts';
import type { MessageSender } from './message-sender.ts';
import { ProposalError } from './replica.ts';

export interface DriverParts {
  readonly appends: AppendWriter;
  readonly applier: Applier;
  readonly sender: MessageSender;
  readonly receiver: MessageReceiver;
  /** Records that have nothing to do with the turn itself. */
  readonly onSnapshotWanted: (group: Group) => void;
  readonly onSnapshotMessage: (group: Group, record: SnapshotRecord) => void;
  readonly onFailed: (group: Group, message: string) => void;
  readonly onTrapped: (error: CoreTrapped) => void;
}

type SnapshotRecord = Extract<CoreRecord, { kind: 'msg' }>;

/**
 * Drives the core: once a turn of the event loop, all commands that have gathered go in, and the
 * records that come out are acted upon.
 *
 * Messages are looked at last, since the payloads that go with them come with the append records.
 */
export class CoreDriver {
  readonly #context: ReplicationContext;
  readonly #parts: DriverParts;
  readonly #groups = new Map<GroupHandle, Group>();
  readonly #withProposals = new Set<Group>();
  #core: ConsensusCore | undefined;
  #lastHandle = 0;
  #turns = 0;

  constructor(context: ReplicationContext, parts: DriverParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** Flushes so far. */
  get turns(): number {
    return this.#turns;
  }

  get memoryBytes(): number {
    return this.#core?.memoryBytes ?? 0;
  }

  groupByHandle(handle: GroupHandle): Group | undefined {
    return this.#groups.get(handle);
  }

  /** Begins with an instance that holds no groups. */
  start(core: ConsensusCore): void {
    this.#core = core;
    this.#context.commands.start();
  }

  /** Lets the instance go, with all its groups. */
  stop(): void {
    this.#core?.close();
    this.#core = undefined;
    this.#groups.clear();
    this.#withProposals.clear();
    this.#context.commands.stop();
    this.#parts.applier.clear();
  }

  /** Puts a group into the core. */
  add(group: Group, entries: readonly EntryMeta[], onRefused: OnRefused): void {
    const { limits, commands } = this.#context;
    this.#lastHandle += 1;
    group.handle = this.#lastHandle;
    this.#groups.set(group.handle, group);
    commands.push(
      {
        op: 'create',
        group: group.handle,
        config: {
          replicaId: group.replicaId,
          electionTicks: limits.electionTicks,
          heartbeatTicks: limits.heartbeatTicks,
          messageEntriesMax: limits.messageEntriesMax,
          inflightMessagesMax: limits.inflightMessagesMax,
          // The bound on proposals is held before they get here; see `Replica.propose`.
          uncommittedEntriesMax: 2 * limits.proposalEntriesMax + 10_000,
          applied: group.appliedIndex,
          hardState: group.hardState,
          logStart: group.log.start,
          entries,
          conf: group.configuration.conf,
        },
      },
      onRefused,
    );
  }

  /** Takes a group out of the core, if it is in there. */
  remove(group: Group): void {
    if (this.#groups.delete(group.handle)) {
      this.#context.commands.push({ op: 'destroy', group: group.handle });
    }
    this.#withProposals.delete(group);
  }

  hasProposals(group: Group): void {
    this.#withProposals.add(group);
    this.#context.commands.wake();
  }

  /** One turn. */
  flush(): void {
    const core = this.#core;
    if (core === undefined) return;
    const batch = this.#context.commands.take();
    const proposing = this.#addProposals(batch);
    this.#turns += 1;
    this.#context.metrics.flushes += 1;
    let records: readonly CoreRecord[] = [];
    try {
      // Some turns only answer heartbeats.
      if (batch.commands.length > 0) records = core.send(batch.commands);
    } catch (error) {
      if (!(error instanceof CoreTrapped)) throw error;
      this.#parts.onTrapped(error);
      return;
    }
    this.#act(records, batch);
    for (const group of proposing) group.proposals.endTurn();
    this.#parts.receiver.endTurn();
    this.#parts.appends.endTurn();
    this.#parts.applier.run();
    this.#parts.sender.endTurn();
  }

  /**
   * Proposals come behind all other commands: behind what may have ended the leadership, and with
   * nothing between those of one group that could have the core refuse one and take the next.
   */
  #addProposals(batch: CommandBatch): Group[] {
    const groups = [...this.#withProposals];
    this.#withProposals.clear();
    for (const group of groups) {
      for (const { token, payloadBytes } of group.proposals.take()) {
        batch.onRefused.set(batch.commands.length, (message) =>
          group.proposals.dropped(token, new ProposalError('dropped', message)),
        );
        batch.commands.push({ op: 'propose', group: group.handle, token, payloadBytes });
      }
    }
    return groups;
  }

  #act(records: readonly CoreRecord[], batch: CommandBatch): void {
    const failed = new Set<GroupHandle>();
    for (const record of records) {
      if (record.kind === 'failed') failed.add(record.group);
    }
    let hasMessages = false;
    for (const record of records) {
      if (record.kind === 'error') {
        batch.onRefused.get(record.command)?.(record.message);
        continue;
      }
      if (record.kind === 'msg') {
        hasMessages = true;
        continue;
      }
      const group = this.#groups.get(record.group);
      // What a group said before it panicked is as if it had never been said.
      if (group === undefined || (failed.has(record.group) && record.kind !== 'failed')) continue;
      this.#actOn(group, record);
    }
    if (!hasMessages) return;
    for (const record of records) {
      if (record.kind !== 'msg' || failed.has(record.group)) continue;
      const group = this.#groups.get(record.group);
      if (group === undefined) continue;
      if (record.type === 'snapshot') this.#parts.onSnapshotMessage(group, record);
      else this.#parts.sender.take(group, record);
    }
  }

  #actOn(group: Group, record: Exclude<CoreRecord, { kind: 'msg' | 'error' }>): void {
    const { appends, applier } = this.#parts;
    switch (record.kind) {
      case 'append':
        appends.take(group, record);
        return;
      case 'apply':
        applier.take(group, record);
        return;
      case 'conf':
        applier.configured(group, record.index, record.conf);
        return;
      case 'read':
        group.reads.answered(record.context, record.index, group.appliedIndex);
        return;
      case 'soft':
        takeSoft(group, record);
        return;
      case 'snapWanted':
        this.#parts.onSnapshotWanted(group);
        return;
      case 'status':
        takeStatus(group, record);
        return;
      case 'failed':
        this.#groups.delete(group.handle);
        this.#parts.onFailed(group, record.message);
        return;
    }
  }
}

function takeStatus(group: Group, { status }: Extract<CoreRecord, { kind: 'status' }>): void {
  if (status.role !== 'leader') return;
  group.progress = status.progress.map((peer) => ({
    replicaId: peer.replicaId,
    matchIndex: peer.match,
    isRecentlyActive: peer.isRecentlyActive,
    isInSnapshot: peer.state === 'snapshot',
  }));
  const matches = status.progress.map(({ match }) => match);
  group.floorIndex = Math.max(group.floorIndex, Math.min(...matches, status.commit));
}
