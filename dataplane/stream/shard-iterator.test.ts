import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeShardIterator,
  encodeShardIterator,
  type ShardIterator,
  splitShardIterator,
} from './shard-iterator.ts';

const arn = 'arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026-11-21T02:45:00.123';
const secret = Buffer.alloc(32, 1);
const iterator: ShardIterator = {
  givenOutMs: 1_800_000_000_000,
  partitionId: 7n,
  shardId: 'shardId-00000001800000000000-40000000',
  sequence: 12,
  isFromHorizon: true,
  writtenFromMs: 5,
};

/** What the text stands for at a stream. */
function decoded(text: string, stream = { arn, secret }): ShardIterator | undefined {
  const parts = splitShardIterator(text);
  return parts?.arn === stream.arn ? decodeShardIterator(parts.rest, stream) : undefined;
}

describe('a shard iterator', () => {
  it('looks as the service has it, and is short enough', () => {
    const text = encodeShardIterator(iterator, { arn, secret });
    expect(text.startsWith(`${arn}|1|`)).toBe(true);
    expect(text.length).toBeLessThan(2048);
  });

  it('comes back as it was given out', () => {
    const arbitrary = fc.record({
      givenOutMs: fc.maxSafeNat(),
      partitionId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      shardId: fc.stringMatching(/^shardId-[0-9]{20}-[0-9a-f]{8}$/),
      sequence: fc.maxSafeNat(),
      isFromHorizon: fc.boolean(),
      writtenFromMs: fc.maxSafeNat(),
    });
    fc.assert(
      fc.property(arbitrary, (given) => {
        expect(decoded(encodeShardIterator(given, { arn, secret }))).toEqual(given);
      }),
    );
  });

  it('is of one stream of one table only', () => {
    const text = encodeShardIterator(iterator, { arn, secret });
    const other = `${arn.slice(0, -1)}4`;
    expect(decoded(text.replace(arn, other), { arn: other, secret })).toBeUndefined();
    expect(decoded(text, { arn, secret: Buffer.alloc(32, 2) })).toBeUndefined();
  });

  it('is not taken with any byte changed, cut off or added', () => {
    const text = encodeShardIterator(iterator, { arn, secret });
    const { rest = '' } = splitShardIterator(text) ?? {};
    const bytes = Buffer.from(rest, 'base64');
    for (let at = 0; at < bytes.length; at++) {
      const forged = Buffer.from(bytes);
      forged[at] = (forged[at] ?? 0) ^ 1;
      expect(decodeShardIterator(forged.toString('base64'), { arn, secret })).toBeUndefined();
      const cut = bytes.subarray(0, at).toString('base64');
      expect(decodeShardIterator(cut, { arn, secret })).toBeUndefined();
    }
    for (const more of [`${rest}A`, `${rest} `, `${rest}=`, ` ${rest}`, rest.slice(0, -1)]) {
      expect(decodeShardIterator(more, { arn, secret }), more).toBeUndefined();
    }
  });

  it('is told from any other text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
        expect(decodeShardIterator(text, { arn, secret })).toBeUndefined();
        expect(decoded(text)).toBeUndefined();
        expect(decoded(`${arn}|1|${text}`)).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });
});
