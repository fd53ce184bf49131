import { expressionFaults } from '../errors/expressions.ts';
import { NameFindings } from './functions.ts';
import { parseOperand, parsePath } from './operand-parser.ts';
import { ParseCache } from './parse-cache.ts';
import type { ArithmeticNode, OperandNode, UpdateActionNode, ValueNode } from './syntax-tree.ts';
import { TokenCursor } from './token-cursor.ts';

const KIND = 'UpdateExpression';

/**
 * The grammar of update expressions.
 *
 *   update := section { section }
 *   section := SET path '=' rhs {, ...} | REMOVE path {, ...} | ADD path value {, ...} | DELETE ...
 *   rhs := operand [ ( + | - ) operand ] | '(' rhs ')'
 *
 * Reads a text, from the cache if it was read before.
 * @throws ClientFault, for the first that is wrong: size, syntax, number of operators, reserved
 *   word, unknown function, misused function, repeated section
 */
export function parseUpdateSyntax(text: string): readonly UpdateActionNode[] {
  return cache.get(text, parseText);
}

const cache = new ParseCache<readonly UpdateActionNode[]>();

function parseText(text: string): readonly UpdateActionNode[] {
  const findings = new NameFindings(KIND);
  const cursor = new TokenCursor(text, KIND);
  const actions: UpdateActionNode[] = [];
  const sections = new Set<string>();
  let repeated: string | undefined;
  do {
    const section = cursor.next;
    const parseAction = actionParsers.get(section);
    if (parseAction === undefined) throw cursor.unexpected();
    if (sections.has(section)) repeated ??= section;
    sections.add(section);
    do {
      cursor.take(); // the section's word, or the comma
      actions.push(parseAction(cursor, findings));
    } while (cursor.next === ',');
  } while (cursor.next !== 'end');
  cursor.finish();
  findings.throwReservedWord();
  findings.throwFunctionFaults();
  if (repeated !== undefined) throw expressionFaults.repeatedSection(KIND, repeated);
  return actions;
}

type ActionParser = (cursor: TokenCursor, findings: NameFindings) => UpdateActionNode;

const actionParsers: ReadonlyMap<string, ActionParser> = new Map<string, ActionParser>([
  ['SET', parseSet],
  ['REMOVE', (cursor, findings) => ({ kind: 'remove', path: parsePath(cursor, findings) })],
  [
    'ADD',
    (cursor, findings) => {
      const path = parsePath(cursor, findings);
      return { kind: 'add', path, value: parseValue(cursor) };
    },
  ],
  [
    'DELETE',
    (cursor, findings) => {
      const path = parsePath(cursor, findings);
      return { kind: 'delete', path, value: parseValue(cursor) };
    },
  ],
]);

function parseSet(cursor: TokenCursor, findings: NameFindings): UpdateActionNode {
  const path = parsePath(cursor, findings);
  cursor.expect('=');
  return { kind: 'set', path, term: parseRightSide(cursor, findings) };
}

/** Parentheses at the start may close behind the first operand or behind the whole. */
function parseRightSide(cursor: TokenCursor, findings: NameFindings): OperandNode | ArithmeticNode {
  let open = 0;
  while (cursor.accept('(')) open++;
  const left = parseOperand(cursor, findings);
  open -= closeParentheses(cursor, open);
  if (cursor.next !== '+' && cursor.next !== '-') {
    if (open > 0) throw cursor.unexpected();
    return left;
  }
  const operator = cursor.takeOperator().kind === '+' ? '+' : '-';
  const right = parseOperand(cursor, findings);
  open -= closeParentheses(cursor, open);
  if (open > 0) throw cursor.unexpected();
  return { kind: 'arithmetic', operator, left, right };
}

/** @returns how many of the open ones closed here: two around one thing are redundant */
function closeParentheses(cursor: TokenCursor, open: number): number {
  let closed = 0;
  while (closed < open && cursor.accept(')')) closed++;
  if (closed > 1) throw expressionFaults.redundantParentheses(cursor.kind);
  return closed;
}

function parseValue(cursor: TokenCursor): ValueNode {
  return { kind: 'value', name: cursor.expect('value').text };
}
