import {
  ARGUMENT_8_BITS,
  ARGUMENT_16_BITS,
  ARGUMENT_32_BITS,
  ARGUMENT_64_BITS,
  ARGUMENT_MASK,
  BREAK,
  FALSE,
  FLOAT64,
  HIGH_WORD,
  INDEFINITE,
  MAJOR,
  NULL,
  SAFE_HIGH_WORD_MAX,
  TRUE,
} from './cbor-head.ts';
import { malformedFaults } from './faults.ts';
import { NESTING_MAX, VALUES_COUNT_MAX } from './limits.ts';

/** Count of a container of indefinite length. */
export const INDEFINITE_COUNT = -1;

/**
 * Reads CBOR values from part of a buffer, one after the other.
 *
 * For bytes whose end is certain: whatever is wrong in them is a fault of the request. Nothing is
 * copied but texts, and nothing is allocated by a length that was only announced.
 */
export class CborReader {
  readonly bytes: Buffer;
  /** Where the next value begins. */
  position: number;
  /** Where the readable part ends. */
  readonly end: number;
  #valuesLeft = VALUES_COUNT_MAX;

  constructor(bytes: Buffer, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  get isAtEnd(): boolean {
    return this.position >= this.end;
  }

  /**
   * Counts a value against the bound on values in one item or expression.
   * @returns false when there are too many
   */
  countValue(): boolean {
    return --this.#valuesLeft >= 0;
  }

  /** The head byte of the next value, which is not taken. @throws ClientFault at the end */
  peek(): number {
    if (this.position >= this.end) throw malformedFaults.value('a further value');
    return this.bytes[this.position] ?? 0;
  }

  /** Major type of the next value. @throws ClientFault at the end */
  peekMajor(): number {
    return this.peek() >> 5;
  }

  /**
   * Takes the head of a value and returns its argument: a number, a length, a count or a tag.
   * @throws ClientFault when it is indefinite, undefined in CBOR, or above 2^53 - 1
   */
  takeArgument(): number {
    const { bytes, position } = this;
    const argument = this.peek() & ARGUMENT_MASK;
    if (argument < ARGUMENT_8_BITS) {
      this.position = position + 1;
      return argument;
    }
    switch (argument) {
      case ARGUMENT_8_BITS:
        this.#advance(2);
        return bytes[position + 1] ?? 0;
      case ARGUMENT_16_BITS:
        this.#advance(3);
        return bytes.readUInt16BE(position + 1);
      case ARGUMENT_32_BITS:
        this.#advance(5);
        return bytes.readUInt32BE(position + 1);
      case ARGUMENT_64_BITS: {
        this.#advance(9);
        const high = bytes.readUInt32BE(position + 1);
        if (high > SAFE_HIGH_WORD_MAX) throw malformedFaults.value('a smaller number');
        return high * HIGH_WORD + bytes.readUInt32BE(position + 5);
      }
      default:
        throw malformedFaults.value('a value of definite length');
    }
  }

  /** @throws ClientFault when the next value is none, or beyond 2^53 - 1 in size */
  integer(): number {
    const major = this.peekMajor();
    if (major === MAJOR.unsigned) return this.takeArgument();
    if (major !== MAJOR.negative) throw malformedFaults.value('an integer');
    return -1 - this.takeArgument();
  }

  /** Text; bytes that are no UTF-8 become U+FFFD. */
  text(): string {
    if (this.peekMajor() !== MAJOR.text) throw malformedFaults.value('a text');
    const length = this.takeArgument();
    const start = this.position;
    this.#advance(length);
    return this.bytes.toString('utf8', start, start + length);
  }

  /** A view of a byte string's content. */
  byteString(): Buffer {
    const start = this.#takeByteString();
    return this.bytes.subarray(start, this.position);
  }

  /** A byte string's content as text. */
  byteText(): string {
    const start = this.#takeByteString();
    return this.bytes.toString('utf8', start, this.position);
  }

  /** Takes the head of an array. @returns its count, or `INDEFINITE_COUNT` */
  arrayCount(): number {
    return this.#count(MAJOR.array, 'an array');
  }

  /** Takes the head of a map. @returns the count of its pairs, or `INDEFINITE_COUNT` */
  mapCount(): number {
    return this.#count(MAJOR.map, 'a map');
  }

  /** Takes the head of an array of definite length. */
  definiteArrayCount(): number {
    const count = this.arrayCount();
    if (count === INDEFINITE_COUNT) throw malformedFaults.value('a value of definite length');
    return count;
  }

  /**
   * Whether a container has an element at `index`; takes the break that ends an indefinite one.
   * @param count - as `arrayCount` or `mapCount` returned it
   */
  hasElement(index: number, count: number): boolean {
    if (count !== INDEFINITE_COUNT) return index < count;
    if (this.peek() !== BREAK) return true;
    this.position++;
    return false;
  }

  /** Takes a null if the next value is one. */
  tryNull(): boolean {
    if (this.peek() !== NULL) return false;
    this.position++;
    return true;
  }

  boolean(): boolean {
    const head = this.peek();
    if (head !== TRUE && head !== FALSE) throw malformedFaults.value('a boolean');
    this.position++;
    return head === TRUE;
  }

  float64(): number {
    if (this.peek() !== FLOAT64) throw malformedFaults.value('a number');
    const { position } = this;
    this.#advance(9);
    return this.bytes.readDoubleBE(position + 1);
  }

  /** @throws ClientFault unless everything has been read. `what`: of which it is the end */
  expectEnd(what: string): void {
    if (this.position !== this.end) throw malformedFaults.surplus(what);
  }

  /** Goes past the next value, whatever it is. Work is linear in its bytes. */
  skip(depth = 0): void {
    if (depth > NESTING_MAX) throw malformedFaults.nesting();
    let valuesCount = 1;
    while (valuesCount > 0) {
      const head = this.peek();
      const major = head >> 5;
      if (major !== MAJOR.tag) valuesCount--;
      if (major === MAJOR.simple) this.#skipSimple(head);
      else if ((head & ARGUMENT_MASK) === INDEFINITE) this.#skipIndefinite(major, depth);
      else {
        const argument = this.takeArgument64();
        if (major === MAJOR.bytes || major === MAJOR.text) this.#advance(argument);
        else if (major === MAJOR.array) valuesCount += argument;
        else if (major === MAJOR.map) valuesCount += 2 * argument;
        // Every value takes a byte at least.
        if (valuesCount > this.end - this.position) throw malformedFaults.value('a further value');
      }
    }
  }

  /** As `takeArgument`; 64-bit arguments lose their low bits instead of being refused. */
  takeArgument64(): number {
    const { position } = this;
    if ((this.peek() & ARGUMENT_MASK) !== ARGUMENT_64_BITS) return this.takeArgument();
    this.#advance(9);
    const high = this.bytes.readUInt32BE(position + 1);
    return high * HIGH_WORD + this.bytes.readUInt32BE(position + 5);
  }

  #skipSimple(head: number): void {
    if (head === FLOAT64) this.#advance(9);
    else if (head === NULL || head === TRUE || head === FALSE) this.position++;
    else throw malformedFaults.value('a known value');
  }

  #skipIndefinite(major: number, depth: number): void {
    if (major !== MAJOR.array && major !== MAJOR.map) {
      throw malformedFaults.value('a value of definite length');
    }
    this.position++;
    while (this.hasElement(0, INDEFINITE_COUNT)) {
      this.skip(depth + 1);
      if (major === MAJOR.map) this.skip(depth + 1);
    }
  }

  #takeByteString(): number {
    if (this.peekMajor() !== MAJOR.bytes) throw malformedFaults.value('a byte string');
    const length = this.takeArgument();
    const start = this.position;
    this.#advance(length);
    return start;
  }

  #count(major: number, expected: string): number {
    const head = this.peek();
    if (head >> 5 !== major) throw malformedFaults.value(expected);
    if ((head & ARGUMENT_MASK) === INDEFINITE) {
      this.position++;
      return INDEFINITE_COUNT;
    }
    return this.takeArgument();
  }

  #advance(length: number): void {
    const next = this.position + length;
    if (next > this.end) throw malformedFaults.value('a longer value');
    this.position = next;
  }
}
