import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_FRAME_BYTES_MAX, FrameSplitter } from './frame-splitter.ts';
import { FRAME_BYTES_MAX } from './peer-network.ts';

function framed(frame: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return Buffer.concat([length, frame]);
}

describe('frames', () => {
  it('are found however their bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 50 })),
        fc.array(fc.integer({ min: 1, max: 9 })),
        (frames, cuts) => {
          const found: string[] = [];
          const splitter = new FrameSplitter((frame) => found.push(frame.toString('hex')));
          const bytes = Buffer.concat(frames.map(framed));
          for (let start = 0, n = 0; start < bytes.length; n += 1) {
            const end = start + (cuts[n % cuts.length] ?? 1000);
            expect(splitter.push(bytes.subarray(start, end))).toBeUndefined();
            start = end;
          }
          expect(found).toEqual(frames.map((frame) => Buffer.from(frame).toString('hex')));
        },
      ),
    );
  });

  it('may be as large as allowed, and arrive in pieces', () => {
    const lengths: number[] = [];
    const splitter = new FrameSplitter((frame) => lengths.push(frame.length));
    splitter.push(framed(Buffer.alloc(1)));
    const bytes = framed(Buffer.alloc(FRAME_BYTES_MAX));
    for (let start = 0; start < bytes.length; start += 65_536)
      expect(splitter.push(bytes.subarray(start, start + 65_536))).toBeUndefined();
    expect(lengths).toEqual([1, FRAME_BYTES_MAX]);
  });

  it.each([
    ['the first one', FIRST_FRAME_BYTES_MAX, false],
    ['a later one', FRAME_BYTES_MAX, true],
  ])('are refused by their length when it is too large: %s', (_name, bytesMax, isLater) => {
    const splitter = new FrameSplitter(() => undefined);
    if (isLater) splitter.push(framed(Buffer.alloc(1)));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytesMax + 1);
    expect(splitter.push(length.subarray(0, 3))).toBeUndefined();
    expect(splitter.push(length.subarray(3))).toBe('the peer sent too large a frame');
  });
});
