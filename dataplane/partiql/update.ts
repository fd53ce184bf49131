import { expressionFaults } from '../errors/expressions.ts';
import { partiqlFaults } from '../errors/partiql.ts';
import type { Path, Update, UpdateAction, UpdateTerm } from '../expression/ast.ts';
import { checkPathsDisjoint } from '../expression/path-tree.ts';
import { equalPaths } from '../expression/paths.ts';
import { type AttributeType, typeOf } from '../item/attribute-value.ts';
import type { Binding } from './binding.ts';
import { isValueNode, valueOfNode } from './literals.ts';
import type { ActionNode, CallNode, ExpressionNode } from './syntax.ts';

/**
 * The update of SET and REMOVE: the same nodes as an UpdateExpression's; SET_ADD and SET_DELETE are
 * its ADD and DELETE.
 * @throws ClientFault: targets that are no paths or overlap, functions, operand types
 */
export function updateOfActions(actions: readonly ActionNode[], binding: Binding): Update {
  const update = actions.map((action) => updateAction(action, binding));
  checkPathsDisjoint(
    update.map(({ path }) => path),
    'PartiQL',
  );
  return update;
}

function updateAction(action: ActionNode, binding: Binding): UpdateAction {
  const { target } = action;
  if (target.kind !== 'path') throw partiqlFaults.assignmentTarget(binding.place(target.span));
  const { path } = target;
  if (action.kind === 'remove') return { kind: 'remove', path };
  const { value } = action;
  if (value.kind === 'call' && setFunctions.has(value.name)) {
    return setAction(path, value, binding);
  }
  return { kind: 'set', path, term: termOf(value, binding) };
}

const setFunctions: ReadonlySet<string> = new Set(['set_add', 'set_delete']);

/** @see paritysuite/dynamodb-conformance, partiqlFunctions (captures of October 2026): texts, places */
function setAction(path: Path, call: CallNode, binding: Binding): UpdateAction {
  const name = call.name.toUpperCase();
  const [target, added] = call.args;
  if (target === undefined || added === undefined || call.args.length > 2) {
    throw partiqlFaults.setFunctionArguments(name, binding.place(call.span));
  }
  if (target.kind !== 'path' || !equalPaths(target.path, path)) {
    throw partiqlFaults.setFunctionTarget(name, binding.place(call.span));
  }
  const value = isValueNode(added) ? valueOfNode(added, binding) : undefined;
  if (value === undefined || !setTypes.has(typeOf(value))) {
    throw partiqlFaults.setFunctionValue(name, binding.place(target.span));
  }
  return { kind: call.name === 'set_add' ? 'add' : 'delete', path, value, legacy: false };
}

const setTypes: ReadonlySet<AttributeType> = new Set<AttributeType>(['SS', 'NS', 'BS']);

/** Depth is bounded by the parser. */
function termOf(node: ExpressionNode, binding: Binding): UpdateTerm {
  if (isValueNode(node)) return { kind: 'value', value: valueOfNode(node, binding) };
  switch (node.kind) {
    case 'path':
      return { kind: 'path', path: node.path };
    case 'call':
      return listAppend(node, binding);
    case 'binary': {
      const { operator } = node;
      if (operator !== '+' && operator !== '-') {
        throw partiqlFaults.updateOperator(operator.toUpperCase());
      }
      const left = termOf(node.left, binding);
      const right = termOf(node.right, binding);
      for (const each of [left, right]) checkType(operator, each, 'N');
      return { kind: 'arithmetic', operator, left, right };
    }
    case 'sign':
      throw expressionFaults.operandCount('PartiQL', node.operator, 1);
    case 'is':
      throw partiqlFaults.isInUpdate();
    case 'missing':
      throw partiqlFaults.missingCompared();
    case 'not':
    case 'in':
    case 'between':
      throw partiqlFaults.updateOperator(node.kind.toUpperCase());
    default:
      throw partiqlFaults.unexpectedPathComponent(binding.place(node.span));
  }
}

function listAppend(node: CallNode, binding: Binding): UpdateTerm {
  const { name, args } = node;
  if (name !== 'list_append') {
    throw partiqlFaults.unknownFunction(name, binding.place(node.span));
  }
  const [left, right] = args.map((arg) => termOf(arg, binding));
  if (left === undefined || right === undefined || args.length > 2) {
    throw expressionFaults.operandCount('PartiQL', name, args.length);
  }
  for (const each of [left, right]) checkType(name, each, 'L');
  return { kind: 'listAppend', left, right };
}

/** What is known of an operand without the item. */
function checkType(operator: string, term: UpdateTerm, expected: 'N' | 'L'): void {
  if (term.kind !== 'value') return;
  const type = typeOf(term.value);
  if (type !== expected) throw expressionFaults.operandType('PartiQL', operator, type);
}
