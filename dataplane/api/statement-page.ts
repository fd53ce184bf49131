import { partiqlFaults } from '../errors/partiql.ts';
import type { Item } from '../item/attribute-value.ts';
import { type Column, rowOf } from '../partiql/columns.ts';
import type { ReadPosition } from '../partiql/next-token.ts';
import { gottenItem, type Read, type ReadPlan } from '../partiql/read-plan.ts';
import type { Capacity, PageResult } from '../partition/command.ts';
import { checkStartKey } from '../partition/key-check.ts';
import { PAGE_BYTES_MAX } from '../partition/page.ts';
import type { TableSchema } from '../partition/schema.ts';
import type { Eventually, Table } from '../routing/table.ts';
import { sumOfCapacities } from './consumed-capacity.ts';

/** One page of a SELECT. */
export interface StatementPage {
  /** UTF-8 wire JSON, one a row. */
  readonly rows: readonly Uint8Array[];
  readonly capacity: Capacity;
  /** Where the next page goes on; undefined when there is none. */
  readonly next: ReadPosition | undefined;
}

export interface PageStart {
  /** Most items to look at, 1 or more. */
  readonly limit: number | undefined;
  readonly position: ReadPosition;
  readonly consistentRead: boolean;
}

/**
 * Does the reads of a plan one after the other, until the limit or 1 MB is reached, as if they were
 * one query.
 * @throws ClientFault throttling; a position that does not fit the table any more; StoreError
 */
export function readPage(
  table: Table,
  plan: ReadPlan,
  start: PageStart,
): Eventually<StatementPage> {
  const get = gottenItem(plan);
  if (get === undefined || start.position.readIndex > 0) return readAll(table, plan, start);
  // The common case costs no turn of the event loop when the item is at hand.
  const { consistentRead } = start;
  const result = table.get(get.key, { consistentRead, projection: get.projection });
  const pageOf = ({ json, capacity }: Awaited<typeof result>): StatementPage => ({
    rows: rowsOf(json === undefined ? [] : [json], plan.columns),
    capacity,
    next: undefined,
  });
  return result instanceof Promise ? result.then(pageOf) : pageOf(result);
}

async function readAll(
  table: Table,
  { reads, columns }: ReadPlan,
  start: PageStart,
): Promise<StatementPage> {
  const { position } = start;
  if (position.readIndex >= reads.length) throw partiqlFaults.tokenInvalid();
  const rows: Uint8Array[] = [];
  const capacities: Capacity[] = [];
  let itemsLeft = start.limit ?? Number.POSITIVE_INFINITY;
  let bytesLeft = PAGE_BYTES_MAX;
  for (let index = position.readIndex; index < reads.length; index++) {
    const read = reads[index];
    if (read === undefined) break;
    if (itemsLeft <= 0 || bytesLeft <= 0) {
      return pageOf({ rows, columns, capacities }, { readIndex: index, startKey: undefined });
    }
    const result = await readOne(table, read, {
      limit: Number.isFinite(itemsLeft) ? itemsLeft : undefined,
      bytesMax: bytesLeft,
      startKey: index === position.readIndex ? position.startKey : undefined,
    });
    for (const item of result.items) rows.push(item); // too many for arguments
    capacities.push(result.capacity);
    itemsLeft -= result.scannedCount;
    bytesLeft -= result.evaluatedBytes;
    const startKey = result.lastEvaluatedKey;
    if (startKey !== undefined) {
      return pageOf({ rows, columns, capacities }, { readIndex: index, startKey });
    }
  }
  return pageOf({ rows, columns, capacities }, undefined);
}

function pageOf(
  {
    rows,
    columns,
    capacities,
  }: {
    readonly rows: readonly Uint8Array[];
    readonly columns: readonly Column[] | undefined;
    readonly capacities: readonly Capacity[];
  },
  next: ReadPosition | undefined,
): StatementPage {
  return { rows: rowsOf(rows, columns), capacity: sumOfCapacities(capacities), next };
}

interface ReadPart {
  readonly limit: number | undefined;
  readonly bytesMax: number;
  readonly startKey: Item | undefined;
}

async function readOne(table: Table, read: Read, part: ReadPart): Promise<PageResult> {
  if (read.kind === 'get') throw new Error('a get is the only read of its plan');
  const { limit, bytesMax, startKey: exclusiveStartKey } = part;
  checkStart(exclusiveStartKey, read, table.schema);
  const paged = { limit, bytesMax, exclusiveStartKey };
  return read.kind === 'query'
    ? table.query({ ...read.request, ...paged })
    : table.scan({ ...read.request, ...paged });
}

/** A token may be older than the index it reads. */
function checkStart(
  startKey: Item | undefined,
  { kind, request }: Exclude<Read, { kind: 'get' }>,
  schema: TableSchema,
): void {
  if (startKey === undefined) return;
  const indexes = [...schema.localIndexes, ...schema.globalIndexes];
  const index = indexes.find(({ name }) => name === request.indexName);
  checkStartKey(startKey, schema, index, kind);
}

/** The rows as the columns have them; an item's own bytes where they are the row. */
export function rowsOf(
  items: readonly Uint8Array[],
  columns: readonly Column[] | undefined,
): readonly Uint8Array[] {
  if (columns === undefined) return items;
  return items.map((json) => {
    const item = JSON.parse(Buffer.from(json).toString('utf8')) as Item; // a stored item
    return Buffer.from(JSON.stringify(rowOf(columns, item)));
  });
}
