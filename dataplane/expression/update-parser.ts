import { expressionFaults } from '../errors/expressions.ts';
import { type AttributeValue, typeOf } from '../item/attribute-value.ts';
import { checkActionOperand } from './action-operand.ts';
import type { Path, Update, UpdateAction, UpdateTerm } from './ast.ts';
import { operandCountOf } from './functions.ts';
import { checkPathsDisjoint } from './path-tree.ts';
import type { Substitutions } from './substitutions.ts';
import type {
  ArithmeticNode,
  CallNode,
  OperandNode,
  UpdateActionNode,
  ValueNode,
} from './syntax-tree.ts';
import { parseUpdateSyntax } from './update-syntax.ts';

const KIND = 'UpdateExpression';

/**
 * The update a text stands for, all names and values resolved.
 * @throws ClientFault `Invalid UpdateExpression: ...`: first what the text alone shows
 *   (`update-syntax.ts`), then undefined name, undefined value, overlapping paths, conflicting
 *   paths, operand of ADD or DELETE, operands of functions (reference/dynamodb.md section 5)
 */
export function parseUpdate(text: string, substitutions: Substitutions): Update {
  const nodes = parseUpdateSyntax(text);
  const resolver = new Resolver(substitutions);
  const actions = nodes.map((node) => resolver.action(node));
  resolver.throwUndefinedValue();
  checkPathsDisjoint(
    actions.map((action) => action.path),
    KIND,
  );
  for (const action of actions) checkActionOperand(action);
  for (const node of nodes) {
    if (node.kind === 'set') checkTerm(node.term, substitutions);
  }
  return actions;
}

/** Stands where a value is undefined, until that is reported. */
const placeholder: AttributeValue = { NULL: true };

class Resolver {
  readonly #substitutions: Substitutions;
  #undefinedValue: string | undefined;

  constructor(substitutions: Substitutions) {
    this.#substitutions = substitutions;
  }

  action(node: UpdateActionNode): UpdateAction {
    const path = this.#substitutions.path(node.path, KIND);
    switch (node.kind) {
      case 'set':
        return { kind: 'set', path, term: this.#term(node.term) };
      case 'remove':
        return { kind: 'remove', path };
      case 'add':
      case 'delete':
        return { kind: node.kind, path, value: this.#value(node.value), legacy: false };
    }
  }

  /** Every undefined name comes before any undefined value. */
  throwUndefinedValue(): void {
    if (this.#undefinedValue !== undefined) {
      throw expressionFaults.undefinedValue(KIND, this.#undefinedValue);
    }
  }

  #term(node: OperandNode | ArithmeticNode): UpdateTerm {
    switch (node.kind) {
      case 'path':
        return { kind: 'path', path: this.#substitutions.path(node, KIND) };
      case 'value':
        return { kind: 'value', value: this.#value(node) };
      case 'arithmetic': {
        const left = this.#term(node.left);
        const right = this.#term(node.right);
        return { kind: 'arithmetic', operator: node.operator, left, right };
      }
      case 'call':
        return this.#call(node);
    }
  }

  /** Where operands are missing or wrong, `checkTerm` reports it after all names and values. */
  #call(node: CallNode): UpdateTerm {
    const terms = node.args.map((arg) => this.#term(arg));
    const [left, right] = terms;
    if (left === undefined || right === undefined) return { kind: 'value', value: placeholder };
    if (node.name === 'list_append') return { kind: 'listAppend', left, right };
    const path: Path = left.kind === 'path' ? left.path : [''];
    return { kind: 'ifNotExists', path, otherwise: right };
  }

  #value(node: ValueNode): AttributeValue {
    const value = this.#substitutions.value(node.name);
    if (value === undefined) this.#undefinedValue ??= node.name;
    return value ?? placeholder;
  }
}

/** Operands of functions, inner functions first. */
function checkTerm(node: OperandNode | ArithmeticNode, substitutions: Substitutions): void {
  if (node.kind === 'arithmetic') {
    checkTerm(node.left, substitutions);
    checkTerm(node.right, substitutions);
    checkValueTypes(node.operator, [node.left, node.right], 'N', substitutions);
  } else if (node.kind === 'call') {
    for (const arg of node.args) checkTerm(arg, substitutions);
    const { name, args } = node;
    if (args.length !== operandCountOf(name)) {
      throw expressionFaults.operandCount(KIND, name, args.length);
    }
    if (name === 'list_append') checkValueTypes(name, args, 'L', substitutions);
    else if (args[0]?.kind !== 'path') throw expressionFaults.needsPath(KIND, name);
  }
}

function checkValueTypes(
  name: string,
  operands: readonly OperandNode[],
  expected: 'N' | 'L',
  substitutions: Substitutions,
): void {
  for (const operand of operands) {
    const value = operand.kind === 'value' ? substitutions.value(operand.name) : undefined;
    if (value === undefined) continue;
    const type = typeOf(value);
    if (type !== expected) throw expressionFaults.operandType(KIND, name, type);
  }
}
