import { partiqlFaults } from '../errors/partiql.ts';
import { requestFaults } from '../errors/requests.ts';
import type { KeyCondition, Projection } from '../expression/ast.ts';
import { type Item, type MutableAttributeMap, setAttribute } from '../item/attribute-value.ts';
import { compareScalars } from '../item/equality.ts';
import type { QueryRequest, ScanRequest } from '../partition/command.ts';
import { filterNamesNotHeld, keyNames, needsTable } from '../partition/index-reads.ts';
import { checkKey, checkKeyPaths } from '../partition/key-check.ts';
import type { IndexSchema, KeySchema, TableSchema } from '../partition/schema.ts';
import { areTopLevel, type Column, projectionOf } from './columns.ts';
import { inHashOrder } from './hash-order.ts';
import { type KeyedRead, keyedReads, rangeOf } from './key-access.ts';
import type { SelectStatement } from './statement.ts';

/** A SELECT as the native operations that it is, in the order in which they are done. */
export interface ReadPlan {
  /** 1 to READS_MAX; a get or a scan is the only one. */
  readonly reads: readonly Read[];
  /** The rows' columns, where the items read are not the rows yet. */
  readonly columns: readonly Column[] | undefined;
}

/** Limits and start keys are the page's, so they are not here. */
export type Read =
  | { readonly kind: 'get'; readonly key: Item; readonly projection: Projection | undefined }
  | { readonly kind: 'query'; readonly request: QueryRequest }
  | { readonly kind: 'scan'; readonly request: ScanRequest };

/**
 * How a SELECT is read: by key if its clause fixes the partition key of the table or index, else by a
 * scan.
 * @throws ClientFault: the index, attributes that it lacks, ORDER BY, keys (`keyedReads`)
 */
export function planRead(
  statement: SelectStatement,
  schema: TableSchema,
  { consistentRead }: { readonly consistentRead: boolean },
): ReadPlan {
  const { columns, columnsFault, where } = statement;
  const index = indexToRead(schema, statement.index, consistentRead);
  if (columnsFault !== undefined) throw columnsFault;
  const key = index?.key ?? schema.key;
  const projection = columns && projectionOf(columns);
  const fetchFromTable = needsTable(index, schema, { isWhole: false, projection });
  checkNoPathIntoKey(statement, schema);
  const keyed = keyedReads(where, key);
  const order = orderOf(statement, key, keyed);
  if (keyed !== undefined) checkFilters(keyed, index, schema);
  const common = {
    indexName: index?.name,
    consistentRead,
    projection,
    output: 'items',
    fetchFromTable,
    limit: undefined,
    exclusiveStartKey: undefined,
  } as const;
  const reads =
    keyed === undefined
      ? [
          {
            kind: 'scan',
            request: { ...common, filter: where, segment: 0, totalSegments: 1 },
          } as const,
        ]
      : inOrder(keyed, order).map((read) =>
          readOf(read, { key, common, order, isOnly: keyed.length === 1 }),
        );
  return { reads, columns: columns === undefined || areTopLevel(columns) ? undefined : columns };
}

/** Whether all items of the table or index are looked at (`dynamodb:FullTableScan` in policies). */
export function isFullTableScan({ reads }: ReadPlan): boolean {
  return reads.some(({ kind }) => kind === 'scan');
}

/** The one item that a plan gets by its key, with nothing else asked of it. */
export function gottenItem({ reads }: ReadPlan): Extract<Read, { kind: 'get' }> | undefined {
  const [first] = reads;
  return first?.kind === 'get' ? first : undefined;
}

function indexToRead(
  schema: TableSchema,
  name: string | undefined,
  consistentRead: boolean,
): IndexSchema | undefined {
  if (name === undefined) return undefined;
  const index = [...schema.localIndexes, ...schema.globalIndexes].find(
    (each) => each.name === name,
  );
  if (index === undefined) throw partiqlFaults.indexAbsent();
  if (index.key.hash.length > 1 || index.key.range.length > 1) {
    throw partiqlFaults.severalKeyAttributes();
  }
  if (consistentRead && index.kind === 'global') throw partiqlFaults.consistentReadOnGlobalIndex();
  if (index.state === 'backfilling') throw requestFaults.indexBackfilling(name);
  return index;
}

function checkNoPathIntoKey({ columns = [], where }: SelectStatement, schema: TableSchema): void {
  checkKeyPaths(
    columns.map(({ path }) => path),
    schema,
  );
  checkKeyPaths(where, schema);
}

/**
 * A read by the index's key filters on what the index holds. Of several reads the service refuses
 * those alone that all need more, and tells of the one with the greatest key.
 * @see floci-io/floci, PartiQL edge cases (captures of September 2026)
 */
function checkFilters(
  reads: readonly KeyedRead[],
  index: IndexSchema | undefined,
  schema: TableSchema,
): void {
  if (index === undefined) return;
  let refused: readonly string[] = [];
  const ascending = reads.toSorted((one, other) => compareScalars(one.hash, other.hash) ?? 0);
  for (const { filter } of ascending) {
    const missing = filter === undefined ? [] : filterNamesNotHeld(index, schema, filter);
    if (missing.length === 0) return;
    refused = missing;
  }
  throw requestFaults.filterNotProjected(index.name, inHashOrder(refused));
}

/**
 * In which direction each key attribute is read. Sort keys without a term of their own descend.
 * @see floci-io/floci, PartiQL documented syntax (captures of September 2026)
 */
interface Order {
  /** Undefined: as the clause has them. */
  readonly isHashDescending: boolean | undefined;
  readonly isRangeDescending: boolean;
  readonly isGiven: boolean;
}

function orderOf(
  { orderBy }: SelectStatement,
  key: KeySchema,
  reads: readonly KeyedRead[] | undefined,
): Order {
  const names = keyNames(key);
  const [first] = orderBy;
  if (first === undefined) {
    return { isHashDescending: undefined, isRangeDescending: false, isGiven: false };
  }
  const other = orderBy.find(({ attribute }) => !names.includes(attribute));
  if (other !== undefined) throw partiqlFaults.orderByOther(other.attribute);
  if (reads === undefined) throw partiqlFaults.orderWithoutHash();
  const [hash, range] = names;
  const hashes = new Set(reads.map((read) => JSON.stringify(read.hash)));
  if (hashes.size > 1 && first.attribute !== hash) throw partiqlFaults.orderNeedsHash();
  const directionOf = (name: string | undefined): boolean | undefined =>
    orderBy.find(({ attribute }) => attribute === name)?.isDescending;
  return {
    isHashDescending: directionOf(hash),
    isRangeDescending: directionOf(range) ?? true,
    isGiven: true,
  };
}

function inOrder(
  reads: readonly KeyedRead[],
  { isGiven, isHashDescending, isRangeDescending }: Order,
): readonly KeyedRead[] {
  if (!isGiven) return reads;
  return reads.toSorted((one, other) => {
    const byHash = compareScalars(one.hash, other.hash) ?? 0;
    if (byHash !== 0) return isHashDescending === true ? -byHash : byHash;
    const byRange = Buffer.compare(rangeOf(one.range).start, rangeOf(other.range).start);
    return isRangeDescending ? -byRange : byRange;
  });
}

interface ReadContext {
  readonly key: KeySchema;
  readonly common: Omit<
    QueryRequest,
    'filter' | 'hashConditions' | 'rangeConditions' | 'scanIndexForward'
  >;
  readonly order: Order;
  readonly isOnly: boolean;
}

/** A get, where it is one item by the table's key alone. Queries count what they look at in a page. */
function readOf(
  { hash, range, filter }: KeyedRead,
  { key, common, order, isOnly }: ReadContext,
): Read {
  const [hashAttribute] = key.hash;
  const [rangeAttribute] = key.range;
  if (hashAttribute === undefined) throw new Error('every key has a hash attribute');
  const isWhole = rangeAttribute === undefined || range?.operator === '=';
  if (isWhole && filter === undefined && common.indexName === undefined) {
    const itemKey: MutableAttributeMap = {};
    setAttribute(itemKey, hashAttribute.name, hash);
    if (range?.operator === '=') setAttribute(itemKey, range.attribute, range.value);
    checkKey(itemKey, key);
    if (isOnly) return { kind: 'get', key: itemKey, projection: common.projection };
  }
  const hashCondition: KeyCondition = {
    attribute: hashAttribute.name,
    operator: '=',
    value: hash,
  };
  return {
    kind: 'query',
    request: {
      ...common,
      filter,
      hashConditions: [hashCondition],
      rangeConditions: range === undefined ? [] : [range],
      scanIndexForward: !order.isRangeDescending,
    },
  };
}
