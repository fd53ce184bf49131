import {
  type AttributeMap,
  attributeOf,
  type Item,
  type MutableAttributeMap,
  setAttribute,
} from '../item/attribute-value.ts';
import { equalMaps, equalValues } from '../item/equality.ts';
import { ITEM_BYTES_MAX } from '../item/limits.ts';
import { itemBytes } from '../item/size.ts';
import { indexWriteUnits } from './capacity.ts';
import type { CompiledIndex, CompiledSchema } from './compiled-schema.ts';
import { hasIndexKey } from './key-check.ts';
import { type RecordStamp, StoredItem } from './record.ts';

/** What a write does to the entry of an item in one index. Keys have room for their prefix. */
export interface EntryChange {
  readonly index: CompiledIndex;
  /** Key of the entry that goes; undefined where there was none or it is overwritten in place. */
  readonly removedKey: Buffer | undefined;
  /** Key and record of the entry that stands after the write. */
  readonly put: { readonly key: Buffer; readonly stored: StoredItem } | undefined;
  /** Change of the index's entries and of their bytes. */
  readonly itemsDelta: number;
  readonly bytesDelta: number;
  /** Write units of the change. */
  readonly units: number;
}

export interface ItemChange {
  readonly itemKey: Buffer;
  readonly before: StoredItem | undefined;
  readonly after: StoredItem | undefined;
  readonly stamp: RecordStamp;
}

/**
 * The change of an index that follows from the change of an item; undefined when its entry is
 * untouched. Sparse: an item that lacks a key attribute of the index has no entry.
 */
export function entryChangeOf(
  compiled: CompiledSchema,
  index: CompiledIndex,
  change: ItemChange,
): EntryChange | undefined {
  const before = viewOf(index, change.before);
  const after = viewOf(index, change.after);
  if (before === undefined && after === undefined) return undefined;
  const isMoved =
    before !== undefined && after !== undefined && !haveEqualKeys(before, after, index);
  if (before !== undefined && after !== undefined && !isMoved && equalMaps(before, after)) {
    return undefined;
  }
  const bytesBefore = entryBytes(index, before, change.before);
  const bytesAfter = entryBytes(index, after, change.after);
  const isRemoved = before !== undefined && (after === undefined || isMoved);
  return {
    index,
    removedKey: isRemoved ? entryKeyOf(compiled, index, before, change.itemKey) : undefined,
    put: after === undefined ? undefined : entryOf(compiled, index, after, bytesAfter ?? 0, change),
    itemsDelta: (after === undefined ? 0 : 1) - (before === undefined ? 0 : 1),
    bytesDelta: (bytesAfter ?? 0) - (bytesBefore ?? 0),
    units: indexWriteUnits({ bytesBefore, bytesAfter, isMoved }),
  };
}

/** The entry that an item has in an index, for a backfill; undefined when it has none. */
export function currentEntryOf(
  compiled: CompiledSchema,
  index: CompiledIndex,
  itemKey: Buffer,
  current: StoredItem,
): { readonly key: Buffer; readonly stored: StoredItem } | undefined {
  const view = viewOf(index, current);
  if (view === undefined) return undefined;
  return {
    key: entryKeyOf(compiled, index, view, itemKey),
    // The stamp is the item's own, so that a repeated backfill changes nothing.
    stored:
      index.projected === undefined
        ? current
        : StoredItem.of(view, itemBytes(view), {
            version: current.version,
            writtenMicros: current.writtenMicros,
          }),
  };
}

/** Size of an item with its entries in the local indexes: the limit on items holds for the sum. */
export function bytesWithLocalEntries(compiled: CompiledSchema, stored: StoredItem): number {
  const most = stored.bytes * (1 + compiled.localIndexes.length);
  if (most <= ITEM_BYTES_MAX) return most; // entries are never larger than their item
  let bytes = stored.bytes;
  for (const index of compiled.localIndexes) {
    bytes += entryBytes(index, viewOf(index, stored), stored) ?? 0;
  }
  return bytes;
}

/** The attributes that an index holds of an item; undefined when the item is not in it. */
function viewOf(index: CompiledIndex, stored: StoredItem | undefined): Item | undefined {
  if (stored === undefined || !hasIndexKey(stored.item, index.schema)) return undefined;
  if (index.projected === undefined) return stored.item;
  const view: MutableAttributeMap = {};
  for (const name of index.projected) {
    const value = attributeOf(stored.item, name);
    if (value !== undefined) setAttribute(view, name, value);
  }
  return view;
}

function entryBytes(
  index: CompiledIndex,
  view: AttributeMap | undefined,
  stored: StoredItem | undefined,
): number | undefined {
  if (view === undefined) return undefined;
  return index.projected === undefined ? stored?.bytes : itemBytes(view);
}

function entryOf(
  compiled: CompiledSchema,
  index: CompiledIndex,
  view: Item,
  bytes: number,
  { itemKey, after, stamp }: ItemChange,
) {
  // With all attributes projected the entry's record is the item's, byte for byte.
  const stored =
    index.projected === undefined && after !== undefined
      ? after
      : StoredItem.of(view, bytes, stamp);
  return { key: entryKeyOf(compiled, index, view, itemKey), stored };
}

function entryKeyOf(
  compiled: CompiledSchema,
  index: CompiledIndex,
  item: Item,
  itemKey: Buffer,
): Buffer {
  return index.schema.kind === 'local'
    ? compiled.localEntryKey(index, item, itemKey)
    : compiled.globalEntryKey(index, item, itemKey);
}

function haveEqualKeys(a: Item, b: Item, index: CompiledIndex): boolean {
  const { hash, range } = index.schema.key;
  for (const { name } of [...hash, ...range]) {
    const left = attributeOf(a, name);
    const right = attributeOf(b, name);
    if (left === undefined || right === undefined || !equalValues(left, right)) return false;
  }
  return true;
}
