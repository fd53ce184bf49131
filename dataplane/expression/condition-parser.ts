import { type ExpressionKind, expressionFaults } from '../errors/expressions.ts';
import type { Condition, Operand } from './ast.ts';
import { between, comparison, functionCondition, membership } from './checked-condition.ts';
import { parseConditionSyntax } from './condition-syntax.ts';
import { operandCountOf } from './functions.ts';
import type { Substitutions } from './substitutions.ts';
import type { ConditionNode, OperandNode, PrimaryNode } from './syntax-tree.ts';

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
  const { kind } = context;
  switch (node.kind) {
    case 'compare': {
      const left = resolveOperand(node.left, context);
      const right = resolveOperand(node.right, context);
      checkCounts([node.left, node.right], kind);
      return comparison(kind, node.comparator, { left, right });
    }
    case 'between': {
      const operand = resolveOperand(node.operand, context);
      const lower = resolveOperand(node.lower, context);
      const upper = resolveOperand(node.upper, context);
      checkCounts([node.operand, node.lower, node.upper], kind);
      return between(kind, operand, { lower, upper });
    }
    case 'in': {
      const operand = resolveOperand(node.operand, context);
      const candidates = node.candidates.map((candidate) => resolveOperand(candidate, context));
      checkCounts([node.operand, ...node.candidates], kind);
      return membership(kind, operand, candidates);
    }
    case 'call': {
      const args = node.args.map((arg) => resolveOperand(arg, context));
      checkCounts([node], kind);
      return functionCondition(kind, node.name, args);
    }
  }
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
function checkCounts(nodes: readonly OperandNode[], kind: ExpressionKind): void {
  for (const node of nodes) {
    if (node.kind !== 'call') continue;
    checkCounts(node.args, kind);
    if (node.args.length !== operandCountOf(node.name)) {
      throw expressionFaults.operandCount(kind, node.name, node.args.length);
    }
  }
}
