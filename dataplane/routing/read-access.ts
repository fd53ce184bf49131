import {
  attributeOf,
  type Item,
  type MutableAttributeMap,
  setAttribute,
} from '../item/attribute-value.ts';
import { capacityOf, tableCapacity } from '../partition/capacity.ts';
import type { Capacity, PageOptions, PageResult } from '../partition/command.ts';
import { type CompiledIndex, type CompiledSchema, placeKey } from '../partition/compiled-schema.ts';
import type { IndexPartition } from '../partition/index-partition.ts';
import { startKeyNames } from '../partition/key-check.ts';
import { indexIdBytes, joinKey } from '../partition/key-space.ts';
import { Page } from '../partition/page.ts';
import type { Partition } from '../partition/partition.ts';
import { StoredItem } from '../partition/record.ts';
import type { Store, StoreSnapshot } from '../storage/store.ts';
import { type PartitionList, partitionOf } from './partition-map.ts';

/** What queries and scans read of a table. */
export interface ReadAccess {
  readonly store: Store;
  readonly compiled: CompiledSchema;
  readonly partitions: PartitionList<BasePart>;
  readonly indexPartitions: (indexId: number) => PartitionList<IndexPart>;
}

/** All that reading asks of a partition, so that replicas that do not lead can be read too. */
type BasePart = Pick<Partition, 'range'> & {
  readonly prefixes: Pick<Partition['prefixes'], 'item' | 'localIndex'>;
};
type IndexPart = Pick<IndexPartition, 'range' | 'prefixes'>;

/** The table or index of a request, and where its records are. */
export interface ReadTarget {
  readonly index: CompiledIndex | undefined;
  readonly parts: PartitionList<ReadPart>;
}

/** The records of a table or index in one partition. */
export interface ReadPart {
  readonly range: Partition['range'];
  /** What the keys of the records begin with; the hash follows. */
  readonly prefix: Buffer;
}

/** @throws Error when the index does not exist: the caller has checked that */
export function readTarget(access: ReadAccess, indexName: string | undefined): ReadTarget {
  if (indexName === undefined) {
    return {
      index: undefined,
      parts: mapParts(access.partitions, ({ prefixes }) => prefixes.item),
    };
  }
  const index = access.compiled.index(indexName);
  if (index === undefined) throw new Error(`the table has no index ${indexName}`);
  const { id, kind } = index.schema;
  const parts =
    kind === 'global'
      ? mapParts(access.indexPartitions(id), ({ prefixes }) => prefixes.item)
      : mapParts(access.partitions, ({ prefixes }) =>
          joinKey(prefixes.localIndex, indexIdBytes(id)),
        );
  return { index, parts };
}

/** The storage key of the record that a start key names, with its prefix. */
export function recordKeyOf(access: ReadAccess, target: ReadTarget, startKey: Item): Buffer {
  const { compiled } = access;
  const { index } = target;
  const itemKey = compiled.itemKey(startKey);
  if (index === undefined) return placeByHash(access.partitions, itemKey, itemKey);
  if (index.schema.kind === 'global') {
    const key = compiled.globalEntryKey(index, startKey, itemKey);
    return placeByHash(access.indexPartitions(index.schema.id), key, key);
  }
  const key = compiled.localEntryKey(index, startKey, itemKey);
  return placeKey(key, partitionOf(access.partitions, itemKey).prefixes.localIndex);
}

/** A page that fetches base items when the request asks for more than index entries hold. */
export function newPage(access: ReadAccess, target: ReadTarget, options: PageOptions): Page {
  const isFetching =
    options.fetchFromTable &&
    target.index?.schema.kind === 'local' &&
    target.index.projected !== undefined;
  return new Page(options, {
    store: access.store,
    fetch: isFetching ? (entry, snapshot) => fetchItem(access, entry, snapshot) : undefined,
  });
}

export function pageResult(
  access: ReadAccess,
  target: ReadTarget,
  { page, units }: { readonly page: Page; readonly units: number },
): PageResult {
  const { last } = page;
  return {
    items: page.items,
    count: page.count,
    scannedCount: page.scannedCount,
    lastEvaluatedKey:
      page.isFull && last !== undefined ? startKeyOf(access, target, last.item) : undefined,
    capacity: capacityOfRead(target.index, units, page.fetchedUnits),
    evaluatedBytes: page.bytes,
  };
}

function capacityOfRead(
  index: CompiledIndex | undefined,
  units: number,
  fetchedUnits: number,
): Capacity {
  if (index === undefined) return tableCapacity(units);
  const byName = new Map([[index.schema.name, units]]);
  return index.schema.kind === 'global'
    ? capacityOf({ table: 0, globalIndexes: byName })
    : capacityOf({ table: fetchedUnits, localIndexes: byName });
}

function startKeyOf(access: ReadAccess, target: ReadTarget, item: Item): Item {
  const key: MutableAttributeMap = {};
  for (const name of startKeyNames(access.compiled.schema, target.index?.schema)) {
    const value = attributeOf(item, name);
    if (value !== undefined) setAttribute(key, name, value);
  }
  return key;
}

function fetchItem(
  { compiled, partitions }: ReadAccess,
  entry: StoredItem,
  snapshot: StoreSnapshot,
): StoredItem | undefined {
  const itemKey = compiled.itemKey(entry.item);
  const record = snapshot.get(placeByHash(partitions, itemKey, itemKey));
  return record === undefined ? undefined : StoredItem.read(record);
}

function placeByHash(partitions: PartitionList<IndexPart>, hashed: Buffer, key: Buffer): Buffer {
  return placeKey(key, partitionOf(partitions, hashed).prefixes.item);
}

function mapParts<T extends { readonly range: Partition['range'] }>(
  [first, ...others]: PartitionList<T>,
  prefixOf: (partition: T) => Buffer,
): PartitionList<ReadPart> {
  const part = (partition: T) => ({ range: partition.range, prefix: prefixOf(partition) });
  return [part(first), ...others.map(part)];
}
