import { itemFaults } from '../../dataplane/errors/items.ts';
import { NUMBER_DIGITS_MAX } from '../../dataplane/item/limits.ts';
import { normaliseNumber } from '../../dataplane/item/number.ts';
import type { CborWriter } from './cbor-writer.ts';
import { PLAIN_DIGITS_MAX } from './limits.ts';

/**
 * Numbers as sort keys: bytes whose order is the order of the numbers (reference/dax-protocol.md
 * section 6.3).
 *
 * With value = ±0.D1D2D3... x 10^E and D1 not 0:
 *
 * | bytes | |
 * |---|---|
 * | `80` | zero, nothing follows |
 * | `c0`+E | positive, -62 <= E < 62 |
 * | `fe`, int32(E xor 0x80000000) | positive, E >= 62 |
 * | `81`, int32(E xor 0x80000000) | positive, E < -62 |
 * | `3f`-E | negative, -62 <= E < 62 |
 * | `01`, int32(E xor 0x7fffffff) | negative, E >= 62 |
 * | `7e`, int32(E xor 0x7fffffff) | negative, E < -62 |
 *
 * then groups of 10 bits from the high bit on: three digits g (the last padded with zeros) as 12 + g,
 * then 0, 1 or 2 when one, two or three digits of the last group are real. All groups of negative
 * numbers count down from 1023. The form keeps trailing zeros, so clients' forms of one number
 * differ; ours has the digits of the normal form, up to 38 of them.
 */

/** Appends a number in normal form. */
export function writeLexicographic(writer: CborWriter, normal: string): void {
  if (normal === '0') {
    writer.byte(ZERO);
    return;
  }
  const isNegative = normal.charCodeAt(0) === MINUS;
  const start = isNegative ? 1 : 0;
  const point = normal.indexOf('.', start);
  if (point < 0) {
    const digits = normal.slice(start);
    writeDigits(writer, {
      isNegative,
      digits: digits.length > PLAIN_DIGITS_MAX ? digits.replace(/0+$/, '') : digits,
      exponent: digits.length,
    });
    return;
  }
  const fraction = normal.slice(point + 1);
  if (normal.charCodeAt(start) !== DIGIT_ZERO) {
    const digits = normal.slice(start, point) + fraction;
    writeDigits(writer, { isNegative, digits, exponent: point - start });
    return;
  }
  const zeros = fraction.search(/[^0]/);
  writeDigits(writer, { isNegative, digits: fraction.slice(zeros), exponent: -zeros });
}

/**
 * The number at the start of `bytes`, in normal form; what follows it is nothing.
 * @throws ClientFault when there is none, or none of the data model. `bytes` is no longer than a key
 */
export function readLexicographic(bytes: Buffer): string {
  const header = bytes[0];
  if (header === undefined || header === NULL_LOW || header === NULL_HIGH) throw mismatch();
  if (header === ZERO || header === NEGATIVE_ZERO) return '0';
  const isNegative = header < NEGATIVE_ZERO;
  const isWide =
    header === POSITIVE_LARGE ||
    header === POSITIVE_SMALL ||
    header === NEGATIVE_LARGE ||
    header === NEGATIVE_SMALL;
  if (isWide && bytes.length < WIDE_HEADER_BYTES) throw mismatch();
  const exponent = isWide
    ? bytes.readInt32BE(1) ^ (isNegative ? 0x7fffffff : 0x80000000)
    : isNegative
      ? NEGATIVE_BASE - header
      : header - POSITIVE_BASE;
  const digits = readDigits(bytes, isWide ? WIDE_HEADER_BYTES : 1, isNegative);
  return normaliseNumber(`${isNegative ? '-' : ''}0.${digits}E${exponent}`);
}

/**
 * Whether the bytes from `start` to the end are what `writeLexicographic` writes for some number of the
 * data model. Only of usual numbers (up to 38 digits, short exponents) is it said.
 */
export function isCanonicalLexicographic(bytes: Buffer, start: number): boolean {
  const header = bytes[start] ?? 0;
  if (header === ZERO) return bytes.length === start + 1;
  const isNegative = header < NEGATIVE_ZERO;
  const exponent = isNegative ? NEGATIVE_BASE - header : header - POSITIVE_BASE;
  if (exponent < -SHORT_EXPONENT_LIMIT || exponent >= SHORT_EXPONENT_LIMIT) return false;
  const flip = isNegative ? GROUP_MAX : 0;
  let held = 0;
  let heldCount = 0;
  let digitsCount = 0;
  let group = 0;
  for (let at = start + 1; at < bytes.length; at++) {
    held = (held << 8) | (bytes[at] ?? 0);
    heldCount += 8;
    if (heldCount < GROUP_BITS) continue;
    heldCount -= GROUP_BITS;
    const bits = ((held >> heldCount) & GROUP_MAX) ^ flip;
    held &= (1 << heldCount) - 1;
    if (bits < GROUP_DIGITS) {
      const count = digitsCount - GROUP_DIGITS + 1 + bits;
      const isEnd = at === bytes.length - 1 && held === 0;
      return isEnd && isCanonicalEnd(group, bits, count - exponent) && count <= NUMBER_DIGITS_MAX;
    }
    group = bits - GROUP_BASE;
    if (group < (digitsCount === 0 ? 100 : 0) || group > 999) return false;
    digitsCount += GROUP_DIGITS;
  }
  return false;
}

const NULL_LOW = 0x00;
const NEGATIVE_LARGE = 0x01;
const NEGATIVE_BASE = 0x3f;
const NEGATIVE_SMALL = 0x7e;
const NEGATIVE_ZERO = 0x7f;
const ZERO = 0x80;
const POSITIVE_SMALL = 0x81;
const POSITIVE_BASE = 0xc0;
const POSITIVE_LARGE = 0xfe;
const NULL_HIGH = 0xff;

/** Exponents from -62 to 61 fit in the header byte. */
const SHORT_EXPONENT_LIMIT = 62;
const WIDE_HEADER_BYTES = 5;

const GROUP_BITS = 10;
const GROUP_MAX = 1023;
const GROUP_DIGITS = 3;
/** Group of the digits 000; those below end the number. */
const GROUP_BASE = 12;
const DIGITS_GROUP_MAX = GROUP_BASE + 999;

const MINUS = 45;
const DIGIT_ZERO = 48;

interface Digits {
  readonly isNegative: boolean;
  /** Without leading zeros. */
  readonly digits: string;
  readonly exponent: number;
}

function writeDigits(writer: CborWriter, { isNegative, digits, exponent }: Digits): void {
  writeHeader(writer, isNegative, exponent);
  const flip = isNegative ? GROUP_MAX : 0;
  let held = 0; // bits not yet written
  let heldCount = 0;
  const groups = Math.ceil(digits.length / GROUP_DIGITS);
  for (let group = 0; group <= groups; group++) {
    const bits =
      group < groups
        ? GROUP_BASE + groupAt(digits, group * GROUP_DIGITS)
        : (digits.length + GROUP_DIGITS - 1) % GROUP_DIGITS;
    held = (held << GROUP_BITS) | (bits ^ flip);
    heldCount += GROUP_BITS;
    while (heldCount >= 8) {
      heldCount -= 8;
      writer.byte((held >> heldCount) & 0xff);
    }
    held &= (1 << heldCount) - 1;
  }
  if (heldCount > 0) writer.byte((held << (8 - heldCount)) & 0xff);
}

function writeHeader(writer: CborWriter, isNegative: boolean, exponent: number): void {
  if (exponent >= -SHORT_EXPONENT_LIMIT && exponent < SHORT_EXPONENT_LIMIT) {
    writer.byte(isNegative ? NEGATIVE_BASE - exponent : POSITIVE_BASE + exponent);
    return;
  }
  const isLarge = exponent > 0;
  if (isNegative) writer.byte(isLarge ? NEGATIVE_LARGE : NEGATIVE_SMALL);
  else writer.byte(isLarge ? POSITIVE_LARGE : POSITIVE_SMALL);
  const bits = exponent ^ (isNegative ? 0x7fffffff : 0x80000000);
  for (let shift = 24; shift >= 0; shift -= 8) writer.byte((bits >> shift) & 0xff);
}

/** Three digits from `at` on as a number, padded on the right with zeros. */
function groupAt(digits: string, at: number): number {
  return digitAt(digits, at) * 100 + digitAt(digits, at + 1) * 10 + digitAt(digits, at + 2);
}

function digitAt(digits: string, at: number): number {
  return at < digits.length ? digits.charCodeAt(at) - DIGIT_ZERO : 0;
}

/**
 * Whether a number ends as its normal form does: an integer with all its digits, a fraction without
 * zeros at its end.
 * @param last - the last group, of which `terminator` + 1 digits are real
 * @param placesCount - digits behind the decimal point
 */
function isCanonicalEnd(last: number, terminator: number, placesCount: number): boolean {
  const unit = terminator === 0 ? 100 : terminator === 1 ? 10 : 1;
  if (last % unit !== 0 || placesCount < 0) return false;
  return placesCount === 0 || last % (unit * 10) !== 0;
}

/** The real digits of the groups from `start` up to the group that ends them. */
function readDigits(bytes: Buffer, start: number, isNegative: boolean): string {
  const flip = isNegative ? GROUP_MAX : 0;
  let digits = '';
  let held = 0;
  let heldCount = 0;
  for (let at = start; at < bytes.length; at++) {
    held = (held << 8) | (bytes[at] ?? 0);
    heldCount += 8;
    if (heldCount < GROUP_BITS) continue;
    heldCount -= GROUP_BITS;
    const group = ((held >> heldCount) & GROUP_MAX) ^ flip;
    held &= (1 << heldCount) - 1;
    if (group < GROUP_DIGITS) {
      if (digits === '') throw mismatch();
      return digits.slice(0, digits.length - GROUP_DIGITS + 1 + group);
    }
    if (group < GROUP_BASE || group > DIGITS_GROUP_MAX) throw mismatch();
    digits += String(group - GROUP_BASE).padStart(GROUP_DIGITS, '0');
  }
  throw mismatch();
}

function mismatch() {
  return itemFaults.keySchemaMismatch();
}
