import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { KeyWrite } from '../cache/cached-tables.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { type Door, tablesNamed } from './door.ts';
import { keyIn, putIn } from './item-keys.ts';
import { isRecord } from './members.ts';
import { writeBehind } from './write-behind.ts';

/** The service's (reference/dynamodb.md section 2). */
const WRITES_COUNT_MAX = 25;

/** Puts and deletes up to 25 items of several tables, through the cache. */
export async function batchWriteItem(door: Door, body: JsonObject): Promise<JsonObject> {
  const { RequestItems } = body;
  const entries = isRecord(RequestItems) ? Object.entries(RequestItems) : [];
  const tableNames = entries.map(([name]) => name);
  const tables = await tablesNamed(door, tableNames);
  const writes = tables && writesOf(entries, tables);
  if (writes === undefined) {
    return writeBehind(door, { operation: 'BatchWriteItem', body, tableNames });
  }
  return door.tables.batchWriteItem({ body, writes, retriesUnprocessedPuts: false });
}

/** @param tables in step with `entries` @returns undefined when anything is wrong with them */
function writesOf(
  entries: readonly (readonly [name: string, wire: unknown])[],
  tables: readonly TableInfo[],
): readonly KeyWrite[] | undefined {
  const writes: KeyWrite[] = [];
  const distinct = new Set<string>();
  for (const [index, [, wires]] of entries.entries()) {
    const table = tables[index];
    if (table === undefined || !Array.isArray(wires)) return;
    for (const wire of wires) {
      const write = writeOf(wire, table);
      if (write === undefined) return;
      distinct.add(`${table.id} ${write.key.toString('latin1')}`);
      writes.push(write);
    }
  }
  const isRight = writes.length > 0 && writes.length <= WRITES_COUNT_MAX;
  return isRight && distinct.size === writes.length ? writes : undefined;
}

function writeOf(wire: unknown, table: TableInfo): KeyWrite | undefined {
  if (!isRecord(wire)) return;
  const [[kind, request] = [], ...others] = Object.entries(wire);
  if (others.length > 0 || !isRecord(request)) return;
  switch (kind) {
    case 'PutRequest': {
      const found = putIn(request.Item, table);
      return found && { table, key: found.key, item: found.item };
    }
    case 'DeleteRequest': {
      const found = keyIn(request.Key, table);
      return found && { table, key: found.key, item: null };
    }
    default:
      return;
  }
}
