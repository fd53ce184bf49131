import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryBase64, arbitraryNumber, arbitraryText } from './attribute-value.arbitrary.ts';
import { type AttributeValue, typeOf } from './attribute-value.ts';
import { compareScalars } from './equality.ts';
import { decodeKeyValue, encodeKeyPrefix, encodeKeyValue } from './key-encoding.ts';
import { normaliseNumber } from './number.ts';

const arbitraryByType: Readonly<Record<'S' | 'N' | 'B', fc.Arbitrary<AttributeValue>>> = {
  S: arbitraryText.map((S) => ({ S })),
  N: arbitraryNumber.map((N) => ({ N })),
  B: arbitraryBase64.map((B) => ({ B })),
};
const types = ['S', 'N', 'B'] as const;

function hex(value: AttributeValue): string {
  return encodeKeyValue(value).toString('hex');
}

describe('encodeKeyValue', () => {
  it.each([
    [{ S: '' }, '00'],
    [{ S: 'ab' }, '616200'],
    [{ S: 'a\0\u0001\u0002' }, '610101' + '0102' + '0200'],
    [{ B: '' }, '00'],
    [{ B: 'AAH/' }, '0101' + '0102' + 'ff00'],
    [{ N: '0' }, '8000'],
    [{ N: '1' }, 'c10200'],
    [{ N: '42' }, 'c12b00'],
    [{ N: '-42' }, '3ed4ff'],
    [{ N: '100' }, 'c20200'],
    [{ N: '100.5' }, 'c202013300'],
    [{ N: normaliseNumber('1E-130') }, '800200'],
    [{ N: normaliseNumber('1E125') }, 'ff0b00'],
    [{ N: normaliseNumber('-1E125') }, '00f4ff'],
    [{ N: normaliseNumber('-1E-130') }, '7ffdff'],
  ])('of %j is %s', (value, expected) => {
    expect(hex(value)).toBe(expected);
  });

  it('keeps 38 digits that fill 20 pairs', () => {
    const digits = '1'.repeat(19);
    const value = { N: `-${digits}.${digits}` };
    expect(encodeKeyValue(value)).toHaveLength(22);
    expect(decodeKeyValue(encodeKeyValue(value), 0, 'N').value).toEqual(value);
  });

  it('refuses values that are no keys', () => {
    expect(() => encodeKeyValue({ BOOL: true })).toThrow(TypeError);
    expect(() => encodeKeyPrefix({ N: '1' })).toThrow(TypeError);
  });

  describe.each(types)('of type %s', (type) => {
    const arbitrary = arbitraryByType[type];

    it('sorts as the values do', () => {
      fc.assert(
        fc.property(arbitrary, arbitrary, (a, b) => {
          const order = Buffer.compare(encodeKeyValue(a), encodeKeyValue(b));
          expect(order).toBe(Math.sign(compareScalars(a, b) ?? Number.NaN));
        }),
        { numRuns: 3000 },
      );
    });

    it('is no prefix of another encoding', () => {
      fc.assert(
        fc.property(arbitrary, arbitrary, (a, b) => {
          fc.pre(hex(a) !== hex(b));
          expect(hex(b).startsWith(hex(a))).toBe(false);
        }),
        { numRuns: 2000 },
      );
    });

    it('decodes to the value, wherever it stands', () => {
      fc.assert(
        fc.property(arbitrary, fc.uint8Array({ maxLength: 3 }), (value, around) => {
          const encoded = encodeKeyValue(value);
          const bytes = Buffer.concat([around, encoded, around]);
          expect(decodeKeyValue(bytes, around.length, type)).toEqual({
            value,
            next: around.length + encoded.length,
          });
        }),
        { numRuns: 2000 },
      );
    });

    it('cut short is refused when decoded', () => {
      fc.assert(
        fc.property(arbitrary, (value) => {
          const encoded = encodeKeyValue(value);
          expect(() => decodeKeyValue(encoded.subarray(0, -1), 0, type)).toThrow(RangeError);
        }),
      );
    });
  });

  it('written one after the other sorts like tuples', () => {
    const tuples = fc
      .array(fc.constantFrom(...types), { minLength: 2, maxLength: 3 })
      .chain((schema) => {
        const tuple = fc.tuple(...schema.map((type) => arbitraryByType[type]));
        // Tuples that share a start are the interesting ones.
        return fc.tuple(tuple, tuple, fc.nat(2));
      });
    fc.assert(
      fc.property(tuples, ([a, b, shared]) => {
        const second = [...a.slice(0, shared), ...b.slice(shared)];
        const encode = (tuple: readonly AttributeValue[]) =>
          Buffer.concat(tuple.map(encodeKeyValue));
        expect(Buffer.compare(encode(a), encode(second))).toBe(compareTuples(a, second));
      }),
      { numRuns: 2000 },
    );
  });
});

function compareTuples(a: readonly AttributeValue[], b: readonly AttributeValue[]): number {
  for (const [index, value] of a.entries()) {
    const other = b[index];
    const order = other === undefined ? 1 : compareScalars(value, other);
    if (order !== 0) return Math.sign(order ?? Number.NaN);
  }
  return 0;
}

describe('encodeKeyPrefix', () => {
  const arbitraryPair = fc.oneof(
    fc.tuple(arbitraryText, arbitraryText).map(([a, b]) => [{ S: a }, { S: a + b }] as const),
    fc.tuple(arbitraryText, arbitraryText).map(([a, b]) => [{ S: a }, { S: b }] as const),
    fc.tuple(arbitraryBase64, arbitraryBase64).map(([a, b]) => [{ B: a }, { B: b }] as const),
  );

  it('begins exactly the encodings of the values that begin with it', () => {
    fc.assert(
      fc.property(arbitraryPair, ([prefix, value]) => {
        const begins = rawOf(value).startsWith(rawOf(prefix));
        const encoded = encodeKeyPrefix(prefix).toString('hex');
        expect(hex(value).startsWith(encoded)).toBe(begins);
      }),
      { numRuns: 3000 },
    );
  });

  function rawOf(value: AttributeValue): string {
    const encoding = typeOf(value) === 'S' ? 'utf8' : 'base64';
    const text = 'S' in value ? value.S : 'B' in value ? value.B : '';
    return Buffer.from(text, encoding).toString('hex');
  }
});
