import { Packr, RESERVE_START_SPACE, RESET_BUFFER_MODE } from 'msgpackr/pack';
import { FrameError, HEADER_BYTES } from './frame.ts';

/** The encoder's own buffer is let go when a body has made it larger than this. */
const ENCODER_BYTES_KEPT = 1024 * 1024;
const ENCODER_BYTES = 64 * 1024;

/**
 * Bodies as MessagePack. Numbers come back as numbers (integers beyond 32 bits travel as float64)
 * and bigints as bigints (int64 and uint64 hold nothing else); undefined is extension 0. Buffers
 * come back as copies: a view would keep the 64 KiB alive that the socket read with it.
 *
 * The sub-path holds the plain JavaScript half: no native extractor is looked for.
 */
const packr = new Packr({ useRecords: false, structuredClone: false, copyBuffers: true });

/** One for all decodings, which never nest: no object a frame. */
const range = { start: 0, end: 0 };

/**
 * A frame with room for its header in front of the encoded body. It lies in the encoder's own
 * memory: to be copied before the next call.
 * @throws what msgpackr throws for values beyond its reach, such as bigints above 64 bits
 */
export function encodeBody(body: unknown): Buffer {
  const frame = packr.pack(body, RESERVE_START_SPACE | RESET_BUFFER_MODE | HEADER_BYTES);
  if (frame.buffer.byteLength > ENCODER_BYTES_KEPT) {
    packr.useBuffer(Buffer.allocUnsafeSlow(ENCODER_BYTES));
  }
  return frame;
}

/**
 * The value encoded in these bytes of `source`.
 * @throws FrameError when they are not exactly one value
 */
export function decodeBody(source: Buffer, start: number, end: number): unknown {
  // msgpackr takes an end of 0 for none, and there is no value without a byte.
  if (start === end) throw new FrameError('a body is missing');
  range.start = start;
  range.end = end;
  try {
    return packr.unpack(source, range);
  } catch (error) {
    throw new FrameError(`undecodable body: ${error instanceof Error ? error.message : error}`);
  }
}
