import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { MAJOR } from './cbor-head.ts';
import { CborReader, INDEFINITE_COUNT } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { NESTING_MAX } from './limits.ts';
import { hex } from './vectors.fixture.ts';

function skipped(bytes: string): number {
  const reader = new CborReader(hex(bytes.replaceAll(' ', '')));
  reader.skip();
  return reader.position;
}

describe('CborReader', () => {
  it('reads only its part of the bytes', () => {
    const reader = new CborReader(hex('00 62 6162 00'.replaceAll(' ', '')), 1, 4);
    expect(reader.text()).toBe('ab');
    expect(reader.isAtEnd).toBe(true);
    expect(() => reader.integer()).toThrow(ClientFault);
    expect(() => new CborReader(hex('626162'), 0, 2).text()).toThrow(ClientFault);
  });

  it('gives byte strings as views', () => {
    const bytes = hex('420102');
    const view = new CborReader(bytes).byteString();
    expect(view.buffer).toBe(bytes.buffer);
    expect(view).toEqual(hex('0102'));
  });

  it('goes past one value, whatever it is', () => {
    expect(skipped('01 00')).toBe(1);
    expect(skipped('1b ffffffffffffffff 00')).toBe(9);
    expect(skipped('83 01 82 6161 f6 d90cf9 81 41ff 00')).toBe(12);
    expect(skipped('a1 6161 fb 3ff8000000000000 00')).toBe(12);
    expect(skipped('9f 01 bf 6161 9f ff ff ff 00')).toBe(9);
    expect(skipped('c4 82 20 c2 41 0f 00')).toBe(6);
  });

  it.each([
    ['81'],
    ['9f 01'],
    ['bf 01 ff'],
    ['5f 4161 ff'],
    ['c2'],
    ['ff'],
    ['f7'],
    ['fb 00'],
    ['1c'],
    ['9b ffffffffffffffff'],
    ['5b ffffffffffffffff'],
    ['9f'.repeat(NESTING_MAX + 2)],
  ])('refuses to go past %.20s', (bytes) => {
    expect(() => skipped(bytes)).toThrow(ClientFault);
  });

  it('goes past any depth of definite length without a stack', () => {
    expect(skipped(`${'81'.repeat(100_000)}01`)).toBe(100_001);
  });

  it('tells containers of indefinite length by their count, and takes their end', () => {
    const reader = new CborReader(hex('9f01ff'));
    const count = reader.arrayCount();
    expect(count).toBe(INDEFINITE_COUNT);
    expect(reader.hasElement(0, count)).toBe(true);
    expect(reader.integer()).toBe(1);
    expect(reader.hasElement(1, count)).toBe(false);
    expect(reader.isAtEnd).toBe(true);
  });
});

describe('CborWriter', () => {
  it.each([
    [0, '00'],
    [23, '17'],
    [24, '1818'],
    [255, '18ff'],
    [256, '190100'],
    [65_535, '19ffff'],
    [65_536, '1a00010000'],
    [2 ** 32 - 1, '1affffffff'],
    [2 ** 32, '1b0000000100000000'],
    [2 ** 53 - 1, '1b001fffffffffffff'],
    [-1, '20'],
    [-24, '37'],
    [-25, '3818'],
    [-(2 ** 53), '3b001fffffffffffff'],
  ])('%i has the shortest head', (value, bytes) => {
    const writer = new CborWriter();
    writer.integer(value);
    expect(writer.finish().toString('hex')).toBe(bytes);
    expect(new CborReader(hex(bytes)).integer()).toBe(value);
  });

  it('byte strings that are written before their length is known have the shortest head too', () => {
    for (const length of [0, 1, 23, 24, 255, 256, 65_535, 65_536]) {
      const content = Buffer.alloc(length, 0xa5);
      const open = new CborWriter(1);
      open.null();
      const mark = open.openByteString();
      open.raw(content);
      open.closeByteString(mark);
      open.null();
      const closed = new CborWriter();
      closed.null();
      closed.byteString(content);
      closed.null();
      expect(open.finish().equals(closed.finish())).toBe(true);
    }
  });

  it('grows to what is written, and reads back the same', () => {
    const texts = fc.array(fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary' })));
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 64 }), (list, startBytes) => {
        const writer = new CborWriter(startBytes);
        writer.head(MAJOR.array, list.length);
        for (const text of list) writer.text(text);
        const reader = new CborReader(writer.finish());
        const read = Array.from({ length: reader.arrayCount() }, () => reader.text());
        expect(read).toEqual(list.map((text) => text.toWellFormed()));
        expect(reader.isAtEnd).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
