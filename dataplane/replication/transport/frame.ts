import { crc32 } from 'node:zlib';

/**
 * A frame, as it goes over the wire; integers are big-endian.
 *
 * | offset | bytes | field                                                                       |
 * | ------ | ----- | --------------------------------------------------------------------------- |
 * | 0      | 2     | magic, 0x5452 (`TR`)                                                         |
 * | 2      | 1     | kind, see `frameKinds`                                                       |
 * | 3      | 1     | flags, 0                                                                     |
 * | 4      | 4     | n, the length of the body                                                    |
 * | 8      | 4     | id: which request; ties a pong to its ping; 0 in other kinds                 |
 * | 12     | n     | body: JSON in `hello` and `refusal`, MessagePack in others (`message-pack.ts`) |
 * | 12 + n | 4     | CRC-32 of all bytes before it; absent in version 1 and during the handshake  |
 *
 * The sum stands last so that one pass over contiguous bytes makes it, and so that the frames of
 * a handshake, sent before there is a version, look alike in all versions.
 */
export const FRAME_MAGIC = 0x5452;
export const HEADER_BYTES = 12;
export const CHECKSUM_BYTES = 4;

export const frameKinds = {
  /** Who a process is; the first frame in either direction. */
  hello: 1,
  /** Why there will be no connection. The sender closes. */
  refusal: 2,
  /** The dialler accepts the listener's hello: the connection is up. */
  ready: 3,
  /** One way: `[channel, body]`. */
  message: 4,
  /** `[method, body]` */
  request: 5,
  /** What a handler returned. */
  response: 6,
  /** What a handler threw: `[code, message, data]`. */
  failure: 7,
  /** The caller does not wait for the answer any longer. */
  cancel: 8,
  ping: 9,
  pong: 10,
} as const;

export type FrameKind = (typeof frameKinds)[keyof typeof frameKinds];

const KIND_MAX = Math.max(...Object.values(frameKinds));

/** What came is no frame, or not one that belongs here: its connection cannot go on. */
export class FrameError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FrameError';
  }
}

export interface FrameHeader {
  readonly kind: FrameKind;
  readonly bodyBytes: number;
  readonly id: number;
}

/**
 * Writes a header over the first twelve bytes of `frame`.
 */
export function writeHeader(frame: Buffer, { kind, bodyBytes, id }: FrameHeader): void {
  frame.writeUInt32BE(((FRAME_MAGIC << 16) | (kind << 8)) >>> 0, 0);
  frame.writeUInt32BE(bodyBytes, 4);
  frame.writeUInt32BE(id, 8);
}

/**
 * Kind of the frame whose header begins at `at`.
 * @throws FrameError for another magic, flags that nobody has defined, or a kind that nobody has
 */
export function readKind(source: Buffer, at: number): FrameKind {
  const word = source.readUInt32BE(at);
  if (word >>> 16 !== FRAME_MAGIC) throw new FrameError('wrong magic: not a Trestle peer');
  if ((word & 0xff) !== 0) throw new FrameError(`unknown flags ${word & 0xff}`);
  const kind = (word >>> 8) & 0xff;
  if (kind === 0 || kind > KIND_MAX) throw new FrameError(`unknown kind of frame ${kind}`);
  // Kinds are numbered without a gap.
  return kind as FrameKind;
}

/** A whole frame around bytes that are encoded already: those of a handshake, without a sum. */
export function handshakeFrame(kind: FrameKind, body: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  writeHeader(frame, { kind, bodyBytes: body.length, id: 0 });
  body.copy(frame, HEADER_BYTES);
  return frame;
}

/** The sum of a frame, of one piece or of header and body apart. */
export function frameChecksum(first: Buffer, second?: Buffer): number {
  const sum = crc32(first);
  return second === undefined ? sum : crc32(second, sum);
}
