import { type Effect, StoreError } from '../storage/store.ts';
import { type Configuration, configurationEffect, placeEffect } from './applied-record.ts';
import { RecordDamaged } from './checked-record.ts';
import type { ReplicationContext } from './context.ts';
import type { ConfState, CoreRecord, EntryMeta } from './core/consensus-core.ts';
import { decodeEffects } from './effects-codec.ts';
import type { Group, ParkedApply } from './group.ts';
import { membershipAfter, readChangeContext } from './membership-change.ts';
import { readPayload } from './payload-source.ts';

type ApplyRecord = Extract<CoreRecord, { kind: 'apply' }>;

/** Most bytes of payload, and entries, that are applied in one batch. */
const UNIT_BYTES_MAX = 4 * 1024 * 1024;
const UNIT_ENTRIES_MAX = 1_024;

/** Committed entries of one group, applied in one batch. */
export interface ApplyUnit {
  readonly group: Group;
  readonly handle: number;
  readonly entries: readonly EntryMeta[];
  readonly bytes: number;
  /** The last entry's, if that is a conf entry. */
  readonly configuration: Configuration | undefined;
  /** Acknowledged to the core afterwards. */
  readonly seq: number | undefined;
  effects: readonly Effect[];
}

/**
 * Applies committed entries to the states: one batch in the store, whose last effects say how far the
 * state has come, then what happens in memory. In the order of the log for each group; groups share
 * commits, which need no sync, since the log is what is durable.
 *
 * An apply record with conf entries is acknowledged first: only then does the core tell the
 * configuration, which has to be in the same batch. It and those behind it are parked until then.
 */
export class Applier {
  readonly #context: ReplicationContext;
  readonly #onApplied: (unit: ApplyUnit) => void;
  #queue: ApplyUnit[] = [];
  #bytesUnderWay = 0;

  constructor(context: ReplicationContext, onApplied: (unit: ApplyUnit) => void) {
    this.#context = context;
    this.#onApplied = onApplied;
  }

  take(group: Group, { seq, entries }: ApplyRecord): void {
    group.applySeq = seq;
    const last = entries.at(-1);
    if (last === undefined || group.install !== undefined) return;
    group.commitIndex = Math.max(group.commitIndex, last.index);
    const hasConf = entries.some(({ kind }) => kind === 'conf');
    if (hasConf) this.#context.commands.push({ op: 'applyAck', group: group.handle, seq });
    if (hasConf || group.parked.length > 0) {
      group.parked.push({ seq, entries, configurations: new Map() });
    } else {
      this.#enqueue(group, { seq, entries });
    }
  }

  /** A `conf` record. */
  configured(group: Group, index: number, conf: ConfState): void {
    for (const parked of group.parked) {
      if (parked.entries.some((entry) => entry.index === index && entry.kind === 'conf')) {
        parked.configurations.set(index, conf);
      }
    }
    let first = group.parked[0];
    while (first !== undefined && isComplete(first)) {
      group.parked.shift();
      this.#enqueue(group, first);
      first = group.parked[0];
    }
  }

  /** Begins as many commits as the bound on bytes allows. */
  run(): void {
    while (this.#queue.length > 0 && this.#bytesUnderWay < this.#context.limits.applyBytesMax) {
      void this.#commit(this.#takeBatch());
    }
  }

  /** Forgets all: the core that asked for it is gone. */
  clear(): void {
    this.#queue = [];
  }

  #enqueue(
    group: Group,
    record: Pick<ParkedApply, 'seq' | 'entries'> & Partial<ParkedApply>,
  ): void {
    let unit: EntryMeta[] = [];
    let bytes = 0;
    const end = (seq: number | undefined) => {
      const last = unit.at(-1);
      if (last === undefined) return;
      const conf = record.configurations?.get(last.index);
      const configuration = conf && this.#configure(group, conf, last);
      const { handle } = group;
      this.#queue.push({ group, handle, entries: unit, bytes, configuration, seq, effects: [] });
      unit = [];
      bytes = 0;
    };
    for (const [i, entry] of record.entries.entries()) {
      unit.push(entry);
      bytes += entry.payloadBytes;
      const isLast = i === record.entries.length - 1;
      if (isLast) end(record.seq);
      else if (
        entry.kind === 'conf' ||
        unit.length >= UNIT_ENTRIES_MAX ||
        bytes + (record.entries[i + 1]?.payloadBytes ?? 0) > UNIT_BYTES_MAX
      ) {
        end(undefined);
      }
    }
  }

  #configure(group: Group, conf: ConfState, entry: EntryMeta): Configuration {
    const { membership } = group.nextConfiguration;
    const configuration = { membership: membershipAfter(membership, conf, entry), conf };
    group.nextConfiguration = configuration;
    const nonce = readChangeContext(entry.context)?.nonce;
    if (group.change !== undefined && group.change.nonce === nonce) {
      group.change.index = entry.index;
    }
    group.learnNodes(configuration.membership.members);
    return configuration;
  }

  #takeBatch(): ApplyUnit[] {
    let count = 0;
    let bytes = 0;
    for (const unit of this.#queue) {
      if (count > 0 && bytes + unit.bytes > UNIT_BYTES_MAX) break;
      bytes += unit.bytes;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #commit(batch: readonly ApplyUnit[]): Promise<void> {
    const effects: Effect[] = [];
    const units = batch.filter((unit) => this.#prepare(unit, effects));
    if (units.length === 0) return;
    const bytes = units.reduce((sum, unit) => sum + unit.bytes, 0);
    this.#bytesUnderWay += bytes;
    for (const { group } of units) group.unsynced.begin();
    const isDone = await this.#context.commits.commit(effects, { sync: false });
    this.#bytesUnderWay -= bytes;
    for (const unit of units) {
      if (isDone) this.#onApplied(unit);
      unit.group.unsynced.end();
    }
    this.run();
  }

  /** Adds what is to be written; false if the group is not to be applied to any more. */
  #prepare(unit: ApplyUnit, effects: Effect[]): boolean {
    const { group, handle, entries, configuration } = unit;
    const last = entries.at(-1);
    if (group.handle !== handle || group.install !== undefined || last === undefined) return false;
    try {
      unit.effects = entries.flatMap((entry) =>
        entry.kind === 'normal'
          ? decodeEffects(readPayload(this.#context, group, entry), group.storagePrefix)
          : [],
      );
    } catch (error) {
      if (error instanceof RecordDamaged) this.#context.damaged(group, error);
      // Nothing may be applied behind a gap.
      else if (error instanceof StoreError) this.#context.commits.unreadable(error);
      else throw error;
      return false;
    }
    for (const effect of unit.effects) effects.push(effect);
    effects.push(placeEffect(group.storageId, { index: last.index, term: last.term }));
    if (configuration !== undefined) {
      effects.push(configurationEffect(group.storageId, configuration));
    }
    return true;
  }
}

function isComplete(parked: ParkedApply): boolean {
  return parked.entries.every(
    ({ kind, index }) => kind !== 'conf' || parked.configurations.has(index),
  );
}
