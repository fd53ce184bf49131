import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareDecimals, parseDecimal } from './decimal.ts';

function compare(one: string, other: string): number {
  const [a, b] = [parseDecimal(one), parseDecimal(other)];
  if (a === undefined || b === undefined) throw new Error('no number');
  return Math.sign(compareDecimals(a, b));
}

describe('numbers of conditions', () => {
  it.each([
    ['0', '-0.0', 0],
    ['1', '1.000', 0],
    ['100', '1e2', 0],
    ['0.001', '1E-3', 0],
    ['+5', '05', 0],
    ['9007199254740992', '9007199254740993', -1],
    ['-2', '-10', 1],
    ['-1', '0', -1],
    ['0', '0.1', -1],
    ['99', '100', -1],
    ['0.12', '0.1', 1],
    ['.5', '0.5', 0],
    ['5.', '5', 0],
  ])('%s against %s: %i', (one, other, expected) => {
    expect(compare(one, other)).toBe(expected);
    expect(compare(other, one)).toBe(expected === 0 ? 0 : -expected);
  });

  it.each(['', '.', '-', '1e', 'e5', '1 ', 'NaN', 'Infinity', '0x10', '1e12345', '1,5'])(
    '%j is none',
    (text) => {
      expect(parseDecimal(text)).toBeUndefined();
    },
  );

  it('are in the order of doubles, where those are exact', () => {
    const numbers = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        expect(compare(String(a), String(b))).toBe(a === b ? 0 : Math.sign(a < b ? -1 : 1));
      }),
    );
  });
});
