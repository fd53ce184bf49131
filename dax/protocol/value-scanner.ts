import {
  ARGUMENT_8_BITS,
  ARGUMENT_64_BITS,
  ARGUMENT_MASK,
  BREAK,
  FALSE,
  FLOAT64,
  HIGH_WORD,
  INDEFINITE,
  MAJOR,
  NULL,
  TRUE,
} from './cbor-head.ts';
import { NESTING_MAX } from './limits.ts';
import { ProtocolError } from './protocol-error.ts';

/**
 * Finds where a number of CBOR values ends, in bytes that arrive in pieces.
 *
 * It counts the values that are still to come in each open container, and so goes on where it stood:
 * no byte is looked at twice, but for a head that came in two pieces. Contents of strings are not
 * looked at at all. Tags and numbers may be any; what they mean is for the decoder.
 */
export class ValueScanner {
  /** Up to where the bytes were looked at; beyond their end inside a string. */
  position = 0;
  #start = 0;
  #bytesMax = 0;
  /** Values still to come at each level; of indefinite containers one of the constants below. */
  readonly #left: number[] = [0];
  #depth = 0;
  /** A tag was read, so that a value must follow, no break. */
  #isTagged = false;

  /** Starts at `position`, where `valuesCount` values are to begin that take `bytesMax` at most. */
  begin(position: number, valuesCount: number, bytesMax: number): void {
    this.position = position;
    this.#start = position;
    this.#bytesMax = bytesMax;
    this.#left[0] = valuesCount;
    this.#depth = 0;
    this.#isTagged = false;
  }

  /** The limit while the values are being scanned. */
  raiseLimit(bytesMax: number): void {
    this.#bytesMax = Math.max(this.#bytesMax, bytesMax);
  }

  /** The bytes have moved: what was at `distance` is at 0 now. */
  moved(distance: number): void {
    this.position -= distance;
    this.#start -= distance;
  }

  /**
   * Goes on up to `end`.
   * @returns whether the values are whole; `position` is then behind the last one
   * @throws ProtocolError: a head that is none, nesting, size
   */
  scan(bytes: Buffer, end: number): boolean {
    for (;;) {
      while (this.#left[this.#depth] === 0 && this.#depth > 0) this.#depth--;
      if (this.#left[0] === 0 && this.#depth === 0) {
        this.#checkSize(this.position);
        return this.position <= end;
      }
      if (this.position >= end || !this.#takeHead(bytes, end)) {
        this.#checkSize(this.position);
        return false;
      }
    }
  }

  /** @returns false when the head is not whole */
  #takeHead(bytes: Buffer, end: number): boolean {
    const { position } = this;
    const head = bytes[position] ?? 0;
    const major = head >> 5;
    if (major === MAJOR.simple) return this.#takeSimple(head);
    const short = head & ARGUMENT_MASK;
    if (short > ARGUMENT_64_BITS) return this.#openIndefinite(major, short);
    const length = short < ARGUMENT_8_BITS ? 1 : 1 + (1 << (short - ARGUMENT_8_BITS));
    if (position + length > end) return false;
    this.position = position + length;
    if (major === MAJOR.tag) {
      this.#isTagged = true;
      return true;
    }
    this.#countValue();
    if (major < MAJOR.bytes) return true;
    const argument = length === 1 ? short : readArgument(bytes, position + 1, length);
    if (argument > this.#bytesMax) throw tooLarge();
    if (major === MAJOR.array) this.#open(argument);
    else if (major === MAJOR.map) this.#open(2 * argument);
    else this.position += argument;
    return true;
  }

  #takeSimple(head: number): boolean {
    if (head === BREAK) {
      this.#close();
      this.position++;
      return true;
    }
    if (head === NULL || head === TRUE || head === FALSE) this.position++;
    // The number itself is skipped as the content of a string is.
    else if (head === FLOAT64) this.position += 9;
    else throw unknownHead(head);
    this.#countValue();
    return true;
  }

  #openIndefinite(major: number, short: number): boolean {
    const isContainer = major === MAJOR.array || major === MAJOR.map;
    if (short !== INDEFINITE || !isContainer) throw unknownHead((major << 5) | short);
    this.position++;
    this.#countValue();
    this.#open(major === MAJOR.array ? ANY_ELEMENTS : ANY_PAIRS);
    return true;
  }

  /** A value begins. */
  #countValue(): void {
    this.#isTagged = false;
    const left = this.#left[this.#depth] ?? 0;
    if (left > 0) this.#left[this.#depth] = left - 1;
    else if (left === ANY_PAIRS) this.#left[this.#depth] = ANY_VALUE;
    else if (left === ANY_VALUE) this.#left[this.#depth] = ANY_PAIRS;
  }

  #open(left: number): void {
    if (left === 0) return;
    if (++this.#depth > NESTING_MAX) {
      throw new ProtocolError('depth', `values are nested more than ${NESTING_MAX} levels deep`);
    }
    this.#left[this.#depth] = left;
  }

  /** A break ends an indefinite container, and a map only behind a whole pair. */
  #close(): void {
    const left = this.#left[this.#depth];
    if ((left !== ANY_ELEMENTS && left !== ANY_PAIRS) || this.#isTagged) throw unknownHead(BREAK);
    this.#depth--;
  }

  #checkSize(reached: number): void {
    if (reached - this.#start > this.#bytesMax) throw tooLarge();
  }
}

/** What is left in an indefinite array. */
const ANY_ELEMENTS = -1;
/** In an indefinite map where a key or a break must follow. */
const ANY_PAIRS = -2;
/** In an indefinite map where the value of a key must follow. */
const ANY_VALUE = -3;

/** An argument of 1, 2, 4 or 8 bytes; large ones lose their low bits. `length` counts the head byte. */
function readArgument(bytes: Buffer, at: number, length: number): number {
  switch (length) {
    case 2:
      return bytes[at] ?? 0;
    case 3:
      return bytes.readUInt16BE(at);
    case 5:
      return bytes.readUInt32BE(at);
    default:
      return bytes.readUInt32BE(at) * HIGH_WORD + bytes.readUInt32BE(at + 4);
  }
}

function unknownHead(head: number): ProtocolError {
  return new ProtocolError('head', `no value begins with byte ${head.toString(16)} here`);
}

function tooLarge(): ProtocolError {
  return new ProtocolError('size', 'a request is larger than allowed');
}
