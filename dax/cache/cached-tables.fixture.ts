import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { AttributeValue, Item } from '../../dataplane/item/attribute-value.ts';
import { decodeItemValues } from '../protocol/items.ts';
import { encodeHashPart, encodeKey } from '../protocol/keys.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import {
  type CacheCoherence,
  CachedTables,
  type PageCall,
  type RedisOptions,
  type Stored,
} from './cached-tables.ts';
import type { Clock } from './clock.ts';
import { TestCluster, type TestCoherence } from './coherence.fixture.ts';
import type { TestTables } from './tables.fixture.ts';

export interface TestNodeOptions {
  readonly tables: TestTables;
  readonly coherence?: TestCoherence;
  /** In its place: the real thing. */
  readonly peers?: CacheCoherence;
  readonly cacheBytes?: number;
  readonly parameters?: { recordTtlMillis: number; queryTtlMillis: number };
  readonly redis?: RedisOptions;
  readonly clock?: Clock;
}

/** For tests: a node's caches, and short words for what the doors ask them. */
export class TestNode {
  readonly cache: CachedTables;
  readonly coherence: TestCoherence;
  readonly logged: { event: string; fields: object }[] = [];
  readonly #tables: TestTables;

  constructor(options: TestNodeOptions) {
    const { tables, coherence = soleCoherence() } = options;
    this.#tables = tables;
    this.coherence = coherence;
    this.cache = new CachedTables({
      calls: tables,
      descriptions: tables.descriptions,
      lists: tables.lists,
      coherence: options.peers ?? coherence,
      cacheBytes: options.cacheBytes ?? 16 * 1024 * 1024,
      parameters: options.parameters ?? { recordTtlMillis: 300_000, queryTtlMillis: 300_000 },
      redis: options.redis,
      log: (event, fields) => this.logged.push({ event, fields }),
      ...(options.clock !== undefined && { clock: options.clock }),
    });
  }

  /** The attributes besides the key; undefined: no such item. */
  async get(table: TableInfo, key: Item, consistentRead = false): Promise<Item | undefined> {
    const call = { table, key: encodeKey(table.key, key), consistentRead, capacity: undefined };
    return this.itemOf((await this.cache.getItem(call)).values);
  }

  async batchGet(table: TableInfo, keys: readonly Item[]): Promise<readonly Item[]> {
    const requests = [
      { table, keys: keys.map((key) => encodeKey(table.key, key)), consistentRead: false },
    ];
    const read = await this.cache.batchGetItem({ requests, capacity: undefined });
    const items = await Promise.all(
      (read.tables[0]?.items ?? []).map(({ values }) => this.itemOf(values)),
    );
    return items.filter((item) => item !== undefined);
  }

  put(table: TableInfo, Item: Item, more: JsonObject = {}): Promise<JsonObject> {
    const body = { TableName: table.name, Item, ...more };
    return this.cache.write({ operation: 'PutItem', table, key: encodeKey(table.key, Item), body });
  }

  update(table: TableInfo, Key: Item, more: JsonObject): Promise<JsonObject> {
    const body = { TableName: table.name, Key, ...more };
    return this.cache.write({
      operation: 'UpdateItem',
      table,
      key: encodeKey(table.key, Key),
      body,
    });
  }

  remove(table: TableInfo, Key: Item, more: JsonObject = {}): Promise<JsonObject> {
    const body = { TableName: table.name, Key, ...more };
    return this.cache.write({
      operation: 'DeleteItem',
      table,
      key: encodeKey(table.key, Key),
      body,
    });
  }

  /** The items of a Query with one value for the hash attribute. */
  async query(table: TableInfo, hash: AttributeValue, more: Partial<PageCall> = {}) {
    const { name } = table.key.hash;
    return this.#page({
      operation: 'Query',
      table,
      index: undefined,
      hash: encodeHashPart(table.key, hash),
      consistentRead: false,
      form: 'http',
      requestKey: JSON.stringify(hash),
      body: {
        TableName: table.name,
        KeyConditionExpression: '#h = :h',
        ExpressionAttributeNames: { '#h': name },
        ExpressionAttributeValues: { ':h': hash },
      },
      encode,
      ...more,
    });
  }

  scan(table: TableInfo, more: Partial<PageCall> = {}) {
    return this.#page({
      operation: 'Scan',
      table,
      index: undefined,
      hash: undefined,
      consistentRead: false,
      form: 'http',
      requestKey: 'all',
      body: { TableName: table.name },
      encode,
      ...more,
    });
  }

  async itemOf(values: Stored | undefined): Promise<Item | undefined> {
    if (values === undefined) return undefined;
    const decoded = decodeItemValues(Buffer.from(values, 'latin1'));
    return decoded.valuesAt((await this.#tables.lists.namesOf(decoded.listId)) ?? []);
  }

  async #page(call: PageCall): Promise<{ readonly Items: readonly Item[] } & JsonObject> {
    return JSON.parse((await this.cache.page(call)).toString('utf8'));
  }
}

function encode(answer: JsonObject): Buffer {
  return Buffer.from(JSON.stringify(answer), 'utf8');
}

export function soleCoherence(): TestCoherence {
  const [node] = new TestCluster(1, { delayMs: () => 0 }).nodes;
  if (node === undefined) throw new Error('a cluster has nodes');
  return node;
}

/** A clock that is moved by hand. */
export class HandClock implements Clock {
  #nowMs = Date.UTC(2026, 10, 27);

  nowMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }
}
