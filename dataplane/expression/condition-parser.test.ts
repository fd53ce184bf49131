import { describe, expect, it } from 'vitest';
import { ClientFault, withRequestValidationPrefix } from '../errors/client-fault.ts';
import type { AttributeMap, AttributeValue } from '../item/attribute-value.ts';
import type { Condition } from './ast.ts';
import { parseCondition } from './condition-parser.ts';
import { Substitutions } from './substitutions.ts';

function parse(text: string, values: AttributeMap = {}, names: Record<string, string> = {}) {
  return parseCondition(text, 'FilterExpression', new Substitutions(names, values));
}

/** What is wrong with a filter, without the words before it. */
function faultOf(text: string, values: AttributeMap = {}, names: Record<string, string> = {}) {
  try {
    parse(text, values, names);
  } catch (fault) {
    if (!(fault instanceof ClientFault)) throw fault;
    expect(fault.type).toBe('ValidationException');
    const prefix = 'Invalid FilterExpression: ';
    expect(fault.message).toContain(prefix);
    return fault.message?.slice(prefix.length);
  }
  return 'no fault';
}

const a = { kind: 'path', path: ['a'] } as const;
const one = { N: '1' } as const;
const value = { kind: 'value', value: one } as const;
const equal = (name: string): Condition => ({
  kind: 'compare',
  comparator: '=',
  left: { kind: 'path', path: [name] },
  right: value,
});

describe('parseCondition: what it reads', () => {
  it.each<[string, Condition]>([
    ['a <= :one', { kind: 'compare', comparator: '<=', left: a, right: value }],
    [':one<>a', { kind: 'compare', comparator: '<>', left: value, right: a }],
    ['(a)=(:one)', equal('a')],
    ['(a) = :one', equal('a')],
    ['((a) = (:one))', equal('a')],
    ['(a = :one)', equal('a')],
    ['a between :one and :one', { kind: 'between', operand: a, lower: value, upper: value }],
    ['(a)between(:one)and(:one)', { kind: 'between', operand: a, lower: value, upper: value }],
    [
      'a In (:one, b)',
      { kind: 'in', operand: a, candidates: [value, { kind: 'path', path: ['b'] }] },
    ],
    ['size(a) = :one', { ...equal('a'), left: { kind: 'size', of: a } } as Condition],
    [
      'size(:list) = :one',
      {
        ...equal('a'),
        left: { kind: 'size', of: { kind: 'value', value: { L: [] } } },
      } as Condition,
    ],
    ['attribute_exists(a)', { kind: 'exists', path: ['a'], negated: false }],
    ['(attribute_not_exists((a)))', { kind: 'exists', path: ['a'], negated: true }],
    ['attribute_type(a, :type)', { kind: 'attributeType', path: ['a'], type: 'NS' }],
    [
      'begins_with(a, :type)',
      { kind: 'beginsWith', operand: a, prefix: { kind: 'value', value: { S: 'NS' } } },
    ],
    ['contains(a, :one)', { kind: 'contains', operand: a, member: value }],
    [
      'contains(:list, a)',
      { kind: 'contains', operand: { kind: 'value', value: { L: [] } }, member: a },
    ],
    [
      'a . b [ 0 ] . #dotted[12] = :one',
      { ...equal('a'), left: { kind: 'path', path: ['a', 'b', 0, 'x.y', 12] } } as Condition,
    ],
    [
      '(a.b).c = :one',
      { ...equal('a'), left: { kind: 'path', path: ['a', 'b', 'c'] } } as Condition,
    ],
    ['NOT a = :one', { kind: 'not', condition: equal('a') }],
    ['NOT NOT a = :one', { kind: 'not', condition: { kind: 'not', condition: equal('a') } }],
    [
      'a = :one OR b = :one AND c = :one',
      { kind: 'or', left: equal('a'), right: { kind: 'and', left: equal('b'), right: equal('c') } },
    ],
    [
      '(a = :one oR b = :one) aNd c = :one',
      { kind: 'and', left: { kind: 'or', left: equal('a'), right: equal('b') }, right: equal('c') },
    ],
    [
      'a = :one AND b = :one AND c = :one',
      {
        kind: 'and',
        left: { kind: 'and', left: equal('a'), right: equal('b') },
        right: equal('c'),
      },
    ],
    [
      'NOT a = :one AND b = :one',
      { kind: 'and', left: { kind: 'not', condition: equal('a') }, right: equal('b') },
    ],
    [
      'NOT (a = :one AND b = :one)',
      { kind: 'not', condition: { kind: 'and', left: equal('a'), right: equal('b') } },
    ],
    ['((a = :one) AND b = :one)', { kind: 'and', left: equal('a'), right: equal('b') }],
    ['\ta\r\n=\n:one ', equal('a')],
  ])('%s', (text, condition) => {
    const values = { ':one': one, ':type': { S: 'NS' }, ':list': { L: [] } };
    expect(parse(text, values, { '#dotted': 'x.y' })).toEqual(condition);
  });

  it('takes prototype names as attributes', () => {
    const condition = parse('toString = :v AND #p = :v', { ':v': one }, { '#p': '__proto__' });
    expect(condition).toEqual({
      kind: 'and',
      left: equal('toString'),
      right: equal('__proto__'),
    });
  });
});

describe('parseCondition: syntax', () => {
  it.each([
    ['things are not gonna be ok', 'are', 'things are not'],
    ['a > 4', '4', '> 4'],
    ['foo', '<EOF>', 'foo'],
    ['foo ', '<EOF>', 'foo'],
    ['attribute_exists(Pictures-RearView)', '-', 'Pictures-RearView'],
    ['attribute_exists("Pictures.RearView")', '"', '("Pictures'],
    ['attribute_exists(Pictures..RearView)', '.', '..RearView'],
    ['attribute_exists(Pi#ctures.RearView)', '#ctures', 'Pi#ctures.'],
    ['attribute_exists(asdf[a])', 'a', '[a]'],
    ['attribute_type()', ')', '()'],
    ['attribute_not_exists(', '<EOF>', '('],
    ['a in b, c', 'b', 'in b,'],
    ['a in (b,c,)', ')', ',)'],
    ['a > between', 'between', '> between'],
    ['(a)between(b.(c.d))and(c)', '(', '.(c'],
    ['#$.b > a', '#', '#$'],
    ['a > :things.stuff', '.', ':things.stuff'],
    ['b[:a] > a', ':a', '[:a]'],
    ['b[-1] > a', '-', '[-1'],
    ['b[01] > a', '1', '01]'],
    ['b[4.5] > a', '.', '4.5'],
    ['ü > a', 'ü', 'ü >'],
    ['size(a).b > a', '.', ').b'],
    ['(size(a)).b > a', '.', ').b'],
    ['(a = :v) = :v', '=', ') = :v'],
    ['a = (b = :v)', '=', 'b = :v'],
    ['a AND b = :v', 'AND', 'a AND b'],
    ['(a) AND b = :v', 'AND', ') AND b'],
    ['a = :v AND __typename = :v', '_', 'AND __'],
    ['a = :v )', ')', ':v )'],
    ['(a = :v', '<EOF>', ':v'],
    ['a = :v b = :v', 'b', ':v b ='],
    ['set = :v', 'set', 'set ='],
    ['a = :', ':', '= :'],
    ['AND', 'AND', 'AND'],
    ['a = \u{1F600}', '\u{1F600}', '= \u{1F600}'],
  ])('%s', (text, token, near) => {
    expect(faultOf(text)).toBe(`Syntax error; token: "${token}", near: "${near}"`);
  });

  it('an empty expression is refused', () => {
    expect(faultOf('')).toBe('The expression can not be empty;');
  });

  it.each([' ', '\t\n'])('a blank expression ends too early: %j', (text) => {
    expect(faultOf(text)).toBe(`Syntax error; token: "<EOF>", near: "${text}"`);
  });

  it.each([
    'a=a and a > ((views))',
    '(a)between(((b.c)).d)and(c)',
    'a > whatever((:things), ((a)))',
    'a=a AND ((a=a AND a=a)) AND a=a',
    'a=a OR ((a=a OR a=a)) OR a=a',
    'a=a AND ((a=a AND (a=a AND a=a)))',
    '((a)) = b',
    '((attribute_exists(a)))',
    'NOT ((a = b))',
    '((NOT a = b))',
    'size(((a))) > b',
  ])('two parentheses around one thing are redundant: %s', (text) => {
    expect(faultOf(text)).toBe('The expression has redundant parentheses;');
  });
});

describe('parseCondition: names of functions and attributes', () => {
  it.each([
    ['a=a and whatever((:things)) > a', 'Invalid function name; function: whatever'],
    ['attRIbute_exIsts((views), #a)', 'Invalid function name; function: attRIbute_exIsts'],
    ['size(whatever(abort)) > a', 'Invalid function name; function: whatever'],
    [
      'if_not_exists(a, b) = c',
      'The function is not allowed in a condition expression; function: if_not_exists',
    ],
    ...[
      ['a=a and attribute_exists((views), (#a)) > b', 'attribute_exists'],
      ['attribute_not_exists(things) > b', 'attribute_not_exists'],
      ['attribute_type(things, :a) > b', 'attribute_type'],
      ['begins_with(things, a) > b', 'begins_with'],
      ['contains(:things, c) > b', 'contains'],
      ['size(contains(a, b)) > a', 'contains'],
      ['size(things)', 'size'],
      ['(size(things)) AND a = b', 'size'],
      ['a between b and attribute_exists(things)', 'attribute_exists'],
      ['a in (b, attribute_exists(things))', 'attribute_exists'],
    ].map(([text, name]) => [
      text,
      `The function is not allowed to be used this way in an expression; function: ${name}`,
    ]),
    [
      'attribute_exists(views, #a)',
      'Attribute name is a reserved keyword; reserved keyword: views',
    ],
    [':a < abOrT', 'Attribute name is a reserved keyword; reserved keyword: abOrT'],
    ['a.b.Status = :a', 'Attribute name is a reserved keyword; reserved keyword: Status'],
  ])('%s', (text, message) => {
    expect(faultOf(text ?? '')).toBe(message);
  });
});

describe('parseCondition: names and values', () => {
  it.each([
    ['attribute_exists(#Pictures.RearView, :a) and a=a', '#Pictures'],
    ['begins_with(Pictures.#RearView)', '#RearView'],
    ['(#P between :lo and :hi) and (#PC in (:cat1, :cat2))', '#P'],
    ['#4g > a', '#4g'],
    ['#_ > a', '#_'],
    ['(a)between(b.c[45].#d)and(:a)', '#d'],
  ])('an undefined name is refused: %s', (text, name) => {
    expect(faultOf(text)).toBe(
      `An expression attribute name used in the document path is not defined; attribute name: ${name}`,
    );
  });

  it.each([
    ['begins_with(:hello, #a, #b)', ':hello'],
    [':a < :b', ':a'],
    [':_ > a', ':_'],
    ['a = :__proto__', ':__proto__'],
  ])('an undefined value is refused: %s', (text, name) => {
    expect(faultOf(text)).toBe(
      `An expression attribute value used in expression is not defined; attribute value: ${name}`,
    );
  });
});

describe('parseCondition: operands', () => {
  it.each([
    ['attribute_exists(things, a) and a=a', 'attribute_exists', 2],
    ['attribute_not_exists(things, b)', 'attribute_not_exists', 2],
    ['attribute_type(things)', 'attribute_type', 1],
    ['begins_with(things)', 'begins_with', 1],
    ['begins_with(things, size(a), b)', 'begins_with', 3],
    ['contains(things)', 'contains', 1],
    ['size(things, a) > b', 'size', 2],
  ])('the number of operands is checked: %s', (text, name, count) => {
    expect(faultOf(text)).toBe(
      `Incorrect number of operands for operator or function; operator or function: ${name}, number of operands: ${count}`,
    );
  });

  it.each([
    ['a = a AND #a = b AND :views > a', '=', '[a]'],
    ['#a <> a', '<>', '[a]'],
    ['a > #a', '>', '[a]'],
    ['((a=a) OR (a=a))', '=', '[a]'],
    ['contains(ab.bc[1].a, ab.bc[1].#a)', 'contains', '[ab, bc, [1], a]'],
    ['attribute_type(ab.bc[1].#a, ab.bc[1].a)', 'attribute_type', '[ab, bc, [1], a]'],
    ['begins_with(ab.bc[1].a, ab.bc[1].#a)', 'begins_with', '[ab, bc, [1], a]'],
    ['a between b and a', 'BETWEEN', '[a]'],
    ['a in (b, a)', 'IN', '[a]'],
  ])('operands of one predicate must differ: %s', (text, operator, path) => {
    expect(faultOf(text, {}, { '#a': 'a' })).toBe(
      `The first operand must be distinct from the remaining operands for this operator or function; operator: ${operator}, first operand: ${path}`,
    );
  });

  it('the same value on both sides is fine', () => {
    expect(faultOf(':a > :a', { ':a': one })).toBe('no fault');
  });

  const unprefixed: AttributeValue[] = [
    { N: '1' },
    { BOOL: true },
    { NULL: true },
    { L: [] },
    { M: {} },
    { SS: ['1'] },
    { NS: ['1'] },
    { BS: ['YQ=='] },
  ];
  const types = (texts: string[], name: string, values: AttributeValue[]) =>
    texts.flatMap((text) => values.map((v) => [text, name, v] as const));
  it.each([
    ...types(['begins_with(a, :a)', 'begins_with(:a, a)'], 'begins_with', unprefixed),
    ...types(['attribute_type(a, :a)'], 'attribute_type', [...unprefixed, { B: 'YQ==' }]),
    ...types(['size(:a) > a'], 'size', [{ N: '1' }, { BOOL: true }, { NULL: true }]),
    ...types(['a < :a', ':a < a'], '<', unprefixed.slice(1)),
    ...types(['a between :a and b'], 'BETWEEN', unprefixed.slice(1)),
    ...types(['begins_with(a, size(a)) and a=:a'], 'begins_with', [one]),
    ...types(['attribute_type(a, size(a)) and a=a and a=:a'], 'attribute_type', [one]),
    ...types(['size(size(a)) > :a', 'attribute_not_exists(size(:a))'], 'size', [one]),
  ])('types known without the item are checked: %s (%s) %j', (text, name, v) => {
    expect(faultOf(text, { ':a': v })).toBe(
      `Incorrect operand type for operator or function; operator or function: ${name}, operand type: ${Object.keys(v)[0]}`,
    );
  });

  it.each([
    [
      'attribute_type(a, :t)',
      { S: 'x' },
      'Invalid attribute type name found; type: x, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}',
    ],
    [
      'attribute_type(a, b)',
      one,
      'Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}',
    ],
    [
      'attribute_exists(:t) and a=a',
      one,
      'Operator or function requires a document path; operator or function: attribute_exists',
    ],
    [
      'attribute_not_exists(size(:t))',
      { S: '1' },
      'Operator or function requires a document path; operator or function: attribute_not_exists',
    ],
  ])('%s', (text, v, message) => {
    expect(faultOf(text, { ':t': v as AttributeValue })).toBe(message);
  });

  it.each([
    [
      { S: 'a' },
      { N: '1' },
      'requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {S:a}, upper bound operand: AttributeValue: {N:1}',
    ],
    [
      { S: 'b' },
      { S: 'a' },
      'requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}',
    ],
    [
      { N: '10' },
      { N: '9' },
      'requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:10}, upper bound operand: AttributeValue: {N:9}',
    ],
    [
      { B: 'eg==' },
      { B: 'YQ==' },
      'requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {B:eg==}, upper bound operand: AttributeValue: {B:YQ==}',
    ],
  ])('bounds are checked: %j, %j', (lower, upper, message) => {
    const values = { ':l': lower as AttributeValue, ':u': upper as AttributeValue };
    expect(faultOf('a BETWEEN :l AND :u', values)).toBe(`The BETWEEN operator ${message}`);
    expect(faultOf('a BETWEEN :l AND :l', values)).toBe('no fault');
  });
});

describe('parseCondition: order of faults', () => {
  it.each([
    ['a = ((b)) AND what(a) = b', 'The expression has redundant parentheses;'],
    ['contains(a, b) = abort AND what(a) = b', 'Invalid function name; function: what'],
    [
      'abort = b AND contains(a, b) = c',
      'The function is not allowed to be used this way in an expression; function: contains',
    ],
    ['#a = b AND abort = b', 'Attribute name is a reserved keyword; reserved keyword: abort'],
    // From here on, the first predicate with any fault decides.
    [
      'contains(a) AND #a = b',
      'Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1',
    ],
    [
      'contains(a, #a, b)',
      'An expression attribute name used in the document path is not defined; attribute name: #a',
    ],
    [
      'contains(a, a) AND contains(a)',
      'The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [a]',
    ],
  ])('%s', (text, message) => {
    expect(faultOf(text)).toBe(message);
  });

  it('static faults are of the family that PutItem and UpdateItem prefix', () => {
    for (const text of ['a = ', '((a = b))', 'a = :x', 'contains(a, a)', '']) {
      try {
        parseCondition(text, 'ConditionExpression', new Substitutions(undefined, undefined));
        expect.unreachable();
      } catch (fault) {
        const prefixed = withRequestValidationPrefix(fault as ClientFault);
        expect(prefixed.message).toMatch(/^1 validation error detected: Invalid ConditionExpr/);
      }
    }
  });
});

describe('parseCondition: limits', () => {
  const values = { ':v': one };

  it('4096 bytes are the most, counted as UTF-8', () => {
    const most = `${'a'.repeat(4091)} = :v`;
    expect(faultOf(most, values)).toBe('no fault');
    expect(faultOf(`${most} `, values)).toBe(
      'Expression size has exceeded the maximum allowed size;',
    );
    expect(faultOf('é'.repeat(2049), values)).toBe(
      'Expression size has exceeded the maximum allowed size;',
    );
  });

  it('300 operators are the most; IN is one, parentheses and functions are none', () => {
    const chain = (count: number) => Array(count).fill('a=:v').join(' OR ');
    expect(faultOf(chain(150), values)).toBe('no fault');
    expect(faultOf(`NOT (${chain(150)})`, values)).toBe('no fault');
    const tooMany = 'The expression contains too many operators; operator count: 301';
    expect(faultOf(chain(151), values)).toBe(tooMany);
    expect(faultOf(`${'NOT '.repeat(500)}a=:v`, values)).toBe(tooMany);
    const inList = `a IN (${Array(99).fill(':v').join(',')})`;
    expect(faultOf([inList, inList, inList].join(' AND '), values)).toBe('no fault');
  });

  it('100 candidates are the most in one IN', () => {
    const candidates = (count: number) => `a IN (${Array(count).fill(':v').join(',')})`;
    expect(faultOf(candidates(100), values)).toBe('no fault');
    expect(faultOf(candidates(101), values)).toBe(
      'The IN operator is provided with too many operands; number of operands: 101',
    );
  });

  it('32 levels are the most in one path, and 2147483647 the largest index', () => {
    const path = (levels: number) => `${Array(levels).fill('a').join('.')} = :v`;
    expect(faultOf(path(32), values)).toBe('no fault');
    expect(faultOf(path(33), values)).toBe(
      'The document path has too many nesting levels; nesting levels: 33',
    );
    expect(faultOf('a[2147483647] = :v', values)).toBe('no fault');
    expect(faultOf('a[2147483648] = :v', values)).toBe(
      'List index is not within the allowable range; index: [2147483648]',
    );
  });

  it.each([
    ['('.repeat(4096), 'Syntax error; token: "<EOF>", near: "("'],
    [`${'('.repeat(2040)}a=:v${')'.repeat(2040)}`, 'The expression has redundant parentheses;'],
    [`a = ${'('.repeat(2040)}b${')'.repeat(2040)}`, 'The expression has redundant parentheses;'],
    ['f('.repeat(2048), 'Syntax error; token: "<EOF>", near: "("'],
    [`${'f('.repeat(1000)}a${')'.repeat(1000)}`, 'Invalid function name; function: f'],
    [
      `${'size('.repeat(600)}a${')'.repeat(600)} > :v`,
      'Incorrect operand type for operator or function; operator or function: size, operand type: N',
    ],
    ['NOT '.repeat(1000), 'Syntax error; token: "<EOF>", near: "NOT"'],
    [`${'NOT('.repeat(290)}a=:v${')'.repeat(290)}`, 'no fault'],
    [`${'(a=:v AND '.repeat(149)}a=:v${')'.repeat(149)}`, 'no fault'],
  ])('deep nesting is answered, whatever the depth (%#)', (text, message) => {
    expect(faultOf(text, values)).toBe(message);
  });
});
