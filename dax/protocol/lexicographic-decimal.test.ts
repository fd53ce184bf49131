import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import {
  arbitraryNumber,
  arbitraryNumberText,
} from '../../dataplane/item/attribute-value.arbitrary.ts';
import { compareNumbers, normaliseNumber } from '../../dataplane/item/number.ts';
import { CborWriter } from './cbor-writer.ts';
import {
  isCanonicalLexicographic,
  readLexicographic,
  writeLexicographic,
} from './lexicographic-decimal.ts';
import { clientSortKey } from './node-client.fixture.ts';
import { hex, vectors } from './vectors.fixture.ts';

function encode(normal: string): Buffer {
  const writer = new CborWriter();
  writeLexicographic(writer, normal);
  return writer.finish();
}

describe('lexicographic decimal', () => {
  it.each(vectors.lexDecimal.rows)('%s is read from the bytes of clients', (text, bytes) => {
    expect(readLexicographic(hex(bytes))).toBe(normaliseNumber(text));
  });

  const plain = vectors.lexDecimal.rows.filter(([text]) => normaliseNumber(text) === text);

  it.each(plain)('%s, in normal form already, is written as clients do', (text, bytes) => {
    expect(encode(text).toString('hex')).toBe(bytes);
  });

  it.each([
    ['1.0', 'c11c0000'],
    ['1E2', 'c31c0020'],
    ['1E12', 'cd1c00c0300c030000'],
  ])('%s is written with the digits of its normal form', (text, bytes) => {
    expect(encode(normaliseNumber(text)).toString('hex')).toBe(bytes);
  });

  it('what is written is read again', () => {
    fc.assert(
      fc.property(arbitraryNumber, (number) => {
        expect(readLexicographic(encode(number))).toBe(number);
      }),
      { numRuns: 2000 },
    );
  });

  it('bytes are in the order of the numbers', () => {
    fc.assert(
      fc.property(arbitraryNumber, arbitraryNumber, (a, b) => {
        const order = encode(a).compare(encode(b));
        expect(Math.sign(order)).toBe(Math.sign(compareNumbers(a, b)));
      }),
      { numRuns: 2000 },
    );
  });

  it('numbers that are close to each other are in order too', () => {
    const close = fc
      .tuple(
        fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }),
        fc.nat(11),
        fc.integer({ min: -3, max: 3 }),
      )
      .map(
        ([digits, places, step]) =>
          [
            normaliseNumber(`${digits}E-${places}`),
            normaliseNumber(`${digits + BigInt(step)}E-${places}`),
          ] as const,
      );
    fc.assert(
      fc.property(close, ([a, b]) => {
        expect(Math.sign(encode(a).compare(encode(b)))).toBe(Math.sign(compareNumbers(a, b)));
      }),
      { numRuns: 2000 },
    );
  });

  it("the Node client's bytes of any spelling of a number are that number", () => {
    // The client cannot take a plus sign before the digits.
    const spellings = arbitraryNumberText.filter((text) => !text.startsWith('+'));
    fc.assert(
      fc.property(spellings, (text) => {
        expect(readLexicographic(clientSortKey(text))).toBe(normaliseNumber(text));
      }),
      { numRuns: 500 },
    );
  });

  it('numbers in normal form are written as the Node client does, up to 38 digits', () => {
    const short = arbitraryNumber.filter((text) => !/\d{39}/.test(text));
    fc.assert(
      fc.property(short, (number) => {
        expect(encode(number).toString('hex')).toBe(clientSortKey(number).toString('hex'));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [`1${'0'.repeat(38)}`, 'e71c0000'],
    [`-1${'0'.repeat(70)}`, '017fffffb8e3fff0'],
    [`999${'0'.repeat(123)}`, 'fe8000007efcc020'],
  ])('longer ones without their zeros, which Python and Go do not take: %s', (number, bytes) => {
    expect(encode(number).toString('hex')).toBe(bytes);
  });

  it('tells canonical bytes from others without decoding', () => {
    const anySpelling = arbitraryNumberText
      .filter((text) => !text.startsWith('+'))
      .map((text) => clientSortKey(text));
    const canonical = arbitraryNumber.map(encode);
    const short = fc
      .integer({ min: -100_000, max: 100_000 })
      .map((n) => clientSortKey(`${n / 100}`));
    const changed = fc
      .tuple(canonical, fc.nat(30), fc.nat(255))
      .map(([bytes, at, byte]) => Buffer.from(bytes.with(at % bytes.length, byte)));
    let saidCount = 0;
    fc.assert(
      fc.property(fc.oneof(anySpelling, canonical, short, changed), (bytes) => {
        const prefixed = Buffer.concat([Buffer.from('key'), bytes]);
        if (!isCanonicalLexicographic(prefixed, 3)) return;
        saidCount++;
        expect(encode(readLexicographic(bytes))).toEqual(bytes);
      }),
      { numRuns: 5000 },
    );
    expect(saidCount).toBeGreaterThan(1000);
  });

  it.each(['0', '1', '-1', '10', '1000', '12345', '0.5', '-0.001', '1.25', '99999999999999999999'])(
    '%s: its bytes are known to be canonical, those of longer spellings not',
    (number) => {
      expect(isCanonicalLexicographic(encode(number), 0)).toBe(true);
      const longer = clientSortKey(number.includes('.') ? `${number}0` : `${number}.0`);
      expect(isCanonicalLexicographic(longer, 0)).toBe(number === '0');
    },
  );

  it.each([
    ['nothing', ''],
    ['null, low', '00'],
    ['null, high', 'ff'],
    ['a header alone', 'c1'],
    ['half of a wide exponent', 'fe800000'],
    ['groups without an end', 'c11c071c071c07'],
    ['an end without digits', 'c1000000'],
    ['a group that stands for no digits', 'c101400000'],
  ])('%s is no key of the schema', (_, bytes) => {
    expect(() => readLexicographic(hex(bytes))).toThrow(
      expect.objectContaining({
        type: 'ValidationException',
        message: 'The provided key element does not match the schema',
      }),
    );
  });

  it.each([
    [
      'fe800000 7f 1c0000',
      'Number overflow. Attempting to store a number with magnitude larger than supported range',
    ],
    [
      'fe ffffffff 1c0000',
      'Number overflow. Attempting to store a number with magnitude larger than supported range',
    ],
    [
      '81 00000000 1c0000',
      'Number underflow. Attempting to store a number with magnitude smaller than supported range',
    ],
  ])('%s is out of range, in DynamoDB’s words', (bytes, message) => {
    expect(() => readLexicographic(hex(bytes.replaceAll(' ', '')))).toThrow(
      expect.objectContaining({ message }),
    );
  });

  it('more than 38 digits are refused', () => {
    const digits = '1c4d'.repeat(40);
    expect(() => readLexicographic(clientSortKey('1'.repeat(39)))).toThrow(
      expect.objectContaining({
        message: 'Attempting to store more than 38 significant digits in a Number',
      }),
    );
    expect(() => readLexicographic(hex(`c1${digits}`))).toThrow(ClientFault);
  });
});
