import { transactionFaults } from '../errors/transactions.ts';
import type { Effect, Store } from '../storage/store.ts';
import type { Capacity, WriteCommand, WriteResult } from './command.ts';
import { addEffect, CommitGroups } from './commit-groups.ts';
import { type CompiledSchema, placeKey } from './compiled-schema.ts';
import type { Counters } from './counters.ts';
import {
  type Evaluation,
  evaluateWrite,
  type PartitionPrefixes,
  pendingEffect,
} from './evaluate.ts';
import { expirySecondOf } from './expiry.ts';
import { mapKey } from './in-flight.ts';
import type { IndexChange } from './index-change.ts';
import { currentEntryOf } from './index-entry.ts';
import type { ItemCache } from './item-cache.ts';
import { expiryKey, PREFIX_BYTES, spaces } from './key-space.ts';
import { Ledger } from './ledger.ts';
import { PartitionState, type PlacedKey } from './partition-state.ts';
import { PartitionTransactions } from './partition-transactions.ts';
import type { RecordStamp, StoredItem } from './record.ts';
import type { PartitionRange } from './schema.ts';
import { alignedShards, type ShardList, type ShardPoint } from './stream-shards.ts';

export type { PlacedKey } from './partition-state.ts';

export interface PartitionOptions {
  readonly range: PartitionRange;
  readonly compiled: CompiledSchema;
  readonly store: Pick<Store, 'get' | 'iterate' | 'snapshot'>;
  /** Shared by the partitions of a process. */
  readonly cache: ItemCache;
  /** Makes effects durable, in the order of the calls. When one call fails, so do those behind it. */
  readonly commit: (effects: readonly Effect[]) => Promise<void>;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  /** Runs a function soon: writes that arrive before it share one commit. */
  readonly schedule: (flush: () => void) => void;
  readonly collectionBytesMax: number;
  /** Adds to the effects of a group that is about to be committed; `version` is its last one. */
  readonly beforeCommit?: ((effects: Effect[], version: number) => void) | undefined;
  /** Told of changes for global indexes once they are durable, in order. */
  readonly onIndexChanges: (changes: readonly IndexChange[]) => void;
  /** Change records have become durable. */
  readonly onStreamRecords?: (() => void) | undefined;
}

/**
 * One partition of a table: evaluates writes in the order of their arrival, on committed state plus
 * the effects still in flight, and commits their effects in groups.
 *
 * Invariants: a write is answered only when its group, and so every state it was computed from, is
 * durable. When a commit fails, its group and all behind it fail and what they computed is forgotten.
 */
export class Partition {
  readonly range: PartitionRange;
  readonly prefixes: PartitionPrefixes;
  /** What this partition does as a part of transactions, and as their ledger. */
  readonly transactions: PartitionTransactions;
  readonly #state: PartitionState;
  readonly #groups: CommitGroups;

  constructor(options: PartitionOptions) {
    const { commit, schedule, beforeCommit, onIndexChanges, onStreamRecords } = options;
    this.range = options.range;
    const state = new PartitionState(options);
    const groups: CommitGroups = new CommitGroups({
      commit,
      schedule,
      totals: () => state.totals,
      seal: (group) => {
        state.seal(group);
        beforeCommit?.(group.effects, group.counters.version);
      },
      onDurable: (group) => {
        state.settle(group);
        ledger.settle(group);
        if (group.indexChanges.length > 0) onIndexChanges(group.indexChanges);
        if (onStreamRecords !== undefined && group.effects.some(isStreamRecord)) onStreamRecords();
      },
      onFailed: (failed) => {
        state.discard(failed);
        for (const group of failed) ledger.discard(group);
      },
    });
    const ledger = new Ledger({ ...options, prefix: state.prefixes.transaction, groups });
    this.#state = state;
    this.#groups = groups;
    this.prefixes = state.prefixes;
    this.transactions = new PartitionTransactions({ ...options, state, groups, ledger });
  }

  /** Durable totals. */
  get counters(): Counters {
    return this.#state.durableCounters;
  }

  /** The shards of the table's streams, with changes in flight. */
  get shards(): ShardList {
    return this.#state.shards.list;
  }

  /** The schema for all writes from now on. */
  set compiled(compiled: CompiledSchema) {
    this.#state.compiled = compiled;
  }

  /** Fills in the prefix of an item key built with room for it. */
  place(itemKey: Buffer): PlacedKey {
    placeKey(itemKey, this.prefixes.item);
    return { itemKey, name: mapKey(itemKey), cell: undefined };
  }

  /**
   * The durable item.
   * @throws StoreError `damaged`
   */
  get(placed: PlacedKey): StoredItem | undefined {
    return this.#state.get(placed);
  }

  /**
   * Evaluates a write at once; resolves when it, or the state that its condition failed on, is
   * durable. Rejects with ClientFault or StoreError.
   * @param admit - looks at the units before anything is done; may throw to refuse the write
   * @param onAppended - told of a write with effects when it has joined the group that is committed
   *   next; returns how many bytes `beforeCommit` will add to the group for it
   */
  async write(
    command: WriteCommand,
    placed: PlacedKey,
    admit: (capacity: Capacity) => void,
    onAppended?: (result: WriteResult) => number,
  ): Promise<WriteResult> {
    const state = this.#state;
    const pending = state.groupOf(placed.name);
    const marking = state.marks.size === 0 ? undefined : state.marks.groupOf(placed.name);
    let evaluation: Evaluation;
    let stamp: RecordStamp;
    try {
      const itemState = state.itemState(placed);
      const timestamp = this.#timestampOf(placed, itemState.current);
      const context = state.context(timestamp, { isDecided: false });
      stamp = context.stamp;
      evaluation = evaluateWrite(command, placed.itemKey, itemState, context);
      admit(evaluation.result.capacity);
    } catch (fault) {
      // The fault may tell of a write, or of a mark, that is not durable yet.
      await pending?.done;
      await marking?.done;
      throw fault;
    }
    if (evaluation.effects.length === 0) {
      await pending?.done;
    } else {
      const group = this.#groups.gather();
      state.append(group, placed, evaluation, stamp);
      group.bytes += onAppended?.(evaluation.result) ?? 0;
      this.#groups.flushIfFull();
      await group.done;
    }
    return evaluation.result;
  }

  /** Commits effects of the caller's own in order with the writes. Resolves when they are durable. */
  async include(effects: readonly Effect[]): Promise<void> {
    const group = this.#groups.gather();
    for (const effect of effects) addEffect(group, effect);
    await group.done;
  }

  /**
   * Hands the item's current entry in a global index to the index, in order with the writes.
   * Resolves when that is durable.
   */
  async indexItem(indexId: number, placed: PlacedKey): Promise<void> {
    const { itemKey } = placed;
    const { compiled } = this.#state;
    const index = compiled.globalIndexes.find(({ schema }) => schema.id === indexId);
    const current = this.#state.current(placed);
    if (index === undefined || current === undefined) return;
    const entry = currentEntryOf(compiled, index, itemKey, current);
    if (entry === undefined) return;
    const change: IndexChange = {
      indexId,
      sequence: this.#state.nextVersion(),
      version: current.version,
      removedKey: undefined,
      put: { key: entry.key.subarray(PREFIX_BYTES), record: entry.stored.record },
    };
    const group = this.#groups.gather();
    addEffect(group, pendingEffect(change, this.prefixes));
    group.indexChanges.push(change);
    this.#state.takeVersion(group);
    await group.done;
  }

  /** Writes the expiry entry of the item's current state. Resolves when it is durable. */
  async indexExpiry(placed: PlacedKey): Promise<void> {
    const { itemKey } = placed;
    const attribute = this.#state.compiled.schema.timeToLiveAttribute;
    const current = this.#state.current(placed);
    if (attribute === undefined || current === undefined) return;
    const second = expirySecondOf(current.item, attribute);
    if (second === undefined) return;
    const key = expiryKey(this.prefixes.expiry, second, itemKey);
    await this.include([{ key, value: NOTHING }]);
  }

  /**
   * The current item of an expiry entry, in flight or durable; undefined, and the entry dropped, when
   * the entry is left over from another state. Undefined also while a transaction is to change the
   * item, or has checked it.
   */
  itemToExpire(placed: PlacedKey, second: number): StoredItem | undefined {
    const { itemKey, name } = placed;
    const { compiled, marks } = this.#state;
    const attribute = compiled.schema.timeToLiveAttribute;
    if (attribute === undefined) return undefined;
    if (marks.size > 0 && marks.newest(name) !== undefined) return undefined;
    const current = this.#state.current(placed);
    if (current !== undefined && expirySecondOf(current.item, attribute) === second) return current;
    const key = expiryKey(this.prefixes.expiry, second, itemKey);
    addEffect(this.#groups.gather(), { key, value: undefined });
    return undefined;
  }

  /**
   * Opens, closes and rolls the shards of the table's stream as its schema and their age ask for.
   * Resolves when that is durable. Writes do the same where it was not done before them.
   */
  async alignShards(): Promise<void> {
    const { stream } = this.#state.compiled.schema;
    await this.changeShards((list, point) => alignedShards(list, stream, point));
  }

  /**
   * Changes the shards of the table's streams, and what hangs on that, in order with the writes.
   * Resolves when the shards are durable as they are then.
   */
  async changeShards(
    change: (list: ShardList, point: ShardPoint) => ShardList,
    effects: readonly Effect[] = [],
  ): Promise<void> {
    const state = this.#state;
    const list = state.changedShards(change);
    if (list !== state.shards.list || effects.length > 0) {
      const group = this.#groups.gather();
      for (const effect of effects) addEffect(group, effect);
      state.takeShards(group, list);
    }
    await state.shards.group?.done;
  }

  /**
   * Takes up what transactions have marked; before that no write may be evaluated.
   * @throws StoreError
   */
  async load(): Promise<void> {
    await this.#state.marks.load();
    await this.transactions.load();
  }

  /** Takes up what the store holds, after writes failed whose outcome was open until now. */
  async reload(): Promise<void> {
    await this.settled();
    await this.#state.reload();
    await this.transactions.load();
  }

  /** Resolves when all writes evaluated so far are durable or have failed. */
  async settled(): Promise<void> {
    await this.#groups.settled();
  }

  /** @throws ClientFault when a transaction has marked the item */
  #timestampOf({ name }: PlacedKey, current: StoredItem | undefined): number {
    const { marks } = this.#state;
    if (marks.size > 0 && marks.newest(name) !== undefined) throw transactionFaults.conflict();
    return this.#state.timestampOver(current);
  }
}

const NOTHING = Buffer.alloc(0);

function isStreamRecord({ key, value }: Effect): boolean {
  return value !== undefined && key[PREFIX_BYTES - 1] === spaces.stream;
}
