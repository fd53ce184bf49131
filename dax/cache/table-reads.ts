import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { Item } from '../../dataplane/item/attribute-value.ts';
import { decodeKey, encodeKey } from '../protocol/keys.ts';
import type { TableCalls } from '../tables/table-calls.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { attemptPause } from './attempt-pause.ts';
import type { ReturnConsumedCapacity } from './calls.ts';
import type { Capacities } from './capacities.ts';
import type { Entry } from './entry.ts';
import { BATCH_ATTEMPTS_COUNT, BATCH_KEYS_COUNT_MAX } from './limits.ts';
import type { StoredItems } from './stored-items.ts';

export interface TableReadOptions {
  readonly calls: TableCalls;
  readonly items: StoredItems;
}

/** A key of a table, both as bytes and under what name the answer is found again. */
export interface TableKey {
  readonly table: TableInfo;
  /** Canonical. */
  readonly key: Buffer;
}

export interface TableItem {
  readonly entry: Entry;
  /** `ConsumedCapacity` if it was asked for. */
  readonly consumedCapacity: JsonObject | undefined;
}

/** Strongly consistent reads of items: what the cache is filled from (an eventual one may be old). */
export class TableReads {
  readonly #options: TableReadOptions;

  constructor(options: TableReadOptions) {
    this.#options = options;
  }

  /** @throws as `TableCalls.call` */
  async getItem(
    { table, key }: TableKey,
    capacity: ReturnConsumedCapacity | undefined,
  ): Promise<TableItem> {
    const { calls, items } = this.#options;
    const answer = await calls.call('GetItem', {
      TableName: table.name,
      Key: decodeKey(table.key, key),
      ConsistentRead: true,
      ...withCapacity(capacity),
    });
    const entry = await items.entryOf(table, itemOf(answer.Item));
    return { entry, consumedCapacity: objectOf(answer.ConsumedCapacity) };
  }

  /**
   * Reads up to 100 keys by one call, and what that leaves unprocessed by a few more.
   *
   * @param capacities what all calls together consumed is added here
   * @returns in step with `keys`; undefined: left unprocessed
   * @throws as `TableCalls.call`
   */
  async batchGetItem(
    keys: readonly TableKey[],
    capacity: ReturnConsumedCapacity | undefined,
    capacities: Capacities,
  ): Promise<readonly (Entry | undefined)[]> {
    if (keys.length > BATCH_KEYS_COUNT_MAX) throw new RangeError('too many keys for one call');
    const entries = new Map<string, Entry>();
    let left = keys;
    for (let attempt = 1; left.length > 0 && attempt <= BATCH_ATTEMPTS_COUNT; attempt += 1) {
      if (attempt > 1) await attemptPause(attempt);
      left = await this.#readOnce(left, { capacity, capacities, entries });
    }
    return keys.map((key) => entries.get(nameOf(key)));
  }

  /** @returns the keys that were not processed */
  async #readOnce(keys: readonly TableKey[], into: BatchProgress): Promise<readonly TableKey[]> {
    const { calls, items } = this.#options;
    const answer = await calls.call('BatchGetItem', {
      RequestItems: requestItems(keys),
      ...withCapacity(into.capacity),
    });
    into.capacities.add(answer.ConsumedCapacity);
    const asked = new Map(keys.map((key) => [nameOf(key), key]));
    const left = unprocessedOf(answer, asked);
    for (const [name, item] of found(answer, keys)) {
      const table = asked.get(name)?.table;
      if (table !== undefined) into.entries.set(name, await items.entryOf(table, item));
    }
    for (const [name, { table }] of asked) {
      const isAbsent = !into.entries.has(name) && !left.has(name);
      if (isAbsent) into.entries.set(name, await items.entryOf(table, undefined));
    }
    return [...left.values()];
  }
}

interface BatchProgress {
  readonly capacity: ReturnConsumedCapacity | undefined;
  readonly capacities: Capacities;
  readonly entries: Map<string, Entry>;
}

function nameOf({ table, key }: TableKey): string {
  return `${table.id}:${key.toString('latin1')}`;
}

function tablesOf(keys: readonly TableKey[]): readonly TableKey[] {
  return [...new Map(keys.map((key) => [key.table.name, key])).values()];
}

function requestItems(keys: readonly TableKey[]): JsonObject {
  const byTable = Map.groupBy(keys, ({ table }) => table.name);
  return Object.fromEntries(
    Array.from(byTable, ([name, ofTable]) => [
      name,
      { Keys: ofTable.map(({ table, key }) => decodeKey(table.key, key)), ConsistentRead: true },
    ]),
  );
}

function found(
  { Responses }: JsonObject,
  keys: readonly TableKey[],
): readonly (readonly [name: string, item: Item])[] {
  return tablesOf(keys).flatMap(({ table }) =>
    listIn(Responses, table.name).map(
      (item) => [nameOf({ table, key: encodeKey(table.key, item) }), item] as const,
    ),
  );
}

function unprocessedOf(
  { UnprocessedKeys }: JsonObject,
  asked: ReadonlyMap<string, TableKey>,
): ReadonlyMap<string, TableKey> {
  const left = new Map<string, TableKey>();
  for (const { table } of tablesOf([...asked.values()])) {
    const request = objectOf(objectOf(UnprocessedKeys)?.[table.name]);
    for (const key of listIn(request, 'Keys')) {
      const name = nameOf({ table, key: encodeKey(table.key, key) });
      const tableKey = asked.get(name);
      if (tableKey !== undefined) left.set(name, tableKey);
    }
  }
  return left;
}

/** Items of the tables' answers are canonical: they come from a table. */
function listIn(container: unknown, name: string): readonly Item[] {
  const list = objectOf(container)?.[name];
  return Array.isArray(list) ? (list as readonly Item[]) : [];
}

function itemOf(value: unknown): Item | undefined {
  return objectOf(value) as Item | undefined; // as in `listIn`
}

function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : undefined;
}

function withCapacity(capacity: ReturnConsumedCapacity | undefined): JsonObject {
  return capacity === undefined ? {} : { ReturnConsumedCapacity: capacity };
}
