import { itemFaults } from '../errors/items.ts';
import { matches } from '../expression/evaluate.ts';
import { applyUpdate } from '../expression/update.ts';
import { ITEM_BYTES_MAX } from '../item/limits.ts';
import { itemBytes } from '../item/size.ts';
import type { Effect } from '../storage/store.ts';
import { capacityOf, tableCapacity, writeUnits } from './capacity.ts';
import { encodeCollectionBytes, hashOf } from './collection.ts';
import type { Capacity, UpdateCommand, WriteCommand, WriteResult } from './command.ts';
import { type CompiledSchema, placeKey } from './compiled-schema.ts';
import { expirySecondOf } from './expiry.ts';
import { encodeIndexChange, type IndexChange } from './index-change.ts';
import {
  bytesWithLocalEntries,
  type EntryChange,
  entryChangeOf,
  type ItemChange,
} from './index-entry.ts';
import { checkUpdatedIndexKeys } from './key-check.ts';
import { collectionKey, expiryKey, PREFIX_BYTES, pendingKey, streamKey } from './key-space.ts';
import { type RecordStamp, StoredItem } from './record.ts';
import { streamRecordOf } from './stream-record.ts';

/** Prefixes of a partition's spaces. */
export interface PartitionPrefixes {
  readonly item: Buffer;
  readonly localIndex: Buffer;
  readonly pendingIndex: Buffer;
  readonly stream: Buffer;
  readonly expiry: Buffer;
  readonly transaction: Buffer;
  readonly meta: Buffer;
}

/** What an evaluation reads of the partition: state committed or in flight. */
export interface ItemState {
  readonly current: StoredItem | undefined;
  /** Bytes of the item collection; read only for tables with local indexes. */
  readonly collectionBytes: number;
}

/** What is given to every evaluation. The stamp's version is new and above all earlier ones. */
export interface EvaluationContext {
  readonly compiled: CompiledSchema;
  readonly prefixes: PartitionPrefixes;
  readonly stamp: RecordStamp;
  readonly collectionBytesMax: number;
  /** Wall clock: for what shows times of the world; order is in the stamp. */
  readonly nowMs: number;
  /**
   * The write is part of a transaction that is committed: nothing can refuse it any more, neither its
   * condition nor a limit. They held when the transaction was prepared.
   */
  readonly isDecided: boolean;
}

/** Change of the counters of a table part. */
export interface CountersDelta {
  items: number;
  bytes: number;
}

/** What a command does to the partition, as data: effects for the store, and what follows from them. */
export interface Evaluation {
  readonly result: WriteResult;
  readonly effects: readonly Effect[];
  /** The item after the write; equals `current` when there are no effects. */
  readonly after: StoredItem | undefined;
  readonly table: CountersDelta;
  /** By index id. */
  readonly localIndexes: ReadonlyMap<number, CountersDelta>;
  readonly indexChanges: readonly IndexChange[];
}

/**
 * Evaluates a write against the current state of its item: a pure function.
 * @param itemKey - full key of the item
 * @throws ClientFault of the update expression, sizes, index keys or the collection limit
 */
export function evaluateWrite(
  command: WriteCommand,
  itemKey: Buffer,
  state: ItemState,
  context: EvaluationContext,
): Evaluation {
  const { current } = state;
  const { condition } = command;
  if (condition !== undefined && !context.isDecided && !matches(condition, current?.item ?? {})) {
    return unchanged(
      {
        kind: 'conditionFailed',
        get before() {
          return current?.item;
        },
        get beforeJson() {
          return current?.json;
        },
        capacity: tableCapacity(writeUnits(current?.bytes ?? 0)),
      },
      current,
    );
  }
  const after = itemAfter(command, current, context);
  if (after === undefined && current === undefined) {
    return unchanged(applied(state, after, tableCapacity(writeUnits(0)), context), current);
  }
  const table = deltaOf(current, after);
  const units = writeUnits(Math.max(current?.bytes ?? 0, after?.bytes ?? 0));
  const effects: Effect[] = [{ key: itemKey, value: after?.record }];
  if (!context.compiled.needsItemBefore) {
    const result = applied(state, after, tableCapacity(units), context);
    return { result, effects, after, table, localIndexes: noDeltas, indexChanges: noChanges };
  }
  return withIndexes({ command, itemKey, state, after }, { table, units, effects }, context);
}

/** Completes an evaluation with local and global indexes, expiry and the item collection. */
function withIndexes(
  change: CollectionChange,
  { table, units, effects }: { table: CountersDelta; units: number; effects: Effect[] },
  context: EvaluationContext,
): Evaluation {
  const { itemKey, state, after } = change;
  const { compiled, prefixes, stamp } = context;
  const itemChange: ItemChange = { itemKey, before: state.current, after, stamp };
  const local = entryChanges(compiled, compiled.localIndexes, itemChange);
  const global = entryChanges(compiled, compiled.globalIndexes, itemChange);
  addExpiryEffects(effects, itemChange, context);
  addStreamEffect(effects, change, context);
  let bytesDelta = table.bytes;
  for (const entry of local) {
    bytesDelta += entry.bytesDelta;
    addLocalEffects(effects, entry, prefixes.localIndex);
  }
  const indexChanges = global.map((entry) => addPendingEffect(effects, entry, context));
  const collectionBytes = changeCollection(change, bytesDelta, effects, context);
  const capacity = capacityOf({
    table: units,
    localIndexes: unitsByName(local),
    globalIndexes: unitsByName(global),
  });
  const result = applied({ ...state, collectionBytes }, after, capacity, context);
  const localIndexes = deltasByIndex(local);
  return { result, effects, after, table, localIndexes, indexChanges };
}

function itemAfter(
  command: WriteCommand,
  current: StoredItem | undefined,
  context: EvaluationContext,
): StoredItem | undefined {
  switch (command.kind) {
    case 'put':
      return command.json === undefined
        ? StoredItem.of(command.item, command.itemBytes, context.stamp)
        : StoredItem.ofJson(command.json, command.itemBytes, context.stamp);
    case 'delete':
      return undefined;
    case 'update':
      return updatedItem(command, current, context);
  }
}

function updatedItem(
  command: UpdateCommand,
  current: StoredItem | undefined,
  { compiled, stamp, isDecided }: EvaluationContext,
): StoredItem | undefined {
  if (current === undefined && command.keepsAbsent === true) return undefined;
  const before = current?.item ?? command.key;
  const item = applyUpdate(command.update, before);
  const bytes = itemBytes(item);
  if (isDecided) return StoredItem.of(item, bytes, stamp);
  checkUpdatedIndexKeys(before, item, compiled.schema);
  if (bytes > ITEM_BYTES_MAX) throw itemFaults.updatedItemTooLarge();
  return StoredItem.of(item, bytes, stamp);
}

function unchanged(result: WriteResult, current: StoredItem | undefined): Evaluation {
  return {
    result,
    effects: [],
    after: current,
    table: { items: 0, bytes: 0 },
    localIndexes: noDeltas,
    indexChanges: noChanges,
  };
}

const noChanges: readonly IndexChange[] = [];
const noDeltas: ReadonlyMap<number, CountersDelta> = new Map();

/** Items are parsed only if the caller looks at them. */
function applied(
  { current, collectionBytes }: ItemState,
  after: StoredItem | undefined,
  capacity: Capacity,
  { compiled }: EvaluationContext,
): WriteResult {
  return {
    kind: 'applied',
    get before() {
      return current?.item;
    },
    get after() {
      return after?.item;
    },
    get beforeJson() {
      return current?.json;
    },
    get afterJson() {
      return after?.json;
    },
    capacity,
    collectionBytes: compiled.localIndexes.length === 0 ? undefined : collectionBytes,
  };
}

function deltaOf(before: StoredItem | undefined, after: StoredItem | undefined): CountersDelta {
  return {
    items: (after === undefined ? 0 : 1) - (before === undefined ? 0 : 1),
    bytes: (after?.bytes ?? 0) - (before?.bytes ?? 0),
  };
}

function entryChanges(
  compiled: CompiledSchema,
  indexes: CompiledSchema['localIndexes'],
  change: ItemChange,
): EntryChange[] {
  const changes: EntryChange[] = [];
  for (const index of indexes) {
    const entry = entryChangeOf(compiled, index, change);
    if (entry !== undefined) changes.push(entry);
  }
  return changes;
}

function addLocalEffects(effects: Effect[], entry: EntryChange, prefix: Buffer): void {
  const { removedKey, put } = entry;
  if (removedKey !== undefined)
    effects.push({ key: placeKey(removedKey, prefix), value: undefined });
  if (put !== undefined) effects.push({ key: placeKey(put.key, prefix), value: put.stored.record });
}

/** A partition has one change an index and version, so the version is the change's sequence. */
function addPendingEffect(
  effects: Effect[],
  { index, removedKey, put }: EntryChange,
  { prefixes, stamp }: EvaluationContext,
): IndexChange {
  const change: IndexChange = {
    indexId: index.schema.id,
    sequence: stamp.version,
    version: stamp.version,
    removedKey: removedKey?.subarray(PREFIX_BYTES),
    put:
      put === undefined
        ? undefined
        : { key: put.key.subarray(PREFIX_BYTES), record: put.stored.record },
  };
  effects.push(pendingEffect(change, prefixes));
  return change;
}

/** The effect that keeps a change until its index has it. */
export function pendingEffect(change: IndexChange, prefixes: PartitionPrefixes): Effect {
  return {
    key: pendingKey(prefixes.pendingIndex, change.indexId, change.sequence),
    value: encodeIndexChange(change),
  };
}

function addExpiryEffects(
  effects: Effect[],
  { itemKey, before, after }: ItemChange,
  { compiled, prefixes }: EvaluationContext,
): void {
  const name = compiled.schema.timeToLiveAttribute;
  if (name === undefined) return;
  const secondBefore = before === undefined ? undefined : expirySecondOf(before.item, name);
  const secondAfter = after === undefined ? undefined : expirySecondOf(after.item, name);
  if (secondBefore === secondAfter) return;
  if (secondBefore !== undefined) {
    effects.push({ key: expiryKey(prefixes.expiry, secondBefore, itemKey), value: undefined });
  }
  if (secondAfter !== undefined) {
    effects.push({ key: expiryKey(prefixes.expiry, secondAfter, itemKey), value: NOTHING });
  }
}

const NOTHING = Buffer.alloc(0);

/** The change record, if the table has a stream and something changed. */
function addStreamEffect(
  effects: Effect[],
  { command, state, after }: CollectionChange,
  { compiled, prefixes, stamp, nowMs }: EvaluationContext,
): void {
  const { stream } = compiled.schema;
  if (stream === undefined) return;
  const byTimeToLive = command.kind === 'delete' && command.byTimeToLive === true;
  const write = { key: command.key, before: state.current, after, byTimeToLive, writtenMs: nowMs };
  const record = streamRecordOf(write, stream.viewType);
  if (record === undefined) return;
  effects.push({ key: streamKey(prefixes.stream, stream.id, stamp.version), value: record });
}

/** Bytes of the item collection after the write, its effect added and its limits checked. */
function changeCollection(
  { command, itemKey, state, after }: CollectionChange,
  bytesDelta: number,
  effects: Effect[],
  context: EvaluationContext,
): number {
  const { compiled, prefixes } = context;
  if (compiled.localIndexes.length === 0) return 0;
  const bytes = state.collectionBytes + bytesDelta;
  if (!context.isDecided) checkCollection({ command, after, bytes, bytesDelta }, context);
  if (bytesDelta !== 0) {
    const value = bytes === 0 ? undefined : encodeCollectionBytes(bytes);
    effects.push({ key: collectionKey(prefixes.meta, hashOf(itemKey)), value });
  }
  return bytes;
}

/** @throws ClientFault */
function checkCollection(
  { command, after, bytes, bytesDelta }: CollectionGrowth,
  { compiled, collectionBytesMax }: EvaluationContext,
): void {
  if (after !== undefined && bytesWithLocalEntries(compiled, after) > ITEM_BYTES_MAX) {
    throw command.kind === 'update' ? itemFaults.updatedItemTooLarge() : itemFaults.itemTooLarge();
  }
  if (bytesDelta > 0 && bytes > collectionBytesMax) throw itemFaults.collectionTooLarge();
}

interface CollectionGrowth {
  readonly command: WriteCommand;
  readonly after: StoredItem | undefined;
  readonly bytes: number;
  readonly bytesDelta: number;
}

interface CollectionChange {
  readonly command: WriteCommand;
  readonly itemKey: Buffer;
  readonly state: ItemState;
  readonly after: StoredItem | undefined;
}

function deltasByIndex(changes: readonly EntryChange[]): ReadonlyMap<number, CountersDelta> {
  if (changes.length === 0) return noDeltas;
  return new Map(
    changes.map(({ index, itemsDelta, bytesDelta }) => [
      index.schema.id,
      { items: itemsDelta, bytes: bytesDelta },
    ]),
  );
}

function unitsByName(changes: readonly EntryChange[]): ReadonlyMap<string, number> {
  return new Map(changes.map(({ index, units }) => [index.schema.name, units]));
}
