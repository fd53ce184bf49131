import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { parseStatement } from './parser.ts';

const NOT_WELL_FORMED = "Statement wasn't well formed, can't be processed: ";

function messageOf(text: string): string | undefined {
  try {
    parseStatement(text);
  } catch (thrown) {
    if (thrown instanceof ClientFault) return thrown.message;
    throw thrown;
  }
  return 'no fault';
}

/** The WHERE clause as text with parentheses, to show what binds how. */
function grouped(where: string): string {
  const { node } = parseStatement(`SELECT * FROM Tab WHERE ${where}`);
  if (node.kind !== 'select' || node.where === undefined) throw new Error('no clause');
  const show = (expression: typeof node.where): string => {
    switch (expression?.kind) {
      case 'binary':
        return `(${show(expression.left)} ${expression.operator} ${show(expression.right)})`;
      case 'not':
        return `not ${show(expression.operand)}`;
      case 'sign':
        return `${expression.operator}${show(expression.operand)}`;
      case 'in':
        return `(${show(expression.operand)} in ${expression.candidates?.map(show).join(',')})`;
      case 'is':
        return `(${show(expression.operand)} is ${expression.type})`;
      case 'between':
        return `(${show(expression.operand)} between ${show(expression.lower)},${show(expression.upper)})`;
      case 'path':
        return expression.path.join('.');
      case 'call':
        return `${expression.name}(${expression.args.map(show).join(',')})`;
      case 'number':
      case 'string':
        return expression.text;
      default:
        return expression?.kind ?? '';
    }
  };
  return show(node.where);
}

describe('precedence', () => {
  it.each([
    ['a = 1 OR b = 2 AND c = 3', '((a = 1) or ((b = 2) and (c = 3)))'],
    ['NOT a = 1 AND b = 2', '(not (a = 1) and (b = 2))'],
    ['NOT (a = 1 AND b = 2)', 'not ((a = 1) and (b = 2))'],
    ['NOT NOT a = 1', 'not not (a = 1)'],
    ['a = 1 OR b = 2 OR c = 3', '(((a = 1) or (b = 2)) or (c = 3))'],
    ['a BETWEEN 1 AND 2 AND b = 3', '((a between 1,2) and (b = 3))'],
    ['a NOT BETWEEN 1 AND 2', 'not (a between 1,2)'],
    ['a NOT IN [1, 2]', 'not (a in 1,2)'],
    ['a IN (1, 2)', '(a in 1,2)'],
    ['a IN (1)', '(a in 1)'],
    ['a IS NOT MISSING AND b is null', '(not (a is missing) and (b is null))'],
    ['a = 1 + 2 - 3', '(a = ((1 + 2) - 3))'],
    ['a < 1 = true', '((a < 1) = boolean)'],
    ['a = - - 1', '(a = 1)'],
    ['a = -/* c */-1', '(a = 1)'],
    ['a = +-1', '(a = -1)'],
    ['a = -b', '(a = -b)'],
    ['SIZE(a) > 1', '(size(a) > 1)'],
    ['((a = 1))', '(a = 1)'],
  ])('%s is %s', (text, expected) => {
    expect(grouped(text)).toBe(expected);
  });
});

describe('an expression in place of a statement is refused by its name', () => {
  it.each([
    ['x IS INT4', 'IsType'],
    ['x IS DOUBLE PRECISION', 'IsType'],
    ['x IS CHARACTER VARYING;', 'IsType'],
    ['x IS NOT NULL', 'Not'],
    ['x', 'Id'],
    ['x.y', 'Path'],
    ["'x'", 'Lit'],
    ['[1]', 'List'],
    ['<<1>>', 'Bag'],
    ['{}', 'Struct'],
    ['?', 'Parameter'],
    ['x = 1 AND y', 'And'],
    ['x >= 1', 'Gte'],
    ['-x', 'Neg'],
    ['f(x)', 'Call'],
    ['x IN [1]', 'InCollection'],
  ])('%s: %s', (text, name) => {
    expect(messageOf(text)).toBe(`Unsupported operation: ${name}`);
  });
});

describe('a text that is no statement', () => {
  it.each([
    ['', 'Unexpected term'],
    [';', 'Unexpected term'],
    ['-- nothing', 'Unexpected term'],
    ['SLECT * FROM Tab WHERE a = 1', 'Expected data manipulation'],
    ['SELECTT * FROMM Tab', 'Unexpected token after expression'],
    ['UPSERT INTO Tab VALUE {}', 'Unexpected token after expression'],
    ['CREATE TABLE Tab', 'Expected data manipulation'],
    ['WHERE a = 1', 'Unexpected keyword'],
    ['AND', 'Unexpected operator'],
    ['UPDATE Tab WHERE a = 1', 'Expected data manipulation'],
    ['UPDATE Payment-dev SET a = 1 WHERE b = 2', 'Expected data manipulation'],
    ['FROM Tab WHERE a = 1', 'Expected data manipulation'],
    ['SELECT * FROM Tab WHERE', 'Unexpected term'],
    ['SELECT * FROM Tab WHERE;', 'Unexpected term'],
    ['SELECT * FROM Tab WHERE NOT', 'Unexpected term'],
    ['SELECT * FROM Tab WHERE (', 'Unexpected term'],
    ['SELECT * FROM Tab WHERE ()', 'Expression group cannot be empty'],
    ['SELECT * FROM Tab WHERE ORDER BY a', 'Unexpected keyword'],
    ['SELECT * FROM Tab WHERE IS NULL', 'Unexpected operator'],
    ['SELECT * FROM Tab WHERE a = LIKE', 'Unexpected operator'],
    ['SELECT * FROM Tab WHERE = 1', 'Unexpected operator'],
    ...['AND', 'OR', '=', '<>', '<', '+', '*', 'IN', 'LIKE', 'BETWEEN'].map((operator) => [
      `SELECT * FROM Tab WHERE a ${operator}`,
      'Missing right-hand side expression of infix operator',
    ]),
    ['SELECT * FROM Tab WHERE a AND;', 'Unexpected term'],
    ['SELECT * FROM Tab WHERE a BETWEEN 1 AND', 'Expected expression after AND'],
    ['SELECT * FROM Tab WHERE a BETWEEN 1 OR 2', 'Expected AND keyword'],
    ['SELECT * FROM Tab WHERE a IN (1', 'Expected RIGHT_PAREN'],
    ["INSERT INTO Tab VALUE {'a' 1}", 'Expected COLON'],
    ['SELECT * FROM Tab AS 1', 'Expected identifier for AS-alias'],
    ...[
      'DELETE FROM',
      'DELETE FROM;',
      'DELETE FROM WHERE a = 1',
      'UPDATE',
      'UPDATE SET a = 1',
      'INSERT INTO VALUE {}',
      'UPDATE Tab SET WHERE a = 1',
      'UPDATE Tab REMOVE WHERE a = 1',
    ].map((text) => [text, 'Expected identifier for simple path']),
    ['UPDATE Tab SET a 1 WHERE b = 2', "Expected '='"],
    [
      'UPDATE Tab SET a = 1 RETURNING NEW *',
      'Expected ( MODIFIED | ALL ) ( NEW | OLD ) in each returning element.',
    ],
    ['SELECT FROM Tab', 'Unexpected keyword'],
    ['SELECT a, FROM Tab', 'Unexpected keyword'],
    ['SELECT * FROM', 'Unexpected term'],
    ['SELECT *', 'Expected FROM after SELECT list'],
    ['DELETE Tab WHERE a = 1', 'Expected FROM after DELETE'],
    ['SELECT * FROM Tab WHERE user = 1', 'Unexpected keyword'],
    ['INSERT INTO urls (key, b) VALUES (?, ?)', 'Unexpected keyword'],
    ['SELECT a.inner FROM Tab', 'Invalid path dot component'],
    ['SELECT * FROM Tab WHERE a IS FOO', 'Expected type name'],
    ['SELECT * FROM Tab WHERE a = 1 foo', 'Unexpected token after expression'],
    ['SELECT * FROM Tab WHERE a = 1 e5', 'Unexpected token after expression'],
    ['SELECT * FROM Tab WHERE a = 1)', 'Unexpected token after expression'],
    [
      'SELECT * FROM Tab; SELECT * FROM Tab',
      'Unexpected token after semicolon. (Only one query is allowed.)',
    ],
    ["INSERT INTO Tab VALUE {'a': 1} foo", 'Unexpected token after expression'],
    ["INSERT INTO Tab t VALUE {'a': 1}", 'Unexpected token after expression'],
    ['UPDATE Tab SET a = 9 WHERE b = 2 foo', 'Unexpected token after expression'],
    ['DELETE FROM Tab WHERE a = 1 ORDER BY a', 'Unexpected token after expression'],
    ['SELECT * FROM Tab ORDER BY a WHERE a = 1', 'Unexpected token after expression'],
    ['FROM Tab SET a = 1 WHERE b = 2', 'Unexpected token after expression'],
    ['SELECT * FROM Tab WHERE a = 1 # note', ''],
    ['SELECT * FROM Tab WHERE a = 1 /* note', ''],
    ['SELECT * FROM "Tab', ''],
  ])('%s', (text, detail) => {
    expect(messageOf(text)).toBe(NOT_WELL_FORMED + detail);
  });

  it('may be nested 100 deep, and no deeper', () => {
    const nested = (depth: number) =>
      `SELECT * FROM Tab WHERE ${'('.repeat(depth)}a = 1${')'.repeat(depth)}`;
    expect(messageOf(nested(100))).toBe('no fault');
    expect(messageOf(nested(101))).toBe(NOT_WELL_FORMED);
  });

  it('may have 300 operators, and no more', () => {
    const chain = (count: number) => `SELECT * FROM Tab WHERE ${'NOT '.repeat(count - 1)}a = 1`;
    expect(messageOf(chain(300))).toBe('no fault');
    expect(messageOf(chain(301))).toBe(
      'The expression contains too many operators; operator count: 301',
    );
  });
});

describe('a tree', () => {
  it('is frozen, and the same for the same text', () => {
    const text = "UPDATE Tab SET a = [1, {'b': ?}] WHERE c IN [1]";
    const parsed = parseStatement(text);
    expect(parseStatement(text)).toBe(parsed);
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      (Object.isFrozen(value) &&
        Object.values(value).every((each) => isSpan(each) || frozen(each)));
    expect(frozen(parsed)).toBe(true);
  });

  it('counts parameters in the order of the text', () => {
    expect(parseStatement('UPDATE Tab SET a = ? WHERE b = ?').parametersCount).toBe(2);
    expect(parseStatement("SELECT * FROM Tab WHERE a = '?'").parametersCount).toBe(0);
  });
});

/** Spans belong to tokens, which nobody keeps. */
function isSpan(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'offset' in value;
}
