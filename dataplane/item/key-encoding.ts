import type { AttributeValue, KeyAttributeType } from './attribute-value.ts';
import { base64Bytes, utf8Bytes } from './size.ts';

/**
 * Key values as bytes whose order is the order of the values, for the keys of the store.
 *
 * Every encoding ends by itself: none is a prefix of another of the same type, so encodings written
 * one after the other sort like tuples. The type is not part of it; the key schema knows it.
 *
 * | type | bytes |
 * |---|---|
 * | S, B | the UTF-8 or raw bytes, 0x00 written 01 01 and 0x01 written 01 02; then 00 |
 * | N = 0 | 80 00 |
 * | N > 0 | 80 + e, then 1 + d for each base-100 digit d; then 00 |
 * | N < 0 | the same for its magnitude, each byte inverted |
 *
 * with e from 0 to 127: magnitude = 0.d1 d2 d3... x 100^(e - 64), d1 and the last digit not 0.
 */

/**
 * Order-preserving, self-delimiting bytes of a canonical S, N or B.
 * @throws TypeError for other types: the key checks come first
 */
export function encodeKeyValue(value: AttributeValue): Buffer {
  if ('S' in value) return encodeText(value.S, true);
  if ('N' in value) return encodeNumber(value.N);
  if ('B' in value) return encodeBinary(value.B, true);
  throw new TypeError('a key value is of type S, N or B');
}

/**
 * What the encodings of all values that begin with this one (S or B) begin with, and no others.
 * @throws TypeError for other types
 */
export function encodeKeyPrefix(value: AttributeValue): Buffer {
  if ('S' in value) return encodeText(value.S, false);
  if ('B' in value) return encodeBinary(value.B, false);
  throw new TypeError('a key prefix is of type S or B');
}

/**
 * The value encoded at `offset` and where the next one starts.
 * @throws RangeError when the bytes hold no complete encoding
 */
export function decodeKeyValue(
  bytes: Uint8Array,
  offset: number,
  type: KeyAttributeType,
): { value: AttributeValue; next: number } {
  if (type === 'N') return decodeNumber(bytes, offset);
  const end = endOfEncoding(bytes, offset, TERMINATOR);
  const raw = withoutEscapes(bytes.subarray(offset, end));
  const value = type === 'S' ? { S: raw.toString('utf8') } : { B: raw.toString('base64') };
  return { value, next: end + 1 };
}

const TERMINATOR = 0x00;
const ESCAPE = 0x01;
const INVERTED_TERMINATOR = 0xff;
const ZERO_HEADER = 0x80;
const EXPONENT_BIAS = 64;
const MINUS = 45;
const ZERO = 48;

/** Header, at most 20 base-100 digits, terminator. */
const NUMBER_ENCODING_BYTES_MAX = 22;

function encodeText(text: string, isTerminated: boolean): Buffer {
  const length = utf8Bytes(text);
  const encoded = Buffer.allocUnsafe(length + (isTerminated ? 1 : 0));
  encoded.write(text, 'utf8');
  return escapeInPlace(encoded, length, isTerminated);
}

function encodeBinary(base64: string, isTerminated: boolean): Buffer {
  const length = base64Bytes(base64);
  const encoded = Buffer.allocUnsafe(length + (isTerminated ? 1 : 0));
  encoded.write(base64, 'base64');
  return escapeInPlace(encoded, length, isTerminated);
}

/** Terminates in place; copies only if one of the first `length` bytes needs an escape. */
function escapeInPlace(raw: Buffer, length: number, isTerminated: boolean): Buffer {
  let escapes = 0;
  for (let index = 0; index < length; index++) {
    if ((raw[index] ?? 0) <= ESCAPE) escapes++;
  }
  if (isTerminated) raw[length] = TERMINATOR;
  if (escapes === 0) return raw;
  const escaped = Buffer.allocUnsafe(raw.length + escapes);
  let to = 0;
  for (let index = 0; index < length; index++) {
    const byte = raw[index] ?? 0;
    if (byte > ESCAPE) {
      escaped[to++] = byte;
    } else {
      escaped[to++] = ESCAPE;
      escaped[to++] = byte + 1;
    }
  }
  if (isTerminated) escaped[to] = TERMINATOR;
  return escaped;
}

function withoutEscapes(escaped: Uint8Array): Buffer {
  const raw = Buffer.allocUnsafe(escaped.length);
  let to = 0;
  for (let from = 0; from < escaped.length; from++) {
    let byte = escaped[from] ?? 0;
    if (byte === ESCAPE) byte = (escaped[++from] ?? 0) - 1;
    raw[to++] = byte;
  }
  return raw.subarray(0, to);
}

function endOfEncoding(bytes: Uint8Array, offset: number, terminator: number): number {
  const end = bytes.indexOf(terminator, offset);
  if (end < 0) throw new RangeError('a key value ends before its terminator');
  return end;
}

/**
 * Base-100 digits are pairs aligned at the decimal point, so the header orders magnitudes and the
 * digits, compared one by one, the rest; a terminator below (for negatives: above) any digit puts
 * a number before those that go on behind an equal start.
 */
function encodeNumber(normal: string): Buffer {
  const encoded = Buffer.allocUnsafe(NUMBER_ENCODING_BYTES_MAX);
  if (normal === '0') {
    encoded[0] = ZERO_HEADER;
    encoded[1] = TERMINATOR;
    return encoded.subarray(0, 2);
  }
  const isNegative = normal.charCodeAt(0) === MINUS;
  const start = isNegative ? 1 : 0;
  const pointAt = normal.indexOf('.', start);
  const wholeEnd = pointAt < 0 ? normal.length : pointAt;
  // Pairs before the point, then behind it; leading pairs of zeros are left out.
  let pair = Math.ceil((wholeEnd - start) / 2);
  let to = 0;
  let digits = 0;
  const lastPair = pointAt < 0 ? 0 : -Math.ceil((normal.length - pointAt - 1) / 2);
  for (; pair > lastPair; pair--) {
    const digit = digitOfPair(normal, start, wholeEnd, pair);
    if (to === 0) {
      if (digit === 0) continue;
      encoded[to++] = ZERO_HEADER + pair + EXPONENT_BIAS;
    }
    encoded[to++] = digit + 1;
    if (digit !== 0) digits = to;
    if (to === NUMBER_ENCODING_BYTES_MAX - 1) break; // only zeros follow 38 digits
  }
  encoded[digits] = TERMINATOR;
  const end = digits + 1;
  if (isNegative) {
    for (let index = 0; index < end; index++) encoded[index] = ~(encoded[index] ?? 0);
  }
  return encoded.subarray(0, end);
}

/** The base-100 digit worth 100^(pair - 1); pair 0 is the first behind the point. */
function digitOfPair(normal: string, start: number, wholeEnd: number, pair: number): number {
  // Index of the pair's right digit; the point takes one place.
  const right = pair > 0 ? wholeEnd - 2 * (pair - 1) - 1 : wholeEnd + 2 * (1 - pair);
  return 10 * digitAt(normal, start, right - 1) + digitAt(normal, start, right);
}

function digitAt(normal: string, start: number, index: number): number {
  return index < start || index >= normal.length ? 0 : normal.charCodeAt(index) - ZERO;
}

function decodeNumber(bytes: Uint8Array, offset: number): { value: AttributeValue; next: number } {
  const first = bytes[offset];
  if (first === undefined) throw new RangeError('a key value ends before its terminator');
  const isNegative = first < ZERO_HEADER;
  const end = endOfEncoding(bytes, offset + 1, isNegative ? INVERTED_TERMINATOR : TERMINATOR);
  if (end === offset + 1) return { value: { N: '0' }, next: end + 1 };
  const invert = isNegative ? 0xff : 0;
  const wholePairs = (first ^ invert) - ZERO_HEADER - EXPONENT_BIAS;
  let pairs = '';
  for (let index = offset + 1; index < end; index++) {
    pairs += String(((bytes[index] ?? 0) ^ invert) - 1).padStart(2, '0');
  }
  return { value: { N: (isNegative ? '-' : '') + placePoint(pairs, wholePairs) }, next: end + 1 };
}

function placePoint(pairs: string, wholePairs: number): string {
  const wholeDigits = wholePairs * 2;
  if (wholeDigits <= 0) {
    return `0.${'0'.repeat(-wholeDigits)}${pairs}`.replace(/0+$/, '');
  }
  if (wholeDigits >= pairs.length) {
    return (pairs + '0'.repeat(wholeDigits - pairs.length)).replace(/^0/, '');
  }
  const text = `${pairs.slice(0, wholeDigits)}.${pairs.slice(wholeDigits)}`;
  return text.replace(/^0/, '').replace(/0$/, '');
}
