import type { KeyCondition } from '../expression/ast.ts';
import { encodeKeyPrefix, encodeKeyValue } from '../item/key-encoding.ts';
import { afterPrefix, HASH_BYTES, joinKey, PREFIX_BYTES } from './key-space.ts';
import type { PartitionRange } from './schema.ts';

/** Storage keys [start, end). */
export interface StorageRange {
  readonly start: Buffer;
  readonly end: Buffer;
}

/**
 * The keys below `prefix` (partition, space, hash) whose range attributes meet the conditions.
 * Encodings end by themselves, so a condition on the value is a range of keys whatever follows it.
 * @param conditions - left to right without gaps; all but the last are `=`
 */
export function rangeOfConditions(
  prefix: Buffer,
  conditions: readonly KeyCondition[],
): StorageRange {
  let equal = prefix;
  for (const condition of conditions) {
    if (condition.operator !== '=') return rangeOfLast(equal, condition);
    equal = joinKey(equal, encodeKeyValue(condition.value));
  }
  return rangeOfPrefix(equal);
}

const HASH_END = PREFIX_BYTES + HASH_BYTES;

/** Whether an item (its key has room for the prefix) is in this range of hashes. */
export function ownsItemKey({ start, end }: PartitionRange, itemKey: Buffer): boolean {
  return (
    itemKey.compare(start, 0, HASH_BYTES, PREFIX_BYTES, HASH_END) >= 0 &&
    (end === undefined || itemKey.compare(end, 0, HASH_BYTES, PREFIX_BYTES, HASH_END) < 0)
  );
}

export function rangeOfPrefix(prefix: Buffer): StorageRange {
  return { start: prefix, end: afterPrefix(prefix) };
}

/** The part of a range from `start` on, or up to `end`. */
export function narrow(range: StorageRange, bounds: Partial<StorageRange>): StorageRange {
  const { start = range.start, end = range.end } = bounds;
  return {
    start: Buffer.compare(start, range.start) > 0 ? start : range.start,
    end: Buffer.compare(end, range.end) < 0 ? end : range.end,
  };
}

export function isEmptyRange({ start, end }: StorageRange): boolean {
  return Buffer.compare(start, end) >= 0;
}

function rangeOfLast(prefix: Buffer, condition: KeyCondition): StorageRange {
  const end = afterPrefix(prefix);
  if (condition.operator === 'between') {
    return {
      start: joinKey(prefix, encodeKeyValue(condition.lower)),
      end: afterPrefix(joinKey(prefix, encodeKeyValue(condition.upper))),
    };
  }
  if (condition.operator === 'beginsWith') {
    return rangeOfPrefix(joinKey(prefix, encodeKeyPrefix(condition.value)));
  }
  const key = joinKey(prefix, encodeKeyValue(condition.value));
  switch (condition.operator) {
    case '<':
      return { start: prefix, end: key };
    case '<=':
      return { start: prefix, end: afterPrefix(key) };
    case '>':
      return { start: afterPrefix(key), end };
    case '>=':
      return { start: key, end };
    case '=':
      return rangeOfPrefix(key);
  }
}
