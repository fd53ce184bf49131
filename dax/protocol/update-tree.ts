import { expressionFaults } from '../../dataplane/errors/expressions.ts';
import { checkActionOperand } from '../../dataplane/expression/action-operand.ts';
import type { Update, UpdateAction, UpdateTerm } from '../../dataplane/expression/ast.ts';
import { checkPathsDisjoint } from '../../dataplane/expression/path-tree.ts';
import { typeOf } from '../../dataplane/item/attribute-value.ts';
import type { ExpressionReader, NodeHead } from './expression-reader.ts';
import { OPCODE } from './opcodes.ts';

const KIND = 'UpdateExpression';

/**
 * Reads an update: a list of actions in the order of the text, its sections dissolved.
 * @throws ClientFault as a text would, in the same order: repeated sections, overlapping or conflicting
 *   paths, operands of ADD and DELETE, operands of functions; and for trees that no text has
 */
export function readUpdate(reader: ExpressionReader): Update {
  const count = reader.count();
  if (count === 0) throw expressionFaults.empty(KIND);
  const actions: UpdateAction[] = [];
  while (actions.length < count) actions.push(readAction(reader));
  checkSections(actions);
  checkPathsDisjoint(
    actions.map(({ path }) => path),
    KIND,
  );
  for (const action of actions) checkActionOperand(action);
  for (const action of actions) if (action.kind === 'set') checkTerm(action.term);
  return actions;
}

function readAction(reader: ExpressionReader): UpdateAction {
  const head = reader.node();
  switch (head.code) {
    case OPCODE.set: {
      reader.expectArguments(head, 'SET', 2);
      const path = reader.path();
      return { kind: 'set', path, term: readRightSide(reader) };
    }
    case OPCODE.remove:
      reader.expectArguments(head, 'REMOVE', 1);
      return { kind: 'remove', path: reader.path() };
    case OPCODE.add:
      return readValueAction(reader, head, 'add');
    case OPCODE.delete:
      return readValueAction(reader, head, 'delete');
    default:
      throw reader.misplaced(head.code, 'an action');
  }
}

function readValueAction(
  reader: ExpressionReader,
  head: NodeHead,
  kind: 'add' | 'delete',
): UpdateAction {
  reader.expectArguments(head, kind.toUpperCase(), 2);
  const path = reader.path();
  const operand = reader.node();
  if (operand.code !== OPCODE.value) throw reader.misplaced(operand.code, `the operand of ${kind}`);
  return { kind, path, value: reader.value(operand), legacy: false };
}

/** Sums stand only at the top of a right side. */
function readRightSide(reader: ExpressionReader): UpdateTerm {
  const head = reader.node();
  if (head.code !== OPCODE.plus && head.code !== OPCODE.minus) return readTerm(reader, head);
  const operator = head.code === OPCODE.plus ? '+' : '-';
  reader.countOperator();
  reader.expectArguments(head, operator, 2);
  const left = readTerm(reader, reader.node());
  return { kind: 'arithmetic', operator, left, right: readTerm(reader, reader.node()) };
}

function readTerm(reader: ExpressionReader, head: NodeHead): UpdateTerm {
  switch (head.code) {
    case OPCODE.path:
      return { kind: 'path', path: reader.pathParts(head) };
    case OPCODE.value:
      return { kind: 'value', value: reader.value(head) };
    case OPCODE.ifNotExists: {
      reader.expectArguments(head, 'if_not_exists', 2);
      if (!reader.isNext(OPCODE.path)) throw expressionFaults.needsPath(KIND, 'if_not_exists');
      const path = reader.path();
      return { kind: 'ifNotExists', path, otherwise: readArgument(reader) };
    }
    case OPCODE.listAppend: {
      reader.expectArguments(head, 'list_append', 2);
      const left = readArgument(reader);
      return { kind: 'listAppend', left, right: readArgument(reader) };
    }
    default:
      throw reader.misplaced(head.code, 'an operand');
  }
}

/** An operand of a function: anything but `list_append`. */
function readArgument(reader: ExpressionReader): UpdateTerm {
  const head = reader.node();
  if (head.code === OPCODE.listAppend) {
    throw expressionFaults.misusedFunction(KIND, 'list_append');
  }
  return reader.inside(() => readTerm(reader, head));
}

/** In a text a section comes once, so that the actions of one kind stand together. */
function checkSections(actions: Update): void {
  const sections = new Set<string>();
  let current: string | undefined;
  for (const { kind } of actions) {
    if (kind === current) continue;
    if (sections.has(kind)) throw expressionFaults.repeatedSection(KIND, kind.toUpperCase());
    sections.add(kind);
    current = kind;
  }
}

/** Operands of functions, inner functions first. */
function checkTerm(term: UpdateTerm): void {
  switch (term.kind) {
    case 'path':
    case 'value':
      return;
    case 'ifNotExists':
      checkTerm(term.otherwise);
      return;
    case 'listAppend':
      checkOperands('list_append', [term.left, term.right], 'L');
      return;
    case 'arithmetic':
      checkOperands(term.operator, [term.left, term.right], 'N');
  }
}

function checkOperands(name: string, operands: readonly UpdateTerm[], expected: 'N' | 'L'): void {
  for (const operand of operands) checkTerm(operand);
  for (const operand of operands) {
    if (operand.kind !== 'value') continue;
    const type = typeOf(operand.value);
    if (type !== expected) throw expressionFaults.operandType(KIND, name, type);
  }
}
