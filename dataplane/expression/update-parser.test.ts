import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import type { AttributeMap, AttributeValue } from '../item/attribute-value.ts';
import type { Update } from './ast.ts';
import { Substitutions } from './substitutions.ts';
import { parseUpdate } from './update-parser.ts';

const names = { '#a': 'a', '#b': 'b' };
const text: AttributeMap = { ':a': { S: 'a' }, ':b': { S: 'a' } };

function faultOf(
  expression: string,
  values: AttributeMap = text,
  substituted: Record<string, string> = names,
) {
  try {
    parseUpdate(expression, new Substitutions(substituted, values));
  } catch (fault) {
    if (!(fault instanceof ClientFault)) throw fault;
    const prefix = 'Invalid UpdateExpression: ';
    expect(fault.message).toContain(prefix);
    return fault.message?.slice(prefix.length);
  }
  return 'no fault';
}

describe('parseUpdate: what it reads', () => {
  const one = { N: '1' } as const;
  const b = { kind: 'path', path: ['b'] } as const;
  const value = { kind: 'value', value: one } as const;
  it.each<[string, Update]>([
    ['SET a = :one', [{ kind: 'set', path: ['a'], term: value }]],
    ['sEt a = (:one)', [{ kind: 'set', path: ['a'], term: value }]],
    ['set a.b[3] = b', [{ kind: 'set', path: ['a', 'b', 3], term: b }]],
    [
      'set a = b + :one',
      [
        {
          kind: 'set',
          path: ['a'],
          term: { kind: 'arithmetic', operator: '+', left: b, right: value },
        },
      ],
    ],
    [
      'set a = (b-:one)',
      [
        {
          kind: 'set',
          path: ['a'],
          term: { kind: 'arithmetic', operator: '-', left: b, right: value },
        },
      ],
    ],
    [
      'set a = ((b.c.d)+(b))',
      [
        {
          kind: 'set',
          path: ['a'],
          term: {
            kind: 'arithmetic',
            operator: '+',
            left: { kind: 'path', path: ['b', 'c', 'd'] },
            right: b,
          },
        },
      ],
    ],
    [
      'set a = (b) + :one',
      [
        {
          kind: 'set',
          path: ['a'],
          term: { kind: 'arithmetic', operator: '+', left: b, right: value },
        },
      ],
    ],
    [
      'set a = if_not_exists(b, :one) + :one',
      [
        {
          kind: 'set',
          path: ['a'],
          term: {
            kind: 'arithmetic',
            operator: '+',
            left: { kind: 'ifNotExists', path: ['b'], otherwise: value },
            right: value,
          },
        },
      ],
    ],
    [
      'set a = if_not_exists(a, if_not_exists(b, :one))',
      [
        {
          kind: 'set',
          path: ['a'],
          term: {
            kind: 'ifNotExists',
            path: ['a'],
            otherwise: { kind: 'ifNotExists', path: ['b'], otherwise: value },
          },
        },
      ],
    ],
    [
      'set a = list_append(if_not_exists(b, :list), b)',
      [
        {
          kind: 'set',
          path: ['a'],
          term: {
            kind: 'listAppend',
            left: {
              kind: 'ifNotExists',
              path: ['b'],
              otherwise: { kind: 'value', value: { L: [] } },
            },
            right: b,
          },
        },
      ],
    ],
    [
      'REMOVE a, #b.c SET d = :one, e = d ADD f :one DELETE g :set',
      [
        { kind: 'remove', path: ['a'] },
        { kind: 'remove', path: ['x.y', 'c'] },
        { kind: 'set', path: ['d'], term: value },
        { kind: 'set', path: ['e'], term: { kind: 'path', path: ['d'] } },
        { kind: 'add', path: ['f'], value: one, legacy: false },
        { kind: 'delete', path: ['g'], value: { SS: ['x'] }, legacy: false },
      ],
    ],
  ])('%s', (expression, update) => {
    const values = { ':one': one, ':list': { L: [] }, ':set': { SS: ['x'] } };
    expect(parseUpdate(expression, new Substitutions({ '#b': 'x.y' }, values))).toEqual(update);
  });
});

describe('parseUpdate: syntax', () => {
  it.each([
    ['INVALID SYNTAX HERE', 'INVALID', 'INVALID SYNTAX'],
    ['whatever', 'whatever', 'whatever'],
    ['SET', '<EOF>', 'SET'],
    ['set a', '<EOF>', 'a'],
    ['set a = b,', '<EOF>', ','],
    ['add a', '<EOF>', 'a'],
    ['set a=set', 'set', '=set'],
    ['remove a = b', '=', 'a = b'],
    ['add a = b', '=', 'a = b'],
    ['delete a b', 'b', 'a b'],
    ['ADD hits : incr', ':', 'hits : incr'],
    ['add abort b', 'b', 'abort b'],
    ['remove a b', 'b', 'a b'],
    ['set :a = b', ':a', 'set :a ='],
    ['remove :a', ':a', 'remove :a'],
    ['set a = b / c', '/', 'b / c'],
    ['SET numx = numx * :v', '*', 'numx * :v'],
    ['set a[1] = "eight"', '"', '= "eight'],
    ['set a[1] = 1', '1', '= 1'],
    ['SET a = if_not_exist(a, 100)', '100', ', 100)'],
    ['SET if_not_exist(a, b) = a', '(', 'if_not_exist(a'],
    ['set (a = (b + c))', '(', 'set (a'],
    ['set a = (b.c).d + e', '.', ').d'],
    ['set a = (b.c)[0] + e', '[', ')[0'],
    ['set a = b + c + d', '+', 'c + d'],
    ['set a = (b + c) + d', '+', ') + d'],
    ['set a = (b', '<EOF>', 'b'],
    ['set a = f(b + c)', '+', 'b + c'],
    ['set {0} = :v', '{', 'set {0'],
    ['set #list[0.#c = :v', '.', '0.#c'],
    ['SET path = VALUE 1', '1', 'VALUE 1'],
    ['SET note = :v +', '<EOF>', '+'],
  ])('%s', (expression, token, near) => {
    expect(faultOf(expression)).toBe(`Syntax error; token: "${token}", near: "${near}"`);
  });

  it('an empty expression is refused', () => {
    expect(faultOf('')).toBe('The expression can not be empty;');
  });

  it('two parentheses around one thing are redundant', () => {
    const message = 'The expression has redundant parentheses;';
    expect(faultOf('set a = ((b))')).toBe(message);
    expect(faultOf('set a = ((b + c))')).toBe(message);
    expect(faultOf('set a = b + ((c))')).toBe(message);
    expect(faultOf(`set a = ${'('.repeat(2000)}b${')'.repeat(2000)}`)).toBe(message);
  });
});

describe('parseUpdate: order and texts of faults', () => {
  it.each([
    [
      ' set #c = :c set abOrt = true ',
      'Attribute name is a reserved keyword; reserved keyword: abOrt',
    ],
    [' remove Absolute ', 'Attribute name is a reserved keyword; reserved keyword: Absolute'],
    ['set #c = if_not_exist(:c) set c = d', 'Invalid function name; function: if_not_exist'],
    ['set a = size(b)', 'The function is not allowed in an update expression; function: size'],
    [
      'set a = contains(b, :a)',
      'The function is not allowed in an update expression; function: contains',
    ],
    [
      'set a = list_append(list_append(b, c), d)',
      'The function is not allowed to be used this way in an expression; function: list_append',
    ],
    ['set a = #c set c = :d', 'The "SET" section can only be used once in an update expression;'],
    [
      'remove #d set a = b remove e',
      'The "REMOVE" section can only be used once in an update expression;',
    ],
    [
      'add #d :e set a = b add e :f',
      'The "ADD" section can only be used once in an update expression;',
    ],
    [
      'delete #d :e set a = b delete #e :f',
      'The "DELETE" section can only be used once in an update expression;',
    ],
    [
      'SET a = :x, b = if_not_exists(:c), #c = a',
      'An expression attribute name used in the document path is not defined; attribute name: #c',
    ],
    [
      'SET #a = if_not_exists(:c), a = b',
      'An expression attribute value used in expression is not defined; attribute value: :c',
    ],
    [
      'set a = if_not_exists(c)',
      'Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1',
    ],
    [
      'set a = list_append(c)',
      'Incorrect number of operands for operator or function; operator or function: list_append, number of operands: 1',
    ],
    [
      'set a = if_not_exists(a, b, c)',
      'Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 3',
    ],
    [
      'set a = if_not_exists(:a, c)',
      'Operator or function requires a document path; operator or function: if_not_exists',
    ],
    [
      'set a = if_not_exists(if_not_exists(a, b), c)',
      'Operator or function requires a document path; operator or function: if_not_exists',
    ],
  ])('%s', (expression, message) => {
    expect(faultOf(expression)).toBe(message);
  });

  it.each([
    ['overlap', 'set d[1] = a, d.b = a, c[1].a = a, #c = if_not_exists(a)', '[c, [1], a]', '[c]'],
    ['overlap', 'set #c[3].#d = a, #c[3] = a', '[c, [3], [3]]', '[c, [3]]'],
    ['overlap', 'SET f = :a, f = :a', '[f]', '[f]'],
    ['overlap', 'SET m = :a, m.num = :a', '[m]', '[m, num]'],
    ['overlap', 'SET l[0] = :a, l[0].ok = :a', '[l, [0]]', '[l, [0], ok]'],
    ['conflict', 'set #c[3].#d = a, #c.#d[3] = if_not_exists(a)', '[c, [3], [3]]', '[c, [3], [3]]'],
    ['conflict', 'remove a.#c set a[1] = #d', '[a, c]', '[a, [1]]'],
  ])('paths that %s: %s', (verb, expression, one, two) => {
    expect(faultOf(expression, text, { '#b': 'b', '#c': 'c', '#d': '[3]' })).toBe(
      `Two document paths ${verb} with each other; must remove or rewrite one of these paths; path one: ${one}, path two: ${two}`,
    );
  });

  it.each<[string, AttributeValue, string, string]>([
    ['set b = list_append(:a, a), c = if_not_exists(a) add a.b :a', { S: 'a' }, 'ADD', 'STRING'],
    ['delete a.b :a', { S: 'a' }, 'DELETE', 'STRING'],
    ['add a.b :a', { NULL: true }, 'ADD', 'NULL'],
    ['add a.b :a', { BOOL: false }, 'ADD', 'BOOLEAN'],
    ['add a.b :a', { B: 'YQ==' }, 'ADD', 'BINARY'],
    ['add a.b :a', { M: {} }, 'ADD', 'MAP'],
    ['add a.b :a', { L: [] }, 'ADD', 'LIST'],
    ['delete a.b :a', { L: [] }, 'DELETE', 'LIST'],
    ['delete a.b :a', { N: '1' }, 'DELETE', 'NUMBER'],
  ])('types of ADD and DELETE: %s %j', (expression, v, operator, type) => {
    expect(faultOf(expression, { ':a': v })).toBe(
      `Incorrect operand type for operator or function; operator: ${operator}, operand type: ${type}, typeSet: ALLOWED_FOR_${operator}_OPERAND`,
    );
  });

  const byType: AttributeValue[] = [
    { S: 'a' },
    { B: 'YQ==' },
    { BOOL: true },
    { NULL: true },
    { SS: ['a'] },
    { NS: ['1'] },
    { BS: ['YQ=='] },
    { M: {} },
  ];
  it.each([
    ...[...byType, { N: '1' }].map(
      (v) => ['set a = list_append(:a, a)', 'list_append', v] as const,
    ),
    ...[...byType, { L: [] }].flatMap((v) => [
      ['set a = a + :a', '+', v] as const,
      ['set a = :a - a', '-', v] as const,
    ]),
  ])('types of functions and operators: %s (%s) %j', (expression, name, v) => {
    expect(faultOf(expression, { ':a': v })).toBe(
      `Incorrect operand type for operator or function; operator or function: ${name}, operand type: ${Object.keys(v)[0]}`,
    );
  });

  it('a thousand paths are compared in no time', () => {
    const paths = Array.from({ length: 1000 }, (_, index) => `a[${index % 10}]`);
    expect(faultOf(`REMOVE ${paths.slice(0, 600).join(',')}`)).toContain('overlap');
    expect(
      faultOf(`REMOVE ${Array.from({ length: 500 }, (_, index) => `a[${index}]`).join(',')}`),
    ).toBe('no fault');
  });
});
