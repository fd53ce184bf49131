import { FRAME_BYTES_MAX } from './peer-network.ts';

/** The first frame says who a peer is: until then he is a stranger. */
export const FIRST_FRAME_BYTES_MAX = 4 * 1024;
const LENGTH_BYTES = 4;

/**
 * Bytes of a connection as frames: each behind its length, 4 bytes, the highest first.
 *
 * A frame is stored as it arrives, never ahead. Frames are views of what was pushed, to be copied by whoever keeps them.
 */
export class FrameSplitter {
  readonly #onFrame: (frame: Buffer) => void;
  /** What has arrived of the next frame, its length included. */
  #parts: Buffer[] = [];
  #partsBytes = 0;
  #isFirst = true;

  constructor(onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  /** @returns what is wrong with the bytes, after which there are no more frames */
  push(chunk: Buffer): string | undefined {
    let rest = chunk;
    if (this.#partsBytes > 0) {
      this.#parts.push(chunk);
      this.#partsBytes += chunk.length;
      const wanted = this.#wantedBytes();
      if (wanted !== undefined && this.#partsBytes < wanted) return this.#faultOf(wanted);
      rest = Buffer.concat(this.#parts, this.#partsBytes);
      this.#parts = [];
      this.#partsBytes = 0;
    }
    let start = 0;
    while (rest.length - start >= LENGTH_BYTES) {
      const end = start + LENGTH_BYTES + rest.readUInt32BE(start);
      const fault = this.#faultOf(end - start);
      if (fault !== undefined) return fault;
      if (end > rest.length) break;
      this.#isFirst = false;
      this.#onFrame(rest.subarray(start + LENGTH_BYTES, end));
      start = end;
    }
    if (start < rest.length) {
      this.#parts.push(rest.subarray(start));
      this.#partsBytes = rest.length - start;
    }
    return undefined;
  }

  /** Of the frame whose parts are there, with its length; undefined while that is not known. */
  #wantedBytes(): number | undefined {
    const [first] = this.#parts;
    if (first !== undefined && first.length >= LENGTH_BYTES)
      return LENGTH_BYTES + first.readUInt32BE();
    return this.#partsBytes < LENGTH_BYTES ? LENGTH_BYTES : undefined;
  }

  #faultOf(frameBytes: number): string | undefined {
    const max = this.#isFirst ? FIRST_FRAME_BYTES_MAX : FRAME_BYTES_MAX;
    return frameBytes - LENGTH_BYTES > max ? 'the peer sent too large a frame' : undefined;
  }
}
