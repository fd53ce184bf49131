import type { Effect, Store } from '../storage/store.ts';
import { addEffect, type CommitGroups, type Group } from './commit-groups.ts';
import { InFlight } from './in-flight.ts';
import { rangeOfPrefix } from './key-range.ts';
import { decodeLedgerRecord, encodeLedgerRecord, type LedgerRecord } from './ledger-record.ts';
import { type LedgerStep, whenDue } from './ledger-rules.ts';
import type { StalledAnswer } from './transaction.ts';
import {
  dueKey,
  idOfUnfinishedKey,
  ledgerKey,
  partPrefix,
  readDueKey,
  transactionIdText,
  unfinishedKey,
} from './transaction-keys.ts';

/** An answer, and whether something was committed for it: that proves who leads the partition. */
export interface Decided<Answer> {
  readonly answer: Answer;
  readonly isCommitted: boolean;
}

export interface LedgerParts {
  readonly store: Pick<Store, 'get' | 'iterate'>;
  /** Of the transaction space. */
  readonly prefix: Buffer;
  readonly groups: CommitGroups;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
}

/** Beside its time a record is kept for so long after this process first saw it due. */
const SEEN_DUE_MS = 60_000;
/** Between two looks at what is due, while there are transactions. */
const TEND_PAUSE_MS = 10_000;
const TENDED_COUNT_MAX = 1_000;
const PAGE_RECORDS = 100;
/** Handed out at once. */
const UNFINISHED_COUNT_MAX = 100;

/**
 * The records of transactions whose ledger is this partition, and of those that it has executed. They
 * are read from the store when asked for; what is in flight counts for all decisions.
 */
export class Ledger {
  readonly #parts: LedgerParts;
  readonly #inFlight = new InFlight<LedgerRecord | undefined, Group>();
  /** Ids of overdue transactions, latin1; perhaps of some that are not any more. */
  readonly #unfinished = new Set<string>();
  /** What the clock on the wall said, and when. */
  #sightings: { readonly monotonicMs: number; readonly wallMs: number }[] = [];
  #tendedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  /** The newest record, in flight or durable. @throws StoreError `damaged` */
  find(id: Uint8Array): LedgerRecord | undefined {
    const pending = this.#inFlight.size === 0 ? undefined : this.#inFlight.get(idText(id));
    if (pending !== undefined) return pending.value;
    const encoded = this.#parts.store.get(ledgerKey(this.#parts.prefix, id));
    return encoded === undefined ? undefined : decodeLedgerRecord(encoded);
  }

  /** The group that makes the newest record durable; undefined when it is. */
  groupOf(id: Uint8Array): Group | undefined {
    return this.#inFlight.get(idText(id))?.group;
  }

  /** Takes one step of a transaction. Resolves when it, or what it was decided on, is durable. */
  async step<Answer>(
    id: Uint8Array,
    rule: (before: LedgerRecord | undefined) => LedgerStep<Answer>,
  ): Promise<Decided<Answer>> {
    const before = this.find(id);
    const { answer, record } = rule(before);
    if (record === before) {
      await this.groupOf(id)?.done;
      return { answer, isCommitted: false };
    }
    const group = this.#parts.groups.gather();
    this.put(group, id, { before, after: record });
    this.tend();
    await group.done;
    return { answer, isCommitted: true };
  }

  /** Replaces the newest record in a group. */
  put(
    group: Group,
    id: Uint8Array,
    change: { readonly before: LedgerRecord | undefined; readonly after: LedgerRecord | undefined },
  ): void {
    const { prefix } = this.#parts;
    const { before, after } = change;
    const value = after && encodeLedgerRecord(after);
    addEffect(group, { key: ledgerKey(prefix, id), value });
    const keyBefore = before && waitingKey(prefix, id, before);
    const keyAfter = after && waitingKey(prefix, id, after);
    if (keyBefore !== undefined && keyAfter?.equals(keyBefore) !== true) {
      addEffect(group, { key: keyBefore, value: undefined });
    }
    if (keyAfter !== undefined && keyBefore?.equals(keyAfter) !== true) {
      addEffect(group, { key: keyAfter, value: NOTHING });
    }
    if (after?.isOverdue === true) this.#unfinished.add(idText(id));
    this.#inFlight.set(idText(id), after, group);
  }

  /** Committed transactions that are overdue: all participants are to finish. A bounded number. */
  unfinished(): StalledAnswer['unfinished'] {
    const found: StalledAnswer['unfinished'][number][] = [];
    for (const text of this.#unfinished) {
      if (found.length >= UNFINISHED_COUNT_MAX) break;
      const id = Buffer.from(text, 'latin1');
      const record = this.find(id);
      if (record?.isOverdue === true) {
        const { attempt: number, timestamp, participants } = record;
        found.push({ attempt: { id, number }, timestamp, participants });
      } else if (this.groupOf(id) === undefined) {
        this.#unfinished.delete(text);
      }
    }
    return found;
  }

  get unfinishedCount(): number {
    return this.#unfinished.size;
  }

  settle(group: Group): void {
    if (this.#inFlight.size > 0) this.#inFlight.settle(group);
  }

  discard(group: Group): void {
    this.#inFlight.discard(group);
  }

  /** Takes up which transactions are overdue. @throws StoreError */
  async load(): Promise<void> {
    const range = rangeOfPrefix(partPrefix(this.#parts.prefix, 'unfinished'));
    const keys = await this.#keys(range, Number.POSITIVE_INFINITY);
    this.#unfinished.clear();
    for (const key of keys) this.#unfinished.add(idText(idOfUnfinishedKey(key)));
  }

  /** Forgets in the background what is due, now and then. */
  tend(): void {
    const nowMs = this.#parts.monotonicMs();
    if (nowMs - this.#tendedMs < TEND_PAUSE_MS) return;
    this.#tendedMs = nowMs;
    // What is left is found again; whoever needs the records hears of a failure.
    this.forgetDue().catch(() => {});
  }

  /**
   * Forgets records that are due, by the clock on the wall now and `SEEN_DUE_MS` ago; a bounded number.
   * Resolves when that is durable.
   */
  async forgetDue(): Promise<void> {
    const boundMs = this.#dueBound();
    if (boundMs === undefined) return;
    const { prefix, groups } = this.#parts;
    const start = partPrefix(prefix, 'due');
    const end = dueKey(prefix, boundMs + 1, NOTHING);
    const keys = await this.#keys({ start, end }, TENDED_COUNT_MAX);
    if (keys.length === 0) return;
    const group = groups.gather();
    for (const key of keys) {
      const { dueMs, id } = readDueKey(key);
      const before = this.find(id);
      const isCurrent = before?.dueMs === dueMs && !before.isOverdue;
      // Of a record that was written anew since the keys were read.
      if (!isCurrent) continue;
      this.put(group, id, { before, after: whenDue(before) });
    }
    await group.done;
  }

  /** Up to when records may be due to be forgotten now; undefined: none may. */
  #dueBound(): number | undefined {
    const { nowMs, monotonicMs } = this.#parts;
    const sighting = { monotonicMs: monotonicMs(), wallMs: nowMs() };
    this.#sightings.push(sighting);
    const isOld = (each: typeof sighting) => sighting.monotonicMs - each.monotonicMs >= SEEN_DUE_MS;
    const newestOld = this.#sightings.findLastIndex(isOld);
    if (newestOld < 0) return undefined;
    this.#sightings = this.#sightings.slice(newestOld);
    return Math.floor(Math.min(sighting.wallMs, this.#sightings[0]?.wallMs ?? 0));
  }

  async #keys(range: { readonly start: Buffer; readonly end: Buffer }, countMax: number) {
    const limit = Number.isFinite(countMax) ? countMax : undefined;
    const iterator = this.#parts.store.iterate({ ...range, reverse: false, limit });
    const keys: Buffer[] = [];
    try {
      while (keys.length < countMax) {
        const pairs = await iterator.next(PAGE_RECORDS);
        if (pairs.length === 0) break;
        for (const [key] of pairs) keys.push(key);
      }
    } finally {
      await iterator.close();
    }
    return keys;
  }
}

/** The entry under which a record waits to be forgotten, or to be finished. */
function waitingKey(prefix: Buffer, id: Uint8Array, { isOverdue, dueMs }: LedgerRecord): Buffer {
  return isOverdue ? unfinishedKey(prefix, id) : dueKey(prefix, dueMs, id);
}

const idText = transactionIdText;
const NOTHING: Effect['value'] & Buffer = Buffer.alloc(0);
