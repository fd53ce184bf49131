import type { Effect, Store } from '../storage/store.ts';
import { decodeCollectionBytes, hashOf } from './collection.ts';
import type { Capacity, WriteCommand, WriteResult } from './command.ts';
import { type CompiledSchema, placeKey } from './compiled-schema.ts';
import { addToCounters, type Counters, decodeCounters, encodeCounters } from './counters.ts';
import {
  type Evaluation,
  evaluateWrite,
  type ItemState,
  type PartitionPrefixes,
  pendingEffect,
} from './evaluate.ts';
import { expirySecondOf } from './expiry.ts';
import { InFlight, type InFlightGroup, mapKey } from './in-flight.ts';
import type { IndexChange } from './index-change.ts';
import { currentEntryOf } from './index-entry.ts';
import type { CacheCell, ItemCache } from './item-cache.ts';
import {
  collectionKey,
  countersKey,
  expiryKey,
  keptTogether,
  PREFIX_BYTES,
  spacePrefix,
} from './key-space.ts';
import { StoredItem } from './record.ts';
import type { PartitionRange } from './schema.ts';

export interface PartitionOptions {
  readonly range: PartitionRange;
  readonly compiled: CompiledSchema;
  readonly store: Pick<Store, 'get'>;
  /** Shared by the partitions of a process. */
  readonly cache: ItemCache;
  /** Makes effects durable, in the order of the calls. When one call fails, so do those behind it. */
  readonly commit: (effects: readonly Effect[]) => Promise<void>;
  readonly nowMs: () => number;
  /** Runs a function soon: writes that arrive before it share one commit. */
  readonly schedule: (flush: () => void) => void;
  readonly collectionBytesMax: number;
  /** Adds to the effects of a group that is about to be committed; `version` is its last one. */
  readonly beforeCommit?: ((effects: Effect[], version: number) => void) | undefined;
  /** Told of changes for global indexes once they are durable, in order. */
  readonly onIndexChanges: (changes: readonly IndexChange[]) => void;
}

/** The full storage key of an item, and the same as text. */
export interface PlacedKey {
  readonly itemKey: Buffer;
  readonly name: string;
  /** Where the item was found in the cache the last time. */
  cell: CacheCell | undefined;
}

/** A group takes no more effects, and no more bytes of values, than this before it is sent off. */
const GROUP_EFFECTS_MAX = 10_000;
const GROUP_BYTES_MAX = 1024 * 1024;

/** Writes that share a commit. */
interface Group extends InFlightGroup {
  readonly effects: Effect[];
  /** Of the effects' values. */
  bytes: number;
  readonly indexChanges: IndexChange[];
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** The partition's counters after this group. */
  counters: Counters;
  /** The store has it; taken up once all groups before it are durable too. */
  isCommitted: boolean;
}

/**
 * One partition of a table: evaluates writes in the order of their arrival, on committed state plus
 * the effects still in flight, and commits their effects in groups.
 *
 * Invariants: `#groups` are in flight in commit order, the last perhaps still gathering; a write is
 * answered only when its group, and so every state it was computed from, is durable. When a commit
 * fails, its group and all behind it fail and what they computed is forgotten.
 */
export class Partition {
  readonly range: PartitionRange;
  readonly prefixes: PartitionPrefixes;
  readonly #options: PartitionOptions;
  readonly #countersKey: Buffer;
  readonly #items = new InFlight<StoredItem | undefined, Group>();
  readonly #collections = new InFlight<number, Group>();
  #compiled: CompiledSchema;
  #groups: Group[] = [];
  #gathering: Group | undefined;
  /** After all writes evaluated so far. */
  #counters: Counters;
  #committed: Counters;
  #version: number;

  constructor(options: PartitionOptions) {
    this.#options = options;
    this.range = options.range;
    this.#compiled = options.compiled;
    const { id } = options.range;
    this.prefixes = {
      item: keptTogether(spacePrefix(id, 'item')),
      localIndex: keptTogether(spacePrefix(id, 'localIndex')),
      pendingIndex: keptTogether(spacePrefix(id, 'pendingIndex')),
      expiry: keptTogether(spacePrefix(id, 'expiry')),
      meta: keptTogether(spacePrefix(id, 'meta')),
    };
    this.#countersKey = keptTogether(countersKey(id));
    this.#counters = decodeCounters(options.store.get(this.#countersKey));
    this.#committed = this.#counters;
    this.#version = this.#counters.version;
  }

  /** Durable totals. */
  get counters(): Counters {
    return this.#committed;
  }

  /** The schema for all writes from now on. */
  set compiled(compiled: CompiledSchema) {
    this.#compiled = compiled;
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
    const { cache, store } = this.#options;
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
    const { itemKey } = placed;
    const pending = this.#items.get(placed.name);
    let evaluation: Evaluation;
    try {
      const version = this.#nextVersion();
      const stamp = { version, nowMs: this.#options.nowMs() };
      evaluation = evaluateWrite(command, itemKey, this.#stateOf(placed), {
        compiled: this.#compiled,
        prefixes: this.prefixes,
        stamp,
        collectionBytesMax: this.#options.collectionBytesMax,
      });
      admit(evaluation.result.capacity);
    } catch (fault) {
      // The fault may tell of a write that is not durable yet.
      await pending?.group.done;
      throw fault;
    }
    if (evaluation.effects.length === 0) {
      await pending?.group.done;
    } else {
      await this.#append(evaluation, placed, onAppended).done;
    }
    return evaluation.result;
  }

  /** Commits effects of the caller's own in order with the writes. Resolves when they are durable. */
  async include(effects: readonly Effect[]): Promise<void> {
    const group = this.#group();
    for (const effect of effects) this.#add(group, effect);
    await group.done;
  }

  /**
   * Hands the item's current entry in a global index to the index, in order with the writes.
   * Resolves when that is durable.
   */
  async indexItem(indexId: number, placed: PlacedKey): Promise<void> {
    const { itemKey } = placed;
    const index = this.#compiled.globalIndexes.find(({ schema }) => schema.id === indexId);
    const current = this.#current(placed);
    if (index === undefined || current === undefined) return;
    const entry = currentEntryOf(this.#compiled, index, itemKey, current);
    if (entry === undefined) return;
    const change: IndexChange = {
      indexId,
      sequence: this.#nextVersion(),
      version: current.version,
      removedKey: undefined,
      put: { key: entry.key.subarray(PREFIX_BYTES), record: entry.stored.record },
    };
    const group = this.#group();
    this.#add(group, pendingEffect(change, this.prefixes));
    group.indexChanges.push(change);
    group.counters = this.#counters = { ...this.#counters, version: this.#version };
    await group.done;
  }

  /** Writes the expiry entry of the item's current state. Resolves when it is durable. */
  async indexExpiry(placed: PlacedKey): Promise<void> {
    const { itemKey } = placed;
    const attribute = this.#compiled.schema.timeToLiveAttribute;
    const current = this.#current(placed);
    if (attribute === undefined || current === undefined) return;
    const second = expirySecondOf(current.item, attribute);
    if (second === undefined) return;
    const group = this.#group();
    group.effects.push({ key: expiryKey(this.prefixes.expiry, second, itemKey), value: NOTHING });
    await group.done;
  }

  /**
   * The current item of an expiry entry, in flight or durable; undefined, and the entry dropped, when
   * the entry is left over from another state.
   */
  itemToExpire(placed: PlacedKey, second: number): StoredItem | undefined {
    const { itemKey } = placed;
    const attribute = this.#compiled.schema.timeToLiveAttribute;
    if (attribute === undefined) return undefined;
    const current = this.#current(placed);
    if (current !== undefined && expirySecondOf(current.item, attribute) === second) return current;
    const group = this.#group();
    group.effects.push({ key: expiryKey(this.prefixes.expiry, second, itemKey), value: undefined });
    return undefined;
  }

  /** Takes up what the store holds, after writes failed whose outcome was open until now. */
  async reload(): Promise<void> {
    await this.settled();
    const counters = decodeCounters(this.#options.store.get(this.#countersKey));
    this.#committed = counters;
    this.#counters = counters;
    this.#version = Math.max(this.#version, counters.version);
  }

  /** Resolves when all writes evaluated so far are durable or have failed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#groups.map((group) => group.done));
  }

  #stateOf(placed: PlacedKey): ItemState {
    const { itemKey } = placed;
    const current = this.#current(placed);
    if (this.#compiled.localIndexes.length === 0) return { current, collectionBytes: 0 };
    const hash = hashOf(itemKey);
    const pending = this.#collections.get(mapKey(hash));
    const collectionBytes =
      pending === undefined
        ? decodeCollectionBytes(this.#options.store.get(collectionKey(this.prefixes.meta, hash)))
        : pending.value;
    return { current, collectionBytes };
  }

  #current(placed: PlacedKey): StoredItem | undefined {
    const pending = this.#items.get(placed.name);
    return pending === undefined ? this.get(placed) : pending.value;
  }

  #append(
    evaluation: Evaluation,
    { itemKey, name }: PlacedKey,
    onAppended: ((result: WriteResult) => number) | undefined,
  ): Group {
    const group = this.#group();
    for (const effect of evaluation.effects) this.#add(group, effect);
    for (const change of evaluation.indexChanges) group.indexChanges.push(change);
    this.#items.set(name, evaluation.after, group);
    const { result } = evaluation;
    if (result.kind === 'applied' && result.collectionBytes !== undefined) {
      this.#collections.set(mapKey(hashOf(itemKey)), result.collectionBytes, group);
    }
    this.#counters = addToCounters(this.#counters, evaluation, this.#version);
    group.counters = this.#counters;
    group.bytes += onAppended?.(result) ?? 0;
    if (group.effects.length >= GROUP_EFFECTS_MAX || group.bytes >= GROUP_BYTES_MAX) this.#flush();
    return group;
  }

  #add(group: Group, effect: Effect): void {
    group.effects.push(effect);
    group.bytes += effect.value?.length ?? 0;
  }

  /** The group that takes effects now. */
  #group(): Group {
    if (this.#gathering !== undefined) return this.#gathering;
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    done.catch(() => {}); // whoever waits for the group hears of its failure
    const group: Group = {
      isDurable: false,
      isCommitted: false,
      effects: [],
      bytes: 0,
      indexChanges: [],
      done,
      resolve,
      reject,
      counters: this.#counters,
    };
    this.#gathering = group;
    this.#groups.push(group);
    this.#options.schedule(() => {
      if (this.#gathering === group) this.#flush();
    });
    return group;
  }

  #flush(): void {
    const group = this.#gathering;
    if (group === undefined) return;
    this.#gathering = undefined;
    group.effects.push({ key: this.#countersKey, value: encodeCounters(group.counters) });
    this.#options.beforeCommit?.(group.effects, group.counters.version);
    this.#commit(group.effects).then(
      () => this.#succeed(group),
      (error) => this.#fail(group, error),
    );
  }

  async #commit(effects: readonly Effect[]): Promise<void> {
    await this.#options.commit(effects);
  }

  #succeed(committed: Group): void {
    committed.isCommitted = true;
    for (let group = this.#groups[0]; group?.isCommitted === true; group = this.#groups[0]) {
      this.#groups.shift();
      group.isDurable = true;
      this.#items.settle(group, (name, stored) => this.#options.cache.written(name, stored));
      this.#collections.settle(group);
      this.#committed = group.counters;
      if (group.indexChanges.length > 0) this.#options.onIndexChanges(group.indexChanges);
      group.resolve();
    }
  }

  /** Fails a group and all behind it, since they were computed from what it wrote. */
  #fail(group: Group, error: unknown): void {
    const position = this.#groups.indexOf(group);
    if (position < 0) return;
    const failed = this.#groups.splice(position);
    this.#gathering = undefined;
    for (const each of failed.toReversed()) {
      this.#items.discard(each, (name) => this.#options.cache.forget(name));
      this.#collections.discard(each);
    }
    this.#counters = this.#groups.at(-1)?.counters ?? this.#committed;
    for (const each of failed) each.reject(error);
  }

  #nextVersion(): number {
    this.#version += 1;
    return this.#version;
  }
}

const NOTHING = Buffer.alloc(0);
