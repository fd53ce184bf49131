import type { JsonObject, ResponseBody } from '../../dataplane/api/operation.ts';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { parseKeyCondition } from '../../dataplane/expression/key-condition.ts';
import { Substitutions } from '../../dataplane/expression/substitutions.ts';
import type { AttributeValue } from '../../dataplane/item/attribute-value.ts';
import type { PageCall } from '../cache/cached-tables.ts';
import { andThen, type Eventually } from '../tables/eventually.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { isNames } from './attribute-selection.ts';
import { type CapacityMode, isCapacityMode, nothingConsumed } from './consumed-capacity.ts';
import { type Door, tableNamed } from './door.ts';
import { hashPartOf, valueIn } from './item-keys.ts';
import { isFalse, isRecord } from './members.ts';
import { requestKeyOf } from './request-key.ts';

/** Requests with these are not cached: SDKs have not sent them for ten years. */
const LEGACY = [
  'AttributesToGet',
  'KeyConditions',
  'QueryFilter',
  'ScanFilter',
  'ConditionalOperator',
] as const;

/** A request whose answer may be kept. Whether it is right, the table says when it answers it first. */
interface CachedPage {
  readonly table: TableInfo;
  readonly index: string | undefined;
  /** Of the item collection that a Query reads; undefined: the page may have items of any. */
  readonly hash: Buffer | undefined;
  readonly requestKey: string;
  readonly capacity: CapacityMode;
}

/** Reads a page of an item collection. */
export function query(door: Door, body: JsonObject): Eventually<ResponseBody> {
  return page(door, 'Query', body);
}

/** Reads a page of a table or an index. */
export function scan(door: Door, body: JsonObject): Eventually<ResponseBody> {
  return page(door, 'Scan', body);
}

function page(
  door: Door,
  operation: PageCall['operation'],
  body: JsonObject,
): Eventually<ResponseBody> {
  return andThen<CachedPage | undefined, ResponseBody>(
    recognised(door, operation, body),
    (cached) =>
      cached === undefined
        ? door.calls.call(operation, body)
        : read(door, { operation, body }, cached),
  );
}

function recognised(
  door: Door,
  operation: PageCall['operation'],
  body: JsonObject,
): Eventually<CachedPage | undefined> {
  const { TableName, ConsistentRead, ReturnConsumedCapacity, IndexName: index, ...rest } = body;
  if (!isFalse(ConsistentRead) || !isCapacityMode(ReturnConsumedCapacity)) return;
  if (index !== undefined && typeof index !== 'string') return;
  if (LEGACY.some((name) => body[name] !== undefined)) return;
  const requestKey = requestKeyOf([operation, index ?? null, rest]);
  if (requestKey === undefined) return;
  return andThen(tableNamed(door, TableName), (table) => {
    if (table === undefined || !hasIndex(table, index)) return;
    const common = { table, index, requestKey, capacity: ReturnConsumedCapacity };
    if (operation === 'Scan' || (index !== undefined && table.globalIndexes.has(index))) {
      return { ...common, hash: undefined };
    }
    const hash = hashQueried(body, table);
    return hash && { ...common, hash };
  });
}

function hasIndex({ localIndexes, globalIndexes }: TableInfo, index: string | undefined): boolean {
  return index === undefined || localIndexes.has(index) || globalIndexes.has(index);
}

/** Local indexes have the table's hash attribute. @returns undefined when anything is wrong with it */
function hashQueried(body: JsonObject, table: TableInfo): Buffer | undefined {
  const { KeyConditionExpression: text, ExpressionAttributeNames: names } = body;
  if (typeof text !== 'string' || !isNames(names)) return;
  const values = valuesIn(body.ExpressionAttributeValues);
  if (values === undefined) return;
  const { name } = table.key.hash;
  try {
    const conditions = parseKeyCondition(text, new Substitutions(names, values));
    const condition = conditions.find(({ attribute }) => attribute === name);
    return condition?.operator === '=' ? hashPartOf(condition.value, table) : undefined;
  } catch (error) {
    if (!(error instanceof ClientFault)) throw error;
    return undefined;
  }
}

function valuesIn(wire: unknown): Readonly<Record<string, AttributeValue>> | undefined {
  if (!isRecord(wire)) return;
  const values: [token: string, AttributeValue][] = [];
  for (const [token, each] of Object.entries(wire)) {
    const value = valueIn(each);
    if (value === undefined) return;
    values.push([token, value]);
  }
  return Object.fromEntries(values);
}

function read(
  door: Door,
  { operation, body }: Pick<PageCall, 'operation' | 'body'>,
  { table, index, hash, requestKey, capacity }: CachedPage,
): Eventually<Uint8Array> {
  let isConsumed = false;
  const bytes = door.tables.page({
    operation,
    table,
    index,
    hash,
    consistentRead: false,
    form: 'http',
    requestKey,
    body,
    encode: (answer) => {
      isConsumed ||= answer.ConsumedCapacity !== undefined;
      return Buffer.from(JSON.stringify(answer), 'utf8');
    },
  });
  const consumed = nothingConsumed(capacity, table);
  if (consumed === undefined) return bytes;
  return andThen(bytes, (answer) => (isConsumed ? answer : withConsumed(answer, consumed)));
}

/** An answer out of the cache says that it cost nothing. It has other members: Count at least. */
function withConsumed(answer: Buffer, consumed: JsonObject): Buffer {
  const more = Buffer.from(`,"ConsumedCapacity":${JSON.stringify(consumed)}}`, 'utf8');
  return Buffer.concat([answer.subarray(0, -1), more]);
}
