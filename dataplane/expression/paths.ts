import { type AttributeMap, type AttributeValue, attributeOf } from '../item/attribute-value.ts';
import type { Condition, Operand, Path, Projection, Update, UpdateTerm } from './ast.ts';

/** The value a path leads to; undefined when any step of it is missing or of another type. */
export function valueAt(path: Path, item: AttributeMap): AttributeValue | undefined {
  let value = attributeOf(item, path[0]);
  for (let index = 1; index < path.length && value !== undefined; index++) {
    const part = path[index];
    value = part === undefined ? undefined : childOf(value, part);
  }
  return value;
}

/** The member of a map, or the element of a list. */
export function childOf(value: AttributeValue, part: string | number): AttributeValue | undefined {
  if (typeof part === 'number') return 'L' in value ? value.L[part] : undefined;
  return 'M' in value ? attributeOf(value.M, part) : undefined;
}

export function equalPaths(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index]);
}

/** As messages show it: `[a, [0], b]`. */
export function pathText(path: Path): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : part));
  return `[${parts.join(', ')}]`;
}

/** Names of all top-level attributes that are read or written. */
export function topLevelAttributes(
  expression: Condition | Projection | Update,
): ReadonlySet<string> {
  const names = new Set<string>();
  visitPaths(expression, (path) => names.add(path[0]));
  return names;
}

/**
 * Names of the top-level attributes that a path goes into: `a` of `a.b` and `a[0]`, in the order of
 * the text. Key attributes must not be among them. Of an update, sources count as targets do.
 */
export function nestedAttributes(expression: Condition | Projection | Update): ReadonlySet<string> {
  const names = new Set<string>();
  visitPaths(expression, (path) => {
    if (path.length > 1) names.add(path[0]);
  });
  return names;
}

function visitPaths(
  expression: Condition | Projection | Update,
  visit: (path: Path) => void,
): void {
  if (isCondition(expression)) {
    visitCondition(expression, visit);
    return;
  }
  for (const each of expression) {
    if (isPath(each)) {
      visit(each);
    } else {
      visit(each.path);
      if (each.kind === 'set') visitTerm(each.term, visit);
    }
  }
}

function isCondition(expression: Condition | Projection | Update): expression is Condition {
  return !Array.isArray(expression);
}

function isPath(each: Path | Update[number]): each is Path {
  return Array.isArray(each);
}

function visitCondition(condition: Condition, visit: (path: Path) => void): void {
  switch (condition.kind) {
    case 'and':
    case 'or':
      visitCondition(condition.left, visit);
      visitCondition(condition.right, visit);
      break;
    case 'not':
      visitCondition(condition.condition, visit);
      break;
    case 'exists':
    case 'attributeType':
      visit(condition.path);
      break;
    default:
      for (const operand of operandsOf(condition)) visitOperand(operand, visit);
  }
}

type WithOperands = Extract<
  Condition,
  { kind: 'compare' | 'between' | 'in' | 'beginsWith' | 'contains' }
>;

/** A predicate's operands in the order of the text. */
export function operandsOf(condition: WithOperands): readonly Operand[] {
  switch (condition.kind) {
    case 'compare':
      return [condition.left, condition.right];
    case 'between':
      return [condition.operand, condition.lower, condition.upper];
    case 'in':
      return [condition.operand, ...condition.candidates];
    case 'beginsWith':
      return [condition.operand, condition.prefix];
    case 'contains':
      return [condition.operand, condition.member];
  }
}

function visitOperand(operand: Operand, visit: (path: Path) => void): void {
  if (operand.kind === 'path') visit(operand.path);
  else if (operand.kind === 'size') visitOperand(operand.of, visit);
}

function visitTerm(term: UpdateTerm, visit: (path: Path) => void): void {
  switch (term.kind) {
    case 'path':
      visit(term.path);
      break;
    case 'value':
      break;
    case 'ifNotExists':
      visit(term.path);
      visitTerm(term.otherwise, visit);
      break;
    case 'listAppend':
    case 'arithmetic':
      visitTerm(term.left, visit);
      visitTerm(term.right, visit);
  }
}
