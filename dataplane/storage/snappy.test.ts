import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedBytes } from './byte-reader.ts';
import { inflateSnappy } from './snappy.ts';

describe('inflateSnappy', () => {
  it('inflates literals of every length form', () => {
    for (const length of [1, 60, 61, 256, 257, 65_536, 65_537]) {
      const contents = Buffer.alloc(length, 'ab');
      expect(inflateSnappy(Buffer.concat([varint(length), literal(contents)]))).toEqual(contents);
    }
  });

  it('inflates copies of all three forms, overlapping ones too', () => {
    const start = literal(Buffer.from('abcd'));
    const one = Buffer.from([((6 - 4) << 2) | 1, 4]); // 6 bytes from 4 back
    const two = Buffer.from([((3 - 1) << 2) | 2, 1, 0]); // 3 bytes from 1 back
    const four = Buffer.from([((2 - 1) << 2) | 3, 13, 0, 0, 0]); // 2 bytes from 13 back
    const block = Buffer.concat([varint(15), start, one, two, four]);
    expect(inflateSnappy(block).toString()).toBe('abcdabcdabbbbab');
  });

  it.each([
    ['a copy before the beginning', [4, 0 << 2, 97, 2, 9, 0]],
    ['a copy of offset zero', [4, 0 << 2, 97, 2, 0, 0]],
    ['more than it claims', [1, 1 << 2, 97, 98]],
    ['less than it claims', [3, 0 << 2, 97]],
    ['a literal that is cut off', [3, 2 << 2, 97]],
    ['a huge claim', [255, 255, 255, 255, 127]],
    ['nothing at all', []],
  ])('refuses %s', (_, bytes) => {
    expect(() => inflateSnappy(Buffer.from(bytes))).toThrow(MalformedBytes);
  });

  it('never fails otherwise on arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          inflateSnappy(Buffer.from([bytes.length, ...bytes]));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBytes);
        }
      }),
    );
  });
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest >>>= 7) {
    bytes.push((rest & 127) | 128);
  }
  return Buffer.from([...bytes, rest]);
}

function literal(contents: Buffer): Buffer {
  const rest = contents.length - 1;
  const tag =
    rest < 60
      ? [rest << 2]
      : rest < 256
        ? [60 << 2, rest]
        : rest < 65_536
          ? [61 << 2, rest & 255, rest >>> 8]
          : [62 << 2, rest & 255, (rest >>> 8) & 255, rest >>> 16];
  return Buffer.concat([Buffer.from(tag), contents]);
}
