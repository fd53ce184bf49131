import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttributeMap, AttributeValue, Item } from '../item/attribute-value.ts';
import type { Condition } from './ast.ts';
import { parseCondition } from './condition-parser.ts';
import { matches } from './evaluate.ts';
import { evaluableConditions, items } from './expression.arbitrary.ts';
import { Substitutions } from './substitutions.ts';

const item: Item = {
  s: { S: 'hello' },
  emoji: { S: '😀a' },
  n: { N: '10' },
  precise: { N: '12345678901234567890123456789012345678' },
  b: { B: 'AQID' },
  yes: { BOOL: true },
  nil: { NULL: true },
  ss: { SS: ['a', 'b'] },
  ns: { NS: ['1', '2.5'] },
  bs: { BS: ['AQ==', 'Ag=='] },
  l: { L: [{ N: '1' }, { M: { x: { SS: ['p', 'q'] } } }] },
  m: { M: { x: { N: '1' }, l: { L: [{ S: 'deep' }] } } },
};

const values: AttributeMap = {
  ':hello': { S: 'hello' },
  ':ell': { S: 'ell' },
  ':n10': { N: '10' },
  ':n9': { N: '9' },
  ':n1': { N: '1' },
  ':n2': { N: '2' },
  ':n3': { N: '3' },
  ':n25': { N: '2.5' },
  ':precise': { N: '12345678901234567890123456789012345679' },
  ':b': { B: 'AQID' },
  ':b1': { B: 'AQ==' },
  ':b23': { B: 'AgM=' },
  ':b4': { B: 'BA==' },
  ':true': { BOOL: true },
  ':null': { NULL: true },
  ':ba': { SS: ['b', 'a'] },
  ':ns': { NS: ['2.5', '1'] },
  ':map': { M: { l: { L: [{ S: 'deep' }] }, x: { N: '1' } } },
  ':qp': { M: { x: { SS: ['q', 'p'] } } },
  ':list': { L: [{ N: '1' }, { M: { x: { SS: ['q', 'p'] } } }] },
  ':a': { S: 'a' },
  ':x': { S: 'x' },
  ':S': { S: 'S' },
  ':NS': { S: 'NS' },
  ':N': { S: 'N' },
  ':L': { S: 'L' },
  ':deep': { S: 'deep' },
};

function holds(text: string, of: Item = item): boolean {
  const condition = parseCondition(text, 'FilterExpression', new Substitutions(undefined, values));
  return matches(condition, of);
}

describe('matches', () => {
  it.each([
    's = :hello',
    'n = :n10',
    'n > :n9',
    'precise < :precise',
    'b = :b',
    'b > :b1',
    'yes = :true',
    'nil = :null',
    'ss = :ba',
    'ns = :ns',
    'm = :map',
    'l = :list',
    'l[1] = :qp',
    'm.l[0] = :deep',
    ':n9 < n',
    ':n9 <> :n10',
    'm.x = l[0]',
    's <> :n10',
    's <> absent',
    'absent <> gone',
    'absent <> :null',
    'n BETWEEN :n9 AND :n10',
    ':n9 BETWEEN :n1 AND n',
    'n IN (:n9, :n10)',
    'm IN (:n9, :map)',
    'm.x IN (absent, l[0])',
    'attribute_exists(m.l[0])',
    'attribute_not_exists(m.l[1])',
    'attribute_not_exists(s.x)',
    'attribute_not_exists(s[0])',
    'attribute_type(s, :S)',
    'attribute_type(ns, :NS)',
    'attribute_type(:n1, :N)',
    'attribute_type(:list, :L)',
    'attribute_type(size(s), :N)',
    'begins_with(s, :hello)',
    'begins_with(b, :b1)',
    'begins_with(:hello, s)',
    'contains(s, :ell)',
    'contains(b, :b23)',
    'contains(ss, :a)',
    'contains(ns, :n25)',
    'contains(bs, :b1)',
    'contains(l, :n1)',
    'contains(l, :qp)',
    'contains(:ba, m.absent) OR contains(:hello, s)',
    'size(b) = :n3',
    'size(ss) = :n2',
    'size(m) = :n2',
    'size(l) = :n2',
    'size(emoji) = :n3',
    'size(:list) = :n2',
    'n > size(s)',
    'NOT s = :n10',
    'NOT (s = :hello AND n = :n9)',
    's = :n10 OR n = :n10',
  ])('%s', (text) => {
    expect(holds(text)).toBe(true);
    expect(holds(`NOT (${text})`)).toBe(false);
  });

  it.each([
    's = :n10',
    'absent = gone',
    'absent = :null',
    'absent < :n10',
    ':n10 > absent',
    's < :n10',
    'yes < n',
    'm < :n10',
    'n BETWEEN absent AND :n10',
    's BETWEEN :n9 AND :n10',
    'absent IN (:n9)',
    'absent IN (gone)',
    'attribute_type(absent, :S)',
    'attribute_type(n, :S)',
    'attribute_type(:n1, :S)',
    'attribute_type(:NS, :NS)',
    'attribute_type(size(s), :S)',
    'attribute_type(size(n), :N)',
    'attribute_type(size(absent), :N)',
    'begins_with(n, :hello)',
    'begins_with(absent, :hello)',
    'begins_with(s, :b1)',
    'contains(m, :x)',
    'contains(ss, :n1)',
    'contains(s, :n1)',
    'contains(n, :n1)',
    'contains(absent, :a)',
    'contains(b, :b4)',
    'size(n) = :n2',
    'size(n) < :n3',
    'size(yes) >= :n1',
    'size(nil) <= :n1',
    'size(absent) < :n3',
  ])('not %s', (text) => {
    expect(holds(text)).toBe(false);
  });

  it('a missing item has no attributes', () => {
    expect(holds('attribute_not_exists(s)', {})).toBe(true);
    expect(holds('s <> :hello', {})).toBe(true);
    expect(holds('s = :hello', {})).toBe(false);
  });

  it('what an object inherits is no attribute', () => {
    expect(holds('attribute_not_exists(toString)')).toBe(true);
    expect(holds('attribute_not_exists(m.toString)')).toBe(true);
    expect(holds('attribute_exists(toString)', { toString: { S: 'own' } })).toBe(true);
  });

  it.each<[string, AttributeValue, AttributeValue]>([
    ['text by UTF-8 bytes', { S: '\u{ff61}' }, { S: '\u{1f600}' }],
    ['numbers by value', { N: '9' }, { N: '10' }],
    ['negative numbers by value', { N: '-10' }, { N: '-9' }],
    ['binary by unsigned bytes', { B: 'fw==' }, { B: 'gA==' }],
    ['binary by length last', { B: 'AQ==' }, { B: 'AQA=' }],
  ])('orders %s', (_, smaller, larger) => {
    const test = (comparator: '<' | '>' | '<=' | '>=') =>
      matches(
        {
          kind: 'compare',
          comparator,
          left: { kind: 'value', value: smaller },
          right: { kind: 'path', path: ['a'] },
        },
        { a: larger },
      );
    expect([test('<'), test('<='), test('>'), test('>=')]).toEqual([true, true, false, false]);
  });
});

describe('matches: laws', () => {
  const not = (condition: Condition): Condition => ({ kind: 'not', condition });
  const both = (kind: 'and' | 'or', left: Condition, right: Condition): Condition => ({
    kind,
    left,
    right,
  });

  it('NOT NOT c is c', () => {
    fc.assert(
      fc.property(evaluableConditions, items, (condition, of) => {
        expect(matches(not(not(condition)), of)).toBe(matches(condition, of));
      }),
    );
  });

  it('De Morgan: NOT (a AND b) is NOT a OR NOT b, and the other way round', () => {
    fc.assert(
      fc.property(evaluableConditions, evaluableConditions, items, (a, b, of) => {
        const joined = (kind: 'and' | 'or') => matches(not(both(kind, a, b)), of);
        expect(joined('and')).toBe(matches(both('or', not(a), not(b)), of));
        expect(joined('or')).toBe(matches(both('and', not(a), not(b)), of));
      }),
    );
  });

  it('order: of one type, exactly one of <, = and > holds; <= and >= follow', () => {
    const scalar = fc.oneof(
      fc.string({ unit: 'binary' }).map((S): AttributeValue => ({ S })),
      fc.integer().map((n): AttributeValue => ({ N: String(n) })),
      fc
        .uint8Array({ maxLength: 4 })
        .map((bytes): AttributeValue => ({ B: Buffer.from(bytes).toString('base64') })),
    );
    fc.assert(
      fc.property(scalar, scalar, (a, b) => {
        const test = (comparator: '=' | '<>' | '<' | '<=' | '>' | '>=') =>
          matches(
            {
              kind: 'compare',
              comparator,
              left: { kind: 'path', path: ['a'] },
              right: { kind: 'path', path: ['b'] },
            },
            { a, b },
          );
        const ofOneType = Object.keys(a)[0] === Object.keys(b)[0];
        const held = [test('<'), test('='), test('>')].filter(Boolean).length;
        expect(held).toBe(ofOneType ? 1 : 0);
        expect(test('<=')).toBe(test('<') || test('='));
        expect(test('>=')).toBe(test('>') || test('='));
        expect(test('<>')).toBe(!test('='));
      }),
    );
  });
});
