import { startKeyFaults } from '../errors/items.ts';
import type { KeyCondition } from '../expression/ast.ts';
import type { AttributeValue } from '../item/attribute-value.ts';
import type { PageResult, QueryRequest } from '../partition/command.ts';
import {
  narrow,
  rangeOfConditions,
  rangeOfPrefix,
  type StorageRange,
} from '../partition/key-range.ts';
import { afterKey, joinKey, PREFIX_BYTES } from '../partition/key-space.ts';
import { partitionOf } from './partition-map.ts';
import {
  newPage,
  pageResult,
  type ReadAccess,
  type ReadTarget,
  readTarget,
  recordKeyOf,
} from './read-access.ts';

/**
 * Reads one page of a query: one partition, one range of keys.
 * @throws ClientFault when the start key lies outside the query; StoreError
 */
export async function readQuery(access: ReadAccess, request: QueryRequest): Promise<PageResult> {
  const target = readTarget(access, request.indexName);
  const hashKey = access.compiled.hashKey(request.hashConditions.map(equalValueOf));
  const { prefix } = partitionOf(target.parts, hashKey);
  const hashPrefix = joinKey(prefix, hashKey.subarray(PREFIX_BYTES));
  const whole = rangeOfConditions(hashPrefix, request.rangeConditions);
  const range = fromStartKey(access, target, request, { whole, hashPrefix });
  const page = newPage(access, target, request);
  const units = await page.take(range, !request.scanIndexForward);
  return pageResult(access, target, { page, units });
}

function fromStartKey(
  access: ReadAccess,
  target: ReadTarget,
  request: QueryRequest,
  { whole, hashPrefix }: { readonly whole: StorageRange; readonly hashPrefix: Buffer },
): StorageRange {
  const { exclusiveStartKey } = request;
  if (exclusiveStartKey === undefined) return whole;
  const key = recordKeyOf(access, target, exclusiveStartKey);
  checkBoundaries(key, request, { whole, hashPrefix });
  return request.scanIndexForward
    ? narrow(whole, { start: afterKey(key) })
    : narrow(whole, { end: key });
}

/** @see dynalite test/query.js (captures): which text comes when */
function checkBoundaries(
  key: Buffer,
  { rangeConditions }: QueryRequest,
  { whole, hashPrefix }: { readonly whole: StorageRange; readonly hashPrefix: Buffer },
): void {
  const hasHash = isWithin(key, rangeOfPrefix(hashPrefix));
  if (rangeConditions.length === 0) {
    if (!hasHash) throw startKeyFaults.outsideQuery();
    return;
  }
  const sameSortKey = joinKey(hashPrefix, key.subarray(hashPrefix.length));
  if (!isWithin(sameSortKey, whole)) throw startKeyFaults.outsideRangePredicate();
  if (!hasHash) throw startKeyFaults.singleRow();
}

function isWithin(key: Buffer, { start, end }: StorageRange): boolean {
  return Buffer.compare(key, start) >= 0 && Buffer.compare(key, end) < 0;
}

/** The value of a hash attribute in a query. */
export function equalValueOf(condition: KeyCondition): AttributeValue {
  if (condition.operator !== '=') throw new TypeError('hash attributes are queried by equality');
  return condition.value;
}
