import { type ExpressionKind, expressionFaults } from '../errors/expressions.ts';
import type { AttributeType, AttributeValue } from '../item/attribute-value.ts';
import { typeOf } from '../item/attribute-value.ts';
import { compareScalars } from '../item/equality.ts';
import type { Condition, Operand } from './ast.ts';
import { parseConditionSyntax } from './condition-syntax.ts';
import { operandCountOf } from './functions.ts';
import { IN_OPERANDS_MAX } from './limits.ts';
import { equalPaths, pathText } from './paths.ts';
import type { Substitutions } from './substitutions.ts';
import type { CallNode, ConditionNode, OperandNode, PrimaryNode } from './syntax-tree.ts';

/**
 * The condition a text stands for, all names and values resolved.
 * @throws ClientFault `Invalid <kind>: ...`: first what the text alone shows (`condition-syntax.ts`),
 *   then, of the first predicate with a fault: undefined name or value, number of operands,
 *   operands that must differ, operand types (reference/dynamodb.md section 5)
 */
export function parseCondition(
  text: string,
  kind: 'ConditionExpression' | 'FilterExpression' | 'KeyConditionExpression',
  substitutions: Substitutions,
): Condition {
  return resolveCondition(parseConditionSyntax(text, kind), { kind, substitutions });
}

interface Context {
  readonly kind: ExpressionKind;
  readonly substitutions: Substitutions;
}

/** Depth is bounded by the number of operators, which the parser has checked. */
function resolveCondition(node: ConditionNode, context: Context): Condition {
  switch (node.kind) {
    case 'and':
    case 'or': {
      const left = resolveCondition(node.left, context);
      return { kind: node.kind, left, right: resolveCondition(node.right, context) };
    }
    case 'not':
      return { kind: 'not', condition: resolveCondition(node.condition, context) };
    default:
      return resolvePrimary(node, context);
  }
}

function resolvePrimary(node: PrimaryNode, context: Context): Condition {
  switch (node.kind) {
    case 'compare':
      return resolveComparison(node, context);
    case 'between':
      return resolveBetween(node, context);
    case 'in':
      return resolveIn(node, context);
    case 'call':
      return resolveCall(node, context);
  }
}

function resolveComparison(node: PrimaryNode & { kind: 'compare' }, context: Context): Condition {
  const { comparator } = node;
  const left = resolveOperand(node.left, context);
  const right = resolveOperand(node.right, context);
  checkCounts([node.left, node.right], context);
  checkDistinct(comparator, left, [right], context);
  checkSizeTypes(left, context);
  checkSizeTypes(right, context);
  if (comparator !== '=' && comparator !== '<>') {
    checkTypes(comparator, [left, right], orderedTypes, context);
  }
  return { kind: 'compare', comparator, left, right };
}

function resolveBetween(node: PrimaryNode & { kind: 'between' }, context: Context): Condition {
  const operand = resolveOperand(node.operand, context);
  const lower = resolveOperand(node.lower, context);
  const upper = resolveOperand(node.upper, context);
  checkCounts([node.operand, node.lower, node.upper], context);
  checkDistinct('BETWEEN', operand, [lower, upper], context);
  for (const each of [operand, lower, upper]) checkSizeTypes(each, context);
  if (lower.kind === 'value' && upper.kind === 'value') {
    checkBounds(lower.value, upper.value, context);
  }
  checkTypes('BETWEEN', [operand, lower, upper], orderedTypes, context);
  return { kind: 'between', operand, lower, upper };
}

function resolveIn(node: PrimaryNode & { kind: 'in' }, context: Context): Condition {
  const operand = resolveOperand(node.operand, context);
  const candidates = node.candidates.map((candidate) => resolveOperand(candidate, context));
  checkCounts([node.operand, ...node.candidates], context);
  if (candidates.length > IN_OPERANDS_MAX) {
    throw expressionFaults.tooManyInOperands(context.kind, candidates.length);
  }
  checkDistinct('IN', operand, candidates, context);
  checkSizeTypes(operand, context);
  for (const candidate of candidates) checkSizeTypes(candidate, context);
  return { kind: 'in', operand, candidates };
}

function resolveCall(node: CallNode, context: Context): Condition {
  const { name } = node;
  const args = node.args.map((arg) => resolveOperand(arg, context));
  checkCounts([node], context);
  const [first, second] = args;
  if (first === undefined) throw new Error('the grammar gives every function an operand');
  if (second !== undefined) checkDistinct(name, first, [second], context);
  for (const arg of args) checkSizeTypes(arg, context);
  if (name === 'begins_with' && second !== undefined) {
    checkTypes(name, args, prefixTypes, context);
    return { kind: 'beginsWith', operand: first, prefix: second };
  }
  if (name === 'contains' && second !== undefined) {
    return { kind: 'contains', operand: first, member: second };
  }
  if (first.kind !== 'path') throw expressionFaults.needsPath(context.kind, name);
  if (name === 'attribute_type' && second !== undefined) {
    return { kind: 'attributeType', path: first.path, type: typeNamed(second, context) };
  }
  return { kind: 'exists', path: first.path, negated: name === 'attribute_not_exists' };
}

/** Names and values only; a function with too many operands keeps its first until it is refused. */
function resolveOperand(node: OperandNode, context: Context): Operand {
  switch (node.kind) {
    case 'path':
      return { kind: 'path', path: context.substitutions.path(node, context.kind) };
    case 'value': {
      const value = context.substitutions.value(node.name);
      if (value === undefined) throw expressionFaults.undefinedValue(context.kind, node.name);
      return { kind: 'value', value };
    }
    case 'call': {
      const [of] = node.args.map((arg) => resolveOperand(arg, context));
      if (of === undefined) throw new Error('the grammar gives every function an operand');
      return { kind: 'size', of };
    }
  }
}

/** Inner functions first, as the service reads them. */
function checkCounts(nodes: readonly OperandNode[], context: Context): void {
  for (const node of nodes) {
    if (node.kind !== 'call') continue;
    checkCounts(node.args, context);
    if (node.args.length !== operandCountOf(node.name)) {
      throw expressionFaults.operandCount(context.kind, node.name, node.args.length);
    }
  }
}

function checkDistinct(
  operator: string,
  first: Operand,
  others: readonly Operand[],
  context: Context,
): void {
  if (first.kind !== 'path') return;
  for (const other of others) {
    if (other.kind === 'path' && equalPaths(first.path, other.path)) {
      throw expressionFaults.operandsNotDistinct(context.kind, operator, pathText(first.path));
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
  name: string,
  operands: readonly Operand[],
  allowed: ReadonlySet<AttributeType>,
  context: Context,
): void {
  for (const operand of operands) {
    const type = staticType(operand);
    if (type !== undefined && !allowed.has(type)) {
      throw expressionFaults.operandType(context.kind, name, type);
    }
  }
}

function checkSizeTypes(operand: Operand, context: Context): void {
  if (operand.kind !== 'size') return;
  checkSizeTypes(operand.of, context);
  checkTypes('size', [operand.of], sizedTypes, context);
}

function checkBounds(lower: AttributeValue, upper: AttributeValue, context: Context): void {
  const lowerType = typeOf(lower);
  const upperType = typeOf(upper);
  if (lowerType !== upperType) {
    throw expressionFaults.betweenTypes(context.kind, boundText(lower), boundText(upper));
  }
  const order = compareScalars(lower, upper);
  if (order !== undefined && order > 0) {
    throw expressionFaults.betweenOrder(context.kind, boundText(lower), boundText(upper));
  }
}

function boundText(value: AttributeValue): string {
  if ('S' in value) return `S:${value.S}`;
  if ('N' in value) return `N:${value.N}`;
  if ('B' in value) return `B:${value.B}`;
  const type = typeOf(value);
  return `${type}:${JSON.stringify(Object.values(value)[0])}`;
}

function typeNamed(operand: Operand, context: Context): AttributeType {
  if (operand.kind !== 'value' || !('S' in operand.value)) {
    const type = staticType(operand) ?? ANY_TYPE;
    throw expressionFaults.operandType(context.kind, 'attribute_type', type);
  }
  const name = operand.value.S;
  if (!allTypes.has(name)) throw expressionFaults.unknownTypeName(context.kind, name);
  return name as AttributeType; // one of the set
}
