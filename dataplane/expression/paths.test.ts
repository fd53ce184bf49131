import { describe, expect, it } from 'vitest';
import { parseCondition } from './condition-parser.ts';
import { nestedAttributes, pathText, topLevelAttributes, valueAt } from './paths.ts';
import { Substitutions } from './substitutions.ts';
import { parseUpdate } from './update-parser.ts';

const values = { ':v': { N: '1' }, ':t': { S: 'S' } };
const condition = parseCondition(
  `NOT a.x = :v AND (b[0] BETWEEN size(c.y) AND d OR e IN (f, g.z)) AND attribute_exists(h)
    AND attribute_type(i.x, :t) AND begins_with(j, k) AND contains(l, m)`,
  'ConditionExpression',
  new Substitutions(undefined, values),
);

describe('topLevelAttributes', () => {
  it('finds the heads of all paths of a condition', () => {
    expect([...topLevelAttributes(condition)].join('')).toBe('abcdefghijklm');
  });

  it('finds the heads of a projection', () => {
    expect([...topLevelAttributes([['a', 'b'], ['c'], ['a', 'd']])]).toEqual(['a', 'c']);
  });
});

describe('nestedAttributes', () => {
  it('finds what paths go into', () => {
    expect([...nestedAttributes(condition)].join('')).toBe('abcgi');
    expect([...nestedAttributes([['a'], ['b', 0]])]).toEqual(['b']);
  });

  it('finds targets and sources of an update', () => {
    const update = parseUpdate(
      'SET a.x = b, c = if_not_exists(d.x, e[0]) + f.y, g = list_append(h.a, i) REMOVE j, k[1]',
      new Substitutions(undefined, undefined),
    );
    expect([...nestedAttributes(update)].join('')).toBe('adefhk');
  });
});

describe('valueAt', () => {
  it('walks maps by name and lists by index, and nothing else', () => {
    const item = { a: { L: [{ M: { b: { S: 'x' } } }] } };
    expect(valueAt(['a', 0, 'b'], item)).toEqual({ S: 'x' });
    expect(valueAt(['a', 'length'], item)).toBeUndefined();
    expect(valueAt(['a', 0, 0], item)).toBeUndefined();
    expect(valueAt(['toString'], item)).toBeUndefined();
  });
});

describe('pathText', () => {
  it('shows names and indexes in brackets', () => {
    expect(pathText(['a', 0, 'b.c'])).toBe('[a, [0], b.c]');
  });
});
