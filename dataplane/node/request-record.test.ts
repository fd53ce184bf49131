import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DoneWrite,
  encodeRequestRecord,
  readAnswer,
  readRequestIds,
  requestIdText,
} from './request-record.ts';
import { decodeWorkCursor, encodeWorkCursor } from './work-cursor.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each));
const units = fc.array(fc.tuple(fc.string(), fc.nat()), { maxLength: 2 });
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null });
const writes: fc.Arbitrary<DoneWrite[]> = fc.uniqueArray(
  fc.record({
    id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(requestIdText),
    answer: fc.tuple(fc.tuple(fc.nat(), units, units), maybe(fc.nat()), maybe(bytes), maybe(bytes)),
  }),
  { selector: ({ id }) => id, minLength: 1, maxLength: 5 },
);

describe('a record of writes done', () => {
  it('gives back the answers by id', () => {
    fc.assert(
      fc.property(writes, (done) => {
        const record = encodeRequestRecord(done);
        expect(readRequestIds(record)).toEqual(done.map(({ id }) => id));
        for (const { id, answer } of done) expect(readAnswer(record, id)).toEqual(answer);
        expect(readAnswer(record, 'another of so 16')).toBeUndefined();
      }),
    );
  });

  it('is known to be damaged, whichever byte is', () => {
    const answer = [[1, [], []], null, Buffer.from('{}'), null] as const;
    const record = encodeRequestRecord([{ id: requestIdText(Buffer.alloc(16, 7)), answer }]);
    for (let at = 0; at < record.length; at++) {
      const changed = Buffer.from(record);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      expect(() => readRequestIds(changed)).toThrow('checksum');
    }
    for (let length = 0; length < record.length; length++) {
      expect(() => readRequestIds(record.subarray(0, length))).toThrow('checksum');
    }
  });

  it('takes ids of 16 bytes only', () => {
    expect(() => requestIdText(Buffer.alloc(15))).toThrow(RangeError);
  });
});

describe('a cursor', () => {
  const cursor = { isWalked: false, purpose: 4, lastKey: Buffer.from('some key') };

  it('goes on for the same work, and begins anew for other work', () => {
    const encoded = encodeWorkCursor(cursor);
    expect(decodeWorkCursor(encoded, 4)).toEqual(cursor);
    const beginning = { isWalked: false, purpose: 5, lastKey: Buffer.alloc(0) };
    expect(decodeWorkCursor(encoded, 5)).toEqual(beginning);
    expect(decodeWorkCursor(undefined, 5)).toEqual(beginning);
    expect(decodeWorkCursor(encodeWorkCursor({ ...cursor, isWalked: true }), 4).isWalked).toBe(
      true,
    );
  });

  it('is known to be damaged, whichever byte is', () => {
    const encoded = encodeWorkCursor(cursor);
    for (let at = 0; at < encoded.length; at++) {
      const changed = Buffer.from(encoded);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      expect(() => decodeWorkCursor(changed, 4)).toThrow('checksum');
    }
    expect(() => decodeWorkCursor(encoded.subarray(0, 8), 4)).toThrow('checksum');
  });
});
