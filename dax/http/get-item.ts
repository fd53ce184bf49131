import type { JsonObject } from '../../dataplane/api/operation.ts';
import { project } from '../../dataplane/expression/project.ts';
import type { ItemRead } from '../cache/cached-tables.ts';
import { andThen, type Eventually } from '../tables/eventually.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { type AttributeSelection, attributeSelectionOf, suits } from './attribute-selection.ts';
import { type CapacityMode, isCapacityMode, nothingConsumed } from './consumed-capacity.ts';
import { type Door, tableNamed } from './door.ts';
import { keyIn } from './item-keys.ts';
import { hasOnly, isFalse } from './members.ts';

const MEMBERS: ReadonlySet<string> = new Set([
  'TableName',
  'Key',
  'ConsistentRead',
  'ReturnConsumedCapacity',
  'ProjectionExpression',
  'ExpressionAttributeNames',
]);

/** A request that the cache may answer: every member of it is known and right. */
interface CachedGet {
  readonly table: TableInfo;
  /** Canonical. */
  readonly key: Buffer;
  readonly selection: AttributeSelection;
  readonly capacity: CapacityMode;
}

/**
 * Reads one item. What the cache may not answer goes to the table: strongly consistent reads, legacy
 * parameters, and whatever is wrong.
 */
export function getItem(door: Door, body: JsonObject): Eventually<JsonObject> {
  return andThen(recognised(door, body), (get) =>
    get === undefined ? door.calls.call('GetItem', body) : read(door, get),
  );
}

function recognised(door: Door, body: JsonObject): Eventually<CachedGet | undefined> {
  const { ReturnConsumedCapacity: capacity } = body;
  if (!hasOnly(body, MEMBERS) || !isFalse(body.ConsistentRead) || !isCapacityMode(capacity)) return;
  const selection = attributeSelectionOf(body.ProjectionExpression, body.ExpressionAttributeNames);
  if (selection === undefined) return;
  return andThen(tableNamed(door, body.TableName), (table) => {
    if (table === undefined || !suits(selection, table)) return;
    const found = keyIn(body.Key, table);
    return found && { table, key: found.key, selection, capacity };
  });
}

function read(door: Door, get: CachedGet): Eventually<JsonObject> {
  const { table, key, capacity } = get;
  const result = door.tables.getItem({ table, key, consistentRead: false, capacity });
  return andThen(result, (found) => answer(door, get, found));
}

function answer(
  { items }: Door,
  { table, key, selection, capacity }: CachedGet,
  { values, consumedCapacity }: ItemRead,
): Eventually<JsonObject> {
  const ConsumedCapacity = consumedCapacity ?? nothingConsumed(capacity, table);
  if (values === undefined) return { ConsumedCapacity };
  return andThen(items.item({ table, key, values }), (item) => {
    const { projection } = selection;
    return { Item: projection === undefined ? item : project(projection, item), ConsumedCapacity };
  });
}
