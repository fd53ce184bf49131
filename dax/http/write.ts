import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { WriteCall } from '../cache/cached-tables.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { type Door, type Handle, tableNamed } from './door.ts';
import { keyIn, putIn } from './item-keys.ts';
import { writeBehind } from './write-behind.ts';

/** Writes of one item, through the cache. */

export const putItem: Handle = (door, body) =>
  write(door, 'PutItem', body, (table) => putIn(body.Item, table)?.key);

export const updateItem: Handle = (door, body) =>
  write(door, 'UpdateItem', body, (table) => keyIn(body.Key, table)?.key);

export const deleteItem: Handle = (door, body) =>
  write(door, 'DeleteItem', body, (table) => keyIn(body.Key, table)?.key);

async function write(
  door: Door,
  operation: WriteCall['operation'],
  body: JsonObject,
  keyOf: (table: TableInfo) => Buffer | undefined,
): Promise<JsonObject> {
  const table = await tableNamed(door, body.TableName);
  const key = table && keyOf(table);
  if (table === undefined || key === undefined) {
    return writeBehind(door, { operation, body, tableNames: [body.TableName] });
  }
  return door.tables.write({ operation, table, key, body });
}
