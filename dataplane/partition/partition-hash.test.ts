import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PartitionHash } from './partition-hash.ts';

describe('PartitionHash', () => {
  it('is the start of the HMAC-SHA-256 of the encodings', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.array(fc.uint8Array({ maxLength: 4_097 }), { minLength: 1, maxLength: 4 }),
        (secret, parts) => {
          const encodings = parts.map((part) => Buffer.from(part));
          const target = Buffer.alloc(20);
          new PartitionHash(secret).writeTo(target, 2, encodings);
          const hmac = createHmac('sha256', secret).update(Buffer.concat(encodings)).digest();
          expect(target.subarray(2, 18)).toEqual(hmac.subarray(0, 16));
          expect([target[1], target[18]]).toEqual([0, 0]);
        },
      ),
    );
  });
});
