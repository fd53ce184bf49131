import type { Effect, Store } from '../storage/store.ts';
import { addToCounters, type Counters, decodeCounters, encodeCounters } from './counters.ts';
import type { CountersDelta } from './evaluate.ts';
import { mapKey } from './in-flight.ts';
import type { IndexChange } from './index-change.ts';
import { countersKey, joinKey, PREFIX_BYTES, spacePrefix } from './key-space.ts';
import { checkRecord, recordBytes, recordVersion } from './record.ts';
import type { PartitionRange } from './schema.ts';

/** One partition of a global index: entries in its item space, and their totals. */
export class IndexPartition {
  readonly range: PartitionRange;
  readonly #store: Pick<Store, 'get'>;
  readonly prefixes: { readonly item: Buffer };
  readonly countersKey: Buffer;
  /** Durable totals. */
  counters: Counters;

  constructor(range: PartitionRange, store: Pick<Store, 'get'>) {
    this.range = range;
    this.prefixes = { item: spacePrefix(range.id, 'item') };
    this.countersKey = countersKey(range.id);
    this.#store = store;
    this.counters = decodeCounters(store.get(this.countersKey));
  }

  /** Takes up what the store holds, after a batch failed whose outcome was open until now. */
  reload(): void {
    this.counters = decodeCounters(this.#store.get(this.countersKey));
  }
}

/**
 * Effects of a batch of index changes on the partitions of an index. Changes of one base item come in
 * order; an entry made by a later write than the change is left alone, so that a repeated or late
 * change does nothing.
 */
export class IndexBatch {
  readonly #store: Pick<Store, 'get'>;
  readonly #partitionOf: (key: Buffer) => IndexPartition;
  /** Entries changed by this batch, by their full key. */
  readonly #changed = new Map<string, { readonly key: Buffer; record: Buffer | undefined }>();
  readonly #deltas = new Map<IndexPartition, CountersDelta>();

  /** @param partitionOf - finds the partition of a key with room for its prefix */
  constructor(store: Pick<Store, 'get'>, partitionOf: (key: Buffer) => IndexPartition) {
    this.#store = store;
    this.#partitionOf = partitionOf;
  }

  add({ version, removedKey, put }: IndexChange): void {
    if (removedKey !== undefined) this.#set(removedKey, undefined, version);
    if (put !== undefined) this.#set(put.key, put.record, version);
  }

  /** Effects on entries and counters. */
  effects(): Effect[] {
    const effects: Effect[] = [];
    for (const { key, record } of this.#changed.values()) effects.push({ key, value: record });
    for (const [partition, counters] of this.#countersAfter()) {
      effects.push({ key: partition.countersKey, value: encodeCounters(counters) });
    }
    return effects;
  }

  /** To be called once the effects are durable. */
  committed(): void {
    for (const [partition, counters] of this.#countersAfter()) partition.counters = counters;
  }

  #countersAfter(): [IndexPartition, Counters][] {
    return [...this.#deltas].map(([partition, table]) => [
      partition,
      addToCounters(partition.counters, { table, localIndexes: new Map() }, 0),
    ]);
  }

  #set(keyWithoutPrefix: Buffer, record: Buffer | undefined, version: number): void {
    const key = joinKey(ROOM, keyWithoutPrefix);
    const partition = this.#partitionOf(key);
    partition.prefixes.item.copy(key);
    const name = mapKey(key);
    const before = this.#changed.get(name) ?? { key, record: this.#read(key) };
    if (before.record !== undefined) {
      const standing = recordVersion(before.record);
      if (record === undefined ? standing > version : standing >= version) return;
    }
    this.#count(partition, before.record, record);
    this.#changed.set(name, { key, record });
  }

  #read(key: Buffer): Buffer | undefined {
    const record = this.#store.get(key);
    if (record !== undefined) checkRecord(record);
    return record;
  }

  #count(partition: IndexPartition, before: Buffer | undefined, after: Buffer | undefined): void {
    let delta = this.#deltas.get(partition);
    if (delta === undefined) {
      delta = { items: 0, bytes: 0 };
      this.#deltas.set(partition, delta);
    }
    if (before !== undefined) {
      delta.items -= 1;
      delta.bytes -= recordBytes(before);
    }
    if (after !== undefined) {
      delta.items += 1;
      delta.bytes += recordBytes(after);
    }
  }
}

const ROOM = Buffer.alloc(PREFIX_BYTES);
