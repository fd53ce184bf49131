import { base64Bytes } from '../../dataplane/item/size.ts';
import {
  ARGUMENT_8_BITS,
  ARGUMENT_16_BITS,
  ARGUMENT_32_BITS,
  ARGUMENT_64_BITS,
  BREAK,
  FALSE,
  FLOAT64,
  HIGH_WORD,
  INDEFINITE_MAP,
  MAJOR,
  NULL,
  TRUE,
} from './cbor-head.ts';

/** Content of a byte string: bytes, or the latin1 text of them (as caches keep it). */
export type ByteContent = Buffer | string;

/** What most replies fit in. */
const START_BYTES = 512;

/** The longest head: one byte and a 64-bit argument. */
const HEAD_BYTES_MAX = 9;

/** Up to so many characters, three bytes are made free for each rather than the text measured. */
const SHORT_TEXT_CHARS = 1024;

/** Writes CBOR, with the shortest heads, into a buffer that grows. */
export class CborWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(startBytes = START_BYTES) {
    this.#bytes = Buffer.allocUnsafe(startBytes);
  }

  /** What was written. The writer must not be used any more. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** One byte as it is: a head without an argument. */
  byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  /** A head with its argument: 0 to 2^53 - 1. */
  head(major: number, argument: number): void {
    this.#reserve(HEAD_BYTES_MAX);
    this.#length = writeHead(this.#bytes, this.#length, major, argument);
  }

  /** An integer up to 2^53 - 1 in size. */
  integer(value: number): void {
    if (value >= 0) this.head(MAJOR.unsigned, value);
    else this.head(MAJOR.negative, -1 - value);
  }

  /** A head with a 64-bit argument. */
  head64(major: number, argument: bigint): void {
    this.#reserve(HEAD_BYTES_MAX);
    this.#bytes[this.#length] = (major << 5) | ARGUMENT_64_BITS;
    this.#bytes.writeBigUInt64BE(argument, this.#length + 1);
    this.#length += 9;
  }

  /** Begins a map that `endMap` ends. */
  beginMap(): void {
    this.byte(INDEFINITE_MAP);
  }

  endMap(): void {
    this.byte(BREAK);
  }

  null(): void {
    this.byte(NULL);
  }

  boolean(value: boolean): void {
    this.byte(value ? TRUE : FALSE);
  }

  float64(value: number): void {
    this.#reserve(9);
    this.#bytes[this.#length] = FLOAT64;
    this.#bytes.writeDoubleBE(value, this.#length + 1);
    this.#length += 9;
  }

  text(text: string): void {
    if (text.length > SHORT_TEXT_CHARS) {
      const length = Buffer.byteLength(text);
      this.head(MAJOR.text, length);
      this.#reserve(length);
      this.#length += this.#bytes.write(text, this.#length, 'utf8');
      return;
    }
    this.#reserve(HEAD_BYTES_MAX + text.length * 3);
    const start = this.#length;
    if (text.length < ARGUMENT_8_BITS && this.#writeAscii(text, start + 1)) {
      this.#bytes[start] = (MAJOR.text << 5) | text.length;
      this.#length = start + 1 + text.length;
      return;
    }
    // The head's size is that of a text of so many bytes as it has characters, which it mostly is.
    const guess = headBytes(text.length);
    const length = this.#bytes.write(text, start + guess, 'utf8');
    const actual = headBytes(length);
    if (actual !== guess) {
      this.#bytes.copyWithin(start + actual, start + guess, start + guess + length);
    }
    writeHead(this.#bytes, start, MAJOR.text, length);
    this.#length = start + actual + length;
  }

  byteString(content: ByteContent): void {
    this.head(MAJOR.bytes, content.length);
    this.raw(content);
  }

  /** A byte string whose content is a text. */
  byteText(text: string): void {
    const length = Buffer.byteLength(text);
    this.head(MAJOR.bytes, length);
    this.#reserve(length);
    this.#length += this.#bytes.write(text, this.#length, 'utf8');
  }

  /** A byte string given as canonical base64. */
  base64(text: string): void {
    const length = base64Bytes(text);
    this.head(MAJOR.bytes, length);
    this.rawBase64(text);
  }

  /** Bytes as they are: CBOR made elsewhere, or a part of a key. */
  raw(content: ByteContent): void {
    this.#reserve(content.length);
    if (typeof content === 'string') this.#bytes.write(content, this.#length, 'latin1');
    else content.copy(this.#bytes, this.#length);
    this.#length += content.length;
  }

  rawText(text: string): void {
    const length = Buffer.byteLength(text);
    this.#reserve(length);
    this.#length += this.#bytes.write(text, this.#length, 'utf8');
  }

  rawBase64(text: string): void {
    this.#reserve(base64Bytes(text));
    this.#length += this.#bytes.write(text, this.#length, 'base64');
  }

  /** Begins a byte string whose content is written next. @returns a mark for `closeByteString` */
  openByteString(): number {
    this.#reserve(1);
    return this.#length++;
  }

  /** Ends the byte string, whose head gets its length now. */
  closeByteString(mark: number): void {
    const length = this.#length - mark - 1;
    const further = headBytes(length) - 1;
    if (further > 0) {
      this.#reserve(further);
      this.#bytes.copyWithin(mark + 1 + further, mark + 1, this.#length);
      this.#length += further;
    }
    writeHead(this.#bytes, mark, MAJOR.bytes, length);
  }

  /** For short texts a loop beats the call into the runtime. @returns false if it is not ASCII */
  #writeAscii(text: string, at: number): boolean {
    const bytes = this.#bytes;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) return false;
      bytes[at + index] = code;
    }
    return true;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** Bytes that the head of a string or container of this length takes. */
export function headBytes(argument: number): number {
  if (argument < ARGUMENT_8_BITS) return 1;
  if (argument <= 0xff) return 2;
  if (argument <= 0xffff) return 3;
  return argument < HIGH_WORD ? 5 : 9;
}

/** Writes a shortest head at `at`, where there is room. @returns where it ends */
export function writeHead(bytes: Buffer, at: number, major: number, argument: number): number {
  const type = major << 5;
  if (argument < ARGUMENT_8_BITS) {
    bytes[at] = type | argument;
    return at + 1;
  }
  if (argument <= 0xff) {
    bytes[at] = type | ARGUMENT_8_BITS;
    bytes[at + 1] = argument;
    return at + 2;
  }
  if (argument <= 0xffff) {
    bytes[at] = type | ARGUMENT_16_BITS;
    return bytes.writeUInt16BE(argument, at + 1);
  }
  if (argument < HIGH_WORD) {
    bytes[at] = type | ARGUMENT_32_BITS;
    return bytes.writeUInt32BE(argument, at + 1);
  }
  bytes[at] = type | ARGUMENT_64_BITS;
  bytes.writeUInt32BE(Math.floor(argument / HIGH_WORD), at + 1);
  return bytes.writeUInt32BE(argument % HIGH_WORD, at + 5);
}
