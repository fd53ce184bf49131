import type { Effect } from '../storage/store.ts';
import type { ReplicationContext } from './context.ts';
import type { CoreRecord, EntryMeta } from './core/consensus-core.ts';
import { ENTRY_OVERHEAD_BYTES, encodeEntry } from './entry-record.ts';
import type { AppendCommit, Group, Install, PreparedAppend, StagedState } from './group.ts';
import { ProposalError } from './replica.ts';
import { encodeHardState, encodeLogPlace, encodeReplica } from './replica-records.ts';

type AppendRecord = Extract<CoreRecord, { kind: 'append' }>;

/**
 * Puts append records on disk: those of all groups in one turn in one synced commit, whatever the
 * number of groups. The core hears of each group's in the order of its records.
 *
 * Hard states are written when their term or vote changed. The commit index alone is not worth a
 * write: what is applied is known to be committed, and the leader tells the rest.
 */
export class AppendWriter {
  readonly #context: ReplicationContext;
  readonly #onInstalled: (group: Group, before: bigint) => void;
  #turn: AppendCommit | undefined;

  constructor(
    context: ReplicationContext,
    onInstalled: (group: Group, storageIdBefore: bigint) => void,
  ) {
    this.#context = context;
    this.#onInstalled = onInstalled;
  }

  take(group: Group, record: AppendRecord): void {
    const staged = group.staged;
    if (record.snapshot !== undefined && !fits(staged, record.snapshot)) {
      this.#context.recreate(group, 'the core took a snapshot whose state is not here');
      return;
    }
    const prepared = this.#prepare(group, record);
    if (prepared === undefined) {
      this.#context.recreate(group, 'an entry came without its payload');
    } else if (record.snapshot !== undefined && staged !== undefined) {
      void this.#install(group, newInstall(staged, prepared));
    } else if (group.install?.isWritten === false) {
      group.install.behind.push(prepared);
    } else {
      this.#add(group, prepared);
    }
  }

  /** The turn is over: begins the commit. */
  endTurn(): void {
    const commit = this.#turn;
    if (commit === undefined) return;
    this.#turn = undefined;
    void this.#commit(commit);
  }

  #add(group: Group, prepared: PreparedAppend): void {
    const { commands } = this.#context;
    if (prepared.effects.length > 0) {
      this.#turn ??= { effects: [], acks: new Map(), entriesCount: 0 };
      addTo(this.#turn, group, prepared);
      return;
    }
    // Needs no write, but may not overtake those before it.
    const before = (this.#turn?.acks.has(group) ? this.#turn : group.lastAppend)?.acks.get(group);
    if (before === undefined) {
      commands.push({ op: 'appendAck', group: group.handle, seq: prepared.seq });
    } else {
      before.seq = prepared.seq;
    }
  }

  async #commit(commit: AppendCommit): Promise<boolean> {
    const { commits, metrics, commands, payloads } = this.#context;
    for (const group of commit.acks.keys()) {
      group.lastAppend = commit;
      group.synced.begin();
    }
    metrics.groupsPerCommit.observe(commit.acks.size);
    metrics.entriesPerCommit.observe(commit.entriesCount);
    const isDone = await commits.commit(commit.effects, { sync: true });
    for (const [group, { handle, seq, storedIndex, truncations }] of commit.acks) {
      if (group.lastAppend === commit) group.lastAppend = undefined;
      if (isDone && group.handle === handle && handle !== 0) {
        // If not, entries up to `storedIndex` have been replaced since.
        if (truncations === group.truncations) payloads.stored(group.payloads, storedIndex);
        commands.push({ op: 'appendAck', group: handle, seq });
      }
      group.synced.end();
    }
    return isDone;
  }

  #prepare(group: Group, record: AppendRecord): PreparedAppend | undefined {
    const effects: Effect[] = [];
    const { snapshot, hardState, entries } = record;
    if (hardState !== undefined) this.#takeHardState(group, record, effects);
    if (snapshot !== undefined) this.#replaceLog(group, snapshot, effects);
    const lastBefore = group.log.lastIndex;
    for (const meta of entries) {
      const data = this.#dataOf(group, meta);
      if (data === undefined) return undefined;
      const key = group.keys.entry(meta.index);
      const value = encodeEntry(key, meta, data);
      effects.push({ key, value });
      group.log.append(meta.index, value.length + ENTRY_OVERHEAD_BYTES);
    }
    this.#truncate(group, entries, { lastBefore, effects });
    return {
      seq: record.seq,
      effects,
      entriesCount: entries.length,
      storedIndex: group.log.lastIndex,
      truncations: group.truncations,
    };
  }

  #takeHardState(group: Group, { hardState }: AppendRecord, effects: Effect[]): void {
    if (hardState === undefined) return;
    const before = group.hardState;
    group.hardState = hardState;
    group.commitIndex = Math.max(group.commitIndex, hardState.commit);
    if (hardState.term !== before.term || hardState.vote !== before.vote) {
      const key = group.keys.hardState;
      effects.push({ key, value: encodeHardState(key, hardState) });
    }
  }

  /** Removes the log and begins another at the snapshot. */
  #replaceLog(
    group: Group,
    place: { readonly index: number; readonly term: number },
    effects: Effect[],
  ): void {
    const { keys, log } = group;
    for (let index = log.start.index + 1; index <= log.lastIndex; index += 1) {
      effects.push({ key: keys.entry(index), value: undefined });
    }
    const start = { index: place.index, term: place.term };
    effects.push({ key: keys.logStart, value: encodeLogPlace(keys.logStart, start) });
    log.reset(start);
    this.#context.payloads.clear(group.payloads);
    group.payloads.storedIndex = place.index;
    group.truncations += 1;
  }

  /** What stood behind the first of the entries is gone. */
  #truncate(
    group: Group,
    entries: readonly EntryMeta[],
    { lastBefore, effects }: { readonly lastBefore: number; readonly effects: Effect[] },
  ): void {
    const first = entries[0];
    if (first === undefined || first.index > lastBefore) return;
    this.#context.probe('logTruncated');
    for (let index = group.log.lastIndex + 1; index <= lastBefore; index += 1) {
      effects.push({ key: group.keys.entry(index), value: undefined });
      group.payloads.byIndex.delete(index);
    }
    group.payloads.storedIndex = Math.min(group.payloads.storedIndex, first.index - 1);
    group.truncations += 1;
  }

  /** What belongs to an entry; undefined if it is not here, which must not be. */
  #dataOf(group: Group, meta: EntryMeta): Uint8Array | undefined {
    const { index, term, token } = meta;
    if (meta.kind !== 'normal') return meta.data ?? EMPTY;
    const arrival = group.arrivals?.get(index)?.find((candidate) => candidate.term === term);
    const payload = arrival?.payload ?? group.proposals.placed(token, index, term);
    if (payload === undefined || payload.length !== meta.payloadBytes) return undefined;
    this.#context.payloads.put(group.payloads, index, { term, payload });
    return payload;
  }

  /**
   * The state that was received becomes the replica's, in one synced commit. What the group has under
   * way in the store beside the queue of synced commits ends first, for it must not come behind.
   */
  async #install(group: Group, install: Install): Promise<void> {
    const { handle } = group;
    group.install = install;
    group.parked.length = 0;
    await group.unsynced.idle();
    // It may have left the core meanwhile: its disk must not change while it is read again.
    if (group.install !== install || group.handle !== handle) return;
    const { replica } = group.keys;
    const { storageId } = install.staged;
    const { replicaId, founders } = group;
    const commit: AppendCommit = { effects: [], acks: new Map(), entriesCount: 0 };
    commit.effects.push({
      key: replica,
      value: encodeReplica(replica, { state: 'active', replicaId, storageId, founders }),
    });
    for (const prepared of install.behind) addTo(commit, group, prepared);
    install.isWritten = true;
    if (!(await this.#commit(commit)) || group.handle !== handle) return;
    this.#finishInstall(group, install);
    install.end(true);
  }

  #finishInstall(group: Group, { staged }: Install): void {
    const { commands, metrics } = this.#context;
    const storageIdBefore = group.storageId;
    group.install = undefined;
    group.staged = undefined;
    group.storageId = staged.storageId;
    group.storagePrefix = Buffer.allocUnsafe(8);
    group.storagePrefix.writeBigUInt64BE(staged.storageId);
    group.appliedIndex = staged.place.index;
    group.commitIndex = Math.max(group.commitIndex, staged.place.index);
    group.staleness.applied(staged.place.index);
    group.configure(staged.configuration);
    group.nextConfiguration = staged.configuration;
    group.change?.reject(new ProposalError('unknown', 'a snapshot took the place of its entry'));
    group.change = undefined;
    if (group.applySeq > 0) {
      commands.push({ op: 'applyAck', group: group.handle, seq: group.applySeq });
    }
    metrics.snapshotsInstalled += 1;
    this.#onInstalled(group, storageIdBefore);
  }
}

const EMPTY = new Uint8Array(0);

function newInstall(staged: StagedState, prepared: PreparedAppend): Install {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  return { staged, behind: [prepared], isWritten: false, done: promise, end: resolve };
}

function fits(
  staged: StagedState | undefined,
  place: { readonly index: number; readonly term: number },
): boolean {
  return staged?.place.index === place.index && staged.place.term === place.term;
}

function addTo(commit: AppendCommit, group: Group, prepared: PreparedAppend): void {
  for (const effect of prepared.effects) commit.effects.push(effect);
  const { seq, storedIndex, truncations } = prepared;
  commit.acks.set(group, { handle: group.handle, seq, storedIndex, truncations });
  commit.entriesCount += prepared.entriesCount;
}
