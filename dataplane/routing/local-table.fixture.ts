import type { KeyCondition } from '../expression/ast.ts';
import type { Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import type { PageResult, PutCommand, QueryRequest, ScanRequest } from '../partition/command.ts';
import { tableKeyOf } from '../partition/key-check.ts';
import { evenPartitions } from '../partition/schema.fixture.ts';
import type { TableLayout, TableSchema } from '../partition/schema.ts';
import type { Table, TableThroughput } from './table.ts';

/** Layouts, requests and answers for the tests of this folder and its users. */

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

export function scanAll(table: Table, parts: Partial<ScanRequest> = {}): Promise<Item[]> {
  return allItems((exclusiveStartKey) => table.scan(scanOf({ ...parts, exclusiveStartKey })));
}

export function queryAll(
  table: Table,
  hash: Item,
  parts: Partial<QueryRequest> = {},
): Promise<Item[]> {
  return allItems((exclusiveStartKey) =>
    table.query(queryOf(hash, { ...parts, exclusiveStartKey })),
  );
}
