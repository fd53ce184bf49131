import { type ExpressionKind, expressionFaults } from '../errors/expressions.ts';
import type { AttributeType, AttributeValue } from '../item/attribute-value.ts';
import { typeOf } from '../item/attribute-value.ts';
import { compareScalars } from '../item/equality.ts';
import type { Comparator, Condition, Operand } from './ast.ts';
import { IN_OPERANDS_MAX } from './limits.ts';
import { equalPaths, pathText } from './paths.ts';

/**
 * Conditions without AND, OR and NOT, made of operands whose names and values are resolved. What
 * can be said against them without the item is found here, whatever text they came from.
 * @see reference/dynamodb.md section 5 (order of the checks)
 */

/** @throws ClientFault: operands that must differ, operand types */
export function comparison(
  kind: ExpressionKind,
  comparator: Comparator,
  { left, right }: { readonly left: Operand; readonly right: Operand },
): Condition {
  checkDistinct(kind, comparator, left, [right]);
  checkSizeTypes(kind, left);
  checkSizeTypes(kind, right);
  if (comparator !== '=' && comparator !== '<>') {
    checkTypes(kind, comparator, [left, right], orderedTypes);
  }
  return { kind: 'compare', comparator, left, right };
}

/** @throws ClientFault: operands that must differ, bounds, operand types */
export function between(
  kind: ExpressionKind,
  operand: Operand,
  { lower, upper }: { readonly lower: Operand; readonly upper: Operand },
): Condition {
  checkDistinct(kind, 'BETWEEN', operand, [lower, upper]);
  for (const each of [operand, lower, upper]) checkSizeTypes(kind, each);
  if (lower.kind === 'value' && upper.kind === 'value') {
    checkBounds(kind, lower.value, upper.value);
  }
  checkTypes(kind, 'BETWEEN', [operand, lower, upper], orderedTypes);
  return { kind: 'between', operand, lower, upper };
}

/** @throws ClientFault: number of candidates, operands that must differ, operand types */
export function membership(
  kind: ExpressionKind,
  operand: Operand,
  candidates: readonly Operand[],
): Condition {
  if (candidates.length > IN_OPERANDS_MAX) {
    throw expressionFaults.tooManyInOperands(kind, candidates.length);
  }
  checkDistinct(kind, 'IN', operand, candidates);
  checkSizeTypes(kind, operand);
  for (const candidate of candidates) checkSizeTypes(kind, candidate);
  return { kind: 'in', operand, candidates };
}

/**
 * The condition of a function (`conditionFunctions`) with as many operands as it takes.
 * @throws ClientFault: operands that must differ, operand types, a path that is none
 */
export function functionCondition(
  kind: ExpressionKind,
  name: string,
  args: readonly Operand[],
): Condition {
  const [first, second] = args;
  if (first === undefined) throw new Error('the grammar gives every function an operand');
  if (second !== undefined) checkDistinct(kind, name, first, [second]);
  for (const arg of args) checkSizeTypes(kind, arg);
  if (name === 'begins_with' && second !== undefined) {
    checkTypes(kind, name, args, prefixTypes);
    return { kind: 'beginsWith', operand: first, prefix: second };
  }
  if (name === 'contains' && second !== undefined) {
    return { kind: 'contains', operand: first, member: second };
  }
  if (name === 'attribute_type' && second !== undefined) {
    return typeCondition(first, typeNamed(kind, second));
  }
  if (first.kind !== 'path') throw expressionFaults.needsPath(kind, name);
  return { kind: 'exists', path: first.path, negated: name === 'attribute_not_exists' };
}

/**
 * `attribute_type` of any operand. The types of values, and of sizes if there are any, are known here.
 * @see scylladb/scylladb test_condition_expression.py (the service takes values, too)
 */
function typeCondition(operand: Operand, type: AttributeType): Condition {
  switch (operand.kind) {
    case 'path':
      return { kind: 'attributeType', path: operand.path, type };
    case 'value':
      return equalTexts(typeOf(operand.value), type);
    case 'size':
      return type === 'N'
        ? { kind: 'compare', comparator: '>=', left: operand, right: valueOperand({ N: '0' }) }
        : equalTexts('N', type);
  }
}

function equalTexts(left: string, right: string): Condition {
  const operands = { left: valueOperand({ S: left }), right: valueOperand({ S: right }) };
  return { kind: 'compare', comparator: '=', ...operands };
}

function valueOperand(value: AttributeValue): Operand {
  return { kind: 'value', value };
}

function checkDistinct(
  kind: ExpressionKind,
  operator: string,
  first: Operand,
  others: readonly Operand[],
): void {
  if (first.kind !== 'path') return;
  for (const other of others) {
    if (other.kind === 'path' && equalPaths(first.path, other.path)) {
      throw expressionFaults.operandsNotDistinct(kind, operator, pathText(first.path));
    }
  }
}

const orderedTypes: ReadonlySet<AttributeType> = new Set<AttributeType>(['S', 'N', 'B']);
const prefixTypes: ReadonlySet<AttributeType> = new Set<AttributeType>(['S', 'B']);
const sizedTypes: ReadonlySet<AttributeType> = new Set<AttributeType>([
  'S',
  'B',
  'M',
  'L',
  'SS',
  'NS',
  'BS',
]);
const allTypes: ReadonlySet<string> = new Set([...sizedTypes, 'N', 'BOOL', 'NULL']);

/** What a path may turn out to be, as the service lists it. */
const ANY_TYPE = '{NS,SS,L,BS,N,M,B,BOOL,NULL,S}';

/** The type that is known without the item. */
function staticType(operand: Operand): AttributeType | undefined {
  if (operand.kind === 'value') return typeOf(operand.value);
  return operand.kind === 'size' ? 'N' : undefined;
}

function checkTypes(
  kind: ExpressionKind,
  name: string,
  operands: readonly Operand[],
  allowed: ReadonlySet<AttributeType>,
): void {
  for (const operand of operands) {
    const type = staticType(operand);
    if (type !== undefined && !allowed.has(type)) {
      throw expressionFaults.operandType(kind, name, type);
    }
  }
}

function checkSizeTypes(kind: ExpressionKind, operand: Operand): void {
  if (operand.kind !== 'size') return;
  checkSizeTypes(kind, operand.of);
  checkTypes(kind, 'size', [operand.of], sizedTypes);
}

function checkBounds(kind: ExpressionKind, lower: AttributeValue, upper: AttributeValue): void {
  const lowerType = typeOf(lower);
  const upperType = typeOf(upper);
  if (lowerType !== upperType) {
    throw expressionFaults.betweenTypes(kind, boundText(lower), boundText(upper));
  }
  const order = compareScalars(lower, upper);
  if (order !== undefined && order > 0) {
    throw expressionFaults.betweenOrder(kind, boundText(lower), boundText(upper));
  }
}

function boundText(value: AttributeValue): string {
  if ('S' in value) return `S:${value.S}`;
  if ('N' in value) return `N:${value.N}`;
  if ('B' in value) return `B:${value.B}`;
  const type = typeOf(value);
  return `${type}:${JSON.stringify(Object.values(value)[0])}`;
}

function typeNamed(kind: ExpressionKind, operand: Operand): AttributeType {
  if (operand.kind !== 'value' || !('S' in operand.value)) {
    const type = staticType(operand) ?? ANY_TYPE;
    throw expressionFaults.operandType(kind, 'attribute_type', type);
  }
  const name = operand.value.S;
  if (!allTypes.has(name)) throw expressionFaults.unknownTypeName(kind, name);
  return name as AttributeType; // one of the set
}
