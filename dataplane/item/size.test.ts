import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryBase64, arbitraryText } from './attribute-value.arbitrary.ts';
import { base64Bytes, itemBytes, utf8Bytes, valueBytes } from './size.ts';

describe('valueBytes', () => {
  it.each([
    [{ S: '' }, 0],
    [{ S: 'hello' }, 5],
    [{ S: 'é€😀' }, 9],
    [{ N: '42' }, 2],
    [{ B: 'AQID' }, 3],
    [{ BOOL: false }, 1],
    [{ NULL: true as const }, 1],
    [{ SS: ['ab', 'cde'] }, 5],
    [{ NS: ['1', '100.5'] }, 6],
    [{ BS: ['AQ==', 'AQID'] }, 4],
    [{ L: [] }, 3],
    [{ M: {} }, 3],
    [{ L: [{ S: 'ab' }, { L: [] }] }, 3 + 1 + 2 + 1 + 3],
    [{ M: { é: { S: 'ab' }, n: { M: {} } } }, 3 + 1 + 2 + 2 + 1 + 1 + 3],
  ])('of %j is %i', (value, bytes) => {
    expect(valueBytes(value)).toBe(bytes);
  });
});

describe('itemBytes', () => {
  it('sums names and values', () => {
    expect(itemBytes({})).toBe(0);
    expect(itemBytes({ pk: { S: 'abc' }, größe: { N: '-42' } })).toBe(2 + 3 + 7 + 3);
  });

  it('counts an attribute called __proto__', () => {
    expect(itemBytes(JSON.parse('{"__proto__":{"S":"abc"}}'))).toBe(9 + 3);
  });
});

describe('utf8Bytes', () => {
  it('is the length of the encoded text', () => {
    fc.assert(
      fc.property(arbitraryText, fc.nat(3), (text, repeats) => {
        const long = text.repeat(repeats + 1);
        expect(utf8Bytes(long)).toBe(new TextEncoder().encode(long).length);
      }),
    );
  });
});

describe('base64Bytes', () => {
  it('is the length of the decoded bytes', () => {
    fc.assert(
      fc.property(arbitraryBase64, (text) => {
        expect(base64Bytes(text)).toBe(Buffer.from(text, 'base64').length);
      }),
    );
  });
});
