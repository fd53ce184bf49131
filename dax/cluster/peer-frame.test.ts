import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import type { Invalidation } from './coherence.ts';
import {
  decodeFrame,
  encodeFrame,
  encodeInvalidation,
  type PeerFrame,
  PeerFrameError,
} from './peer-frame.ts';
import { FRAME_BYTES_MAX } from './peer-network.ts';

const count = fc.maxSafeNat();
const text = fc.string({ unit: 'binary', maxLength: 60 });
/** Canonical key bytes as latin1. */
const latin1 = fc
  .uint8Array({ maxLength: 300 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const key = latin1.chain((bytes) =>
  fc.nat(bytes.length).map((hashLength) => ({ key: bytes, hashLength })),
);
const message: fc.Arbitrary<Invalidation> = fc.record({
  tableId: text,
  keys: fc.oneof(fc.array(key), fc.constant('all' as const)),
  isUncertain: fc.boolean(),
});
const frame: fc.Arbitrary<PeerFrame> = fc.oneof(
  fc.record({
    kind: fc.constant('hello' as const),
    cluster: text,
    nodeId: count,
    to: text,
    epoch: count,
  }),
  fc.record({ kind: fc.constant('welcome' as const), incarnation: text, epoch: count }),
  fc.record({ kind: fc.constant('invalidate' as const), seq: count, message }),
  fc.record({ kind: fc.constant('dropAll' as const), seq: count }),
  fc.record({
    kind: fc.constant('l2' as const),
    seq: count,
    lineage: text,
    epoch: count,
    isShared: fc.boolean(),
    generation: text,
    generationEpoch: count,
  }),
  fc.record({ kind: fc.constant('ping' as const), epoch: count }),
  fc.record({ kind: fc.constant('ack' as const), seq: count, epoch: count }),
);

describe('frames', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(frame, (given) => {
        expect(decodeFrame(encodeFrame(given))).toEqual(given);
      }),
    );
  });

  it('of any bytes are frames or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expectFrameOrRefusal(Buffer.from(bytes));
      }),
    );
  });

  it('of which a byte is another one are frames or refused', () => {
    fc.assert(
      fc.property(frame, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, place, change) => {
        const bytes = Buffer.from(encodeFrame(given));
        const index = place % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ change;
        expectFrameOrRefusal(bytes);
      }),
    );
  });

  const packr = new Packr({ useRecords: false });
  it.each([
    ['no array', { kind: 1 }],
    ['an empty one', []],
    ['a kind that is not there', [99, 1]],
    ['another version', [1, 2, 'c', 0, 'a', 0]],
    ['a text for a number', [7, '1', 1]],
    ['a negative number', [7, -1, 1]],
    ['half a number', [7, 0.5, 1]],
    ['a number for a text', [3, 1, true, 7, 'k', 1]],
    ['a text that is too long', [3, 1, true, 't', 'k'.repeat(5_000), 1]],
    ['a hash part that is longer than its key', [3, 1, true, 't', 'k', 2]],
    ['a key without the length of its hash part', [3, 1, true, 't', 'k']],
    ['too many keys', [3, 1, true, 't', ...Array.from({ length: 1_001 }, () => ['k', 1]).flat()]],
    ['a number for a truth value', [3, 1, 1, 't', null]],
  ])('with %s are refused', (_name, fields) => {
    expect(() => decodeFrame(packr.pack(fields))).toThrow(PeerFrameError);
  });

  it('nested deeper than any stack are refused', () => {
    expect(() => decodeFrame(Buffer.alloc(FRAME_BYTES_MAX, 0x91))).toThrow(PeerFrameError);
  });
});

describe('invalidations', () => {
  const keysOf = (keysCount: number, bytes: number) =>
    Array.from({ length: keysCount }, (_, n) => ({
      key: String(n).padEnd(bytes, '\xff'),
      hashLength: 1,
    }));

  it('of a hundred of the longest keys fit', () => {
    const keys = keysOf(100, 2_048 + 1_024 + 8);
    const given = { tableId: 't', keys, isUncertain: false };
    expect(decodeFrame(encodeInvalidation(7, given))).toMatchObject({ message: given });
  });

  it.each([
    ['too many keys', keysOf(1_001, 4)],
    ['too many bytes', keysOf(900, 3_000)],
  ])('with %s become one of the whole table', (_name, keys) => {
    const bytes = encodeInvalidation(7, { tableId: 't', keys, isUncertain: true });
    expect(bytes.length).toBeLessThan(100);
    expect(decodeFrame(bytes)).toEqual({
      kind: 'invalidate',
      seq: 7,
      message: { tableId: 't', keys: 'all', isUncertain: true },
    });
  });
});

function expectFrameOrRefusal(bytes: Buffer): void {
  try {
    expect(decodeFrame(bytes).kind).toEqual(expect.any(String));
  } catch (error) {
    expect(error).toBeInstanceOf(PeerFrameError);
  }
}
