/**
 * The primitive fields of the core's commands, records and messages: little-endian u8, u32 and u64.
 * A u64 travels as two u32 halves and is a JavaScript number below 2^53.
 */

const HIGH_WORD = 2 ** 32;
/** First high word of an integer that a JavaScript number does not hold. */
const HIGH_WORD_END = 2 ** 21;

/** Bytes of a peer, or of the core, that do not have the shape of a message or record. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

/**
 * The u64 at a place that is there.
 * @throws MalformedMessage for 2^53 or more
 */
export function u64At(bytes: Uint8Array, at: number): number {
  const high = u32At(bytes, at + 4);
  if (high >= HIGH_WORD_END) throw new MalformedMessage('an integer is 2^53 or more');
  return high * HIGH_WORD + u32At(bytes, at);
}

/** `value`: an integer from 0 to 2^53 - 1. */
export function putU64(bytes: Uint8Array, at: number, value: number): void {
  putU32(bytes, at, value % HIGH_WORD);
  putU32(bytes, at + 4, Math.floor(value / HIGH_WORD));
}

function u32At(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
  return (low | ((bytes[at + 3] ?? 0) << 24)) >>> 0;
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Takes fields off the front of bytes; throws MalformedMessage past the end. */
export class FieldReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  u64(): number {
    const at = this.#advance(8);
    const high = this.#view.getUint32(at + 4, true);
    if (high >= HIGH_WORD_END) {
      throw new MalformedMessage('an integer is 2^53 or more');
    }
    return high * HIGH_WORD + this.#view.getUint32(at, true);
  }

  /** A view of the next bytes, not a copy. */
  bytes(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** A count of elements of at least so many bytes each; one that the bytes cannot hold is refused. */
  count(elementBytesMin: number): number {
    const count = this.u32();
    if (count * elementBytesMin > this.#bytes.length - this.#at) {
      throw new MalformedMessage('a count passes the end');
    }
    return count;
  }

  #advance(length: number): number {
    const at = this.#at;
    if (length > this.#bytes.length - at) {
      throw new MalformedMessage('a field passes the end');
    }
    this.#at = at + length;
    return at;
  }
}

const INITIAL_BYTES = 4096;
/** A buffer that had to grow beyond this is let go after use. */
const KEPT_BYTES_MAX = 1 << 20;

/** Appends fields to a buffer that is used again after `reset`. */
export class FieldWriter {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** A view of what was written; valid until the next write or reset. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  reset(): void {
    this.#length = 0;
    if (this.#bytes.length > KEPT_BYTES_MAX) {
      this.#replace(INITIAL_BYTES);
    }
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
  }

  u32(value: number): void {
    if (value >>> 0 !== value) {
      throw new RangeError(`${value} is not a 32-bit number`);
    }
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }

  u64(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`${value} is not an integer from 0 to 2^53 - 1`);
    }
    const at = this.#reserve(8);
    this.#view.setUint32(at, value % HIGH_WORD, true);
    this.#view.setUint32(at + 4, Math.floor(value / HIGH_WORD), true);
  }

  bytes(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
  }

  /** Overwrites the u32 written at an earlier place with the number of bytes behind it. */
  patchLength(at: number): void {
    this.#view.setUint32(at, this.#length - at - 4, true);
  }

  #reserve(length: number): number {
    const at = this.#length;
    const end = at + length;
    if (end > this.#bytes.length) {
      this.#replace(Math.max(end, this.#bytes.length * 2));
    }
    this.#length = end;
    return at;
  }

  #replace(length: number): void {
    const old = this.#bytes;
    this.#bytes = new Uint8Array(length);
    this.#view = new DataView(this.#bytes.buffer);
    this.#bytes.set(old.subarray(0, Math.min(this.#length, length)));
  }
}
