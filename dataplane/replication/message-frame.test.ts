import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedMessage } from './core/field-bytes.ts';
import { FrameWriter, readFrame } from './message-frame.ts';

const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((of) => Buffer.from(of));
const framed = fc.record({
  partitionId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  from: fc.maxSafeNat(),
  to: fc.maxSafeNat(),
  commit: fc.maxSafeNat(),
  floor: fc.maxSafeNat(),
  message: bytes(200),
  payloads: fc.array(bytes(50), { maxLength: 4 }),
});

describe('frames of messages', () => {
  it('come back as they were, also from a writer that is used again', () => {
    const writer = new FrameWriter();
    fc.assert(
      fc.property(fc.array(framed, { minLength: 1, maxLength: 20 }), (messages) => {
        for (const message of messages) writer.add(message);
        expect(writer.count).toBe(messages.length);
        expect([...readFrame(writer.take())]).toEqual(messages);
        expect(writer.bytes).toBe(0);
      }),
    );
  });

  it('that are cut off, or are none, are refused', () => {
    const writer = new FrameWriter();
    writer.add({
      partitionId: 1n,
      from: 1,
      to: 2,
      commit: 3,
      floor: 4,
      message: Buffer.alloc(64),
      payloads: [Buffer.alloc(3)],
    });
    const [head = Buffer.alloc(0), payload] = writer.take();
    const read = (body: unknown) => () => [...readFrame(body)];
    for (let length = 2; length < head.length; length += 1) {
      expect(read([head.subarray(0, length), payload])).toThrow(MalformedMessage);
    }
    for (const body of [[head], [], null, 'x', [Buffer.of(2)], [head, 'x']]) {
      expect(read(body)).toThrow(MalformedMessage);
    }
  });
});
