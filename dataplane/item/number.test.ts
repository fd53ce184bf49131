import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numberFaults } from '../errors/values.ts';
import { arbitraryNumber, arbitraryNumberText } from './attribute-value.arbitrary.ts';
import {
  addNumbers,
  compareNumbers,
  normaliseNumber,
  numberBytes,
  subtractNumbers,
} from './number.ts';

/** Exact for every sum of two numbers in range; prints plain decimals. */
const Exact = Decimal.clone({ precision: 400, toExpNeg: -1000, toExpPos: 1000 });

function resultOf(run: () => string): unknown {
  try {
    return run();
  } catch (fault) {
    return fault;
  }
}

/** What exact arithmetic gives, within the limits of the data model. */
function expectedSum(exact: Decimal): unknown {
  if (exact.isZero()) return '0';
  if (exact.precision() > 38 || exact.e > 125) return numberFaults.overflow();
  return exact.e < -130 ? numberFaults.underflow() : exact.toFixed();
}

describe('normaliseNumber', () => {
  it.each([
    ['0', '0'],
    ['-0', '0'],
    ['-0.00', '0'],
    ['000', '0'],
    ['0e125', '0'],
    ['0e-500', '0'],
    ['00042', '42'],
    ['1.0', '1'],
    ['3.1400', '3.14'],
    ['1.5E2', '150'],
    ['1e3', '1000'],
    ['1000', '1000'],
    ['+5', '5'],
    ['+.5', '0.5'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['-00.50', '-0.5'],
    ['1.5E+3', '1500'],
    ['123e-5', '0.00123'],
    ['120', '120'],
    ['1E125', `1${'0'.repeat(125)}`],
    ['-9.9999999999999999999999999999999999999E+125', `-${'9'.repeat(38)}${'0'.repeat(88)}`],
    ['1E-130', `0.${'0'.repeat(129)}1`],
    ['0.000001e131', `1${'0'.repeat(125)}`],
    [`${'0'.repeat(500)}7${'0'.repeat(500)}e-500`, '7'],
    [`0.${'0'.repeat(500)}7e501`, '7'],
    ['1e-00000000000000000000000001', '0.1'],
    ['12345678901234567890123456789012345678', '12345678901234567890123456789012345678'],
    ['-0.12345678901234567890123456789012345678', '-0.12345678901234567890123456789012345678'],
  ])('%s is %s', (text, normal) => {
    expect(normaliseNumber(text)).toBe(normal);
  });

  it('of empty text fails without showing a value', () => {
    expect(resultOf(() => normaliseNumber(''))).toEqual(numberFaults.notNumeric(''));
    expect(numberFaults.notNumeric('').message).toBe(
      'The parameter cannot be converted to a numeric value: ',
    );
    expect(numberFaults.notNumeric('').olderMessage).toBe(
      'The parameter cannot be converted to a numeric value',
    );
    expect(numberFaults.notNumeric('b').message).toBe(
      'The parameter cannot be converted to a numeric value: b',
    );
  });

  it.each(
    [' 5', '5 ', '\t5', '1 2', 'b', '-', '+', '.', '-.', 'e5', '+e2', '1e', '1e+', '1e5.5', '1E5e5']
      .concat([
        '1+2',
        '--5',
        '++5',
        '1.2.3',
        '1_000',
        '1,5',
        '0x10',
        'NaN',
        'Infinity',
        '-Infinity',
      ])
      .concat(['١', '1f', '1d', '5\0', '1e5 ', '..5', '1e--5']),
  )('%j is not numeric', (text) => {
    expect(resultOf(() => normaliseNumber(text))).toEqual(numberFaults.notNumeric(text));
  });

  it.each([
    ['123456789012345678901234567890123456789', numberFaults.tooPrecise()],
    ['-1.23456789012345678901234567890123456789', numberFaults.tooPrecise()],
    ['1e126', numberFaults.overflow()],
    ['-1e126', numberFaults.overflow()],
    ['10e125', numberFaults.overflow()],
    [`1${'0'.repeat(126)}`, numberFaults.overflow()],
    ['0e126', numberFaults.overflow()],
    ['0.0e127', numberFaults.overflow()],
    ['1e999999999999999999999', numberFaults.overflow()],
    ['1e-131', numberFaults.underflow()],
    ['-0.1e-130', numberFaults.underflow()],
    ['1e-999999999999999999999', numberFaults.underflow()],
  ])('%s is refused', (text, fault) => {
    expect(resultOf(() => normaliseNumber(text))).toEqual(fault);
  });

  it('handles megabytes of digits and exponent without building the number they name', () => {
    const nines = '9'.repeat(2_000_000);
    expect(resultOf(() => normaliseNumber(nines))).toEqual(numberFaults.tooPrecise());
    expect(resultOf(() => normaliseNumber(`1e${nines}`))).toEqual(numberFaults.overflow());
    expect(resultOf(() => normaliseNumber(`1e-${nines}`))).toEqual(numberFaults.underflow());
    const zeros = '0'.repeat(2_000_000);
    expect(normaliseNumber(`0.${zeros}5e2000001`)).toBe('5');
    expect(normaliseNumber(`5${zeros}e-2000000`)).toBe('5');
    expect(resultOf(() => normaliseNumber(`${zeros}x`))).toEqual(
      numberFaults.notNumeric(`${zeros}x`),
    );
  });

  it('gives the plain decimal that a decimal library gives, for any spelling', () => {
    fc.assert(
      fc.property(arbitraryNumberText, (text) => {
        expect(normaliseNumber(text)).toBe(new Exact(text).plus(0).toFixed());
      }),
      { numRuns: 2000 },
    );
  });

  it('returns a normal form as it is', () => {
    fc.assert(
      fc.property(arbitraryNumber, (normal) => {
        expect(normaliseNumber(normal)).toBe(normal);
      }),
      { numRuns: 2000 },
    );
  });

  it('accepts text exactly when it is of the form of a number', () => {
    const form = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
    const pieces = fc.constantFrom('0', '1', '9', '.', '-', '+', 'e', 'E', ' ', 'x');
    fc.assert(
      fc.property(fc.string({ unit: pieces, minLength: 1, maxLength: 7 }), (text) => {
        const result = resultOf(() => normaliseNumber(text));
        const isRefused = JSON.stringify(result) === JSON.stringify(numberFaults.notNumeric(text));
        expect(isRefused).toBe(!form.test(text));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('compareNumbers', () => {
  it('orders as a decimal library does', () => {
    fc.assert(
      fc.property(arbitraryNumber, arbitraryNumber, (a, b) => {
        expect(Math.sign(compareNumbers(a, b))).toBe(new Exact(a).cmp(b));
      }),
      { numRuns: 3000 },
    );
  });

  it('tells apart numbers that differ in the last of 38 digits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }), fc.nat(37), (n, places) => {
        const low = normaliseNumber(`${n}e-${places}`);
        const high = normaliseNumber(`${n + 1n}e-${places}`);
        expect(compareNumbers(low, high)).toBeLessThan(0);
        expect(compareNumbers(high, low)).toBeGreaterThan(0);
        expect(compareNumbers(low, low)).toBe(0);
      }),
    );
  });
});

describe('addNumbers and subtractNumbers', () => {
  it.each([
    ['0.1', '0.2', '0.3'],
    ['5', '-5', '0'],
    ['-0.5', '0.5', '0'],
    ['999999999999999', '999999999999999', '1999999999999998'],
    ['99999999999999999999999999999999999999', '1', `1${'0'.repeat(38)}`],
    [`1${'0'.repeat(125)}`, `8${'0'.repeat(125)}`, `9${'0'.repeat(125)}`],
  ])('%s + %s is %s', (a, b, sum) => {
    expect(addNumbers(a, b)).toBe(sum);
    expect(subtractNumbers(sum, b)).toBe(a);
  });

  it('a sum that needs more than 38 digits is refused with the overflow text', () => {
    const largest = '9'.repeat(38);
    expect(resultOf(() => addNumbers(largest, '0.1'))).toEqual(numberFaults.overflow());
    expect(resultOf(() => addNumbers(`1${'0'.repeat(125)}`, '1'))).toEqual(numberFaults.overflow());
  });

  it('a sum beyond the range is refused', () => {
    const large = `9${'0'.repeat(125)}`;
    expect(resultOf(() => addNumbers(large, large))).toEqual(numberFaults.overflow());
    const small = normaliseNumber('1.2e-130');
    expect(resultOf(() => subtractNumbers(small, normaliseNumber('1.1e-130')))).toEqual(
      numberFaults.underflow(),
    );
  });

  it('are exact, as a decimal library of high precision is', () => {
    fc.assert(
      fc.property(arbitraryNumber, arbitraryNumber, (a, b) => {
        expect(resultOf(() => addNumbers(a, b))).toEqual(expectedSum(new Exact(a).plus(b)));
        expect(resultOf(() => subtractNumbers(a, b))).toEqual(expectedSum(new Exact(a).minus(b)));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('numberBytes', () => {
  // Measured against the service by dynoxide (bisecting the item size limit to the byte).
  it.each([
    ['1', 2],
    ['12', 2],
    ['123', 3],
    ['1234', 3],
    ['12345', 4],
    ['123456789123', 7],
    ['1234567890123456789', 11],
    ['12345678901234567890123456789012345678', 20],
    ['0042', 2],
    ['100', 2],
    ['1010', 3],
    ['0.0000001', 2],
    ['0', 1],
    ['1E125', 2],
    ['1E-100', 2],
    ['1.5', 3],
    ['1.200', 3],
    ['1.234', 4],
    ['3.14159', 5],
    ['100.5', 4],
    ['0.15', 2],
    ['-42', 3],
    ['-12345', 5],
    ['-1E125', 3],
    ['-0.15', 3],
    ['-0', 1],
  ])('of %s is %i', (text, bytes) => {
    expect(numberBytes(normaliseNumber(text))).toBe(bytes);
  });

  it('counts a pair that the decimal point or the place of the first digit splits', () => {
    expect(numberBytes('120')).toBe(3); // 1|20
    expect(numberBytes('0.015')).toBe(3); // .01|50
  });

  it('is never above 21', () => {
    expect(numberBytes(`-${'1'.repeat(19)}.${'1'.repeat(19)}`)).toBe(21);
  });

  it('is the formula of the reference for any number', () => {
    fc.assert(
      fc.property(arbitraryNumber, (normal) => {
        const decimal = new Exact(normal);
        const digits = decimal.precision();
        const splits = digits % 2 === 0 && decimal.e % 2 === 0 ? 1 : 0;
        const sign = decimal.isNegative() ? 1 : 0;
        const bytes = Math.min(21, 1 + Math.ceil(digits / 2) + splits + sign);
        expect(numberBytes(normal)).toBe(decimal.isZero() ? 1 : bytes);
      }),
      { numRuns: 2000 },
    );
  });
});
