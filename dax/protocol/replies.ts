import {
  type ConsumedCapacity,
  type ItemCollectionMetrics,
  writeCollectionMetrics,
  writeCompactCapacities,
  writeCompactCapacity,
  writeExtendedCapacities,
  writeMetricsByTable,
} from './capacity.ts';
import { BREAK, EMPTY_ARRAY, INDEFINITE_MAP, MAJOR } from './cbor-head.ts';
import { type ByteContent, CborWriter, headBytes, writeHead } from './cbor-writer.ts';
import { addressBytes } from './ip-address.ts';
import type { KeySchema } from './key-schema.ts';
import { type ProjectedValues, writeProjectionMap } from './projection-map.ts';

/**
 * Replies to successful requests (reference/dax-protocol.md sections 5 to 12), whole:
 * `80`, then the method's values. Absent members are left out; nothing is null but where the reference
 * says so. Result maps, the updated attributes, capacities of transactions and the start key of an index
 * are indefinite, as Java's client insists (it never ends a Query whose map is not; others take both);
 * no other length is, as Go's wants.
 */

export type { ConsumedCapacity, ItemCollectionMetrics } from './capacity.ts';

/** A node for `endpoints`. */
export interface Endpoint {
  readonly nodeId: number;
  readonly hostName: string;
  /** IPv4 or IPv6 address as text: what clients connect to. */
  readonly address: string;
  /** Of the listener the question came in on. */
  readonly port: number;
  readonly isLeader: boolean;
  readonly zone: string;
  readonly leaderSessionId: number;
}

/** An array of maps with exactly the keys 0 to 6. One leader at least must be among them. */
export function endpointsReply(endpoints: readonly Endpoint[]): Buffer {
  const writer = success();
  writer.head(MAJOR.array, endpoints.length);
  for (const endpoint of endpoints) {
    writer.head(MAJOR.map, 7);
    writer.integer(0);
    writer.integer(endpoint.nodeId);
    writer.integer(1);
    writer.text(endpoint.hostName);
    writer.integer(2);
    writer.byteString(addressBytes(endpoint.address));
    writer.integer(3);
    writer.integer(endpoint.port);
    writer.integer(4);
    writer.integer(endpoint.isLeader ? LEADER : REPLICA);
    writer.integer(5);
    writer.text(endpoint.zone);
    writer.integer(6);
    writer.integer(endpoint.leaderSessionId);
  }
  return writer.finish();
}

export function defineKeySchemaReply({ hash, range }: KeySchema): Buffer {
  const writer = success();
  writer.head(MAJOR.map, range === undefined ? 1 : 2);
  writer.text(hash.name);
  writer.text(hash.type);
  if (range !== undefined) {
    writer.text(range.name);
    writer.text(range.type);
  }
  return writer.finish();
}

/** `id`: up to 2^53 - 1, so that it stays exact in Node. */
export function defineAttributeListIdReply(id: number): Buffer {
  const writer = success();
  writer.integer(id);
  return writer.finish();
}

export function defineAttributeListReply(names: readonly string[]): Buffer {
  const writer = success();
  writer.head(MAJOR.array, names.length);
  for (const name of names) writer.text(name);
  return writer.finish();
}

/** An item in a reply: whole (`encodeItemValues`), or what a projection found of it. */
export type ReplyItem =
  | { readonly kind: 'whole'; readonly values: ByteContent }
  | { readonly kind: 'projected'; readonly found: ProjectedValues };

/** As `ReplyItem` where the client has no key to add: `key` is the table's, also for an index. */
export type ReplyItemWithKey =
  | { readonly kind: 'whole'; readonly key: ByteContent; readonly values: ByteContent }
  | { readonly kind: 'projected'; readonly found: ProjectedValues };

export interface GetItemResult {
  /** Undefined: no such item. */
  readonly item?: ReplyItem | undefined;
  readonly consumedCapacity?: ConsumedCapacity | undefined;
}

export function getItemReply({ item, consumedCapacity }: GetItemResult): Buffer {
  if (item?.kind === 'whole' && consumedCapacity === undefined) return wholeItemReply(item.values);
  const writer = success();
  if (item === undefined && consumedCapacity === undefined) {
    writer.null();
    return writer.finish();
  }
  writer.beginMap();
  if (item !== undefined) {
    writer.integer(KEY.item);
    writeItem(writer, item);
  }
  writeCapacityMember(writer, consumedCapacity);
  writer.endMap();
  return writer.finish();
}

/** The hot path of GetItem: a whole item and nothing else. */
export function wholeItemReply(values: ByteContent): Buffer {
  const { length } = values;
  const start = WHOLE_ITEM_HEAD.length + headBytes(length);
  const reply = Buffer.allocUnsafe(start + length + 1);
  reply[0] = EMPTY_ARRAY;
  reply[1] = WHOLE_ITEM_HEAD[1];
  reply[2] = KEY.item;
  writeHead(reply, WHOLE_ITEM_HEAD.length, MAJOR.bytes, length);
  if (typeof values === 'string') reply.write(values, start, 'latin1');
  else values.copy(reply, start);
  reply[start + length] = BREAK;
  return reply;
}

export interface WriteResult {
  /** `encodeItemValues` (ALL_OLD, ALL_NEW) or `encodeUpdatedValues` (UPDATED_*); absent: none. */
  readonly attributes?: ByteContent | undefined;
  readonly consumedCapacity?: ConsumedCapacity | undefined;
  readonly itemCollectionMetrics?: ItemCollectionMetrics | undefined;
}

/** Of PutItem, UpdateItem and DeleteItem. */
export function writeReply(result: WriteResult): Buffer {
  const { attributes, consumedCapacity, itemCollectionMetrics } = result;
  const writer = success();
  if ([attributes, consumedCapacity, itemCollectionMetrics].every((each) => each === undefined)) {
    writer.null();
    return writer.finish();
  }
  writer.beginMap();
  if (attributes !== undefined) {
    writer.integer(KEY.attributes);
    writer.byteString(attributes);
  }
  writeCapacityMember(writer, consumedCapacity);
  if (itemCollectionMetrics !== undefined) {
    writer.integer(KEY.itemCollectionMetrics);
    writeCollectionMetrics(writer, itemCollectionMetrics);
  }
  writer.endMap();
  return writer.finish();
}

export interface PageResult {
  /** Undefined for Select COUNT. */
  readonly items?: readonly ReplyItemWithKey[] | undefined;
  readonly count: number;
  readonly scannedCount: number;
  /** `encodeKey` of the table's key, or `encodeIndexKey`. */
  readonly lastEvaluatedKey?: ByteContent | undefined;
  readonly consumedCapacity?: ConsumedCapacity | undefined;
}

/** Of Query and Scan. */
export function pageReply(result: PageResult): Buffer {
  const { items, lastEvaluatedKey, consumedCapacity } = result;
  const writer = success(PAGE_START_BYTES);
  writer.beginMap();
  if (items !== undefined) {
    writer.integer(KEY.items);
    writer.head(MAJOR.array, items.length);
    for (const item of items) {
      if (item.kind === 'whole') writer.head(MAJOR.array, 2);
      writeItemWithKey(writer, item);
    }
  }
  writer.integer(KEY.count);
  writer.integer(result.count);
  writer.integer(KEY.scannedCount);
  writer.integer(result.scannedCount);
  if (lastEvaluatedKey !== undefined) {
    writer.integer(KEY.lastEvaluatedKey);
    writer.byteString(lastEvaluatedKey);
  }
  writeCapacityMember(writer, consumedCapacity);
  writer.endMap();
  return writer.finish();
}

export interface BatchGetItemResult {
  readonly tables: readonly {
    readonly table: string;
    readonly items: readonly ReplyItemWithKey[];
  }[];
  readonly unprocessedKeys: readonly UnprocessedKeys[];
  readonly consumedCapacity?: readonly ConsumedCapacity[] | undefined;
}

/** Keys of one table that were not done. */
export interface UnprocessedKeys {
  readonly table: string;
  readonly keys: readonly ByteContent[];
}

/** Two values behind `80`: an array of two maps, and the capacities. Keys and values stand flat. */
export function batchGetItemReply(result: BatchGetItemResult): Buffer {
  const writer = success(PAGE_START_BYTES);
  writer.head(MAJOR.array, 2);
  writer.head(MAJOR.map, result.tables.length);
  for (const { table, items } of result.tables) {
    writer.text(table);
    let elementsCount = 0;
    for (const item of items) elementsCount += item.kind === 'whole' ? 2 : 1;
    writer.head(MAJOR.array, elementsCount);
    for (const item of items) writeItemWithKey(writer, item);
  }
  writer.head(MAJOR.map, result.unprocessedKeys.length);
  for (const { table, keys } of result.unprocessedKeys) {
    writer.text(table);
    writer.head(MAJOR.array, keys.length);
    for (const key of keys) writer.byteString(key);
  }
  writeCompactCapacities(writer, result.consumedCapacity);
  return writer.finish();
}

export interface BatchWriteItemResult {
  /** Deletes only: no client but Go's can read back an unprocessed put. */
  readonly unprocessedDeletes: readonly UnprocessedKeys[];
  readonly consumedCapacity?: readonly ConsumedCapacity[] | undefined;
  readonly itemCollectionMetrics?: MetricsByTable | undefined;
}

export type MetricsByTable = Readonly<Record<string, readonly ItemCollectionMetrics[]>>;

/** Three values behind `80`: unprocessed writes (key, null for a delete, ...), capacities, metrics. */
export function batchWriteItemReply(result: BatchWriteItemResult): Buffer {
  const writer = success();
  writer.head(MAJOR.map, result.unprocessedDeletes.length);
  for (const { table, keys } of result.unprocessedDeletes) {
    writer.text(table);
    writer.head(MAJOR.array, 2 * keys.length);
    for (const key of keys) {
      writer.byteString(key);
      writer.null();
    }
  }
  writeCompactCapacities(writer, result.consumedCapacity);
  writeMetricsByTable(writer, result.itemCollectionMetrics);
  return writer.finish();
}

export interface TransactGetItemsResult {
  /** One for each get, in order; undefined: no such item. */
  readonly items: readonly (ReplyItem | undefined)[];
  readonly consumedCapacity?: readonly ConsumedCapacity[] | undefined;
}

export function transactGetItemsReply(result: TransactGetItemsResult): Buffer {
  const writer = success();
  writer.head(MAJOR.array, 2);
  writer.head(MAJOR.array, result.items.length);
  for (const item of result.items) {
    if (item === undefined) writer.null();
    else writeItem(writer, item);
  }
  writeExtendedCapacities(writer, result.consumedCapacity);
  return writer.finish();
}

export interface TransactWriteItemsResult {
  readonly consumedCapacity?: readonly ConsumedCapacity[] | undefined;
  readonly itemCollectionMetrics?: MetricsByTable | undefined;
}

export function transactWriteItemsReply(result: TransactWriteItemsResult): Buffer {
  const writer = success();
  writer.head(MAJOR.array, 3);
  writer.byte(EMPTY_ARRAY);
  writeExtendedCapacities(writer, result.consumedCapacity);
  writeMetricsByTable(writer, result.itemCollectionMetrics);
  return writer.finish();
}

/** Roles of nodes. */
const LEADER = 1;
const REPLICA = 2;

/** Keys of result maps. */
const KEY = {
  item: 0,
  consumedCapacity: 1,
  attributes: 2,
  itemCollectionMetrics: 3,
  items: 7,
  count: 8,
  lastEvaluatedKey: 9,
  scannedCount: 10,
} as const;

/** Success, the head of the result map, the key of its one member. */
const WHOLE_ITEM_HEAD = [EMPTY_ARRAY, INDEFINITE_MAP, KEY.item] as const;

/** What pages and batches start with: they mostly hold many items. */
const PAGE_START_BYTES = 4096;

function success(startBytes?: number): CborWriter {
  const writer = new CborWriter(startBytes);
  writer.byte(EMPTY_ARRAY);
  return writer;
}

function writeItem(writer: CborWriter, item: ReplyItem): void {
  if (item.kind === 'whole') writer.byteString(item.values);
  else writeProjectionMap(writer, item.found);
}

function writeItemWithKey(writer: CborWriter, item: ReplyItemWithKey): void {
  if (item.kind === 'whole') writer.byteString(item.key);
  writeItem(writer, item);
}

function writeCapacityMember(writer: CborWriter, capacity: ConsumedCapacity | undefined): void {
  if (capacity === undefined) return;
  writer.integer(KEY.consumedCapacity);
  writeCompactCapacity(writer, capacity);
}
