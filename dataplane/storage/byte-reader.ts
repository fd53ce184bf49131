/** Bytes that do not have the shape their format demands. Callers add which file it was. */
export class MalformedBytes extends Error {
  override readonly name = 'MalformedBytes';
}

/** Reads LevelDB's primitive encodings in order; throws MalformedBytes at the end of the bytes. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Buffer, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  /** Little-endian groups of 7 bits. Numbers beyond 2^53 are refused: no count here reaches them. */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        return value;
      }
    }
    throw new MalformedBytes('a number is too long');
  }

  take(length: number): Buffer {
    if (length > this.#end - this.#at) {
      throw new MalformedBytes('a field passes the end');
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A length as varint, then that many bytes. */
  lengthPrefixed(): Buffer {
    return this.take(this.varint());
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at] : undefined;
    if (byte === undefined) {
      throw new MalformedBytes('a field passes the end');
    }
    this.#at += 1;
    return byte;
  }
}
