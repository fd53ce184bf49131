import type { JsonObject } from '../../dataplane/api/operation.ts';
import { project } from '../../dataplane/expression/project.ts';
import type { Item } from '../../dataplane/item/attribute-value.ts';
import type { BatchRead } from '../cache/cached-tables.ts';
import { decodeKey } from '../protocol/keys.ts';
import { andThen, type Eventually } from '../tables/eventually.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { type AttributeSelection, attributeSelectionOf, suits } from './attribute-selection.ts';
import { type CapacityMode, isCapacityMode, nothingConsumed } from './consumed-capacity.ts';
import { type Door, tablesNamed } from './door.ts';
import { keyIn } from './item-keys.ts';
import { hasOnly, isRecord } from './members.ts';

/** The service's (reference/dynamodb.md section 2). */
const KEYS_COUNT_MAX = 100;

const MEMBERS: ReadonlySet<string> = new Set(['RequestItems', 'ReturnConsumedCapacity']);
const TABLE_MEMBERS: ReadonlySet<string> = new Set([
  'Keys',
  'ConsistentRead',
  'ProjectionExpression',
  'ExpressionAttributeNames',
]);

/** What a request says of one table. */
interface TableGet {
  /** As the request has it: a name or an ARN. */
  readonly name: string;
  readonly wire: { readonly [member: string]: unknown };
  readonly keys: readonly unknown[];
  readonly consistentRead: boolean;
  readonly selection: AttributeSelection;
}

/** The same with what the table says. */
interface CachedTableGet extends TableGet {
  readonly table: TableInfo;
  /** Canonical, all different. */
  readonly keyBytes: readonly Buffer[];
}

/**
 * Reads up to 100 items of several tables. A request with anything unknown or wrong in it goes to the
 * tables, and so does one of strongly consistent reads only.
 */
export function batchGetItem(door: Door, body: JsonObject): Eventually<JsonObject> {
  const { ReturnConsumedCapacity: capacity } = body;
  const asked = hasOnly(body, MEMBERS) && isCapacityMode(capacity) ? tableGetsOf(body) : undefined;
  if (asked === undefined || asked.every(({ consistentRead }) => consistentRead)) {
    return door.calls.call('BatchGetItem', body);
  }
  const mode = isCapacityMode(capacity) ? capacity : undefined;
  const tables = tablesNamed(
    door,
    asked.map(({ name }) => name),
  );
  return andThen(tables, (known) => {
    const gets = known && cachedGetsOf(asked, known);
    return gets === undefined ? door.calls.call('BatchGetItem', body) : read(door, gets, mode);
  });
}

function tableGetsOf({ RequestItems }: JsonObject): readonly TableGet[] | undefined {
  if (!isRecord(RequestItems)) return;
  const gets: TableGet[] = [];
  for (const [name, wire] of Object.entries(RequestItems)) {
    if (!isRecord(wire) || !hasOnly(wire, TABLE_MEMBERS)) return;
    const { Keys: keys, ConsistentRead = false } = wire;
    const selection = attributeSelectionOf(
      wire.ProjectionExpression,
      wire.ExpressionAttributeNames,
    );
    if (!Array.isArray(keys) || keys.length === 0 || selection === undefined) return;
    if (typeof ConsistentRead !== 'boolean') return;
    gets.push({ name, wire, keys, consistentRead: ConsistentRead, selection });
  }
  const keysCount = gets.reduce((sum, { keys }) => sum + keys.length, 0);
  return keysCount > 0 && keysCount <= KEYS_COUNT_MAX ? gets : undefined;
}

/** @param tables in step with `gets` */
function cachedGetsOf(
  gets: readonly TableGet[],
  tables: readonly TableInfo[],
): readonly CachedTableGet[] | undefined {
  // A table asked for by its name and by its ARN is rare, and left to the tables.
  if (new Set(tables.map(({ id }) => id)).size < tables.length) return;
  const cached: CachedTableGet[] = [];
  for (const [index, get] of gets.entries()) {
    const table = tables[index];
    if (table === undefined || !suits(get.selection, table)) return;
    const keyBytes: Buffer[] = [];
    for (const wire of get.keys) {
      const found = keyIn(wire, table);
      if (found === undefined) return;
      keyBytes.push(found.key);
    }
    const distinct = new Set(keyBytes.map((key) => key.toString('latin1')));
    if (distinct.size < keyBytes.length) return;
    cached.push({ ...get, table, keyBytes });
  }
  return cached;
}

async function read(
  door: Door,
  gets: readonly CachedTableGet[],
  capacity: CapacityMode,
): Promise<JsonObject> {
  const result = await door.tables.batchGetItem({
    requests: gets.map(({ table, keyBytes: keys, consistentRead }) => ({
      table,
      keys,
      consistentRead,
    })),
    capacity,
  });
  const answer = new Answer();
  for (const [index, get] of gets.entries()) {
    const found = result.tables[index];
    if (found === undefined) throw new Error('the answer is in step with the request');
    await answer.add(door, get, found);
  }
  return answer.toJson(consumedOf(result, gets, capacity));
}

/** Gathers what an answer says, table by table. */
class Answer {
  readonly #responses: [name: string, Item[]][] = [];
  readonly #unprocessed: [name: string, JsonObject][] = [];

  async add(door: Door, get: CachedTableGet, read: BatchRead['tables'][number]): Promise<void> {
    const { table, wire, name, selection } = get;
    const items: Item[] = [];
    for (const { key, values } of read.items) {
      const item = await door.items.item({ table, key, values });
      const { projection } = selection;
      items.push(projection === undefined ? item : project(projection, item));
    }
    this.#responses.push([name, items]);
    if (read.unprocessedKeys.length === 0) return;
    const Keys = read.unprocessedKeys.map((key) => decodeKey(table.key, key));
    this.#unprocessed.push([name, { ...wire, Keys }]);
  }

  /** By `fromEntries`, so that a table called `__proto__` is shown too. */
  toJson(ConsumedCapacity: readonly JsonObject[] | undefined): JsonObject {
    return {
      Responses: Object.fromEntries(this.#responses),
      UnprocessedKeys: Object.fromEntries(this.#unprocessed),
      ConsumedCapacity,
    };
  }
}

/** One entry for each table, as the tables have it; undefined where the request did not ask. */
function consumedOf(
  { consumedCapacity }: BatchRead,
  gets: readonly CachedTableGet[],
  mode: CapacityMode,
): readonly JsonObject[] | undefined {
  if (mode === undefined || mode === 'NONE') return undefined;
  return gets.map(({ table }) => {
    const consumed = consumedCapacity.find(({ TableName }) => TableName === table.name);
    return consumed ?? nothingConsumed(mode, table) ?? {};
  });
}
