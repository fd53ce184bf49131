import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryItem } from '../item/attribute-value.arbitrary.ts';
import { StoreError } from '../storage/store.ts';
import { decodeCounters, encodeCounters, zeroCounters } from './counters.ts';
import { decodeIndexChange, encodeIndexChange, type IndexChange } from './index-change.ts';
import { StoredItem } from './record.ts';

const stamp = { version: 2 ** 40 + 3, writtenMicros: 1_790_000_000_000_001 };

function isDamaged(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch (error) {
    if (error instanceof StoreError) return error.code === 'damaged';
    throw error;
  }
}

/** Every byte changed in turn. */
function everyDamage(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte, index) => {
    const damaged = Buffer.from(bytes);
    damaged[index] = byte ^ 0x10;
    return damaged;
  });
}

describe('a record', () => {
  it('gives back any item, its size and its stamp', () => {
    fc.assert(
      fc.property(arbitraryItem, fc.nat(409_600), (item, bytes) => {
        const read = StoredItem.read(StoredItem.of(item, bytes, stamp).record);
        expect(JSON.stringify(read.item)).toBe(JSON.stringify(item));
        expect(read.json.toString()).toBe(JSON.stringify(item));
        expect([read.bytes, read.version, read.writtenMicros]).toEqual([
          bytes,
          stamp.version,
          stamp.writtenMicros,
        ]);
      }),
    );
  });

  it('of an older release has its time in ms', () => {
    const { record } = StoredItem.of({ p: { S: 'a' } }, 2, { version: 1, writtenMicros: 1.79e12 });
    expect(StoredItem.read(record).writtenMicros).toBe(1.79e15);
  });

  it('takes a later timestamp, and stays the same else', () => {
    const stored = StoredItem.of({ p: { S: 'a' } }, 2, stamp);
    const later = StoredItem.read(stored.withTimestamp(stamp.writtenMicros + 5).record);
    expect(later.writtenMicros).toBe(stamp.writtenMicros + 5);
    expect([later.item, later.bytes, later.version]).toEqual([stored.item, 2, stamp.version]);
    expect(stored.writtenMicros).toBe(stamp.writtenMicros);
  });

  it('is not read with any byte changed but the flags', () => {
    const { record } = StoredItem.of({ p: { S: 'é' } }, 3, stamp);
    const undetected = everyDamage(record).filter(
      (damaged) => !isDamaged(() => StoredItem.read(damaged)),
    );
    expect(undetected).toHaveLength(1);
    expect(isDamaged(() => StoredItem.read(record.subarray(0, 10)))).toBe(true);
  });
});

describe('an index change', () => {
  const place = { indexId: 3, sequence: 2 ** 33 };
  const put = { key: Buffer.from('new'), record: Buffer.from('record') };

  it.each<[string, Partial<IndexChange>]>([
    ['a put', { put, removedKey: undefined }],
    ['a removal', { put: undefined, removedKey: Buffer.from('old') }],
    ['a move', { put, removedKey: Buffer.from('old') }],
  ])('gives back %s', (_, parts) => {
    const change = { ...place, version: 9, put: undefined, removedKey: undefined, ...parts };
    expect(decodeIndexChange(place, encodeIndexChange(change))).toEqual(change);
  });

  it('is not read with any byte changed', () => {
    const encoded = encodeIndexChange({ ...place, version: 9, put, removedKey: undefined });
    for (const damaged of everyDamage(encoded)) {
      expect(isDamaged(() => decodeIndexChange(place, damaged))).toBe(true);
    }
  });
});

describe('counters', () => {
  const counters = {
    version: 2 ** 50,
    items: 7,
    bytes: 10 * 1024 ** 3,
    localIndexes: new Map([
      [1, { items: 2, bytes: 30 }],
      [65_535, { items: 0, bytes: 0 }],
    ]),
  };

  it('are given back', () => {
    expect(decodeCounters(encodeCounters(counters))).toEqual(counters);
    expect(decodeCounters(undefined)).toEqual(zeroCounters);
  });

  it('are not read with any byte changed', () => {
    for (const damaged of everyDamage(encodeCounters(counters))) {
      expect(isDamaged(() => decodeCounters(damaged))).toBe(true);
    }
  });
});
