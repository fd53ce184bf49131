import { type AttributeValue, type Item, typeOf } from '../item/attribute-value.ts';
import { compareScalars, equalValues } from '../item/equality.ts';
import { base64Bytes } from '../item/size.ts';
import type { Comparator, Condition, Operand } from './ast.ts';
import { valueAt } from './paths.ts';

/**
 * True when the item meets the condition; a missing item is `{}`.
 *
 * What an attribute lacks is never a fault here: a missing one is unequal to everything, and what
 * has no order or no size is simply not matched (reference/dynamodb.md section 7).
 */
export function matches(condition: Condition, item: Item): boolean {
  switch (condition.kind) {
    case 'and':
      return matches(condition.left, item) && matches(condition.right, item);
    case 'or':
      return matches(condition.left, item) || matches(condition.right, item);
    case 'not':
      return !matches(condition.condition, item);
    case 'compare':
      return compares(
        condition.comparator,
        operandValue(condition.left, item),
        operandValue(condition.right, item),
      );
    case 'between': {
      const value = operandValue(condition.operand, item);
      return (
        compares('>=', value, operandValue(condition.lower, item)) &&
        compares('<=', value, operandValue(condition.upper, item))
      );
    }
    case 'in': {
      const value = operandValue(condition.operand, item);
      return condition.candidates.some((each) => compares('=', value, operandValue(each, item)));
    }
    case 'exists':
      return (valueAt(condition.path, item) === undefined) === condition.negated;
    case 'attributeType': {
      const value = valueAt(condition.path, item);
      return value !== undefined && typeOf(value) === condition.type;
    }
    case 'beginsWith':
      return beginsWith(
        operandValue(condition.operand, item),
        operandValue(condition.prefix, item),
      );
    case 'contains':
      return contains(operandValue(condition.operand, item), operandValue(condition.member, item));
  }
}

function operandValue(operand: Operand, item: Item): AttributeValue | undefined {
  switch (operand.kind) {
    case 'path':
      return valueAt(operand.path, item);
    case 'value':
      return operand.value;
    case 'size': {
      const size = sizeOf(operandValue(operand.of, item));
      return size === undefined ? undefined : { N: String(size) };
    }
  }
}

/** Equality is of any type; order is of S, N and B, and only within one of them. */
function compares(
  comparator: Comparator,
  left: AttributeValue | undefined,
  right: AttributeValue | undefined,
): boolean {
  if (left === undefined || right === undefined) return comparator === '<>';
  if (comparator === '=') return equalValues(left, right);
  if (comparator === '<>') return !equalValues(left, right);
  const order = compareScalars(left, right);
  if (order === undefined) return false;
  switch (comparator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

/** Text in UTF-16 code units (dynoxide 0.10, from captures), binary in raw bytes, else elements. */
function sizeOf(value: AttributeValue | undefined): number | undefined {
  if (value === undefined) return undefined;
  if ('S' in value) return value.S.length;
  if ('B' in value) return base64Bytes(value.B);
  if ('M' in value) return Object.keys(value.M).length;
  if ('L' in value) return value.L.length;
  if ('SS' in value) return value.SS.length;
  if ('NS' in value) return value.NS.length;
  if ('BS' in value) return value.BS.length;
  return undefined;
}

function beginsWith(
  value: AttributeValue | undefined,
  prefix: AttributeValue | undefined,
): boolean {
  if (value === undefined || prefix === undefined) return false;
  if ('S' in value) return 'S' in prefix && value.S.startsWith(prefix.S);
  if (!('B' in value && 'B' in prefix)) return false;
  const bytes = Buffer.from(prefix.B, 'base64');
  return Buffer.from(value.B, 'base64').subarray(0, bytes.length).equals(bytes);
}

/** Part of a text or binary, member of a set, or element of a list. Maps never match. */
function contains(value: AttributeValue | undefined, member: AttributeValue | undefined): boolean {
  if (value === undefined || member === undefined) return false;
  if ('L' in value) return value.L.some((element) => equalValues(element, member));
  if ('S' in member) {
    if ('S' in value) return value.S.includes(member.S);
    return 'SS' in value && value.SS.includes(member.S);
  }
  // Canonical numbers and binaries are equal exactly when their texts are.
  if ('N' in member) return 'NS' in value && value.NS.includes(member.N);
  if (!('B' in member)) return false;
  if ('BS' in value) return value.BS.includes(member.B);
  return 'B' in value && Buffer.from(value.B, 'base64').includes(Buffer.from(member.B, 'base64'));
}
