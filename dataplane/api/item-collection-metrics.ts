import {
  attributeOf,
  type Item,
  type MutableAttributeMap,
  setAttribute,
} from '../item/attribute-value.ts';
import type { TableSchema } from '../partition/schema.ts';
import type { JsonObject } from './operation.ts';

export type ReturnItemCollectionMetrics = 'SIZE' | 'NONE';

const GIGABYTE = 1024 ** 3;

/** What the metrics need of a write. */
export interface CollectionWrite {
  readonly schema: TableSchema;
  readonly key: Item;
  /** Undefined for tables without local indexes: they have no metrics. */
  readonly collectionBytes: number | undefined;
}

/**
 * `ItemCollectionMetrics` of one write: the collection's partition key and its size, as whole
 * gigabytes below and above.
 * @see reference/dynamodb.md §3
 */
export function itemCollectionMetrics(
  mode: ReturnItemCollectionMetrics | undefined,
  { schema, key, collectionBytes }: CollectionWrite,
): JsonObject | undefined {
  if (mode !== 'SIZE' || collectionBytes === undefined) return undefined;
  const collectionKey: MutableAttributeMap = {};
  for (const { name } of schema.key.hash) {
    const value = attributeOf(key, name);
    if (value !== undefined) setAttribute(collectionKey, name, value);
  }
  const lower = Math.floor(collectionBytes / GIGABYTE);
  return { ItemCollectionKey: collectionKey, SizeEstimateRangeGB: [lower, lower + 1] };
}

/**
 * The same of several writes: by table, one entry for each item collection written to, as the last
 * write left it. Undefined when no table has local indexes.
 */
export function itemCollectionMetricsByTable(
  writes: Iterable<CollectionWrite>,
): JsonObject | undefined {
  const byTable = new Map<string, Map<string, JsonObject>>();
  for (const write of writes) {
    const metrics = itemCollectionMetrics('SIZE', write);
    if (metrics === undefined) continue;
    const { tableName } = write.schema;
    const collections = byTable.get(tableName) ?? new Map<string, JsonObject>();
    collections.set(JSON.stringify(metrics.ItemCollectionKey), metrics);
    byTable.set(tableName, collections);
  }
  if (byTable.size === 0) return undefined;
  return Object.fromEntries(
    Array.from(byTable, ([tableName, collections]) => [tableName, [...collections.values()]]),
  );
}
