import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arbitraryBase64,
  arbitraryKeyValue,
  arbitraryText,
  arbitraryValue,
} from './attribute-value.arbitrary.ts';
import type { AttributeValue } from './attribute-value.ts';
import { compareBase64, compareScalars, compareUtf8, equalValues } from './equality.ts';

/** The same value with the members of sets and maps in reverse order. */
function reordered(value: AttributeValue): AttributeValue {
  if ('SS' in value) return { SS: value.SS.toReversed() };
  if ('NS' in value) return { NS: value.NS.toReversed() };
  if ('BS' in value) return { BS: value.BS.toReversed() };
  if ('L' in value) return { L: value.L.map(reordered) };
  if ('M' in value) {
    const entries = Object.entries(value.M).reverse();
    return { M: Object.fromEntries(entries.map(([name, entry]) => [name, reordered(entry)])) };
  }
  return structuredClone(value);
}

describe('equalValues', () => {
  it('ignores the order of sets and maps at any depth', () => {
    fc.assert(
      fc.property(arbitraryValue, (value) => {
        expect(equalValues(value, reordered(value))).toBe(true);
      }),
    );
  });

  it('agrees with the equality of plain data for values without sets', () => {
    const text = (value: AttributeValue) => JSON.stringify(value);
    fc.assert(
      fc.property(arbitraryKeyValue, arbitraryKeyValue, (a, b) => {
        expect(equalValues(a, b)).toBe(text(a) === text(b));
        expect(equalValues({ L: [a, b] }, { L: [b, a] })).toBe(text(a) === text(b));
        expect(equalValues({ M: { a, b } }, { M: { a: b, b: a } })).toBe(text(a) === text(b));
      }),
    );
  });

  it.each<[AttributeValue, AttributeValue]>([
    [{ S: '1' }, { N: '1' }],
    [{ S: 'AQ==' }, { B: 'AQ==' }],
    [{ BOOL: true }, { BOOL: false }],
    [{ BOOL: true }, { NULL: true }],
    [{ SS: ['1'] }, { NS: ['1'] }],
    [{ SS: ['a', 'b'] }, { SS: ['a', 'c'] }],
    [{ SS: ['a', 'b'] }, { SS: ['a', 'b', 'c'] }],
    [{ L: [] }, { M: {} }],
    [{ L: [{ S: 'a' }] }, { L: [{ S: 'a' }, { S: 'a' }] }],
    [{ L: [{ S: 'a' }, { S: 'b' }] }, { L: [{ S: 'b' }, { S: 'a' }] }],
    [{ M: { a: { S: 'x' } } }, { M: { b: { S: 'x' } } }],
    [{ M: { a: { S: 'x' } } }, { M: { a: { S: 'x' }, b: { S: 'x' } } }],
    [{ M: {} }, { M: { constructor: { S: 'x' } } }],
    [{ M: { a: { SS: ['b', 'a'] } } }, { M: { a: { SS: ['a', 'c'] } } }],
  ])('%j differs from %j', (a, b) => {
    expect(equalValues(a, b)).toBe(false);
    expect(equalValues(b, a)).toBe(false);
  });
});

describe('compareScalars', () => {
  it('has no order for values of different types or of types without one', () => {
    expect(compareScalars({ S: '1' }, { N: '1' })).toBeUndefined();
    expect(compareScalars({ BOOL: true }, { BOOL: true })).toBeUndefined();
    expect(compareScalars({ L: [] }, { L: [] })).toBeUndefined();
  });

  it('orders numbers by value', () => {
    expect(compareScalars({ N: '-10' }, { N: '-9' })).toBeLessThan(0);
    expect(compareScalars({ N: '10' }, { N: '9.5' })).toBeGreaterThan(0);
  });
});

describe('compareUtf8', () => {
  it('orders as the UTF-8 bytes do', () => {
    fc.assert(
      fc.property(arbitraryText, arbitraryText, arbitraryText, (start, a, b) => {
        const expected = Buffer.compare(Buffer.from(start + a), Buffer.from(start + b));
        expect(Math.sign(compareUtf8(start + a, start + b))).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('puts characters beyond the basic plane last', () => {
    expect(compareUtf8('\u{1f600}', '\uffff')).toBeGreaterThan(0);
    expect(compareUtf8('\ue000', '\u{10000}')).toBeLessThan(0);
  });
});

describe('compareBase64', () => {
  it('orders as the unsigned bytes do', () => {
    fc.assert(
      fc.property(arbitraryBase64, arbitraryBase64, (a, b) => {
        const expected = Buffer.compare(Buffer.from(a, 'base64'), Buffer.from(b, 'base64'));
        expect(Math.sign(compareBase64(a, b))).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});
