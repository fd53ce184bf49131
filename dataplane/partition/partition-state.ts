import type { Store } from '../storage/store.ts';
import { decodeCheckedNumber, encodeCheckedNumber } from './checked-number.ts';
import { decodeCollectionBytes, hashOf } from './collection.ts';
import { addEffect, type Group, type Totals } from './commit-groups.ts';
import type { CompiledSchema } from './compiled-schema.ts';
import { addToCounters, type Counters, decodeCounters, encodeCounters } from './counters.ts';
import type { Evaluation, EvaluationContext, ItemState, PartitionPrefixes } from './evaluate.ts';
import { InFlight, mapKey } from './in-flight.ts';
import type { CacheCell, ItemCache } from './item-cache.ts';
import { collectionKey, countersKey, keptTogether, metaKey, spacePrefix } from './key-space.ts';
import { Marks } from './marks.ts';
import { type RecordStamp, StoredItem } from './record.ts';
import type { PartitionRange } from './schema.ts';
import { ShardBook } from './shard-book.ts';
import { alignedShards, type ShardList, type ShardPoint } from './stream-shards.ts';
import { leastTimestamp } from './transaction-rules.ts';

/** The full storage key of an item, and the same as text. */
export interface PlacedKey {
  readonly itemKey: Buffer;
  readonly name: string;
  /** Where the item was found in the cache the last time. */
  cell: CacheCell | undefined;
}

export interface PartitionStateParts {
  readonly range: PartitionRange;
  readonly compiled: CompiledSchema;
  readonly store: Pick<Store, 'get' | 'iterate'>;
  /** Shared by the partitions of a process. */
  readonly cache: ItemCache;
  readonly nowMs: () => number;
  readonly collectionBytesMax: number;
}

/**
 * What writes are evaluated on: the newest state of a partition, durable or in flight. Reads see the
 * durable part only.
 */
export class PartitionState {
  readonly prefixes: PartitionPrefixes;
  readonly marks: Marks;
  readonly shards: ShardBook<Group>;
  /** The schema for all writes from now on. */
  compiled: CompiledSchema;
  readonly #parts: PartitionStateParts;
  readonly #countersKey: Buffer;
  readonly #deletedKey: Buffer;
  readonly #items = new InFlight<StoredItem | undefined, Group>();
  readonly #collections = new InFlight<number, Group>();
  /** After all that was evaluated so far. */
  #counters: Counters;
  #deletedMicros: number;
  #version: number;
  #durableCounters: Counters;

  constructor(parts: PartitionStateParts) {
    const { range, store, compiled } = parts;
    const { id } = range;
    this.#parts = parts;
    this.compiled = compiled;
    this.prefixes = {
      item: keptTogether(spacePrefix(id, 'item')),
      localIndex: keptTogether(spacePrefix(id, 'localIndex')),
      pendingIndex: keptTogether(spacePrefix(id, 'pendingIndex')),
      stream: keptTogether(spacePrefix(id, 'stream')),
      expiry: keptTogether(spacePrefix(id, 'expiry')),
      transaction: keptTogether(spacePrefix(id, 'transaction')),
      meta: keptTogether(spacePrefix(id, 'meta')),
    };
    this.#countersKey = keptTogether(countersKey(id));
    this.#deletedKey = keptTogether(metaKey(id, 'deleted'));
    this.shards = new ShardBook(range, store);
    this.marks = new Marks({ store, prefixes: this.prefixes });
    const { counters, deletedMicros } = this.#storedTotals();
    this.#counters = counters;
    this.#durableCounters = counters;
    this.#deletedMicros = deletedMicros;
    this.#version = counters.version;
  }

  /** After all that was evaluated so far. */
  get totals(): Totals {
    return { counters: this.#counters, deletedMicros: this.#deletedMicros };
  }

  get durableCounters(): Counters {
    return this.#durableCounters;
  }

  get nowMs(): number {
    return this.#parts.nowMs();
  }

  /**
   * The durable item.
   * @throws StoreError `damaged`
   */
  get(placed: PlacedKey): StoredItem | undefined {
    const { cache, store } = this.#parts;
    if (placed.cell?.stored === undefined) placed.cell = cache.get(placed.name);
    const cached = placed.cell?.stored;
    // A view of its own for each caller: what one parses is not kept beyond the cache's bound.
    if (cached !== undefined) return cached.withoutItem();
    const record = store.get(placed.itemKey);
    if (record === undefined) return undefined;
    const stored = StoredItem.read(record);
    placed.cell = cache.offer(placed.name, stored);
    return stored;
  }

  /** The newest item. */
  current(placed: PlacedKey): StoredItem | undefined {
    const pending = this.#items.get(placed.name);
    return pending === undefined ? this.get(placed) : pending.value;
  }

  /** The group that makes the newest item durable; undefined when it is. */
  groupOf(name: string): Group | undefined {
    return this.#items.get(name)?.group;
  }

  /** What an evaluation reads. */
  itemState(placed: PlacedKey): ItemState {
    const current = this.current(placed);
    if (this.compiled.localIndexes.length === 0) return { current, collectionBytes: 0 };
    return { current, collectionBytes: this.#collectionBytes(hashOf(placed.itemKey)) };
  }

  nextVersion(): number {
    this.#version += 1;
    return this.#version;
  }

  /** The timestamp of a write of an item: of now, and above all before it. */
  timestampOver(current: StoredItem | undefined): number {
    const nowMicros = Math.floor(this.#parts.nowMs() * 1_000);
    return Math.max(nowMicros, leastTimestamp(current, this.#deletedMicros));
  }

  /** What an evaluation is given, beside the state; its version is new. */
  context(
    writtenMicros: number,
    { isDecided }: { readonly isDecided: boolean },
  ): EvaluationContext {
    return {
      compiled: this.compiled,
      prefixes: this.prefixes,
      stamp: { version: this.nextVersion(), writtenMicros },
      collectionBytesMax: this.#parts.collectionBytesMax,
      nowMs: this.#parts.nowMs(),
      isDecided,
    };
  }

  /** Takes an evaluation with effects into a group. */
  append(
    group: Group,
    { itemKey, name }: PlacedKey,
    evaluation: Evaluation,
    { version, writtenMicros }: RecordStamp,
  ): void {
    this.#readyShards(group, version);
    for (const effect of evaluation.effects) addEffect(group, effect);
    for (const change of evaluation.indexChanges) group.indexChanges.push(change);
    this.#items.set(name, evaluation.after, group);
    const { result, after } = evaluation;
    if (result.kind === 'applied' && result.collectionBytes !== undefined) {
      this.#collections.set(mapKey(hashOf(itemKey)), result.collectionBytes, group);
    }
    this.#counters = addToCounters(this.#counters, evaluation, this.#version);
    group.counters = this.#counters;
    if (after === undefined) this.raiseDeleted(group, writtenMicros);
  }

  /** Takes the record of an item that stays as it is. */
  restamp(group: Group, { itemKey, name }: PlacedKey, stored: StoredItem): void {
    addEffect(group, { key: itemKey, value: stored.record });
    this.#items.set(name, stored, group);
  }

  /** Items that are absent are known to have been so at this time. */
  raiseDeleted(group: Group, micros: number): void {
    if (micros <= this.#deletedMicros) return;
    this.#deletedMicros = micros;
    group.deletedMicros = micros;
  }

  /** Shards of the table's streams as changed here, in the order of the writes. */
  changedShards(change: (list: ShardList, point: ShardPoint) => ShardList): ShardList {
    return change(this.shards.list, this.#shardPoint(this.#version + 1));
  }

  takeShards(group: Group, list: ShardList): void {
    addEffect(group, this.shards.change(list, group));
    // The sequence between two shards is used up, so that each of them has one at least.
    this.nextVersion();
    this.takeVersion(group);
  }

  /** A version was given to something else than a write. */
  takeVersion(group: Group): void {
    this.#counters = { ...this.#counters, version: this.#version };
    group.counters = this.#counters;
  }

  /** Adds the totals to a group that is about to be committed. */
  seal(group: Group): void {
    group.effects.push({ key: this.#countersKey, value: encodeCounters(group.counters) });
    if (group.deletedMicros > group.before.deletedMicros) {
      const value = encodeCheckedNumber(group.deletedMicros);
      group.effects.push({ key: this.#deletedKey, value });
    }
  }

  settle(group: Group): void {
    this.#items.settle(group, (name, stored) => this.#parts.cache.written(name, stored));
    this.#collections.settle(group);
    this.shards.settle(group);
    this.marks.settle(group);
    this.#durableCounters = group.counters;
  }

  /** @param failed - the newest first; those ahead of them stand */
  discard(failed: readonly Group[]): void {
    for (const group of failed) {
      this.#items.discard(group, (name) => this.#parts.cache.forget(name));
      this.#collections.discard(group);
      this.shards.discard(group);
      this.marks.discard(group);
      this.#counters = group.before.counters;
      this.#deletedMicros = group.before.deletedMicros;
    }
  }

  /** Takes up what the store holds; nothing may be in flight. @throws StoreError */
  async reload(): Promise<void> {
    const { counters, deletedMicros } = this.#storedTotals();
    this.#counters = counters;
    this.#durableCounters = counters;
    this.#deletedMicros = deletedMicros;
    this.#version = Math.max(this.#version, counters.version);
    this.shards.reload();
    await this.marks.load();
  }

  /** A write under a schema with a stream finds its shard open and young. */
  #readyShards(group: Group, sequence: number): void {
    const { stream } = this.compiled.schema;
    if (stream === undefined || this.shards.isReady(stream, this.#parts.nowMs())) return;
    const list = alignedShards(this.shards.list, stream, this.#shardPoint(sequence));
    addEffect(group, this.shards.change(list, group));
  }

  #shardPoint(sequence: number): ShardPoint {
    return {
      sequence,
      sequenceMin: this.#durableCounters.version + 1,
      nowMs: this.#parts.nowMs(),
      tag: this.shards.tag,
    };
  }

  #storedTotals(): Totals {
    const { store } = this.#parts;
    const deleted = store.get(this.#deletedKey);
    return {
      counters: decodeCounters(store.get(this.#countersKey)),
      deletedMicros: deleted === undefined ? 0 : decodeCheckedNumber(deleted),
    };
  }

  #collectionBytes(hash: Buffer): number {
    const pending = this.#collections.get(mapKey(hash));
    if (pending !== undefined) return pending.value;
    const { store } = this.#parts;
    return decodeCollectionBytes(store.get(collectionKey(this.prefixes.meta, hash)));
  }
}
