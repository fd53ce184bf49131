import { type AttributeValue, attributeOf } from '../../dataplane/item/attribute-value.ts';
import { MAJOR } from './cbor-head.ts';
import type { CborWriter } from './cbor-writer.ts';
import { encodeValue } from './values.ts';

/** `ConsumedCapacity` as DynamoDB's JSON has it. */
export interface ConsumedCapacity {
  readonly TableName: string;
  readonly CapacityUnits?: number;
  readonly ReadCapacityUnits?: number;
  readonly WriteCapacityUnits?: number;
  readonly Table?: CapacityUnits;
  readonly GlobalSecondaryIndexes?: Readonly<Record<string, CapacityUnits>>;
  readonly LocalSecondaryIndexes?: Readonly<Record<string, CapacityUnits>>;
}

export interface CapacityUnits {
  readonly CapacityUnits?: number;
  readonly ReadCapacityUnits?: number;
  readonly WriteCapacityUnits?: number;
}

/** `ItemCollectionMetrics` as DynamoDB's JSON has it: one key attribute, low and high gigabytes. */
export interface ItemCollectionMetrics {
  readonly ItemCollectionKey: Readonly<Record<string, AttributeValue>>;
  readonly SizeEstimateRangeGB: readonly [number, number];
}

/**
 * Writes the compact form (reference/dax-protocol.md section 11): bytes{ table, units, units of the
 * table or null, global indexes or null, local indexes or null }. Units are floats throughout.
 */
export function writeCompactCapacity(writer: CborWriter, capacity: ConsumedCapacity): void {
  const mark = writer.openByteString();
  writer.text(capacity.TableName);
  writer.float64(capacity.CapacityUnits ?? 0);
  if (capacity.Table === undefined) writer.null();
  else writer.float64(capacity.Table.CapacityUnits ?? 0);
  writeCompactIndexes(writer, capacity.GlobalSecondaryIndexes);
  writeCompactIndexes(writer, capacity.LocalSecondaryIndexes);
  writer.closeByteString(mark);
}

/** Writes an array of the compact form: empty if there is none. */
export function writeCompactCapacities(
  writer: CborWriter,
  capacities: readonly ConsumedCapacity[] = [],
): void {
  writer.head(MAJOR.array, capacities.length);
  for (const capacity of capacities) writeCompactCapacity(writer, capacity);
}

/** Writes an array of the extended form, as transactions have it: empty if there is none. */
export function writeExtendedCapacities(
  writer: CborWriter,
  capacities: readonly ConsumedCapacity[] = [],
): void {
  writer.head(MAJOR.array, capacities.length);
  for (const capacity of capacities) writeExtendedCapacity(writer, capacity);
}

/** Writes bytes{ hash key value, low, high }; the sizes are floats, which clients insist on. */
export function writeCollectionMetrics(
  writer: CborWriter,
  { ItemCollectionKey, SizeEstimateRangeGB: [low, high] }: ItemCollectionMetrics,
): void {
  const mark = writer.openByteString();
  for (const name in ItemCollectionKey) {
    const value = attributeOf(ItemCollectionKey, name);
    if (value !== undefined) encodeValue(writer, value);
  }
  writer.float64(low);
  writer.float64(high);
  writer.closeByteString(mark);
}

/** Writes a map of tables to arrays of metrics: empty if there is none. */
export function writeMetricsByTable(
  writer: CborWriter,
  metrics: Readonly<Record<string, readonly ItemCollectionMetrics[]>> = {},
): void {
  const tables = Object.entries(metrics);
  writer.head(MAJOR.map, tables.length);
  for (const [table, list] of tables) {
    writer.text(table);
    writer.head(MAJOR.array, list.length);
    for (const each of list) writeCollectionMetrics(writer, each);
  }
}

/** Keys of the extended form. */
const KEY = {
  capacityUnits: 1,
  readCapacityUnits: 2,
  writeCapacityUnits: 3,
  tableName: 4,
  table: 5,
  globalIndexes: 6,
  localIndexes: 7,
} as const;

function writeCompactIndexes(
  writer: CborWriter,
  indexes: Readonly<Record<string, CapacityUnits>> | undefined,
): void {
  if (indexes === undefined) {
    writer.null();
    return;
  }
  const entries = Object.entries(indexes);
  writer.head(MAJOR.map, entries.length);
  for (const [index, units] of entries) {
    writer.text(index);
    writer.float64(units.CapacityUnits ?? 0);
  }
}

function writeExtendedCapacity(writer: CborWriter, capacity: ConsumedCapacity): void {
  const { Table, GlobalSecondaryIndexes, LocalSecondaryIndexes } = capacity;
  writer.beginMap();
  writer.integer(KEY.tableName);
  writer.text(capacity.TableName);
  writeUnits(writer, capacity);
  if (Table !== undefined) {
    writer.integer(KEY.table);
    writeUnitsMap(writer, Table);
  }
  writeExtendedIndexes(writer, KEY.globalIndexes, GlobalSecondaryIndexes);
  writeExtendedIndexes(writer, KEY.localIndexes, LocalSecondaryIndexes);
  writer.endMap();
}

function writeExtendedIndexes(
  writer: CborWriter,
  key: number,
  indexes: Readonly<Record<string, CapacityUnits>> | undefined,
): void {
  if (indexes === undefined) return;
  const entries = Object.entries(indexes);
  writer.integer(key);
  writer.head(MAJOR.map, entries.length);
  for (const [index, units] of entries) {
    writer.text(index);
    writeUnitsMap(writer, units);
  }
}

function writeUnitsMap(writer: CborWriter, units: CapacityUnits): void {
  writer.head(MAJOR.map, unitsOf(units).length);
  writeUnits(writer, units);
}

function writeUnits(writer: CborWriter, units: CapacityUnits): void {
  for (const [key, count] of unitsOf(units)) {
    writer.integer(key);
    writer.float64(count);
  }
}

/** The units that are there, with their keys. */
function unitsOf(units: CapacityUnits): readonly (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  const { CapacityUnits, ReadCapacityUnits, WriteCapacityUnits } = units;
  if (CapacityUnits !== undefined) found.push([KEY.capacityUnits, CapacityUnits]);
  if (ReadCapacityUnits !== undefined) found.push([KEY.readCapacityUnits, ReadCapacityUnits]);
  if (WriteCapacityUnits !== undefined) found.push([KEY.writeCapacityUnits, WriteCapacityUnits]);
  return found;
}
