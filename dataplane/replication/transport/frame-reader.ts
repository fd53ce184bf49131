import {
  CHECKSUM_BYTES,
  FrameError,
  type FrameKind,
  frameChecksum,
  HEADER_BYTES,
  readKind,
} from './frame.ts';

/** Pieces smaller than this are gathered, so that a drip of bytes does not cost an object each. */
const SMALL_PIECE_BYTES = 4 * 1024;
const GATHER_BYTES = 16 * 1024;

/**
 * Called for each frame; its body is bytes `start` to `end` of `source`. Five in a row, because an
 * object or a view for each frame would cost as much as reading it.
 */
export type FrameHandler = (
  kind: FrameKind,
  id: number,
  source: Buffer,
  start: number,
  end: number,
) => void;

export interface FrameRules {
  readonly bodyBytesMax: number;
  readonly hasChecksum: boolean;
}

/**
 * Makes frames of the chunks that a socket reads. Frames that lie in one chunk are handed on
 * without a copy; a body that comes in several is put together once it is complete, so that
 * memory follows what has arrived and not what was announced.
 */
export class FrameReader {
  /** These may be set anew by a handler: they hold from the next frame on. */
  onFrame: FrameHandler;
  rules: FrameRules;
  /** What came, or what `onFrame` found in it, cannot be gone on from; nothing is read any more. */
  onBroken: (error: FrameError) => void;
  #isStopped = false;
  /** Header of a frame of which a part has come. */
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  readonly #pieces = new Pieces();

  constructor(rules: FrameRules, onFrame: FrameHandler, onBroken: (error: FrameError) => void) {
    this.rules = rules;
    this.onFrame = onFrame;
    this.onBroken = onBroken;
  }

  /** Bytes held of a frame that is not complete. */
  get heldBytes(): number {
    return this.#headerBytes + this.#pieces.bytes;
  }

  /** No frame is handed on after this, not even of a chunk that is being read. */
  stop(): void {
    this.#isStopped = true;
    this.#pieces.clear();
  }

  feed(chunk: Buffer): void {
    if (this.#isStopped) return;
    try {
      this.#read(chunk);
    } catch (error) {
      this.stop();
      if (!(error instanceof FrameError)) throw error;
      this.onBroken(error);
    }
  }

  #read(chunk: Buffer): void {
    let at = this.#headerBytes > 0 ? this.#complete(chunk, 0) : 0;
    while (at < chunk.length && !this.#isStopped) {
      const next = this.#readWhole(chunk, at);
      at = next ?? this.#complete(chunk, at);
    }
  }

  /** Reads a frame that lies in the chunk as a whole; returns where it ends. */
  #readWhole(chunk: Buffer, at: number): number | undefined {
    const bodyAt = at + HEADER_BYTES;
    if (bodyAt > chunk.length) return undefined;
    const { hasChecksum } = this.rules;
    const kind = readKind(chunk, at);
    const bodyEnd = bodyAt + this.#bodyBytes(chunk, at);
    const frameEnd = hasChecksum ? bodyEnd + CHECKSUM_BYTES : bodyEnd;
    if (frameEnd > chunk.length) return undefined;
    if (hasChecksum && frameChecksum(chunk.subarray(at, bodyEnd)) !== chunk.readUInt32BE(bodyEnd)) {
      throw checksumMismatch();
    }
    this.onFrame(kind, chunk.readUInt32BE(at + 8), chunk, bodyAt, bodyEnd);
    return frameEnd;
  }

  /** Adds to the frame that has begun what the chunk has of it from `at`; returns where that ends. */
  #complete(chunk: Buffer, at: number): number {
    const headerPart = Math.min(HEADER_BYTES - this.#headerBytes, chunk.length - at);
    chunk.copy(this.#header, this.#headerBytes, at, at + headerPart);
    this.#headerBytes += headerPart;
    if (this.#headerBytes < HEADER_BYTES) return chunk.length;

    const { hasChecksum } = this.rules;
    const kind = readKind(this.#header, 0);
    const bodyBytes = this.#bodyBytes(this.#header, 0);
    const restBytes = hasChecksum ? bodyBytes + CHECKSUM_BYTES : bodyBytes;
    const restAt = at + headerPart;
    const end = Math.min(chunk.length, restAt + restBytes - this.#pieces.bytes);
    this.#pieces.add(chunk.subarray(restAt, end));
    if (this.#pieces.bytes < restBytes) return end;

    const rest = this.#pieces.take();
    this.#headerBytes = 0;
    if (
      hasChecksum &&
      frameChecksum(this.#header, rest.subarray(0, bodyBytes)) !== rest.readUInt32BE(bodyBytes)
    ) {
      throw checksumMismatch();
    }
    this.onFrame(kind, this.#header.readUInt32BE(8), rest, 0, bodyBytes);
    return end;
  }

  #bodyBytes(source: Buffer, at: number): number {
    const bodyBytes = source.readUInt32BE(at + 4);
    if (bodyBytes > this.rules.bodyBytesMax) {
      throw new FrameError(
        `frame too large: ${bodyBytes} bytes announced, ${this.rules.bodyBytesMax} allowed`,
      );
    }
    return bodyBytes;
  }
}

function checksumMismatch(): FrameError {
  return new FrameError('damaged frame: its CRC-32 does not match');
}

/** Parts of a body, in order. */
class Pieces {
  bytes = 0;
  #whole: Buffer[] = [];
  /** What the latest small pieces are gathered in, and how far. */
  #gather: Buffer | undefined;
  #gathered = 0;

  add(piece: Buffer): void {
    this.bytes += piece.length;
    if (piece.length >= SMALL_PIECE_BYTES) {
      this.#endGather();
      this.#whole.push(piece);
      return;
    }
    if (this.#gathered + piece.length > GATHER_BYTES) this.#endGather();
    this.#gather ??= Buffer.allocUnsafeSlow(GATHER_BYTES);
    piece.copy(this.#gather, this.#gathered);
    this.#gathered += piece.length;
  }

  take(): Buffer {
    this.#endGather();
    const [first] = this.#whole;
    const all =
      first !== undefined && this.#whole.length === 1 ? first : Buffer.concat(this.#whole);
    this.clear();
    return all;
  }

  clear(): void {
    this.bytes = 0;
    this.#whole = [];
    this.#gather = undefined;
    this.#gathered = 0;
  }

  #endGather(): void {
    if (this.#gather !== undefined) this.#whole.push(this.#gather.subarray(0, this.#gathered));
    this.#gather = undefined;
    this.#gathered = 0;
  }
}
