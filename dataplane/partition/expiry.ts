import type { Condition } from '../expression/ast.ts';
import { attributeOf, type Item } from '../item/attribute-value.ts';

/** Items that expired longer ago than this are left alone (reference/dynamodb.md section 10). */
const EXPIRED_SECONDS_MAX = 5 * 365 * 24 * 60 * 60;

/**
 * The second at which an item expires: its TTL attribute, when that is a number that can be a time.
 * @see reference/dynamodb.md section 10 (TTL)
 */
export function expirySecondOf(item: Item, attribute: string): number | undefined {
  const value = attributeOf(item, attribute);
  if (value === undefined || !('N' in value)) return undefined;
  // A double is enough: integers are exact up to 2^53, and later times never come.
  const second = Math.floor(Number(value.N));
  return second > 0 && Number.isSafeInteger(second) ? second : undefined;
}

/** Seconds of expiry, [from, to), that make an item due now. */
export function dueSeconds(nowMs: number): { readonly from: number; readonly to: number } {
  const now = Math.floor(nowMs / 1000);
  return { from: Math.max(0, now - EXPIRED_SECONDS_MAX), to: now };
}

/** Holds for an item that is due by `nowMs`; a write that renews it makes it fail. */
export function dueCondition(attribute: string, nowMs: number): Condition {
  const { from, to } = dueSeconds(nowMs);
  const second = { kind: 'path', path: [attribute] } as const;
  return {
    kind: 'and',
    left: compare(second, '>=', from),
    right: compare(second, '<', to),
  };
}

function compare(
  left: { readonly kind: 'path'; readonly path: readonly [string] },
  comparator: '<' | '>=',
  second: number,
): Condition {
  const right = { kind: 'value', value: { N: String(second) } } as const;
  return { kind: 'compare', comparator, left, right };
}
