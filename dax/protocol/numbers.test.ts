import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arbitraryNumber,
  arbitraryNumberText,
} from '../../dataplane/item/attribute-value.arbitrary.ts';
import { normaliseNumber } from '../../dataplane/item/number.ts';
import { CborReader } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { clientDecodes, clientEncodes } from './node-client.fixture.ts';
import { readNumber, writeNumber } from './numbers.ts';
import { hex } from './vectors.fixture.ts';

function encode(normal: string): string {
  const writer = new CborWriter();
  writeNumber(writer, normal);
  return writer.finish().toString('hex');
}

function decode(bytes: string): string {
  const reader = new CborReader(hex(bytes.replaceAll(' ', '')));
  const number = readNumber(reader);
  reader.expectEnd('a number');
  return number;
}

describe('numbers', () => {
  it.each([
    ['0', '00'],
    ['23', '17'],
    ['24', '1818'],
    ['-25', '3818'],
    ['65536', '1a00010000'],
    ['9007199254740991', '1b001fffffffffffff'],
    ['9007199254740993', '1b0020000000000001'],
    ['-9007199254740993', '3b0020000000000000'],
    ['9223372036854775807', '1b7fffffffffffffff'],
    ['-9223372036854775808', '3b7fffffffffffffff'],
    ['9223372036854775808', 'c48200c2488000000000000000'],
    ['-9223372036854775809', 'c48200c3488000000000000000'],
    ['0.5', 'c4822005'],
    ['-0.0001', 'c4822320'],
    ['3.14159265358979323846264338327950288', 'c4823822c24f3c813f6636d984f2595b6a372a53d0'],
    [`1${'0'.repeat(37)}`, 'c48200c2500785ee10d5da46d900f436a000000000'],
    [`1${'0'.repeat(38)}`, 'c482182601'],
    [`999${'0'.repeat(123)}`, 'c482187b1903e7'],
  ])('%s is sent as every client shows it plainly', (number, bytes) => {
    expect(encode(number)).toBe(bytes);
    expect(decode(bytes)).toBe(number);
  });

  it.each([
    ['tag 2 of Node', 'c2 48 ab54a98ceb1f0ad2', '12345678901234567890'],
    ['64 bits without a sign', '1b ab54a98ceb1f0ad2', '12345678901234567890'],
    ['64 bits, negative', '3b ffffffffffffffff', '-18446744073709551616'],
    ['tag 3', 'c3 49 010000000000000000', '-18446744073709551617'],
    ['an integer in more bytes than it needs', '1b 0000000000000005', '5'],
    ['tag 2 with leading zeros', 'c2 43 000001', '1'],
    ['tag 2 over nothing', 'c2 40', '0'],
    ['tag 4 with trailing zeros', 'c4 82 21 1896', '1.5'],
    ['tag 4 with a positive exponent', 'c4 82 02 01', '100'],
    ['tag 4 over tag 2', 'c4 82 20 c2 41 0f', '1.5'],
    ['tag 4 of zero', 'c4 82 20 00', '0'],
    ['a float', 'fb 3ff8000000000000', '1.5'],
    ['a float whose shortest text has an exponent', 'fb 444b1ae4d6e2ef50', `1${'0'.repeat(21)}`],
    ['a small float', 'fb 3e7ad7f29abcaf48', '0.0000001'],
    ['0.1 as a float', 'fb 3fb999999999999a', '0.1'],
    ['minus zero as a float', 'fb 8000000000000000', '0'],
  ])('%s is read', (_, bytes, number) => {
    expect(decode(bytes)).toBe(number);
  });

  const overflow =
    'Number overflow. Attempting to store a number with magnitude larger than supported range';
  it.each([
    [
      'not a number',
      'fb 7ff8000000000000',
      'The parameter cannot be converted to a numeric value: NaN',
    ],
    [
      'infinity',
      'fb 7ff0000000000000',
      'The parameter cannot be converted to a numeric value: Infinity',
    ],
    [
      '39 digits',
      `c2 51 ${'ff'.repeat(17)}`,
      'Attempting to store more than 38 significant digits in a Number',
    ],
    ['a large exponent', 'c4 82 187e 01', overflow],
    ['an exponent of 64 bits', 'c4 82 1b ffffffffffffffff 01', overflow],
    ['an exponent of more', `c4 82 c2 49 ${'ff'.repeat(9)} 01`, overflow],
    ['an integer of 300 bytes', `c2 59012c ${'ff'.repeat(300)}`, overflow],
    [
      'a small exponent',
      'c4 82 38c7 01',
      'Number underflow. Attempting to store a number with magnitude smaller than supported range',
    ],
    ['a text', '61 31', 'The request is malformed: a number was expected'],
    ['a tag of sets', 'd9 0cf9 80', 'The request is malformed: a number was expected'],
    [
      'tag 4 over three',
      'c4 83 01 01 01',
      'The request is malformed: an exponent and a mantissa was expected',
    ],
    [
      'tag 4 over a float',
      'c4 82 00 fb 3ff8000000000000',
      'The request is malformed: an integer was expected',
    ],
    ['half a number', '1b 00', 'The request is malformed: a longer value was expected'],
  ])('%s is refused', (_, bytes, message) => {
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ message }));
  });

  it('what is written is read again', () => {
    fc.assert(
      fc.property(arbitraryNumber, (number) => {
        expect(decode(encode(number))).toBe(number);
      }),
      { numRuns: 2000 },
    );
  });

  it('any spelling that the Node client sends is read as that number', () => {
    fc.assert(
      fc.property(arbitraryNumberText, (text) => {
        expect(decode(clientEncodes({ N: text }).toString('hex'))).toBe(normaliseNumber(text));
      }),
      { numRuns: 1000 },
    );
  });

  it('the Node client shows a number of up to 38 characters as it was sent, but for small fractions', () => {
    const plain = arbitraryNumber.filter((text) => text.length <= 38 && !text.includes('0.00000'));
    fc.assert(
      fc.property(plain, (number) => {
        expect(clientDecodes(hex(encode(number)))).toEqual({ N: number });
      }),
      { numRuns: 1000 },
    );
  });

  it('the Node client shows any number as one of equal value', () => {
    fc.assert(
      fc.property(arbitraryNumber, (number) => {
        const shown = clientDecodes(hex(encode(number))) as { readonly N: string };
        expect(normaliseNumber(shown.N)).toBe(number);
      }),
      { numRuns: 1000 },
    );
  });
});
