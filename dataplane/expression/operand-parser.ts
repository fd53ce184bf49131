import { expressionFaults } from '../errors/expressions.ts';
import type { Path } from './ast.ts';
import { conditionFunctions, type NameFindings } from './functions.ts';
import { LIST_INDEX_MAX, PATH_LEVELS_MAX } from './limits.ts';
import type { CallNode, OperandNode, PathNode } from './syntax-tree.ts';
import type { TokenCursor } from './token-cursor.ts';

/** path := name { '.' name | '[' index ']' } */
export function parsePath(cursor: TokenCursor, findings: NameFindings): PathNode {
  const path: [string, ...(string | number)[]] = [parseName(cursor, findings)];
  return parsePathTail(cursor, findings, path);
}

/** What may follow a path in parentheses: `(a.b).c` is `a.b.c`. */
export function continuePath(
  cursor: TokenCursor,
  findings: NameFindings,
  node: PathNode,
): PathNode | undefined {
  if (cursor.next !== '.' && cursor.next !== '[') return undefined;
  return parsePathTail(cursor, findings, [...node.path]);
}

/**
 * operand := path | value | function '(' operand { ',' operand } ')' | '(' operand ')'
 *
 * Keeps its own stack: 4096 bytes hold 2000 levels, which the machine's stack need not.
 */
export function parseOperand(cursor: TokenCursor, findings: NameFindings): OperandNode {
  const frames: Frame[] = [];
  for (;;) {
    let operand = parseOpening(cursor, findings, frames);
    if (operand === undefined) continue;
    let isParenthesised = false;
    for (let frame = frames.at(-1); ; frame = frames.at(-1)) {
      if (frame === undefined) return operand;
      if (frame.kind === 'parentheses') {
        cursor.expect(')');
        if (isParenthesised) throw expressionFaults.redundantParentheses(cursor.kind);
        const longer: PathNode | undefined =
          operand.kind === 'path' ? continuePath(cursor, findings, operand) : undefined;
        isParenthesised = longer === undefined;
        operand = longer ?? operand;
      } else {
        frame.args.push(operand);
        if (cursor.accept(',')) break;
        cursor.expect(')');
        operand = closeCall(frame, findings);
        isParenthesised = false;
      }
      frames.pop();
    }
  }
}

type Frame =
  | { readonly kind: 'parentheses' }
  | { readonly kind: 'call'; readonly name: string; readonly args: OperandNode[] };

/** An operand that is whole with its first token or path; undefined when a frame was opened. */
function parseOpening(
  cursor: TokenCursor,
  findings: NameFindings,
  frames: Frame[],
): OperandNode | undefined {
  if (cursor.accept('(')) {
    frames.push({ kind: 'parentheses' });
    return undefined;
  }
  if (cursor.next === 'value') return { kind: 'value', name: cursor.take().text };
  if (cursor.next === 'word' && cursor.afterNext === '(') {
    frames.push({ kind: 'call', name: cursor.take().text, args: [] });
    cursor.take();
    return undefined;
  }
  return parsePath(cursor, findings);
}

/** Functions inside functions: `size` anywhere, `if_not_exists` in updates; no other is a value. */
function closeCall(frame: Frame & { kind: 'call' }, findings: NameFindings): CallNode {
  for (const arg of frame.args) {
    if (arg.kind === 'call' && (conditionFunctions.has(arg.name) || arg.name === 'list_append')) {
      findings.sawMisuse(arg.name);
    }
  }
  findings.sawFunction(frame.name);
  return { kind: 'call', name: frame.name, args: frame.args };
}

function parseName(cursor: TokenCursor, findings: NameFindings): string {
  if (cursor.next !== 'word' && cursor.next !== 'name') throw cursor.unexpected();
  const { kind, text } = cursor.take();
  if (kind === 'word') findings.sawName(text);
  return text;
}

function parsePathTail(
  cursor: TokenCursor,
  findings: NameFindings,
  path: [string, ...(string | number)[]],
): PathNode {
  for (;;) {
    if (cursor.accept('.')) {
      path.push(parseName(cursor, findings));
    } else if (cursor.accept('[')) {
      path.push(parseIndex(cursor));
      cursor.expect(']');
    } else {
      break;
    }
  }
  if (path.length > PATH_LEVELS_MAX) throw expressionFaults.pathTooDeep(cursor.kind, path.length);
  return { kind: 'path', path, hasPlaceholders: path.some(isPlaceholder) };
}

function parseIndex(cursor: TokenCursor): number {
  const { text } = cursor.expect('index');
  const index = Number(text);
  if (index > LIST_INDEX_MAX) throw expressionFaults.listIndexTooLarge(cursor.kind, text);
  return index;
}

/** True for `#name`. */
function isPlaceholder(part: Path[number]): boolean {
  return typeof part === 'string' && part.startsWith('#');
}
