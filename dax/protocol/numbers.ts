import { numberFaults } from '../../dataplane/errors/values.ts';
import { normaliseNumber } from '../../dataplane/item/number.ts';
import {
  ARGUMENT_64_BITS,
  ARGUMENT_MASK,
  FLOAT64,
  MAJOR,
  SAFE_HIGH_WORD_MAX,
  TAG,
} from './cbor-head.ts';
import type { CborReader } from './cbor-reader.ts';
import type { CborWriter } from './cbor-writer.ts';
import { malformedFaults } from './faults.ts';
import { BIG_INTEGER_BYTES_MAX, PLAIN_DIGITS_MAX } from './limits.ts';

/**
 * Numbers of the data model as CBOR (reference/dax-protocol.md section 2.3). Clients send one number
 * in several forms; we read all of them, and send each number in one form only.
 */

/**
 * A number in any client's form, as its normal form.
 * @throws ClientFault ValidationException, in DynamoDB's words when it is no number of the data model
 */
export function readNumber(reader: CborReader): string {
  const head = reader.peek();
  const major = head >> 5;
  if (major === MAJOR.unsigned || major === MAJOR.negative) {
    return isWide(reader, head)
      ? normaliseNumber(wideInteger(reader, major).toString())
      : String(reader.integer());
  }
  if (head === FLOAT64) return normaliseNumber(String(reader.float64()));
  if (major !== MAJOR.tag) throw malformedFaults.value('a number');
  const tag = reader.takeArgument();
  if (tag !== TAG.decimal) return normaliseNumber(taggedInteger(reader, tag));
  if (reader.arrayCount() !== 2) throw malformedFaults.value('an exponent and a mantissa');
  const exponent = integerText(reader);
  return normaliseNumber(`${integerText(reader)}E${exponent}`);
}

/**
 * Writes a number in normal form so that every client shows its plain digits: as an integer within
 * signed 64 bits, else as a decimal.
 */
export function writeNumber(writer: CborWriter, normal: string): void {
  const point = normal.indexOf('.');
  if (point < 0) {
    if (normal.length <= EXACT_CHARS) writer.integer(Number(normal));
    else writeLongInteger(writer, normal);
    return;
  }
  writer.head(MAJOR.tag, TAG.decimal);
  writer.head(MAJOR.array, 2);
  writer.integer(point - normal.length + 1);
  writeMantissa(writer, normal.slice(0, point) + normal.slice(point + 1));
}

/** Integers of so many characters are exact as floats. */
const EXACT_CHARS = 15;

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** Whether the next integer has more bits than a float holds. */
function isWide(reader: CborReader, head: number): boolean {
  if ((head & ARGUMENT_MASK) !== ARGUMENT_64_BITS || reader.position + 9 > reader.end) return false;
  return reader.bytes.readUInt32BE(reader.position + 1) > SAFE_HIGH_WORD_MAX;
}

function wideInteger(reader: CborReader, major: number): bigint {
  const argument = reader.bytes.readBigUInt64BE(reader.position + 1);
  reader.position += 9;
  return major === MAJOR.unsigned ? argument : -1n - argument;
}

/** An integer in any form, as text. */
function integerText(reader: CborReader): string {
  const head = reader.peek();
  const major = head >> 5;
  if (major === MAJOR.tag) return taggedInteger(reader, reader.takeArgument());
  if (major !== MAJOR.unsigned && major !== MAJOR.negative) {
    throw malformedFaults.value('an integer');
  }
  return isWide(reader, head) ? wideInteger(reader, major).toString() : String(reader.integer());
}

/** The integer whose tag was just read: the bytes of its magnitude. */
function taggedInteger(reader: CborReader, tag: number): string {
  if (tag !== TAG.bigInteger && tag !== TAG.negativeBigInteger) {
    throw malformedFaults.value('a number');
  }
  const bytes = reader.byteString();
  // Far beyond the data model; the text of so large a number would cost more than it is worth.
  if (bytes.length > BIG_INTEGER_BYTES_MAX) throw numberFaults.overflow();
  const magnitude = bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`);
  return (tag === TAG.bigInteger ? magnitude : -1n - magnitude).toString();
}

function writeLongInteger(writer: CborWriter, normal: string): void {
  const digits = normal.startsWith('-') ? normal.length - 1 : normal.length;
  if (digits > PLAIN_DIGITS_MAX) {
    const mantissa = normal.replace(/0+$/, '');
    writer.head(MAJOR.tag, TAG.decimal);
    writer.head(MAJOR.array, 2);
    writer.integer(normal.length - mantissa.length);
    writeMantissa(writer, mantissa);
    return;
  }
  const value = BigInt(normal);
  if (value >= INT64_MIN && value <= INT64_MAX) {
    writeBigInteger(writer, value);
    return;
  }
  // Node shows a plain big integer with an exponent, but a decimal without.
  writer.head(MAJOR.tag, TAG.decimal);
  writer.head(MAJOR.array, 2);
  writer.integer(0);
  writeBigInteger(writer, value);
}

function writeMantissa(writer: CborWriter, digits: string): void {
  if (digits.length <= EXACT_CHARS) writer.integer(Number(digits));
  else writeBigInteger(writer, BigInt(digits));
}

function writeBigInteger(writer: CborWriter, value: bigint): void {
  const isNegative = value < 0n;
  const magnitude = isNegative ? -1n - value : value;
  if (value >= INT64_MIN && value <= INT64_MAX) {
    if (magnitude <= BigInt(Number.MAX_SAFE_INTEGER)) writer.integer(Number(value));
    else writer.head64(isNegative ? MAJOR.negative : MAJOR.unsigned, magnitude);
    return;
  }
  const hex = magnitude.toString(16);
  writer.head(MAJOR.tag, isNegative ? TAG.negativeBigInteger : TAG.bigInteger);
  writer.byteString(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'));
}
