import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCondition } from './condition-parser.ts';
import { conditions, paths, updates } from './expression.arbitrary.ts';
import { printCondition, printProjection, printUpdate } from './print.ts';
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
    const text = 'a = :v AND (b = :v OR NOT c = :v) AND (d = :v AND NOT (e = :v OR f = :v))';
    const parsed = parseCondition(
      text,
      'ConditionExpression',
      new Substitutions(undefined, { ':v': { N: '1' } }),
    );
    expect(printCondition(parsed).text).toBe(
      '#n0 = :v0 AND (#n1 = :v1 OR NOT #n2 = :v2) AND (#n3 = :v3 AND NOT (#n4 = :v4 OR #n5 = :v5))',
    );
  });
});
