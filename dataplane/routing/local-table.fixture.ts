import type { KeyCondition } from '../expression/ast.ts';
import type { AttributeValue, Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import { COLLECTION_BYTES_MAX } from '../partition/collection.ts';
import type {
  PageResult,
  PutCommand,
  QueryRequest,
  ScanRequest,
  WriteResult,
} from '../partition/command.ts';
import { tableKeyOf } from '../partition/key-check.ts';
import { evenPartitions, globalIndex, localIndex, schemaOf } from '../partition/schema.fixture.ts';
import type { TableLayout, TableSchema } from '../partition/schema.ts';
import { openStore } from '../storage/open.ts';
import type { Store } from '../storage/store.ts';
import { LocalRouter } from './local-router.ts';
import type { ManagedTable, TableThroughput } from './table.ts';

/** Tables, requests and answers for the tests of this folder and its users. */

export const unlimited: TableThroughput = {
  mode: 'onDemand',
  table: { readUnits: undefined, writeUnits: undefined },
  globalIndexes: new Map(),
};

/** The same number of partitions for the table and each global index. */
export function layoutOf(schema: TableSchema, partitions = 1): TableLayout {
  return {
    schema,
    partitions: evenPartitions(partitions, 1n),
    indexPartitions: new Map(
      schema.globalIndexes.map(({ id }) => [id, evenPartitions(partitions, BigInt(id) * 1_000n)]),
    ),
  };
}

export function putOf(item: Item, schema: TableSchema): PutCommand {
  const key = tableKeyOf(item, schema);
  return { kind: 'put', key, item, itemBytes: itemBytes(item), condition: undefined };
}

const pageOptions = {
  indexName: undefined,
  consistentRead: true,
  filter: undefined,
  projection: undefined,
  output: 'items',
  fetchFromTable: false,
  limit: undefined,
  exclusiveStartKey: undefined,
} as const;

export function scanOf(parts: Partial<ScanRequest> = {}): ScanRequest {
  return { ...pageOptions, segment: 0, totalSegments: 1, ...parts };
}

export function queryOf(hash: Item, parts: Partial<QueryRequest> = {}): QueryRequest {
  const hashConditions: KeyCondition[] = Object.entries(hash).map(([attribute, value]) => ({
    attribute,
    operator: '=',
    value,
  }));
  return { ...pageOptions, hashConditions, rangeConditions: [], scanIndexForward: true, ...parts };
}

export function itemsOf(result: PageResult): Item[] {
  return result.items.map((json) => JSON.parse(Buffer.from(json).toString()));
}

/** All items that a scan or query gives, page by page. */
export async function allItems(
  readPage: (startKey: Item | undefined) => PageResult | Promise<PageResult>,
): Promise<Item[]> {
  const items: Item[] = [];
  let startKey: Item | undefined;
  do {
    const result = await readPage(startKey);
    items.push(...itemsOf(result));
    startKey = result.lastEvaluatedKey;
  } while (startKey !== undefined);
  return items;
}

export function scanAll(table: ManagedTable, parts: Partial<ScanRequest> = {}): Promise<Item[]> {
  return allItems((exclusiveStartKey) => table.scan(scanOf({ ...parts, exclusiveStartKey })));
}

export function queryAll(
  table: ManagedTable,
  hash: Item,
  parts: Partial<QueryRequest> = {},
): Promise<Item[]> {
  return allItems((exclusiveStartKey) =>
    table.query(queryOf(hash, { ...parts, exclusiveStartKey })),
  );
}

/** Hash attribute `p` (S), range attribute `s` (N). */
export const plain = schemaOf();

/** The same with a local index of keys by `l`, and a global index of all attributes by `g`. */
export const indexed = schemaOf({
  localIndexes: [localIndex(1, 'l:S', { type: 'KEYS_ONLY' })],
  globalIndexes: [globalIndex(2, { hash: 'g:S', range: '' })],
});

export const sortable = (index: number): AttributeValue => ({ N: String(index) });

/** An item of the collection `a`. */
export const item = (index: number, rest: Item = {}): Item => ({
  p: { S: 'a' },
  s: sortable(index),
  ...rest,
});

export function putAll(table: ManagedTable, items: readonly Item[]): Promise<WriteResult[]> {
  return Promise.all(items.map((each) => table.write(putOf(each, table.schema))));
}

/** A router on a store in memory, with a clock that stands still unless it is set. */
export class Installation {
  nowMs = 1_000_000;
  readonly store: Store;
  readonly router: LocalRouter;
  readonly #tables: ManagedTable[] = [];

  private constructor(store: Store) {
    this.store = store;
    this.router = this.routerWith(COLLECTION_BYTES_MAX);
  }

  static async create(): Promise<Installation> {
    return new Installation(await openStore({ folder: undefined, durability: 'relaxed' }));
  }

  routerWith(collectionBytesMax: number): LocalRouter {
    return new LocalRouter(this.store, { nowMs: () => this.nowMs }, { collectionBytesMax });
  }

  async open(
    schema: TableSchema,
    { partitions = 1, throughput = unlimited, router = this.router } = {},
  ): Promise<ManagedTable> {
    const table = await router.openTable(layoutOf(schema, partitions), throughput);
    this.#tables.push(table);
    return table;
  }

  async close(): Promise<void> {
    for (const table of this.#tables) await table.close();
    await this.store.close();
  }
}
