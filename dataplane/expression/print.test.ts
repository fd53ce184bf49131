import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCondition } from './condition-parser.ts';
import { conditions, paths, updates } from './expression.arbitrary.ts';
import { printCondition, printProjection, printRequest, printUpdate } from './print.ts';
import { parseProjection } from './projection-parser.ts';
import { Substitutions } from './substitutions.ts';
import { parseUpdate } from './update-parser.ts';

/** Random trees may print to more than an expression may hold; those prove nothing here. */
function fits(text: string): boolean {
  return text.length <= 4096;
}

describe('print', () => {
  it('parse(print(condition)) is the condition, with every name and value used', () => {
    fc.assert(
      fc.property(conditions, (condition) => {
        const { text, names, values } = printCondition(condition);
        fc.pre(fits(text));
        const substitutions = new Substitutions(names, values);
        expect(parseCondition(text, 'ConditionExpression', substitutions)).toEqual(condition);
        substitutions.assertAllUsed();
      }),
      { numRuns: 1000 },
    );
  });

  it('parse(print(update)) is the update', () => {
    fc.assert(
      fc.property(updates, (update) => {
        const { text, names, values } = printUpdate(update);
        const substitutions = new Substitutions(names, values);
        expect(parseUpdate(text, substitutions)).toEqual(update);
        substitutions.assertAllUsed();
      }),
      { numRuns: 500 },
    );
  });

  it('parse(print(projection)) is the projection', () => {
    const disjoint = fc.uniqueArray(paths, { minLength: 1, selector: (path) => path[0] });
    fc.assert(
      fc.property(disjoint, (projection) => {
        const { text, names } = printProjection(projection);
        expect(parseProjection(text, new Substitutions(names, undefined))).toEqual(projection);
      }),
    );
  });

  it('parentheses stand only where the reading would change', () => {
    const text = 'a1b = :v AND (b = :v OR NOT c = :v) AND (d = :v AND NOT (e = :v OR f = :v))';
    const parsed = parseCondition(
      text,
      'ConditionExpression',
      new Substitutions(undefined, { ':v': { N: '1' } }),
    );
    expect(printCondition(parsed).text).toBe(
      '#a=:a AND (b=:a OR NOT c=:a) AND (d=:a AND NOT (e=:a OR f=:a))',
    );
  });

  it('expressions of one request share placeholders, each of which means one thing', () => {
    const placed = printRequest({
      condition: { kind: 'exists', path: ['name'], negated: true },
      update: [
        { kind: 'set', path: ['name'], term: { kind: 'value', value: { S: 'x' } } },
        { kind: 'add', path: ['other'], value: { N: '1' }, legacy: false },
        { kind: 'set', path: ['x', 2, 'a.b'], term: { kind: 'value', value: { S: 'x' } } },
        { kind: 'set', path: ['at'], term: { kind: 'value', value: { L: [] } } },
      ],
      projection: [['name'], ['third', 0]],
    });
    expect(placed).toEqual({
      UpdateExpression: 'SET #a=:a,x[2].#b=:a,#c=:b ADD #d :c',
      ConditionExpression: 'attribute_not_exists(#a)',
      ProjectionExpression: '#a,#e[0]',
      ExpressionAttributeNames: {
        '#a': 'name',
        '#b': 'a.b',
        '#c': 'at',
        '#d': 'other',
        '#e': 'third',
      },
      ExpressionAttributeValues: { ':a': { S: 'x' }, ':b': { L: [] }, ':c': { N: '1' } },
    });
  });

  it('a request without expressions has no members for them', () => {
    expect(printRequest({ update: [], condition: undefined })).toEqual({});
  });

  it('what was parsed from a text of the largest size still fits when it is printed', () => {
    const candidates = Array.from({ length: 100 }, (_, index) => `:v${index}`);
    const values = Object.fromEntries(candidates.map((token, index) => [token, { N: `${index}` }]));
    const term = `a IN(${candidates.join(',')})`;
    const text = Array.from({ length: 8 }, () => term).join(' OR ');
    expect(text.length).toBeGreaterThan(3800);
    const parsed = parseCondition(text, 'FilterExpression', new Substitutions(undefined, values));
    expect(fits(printCondition(parsed).text)).toBe(true);
  });

  it('placeholders go on behind the last of one character', () => {
    const projection = Array.from({ length: 190 }, (_, index): [string] => [`attribute${index}`]);
    const { text, names } = printProjection(projection);
    expect(Object.keys(names)).toHaveLength(190);
    expect(text).toMatch(/#_,#aa,#ab,.*#b_,#ca$/);
    expect(parseProjection(text, new Substitutions(names, undefined))).toEqual(projection);
  });
});
