import { describe, expect, it } from 'vitest';
import { decodeCheckedNumber, encodeCheckedNumber } from './checked-number.ts';

describe('a number at rest', () => {
  it.each([0, 1, 2 ** 40 + 7, Number.MAX_SAFE_INTEGER])(
    'is read as it was written: %i',
    (value) => {
      expect(decodeCheckedNumber(encodeCheckedNumber(value))).toBe(value);
    },
  );

  it('is read without a checksum, too, as it was written once', () => {
    expect(decodeCheckedNumber(encodeCheckedNumber(300).subarray(0, 8))).toBe(300);
  });

  it('is damaged when any bit is another one, or it is cut', () => {
    const encoded = encodeCheckedNumber(300);
    for (let bit = 0; bit < 8 * encoded.length; bit += 1) {
      const damaged = Buffer.from(encoded);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decodeCheckedNumber(damaged)).toThrow('checksum');
    }
    expect(() => decodeCheckedNumber(encoded.subarray(0, 11))).toThrow('checksum');
  });
});
