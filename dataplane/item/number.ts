import { numberFaults } from '../errors/values.ts';
import { NUMBER_DIGITS_MAX, NUMBER_EXPONENT_MAX, NUMBER_EXPONENT_MIN } from './limits.ts';

/**
 * Numbers of the data model: up to 38 significant digits, magnitudes 1E-130 to 9.99...E+125.
 *
 * They live as text in *normal form*: plain decimal without exponent, plus sign, leading or
 * trailing zeros; zero is `0`. Equal numbers have equal texts. Never JavaScript floats, but where
 * both operands are so short that a float holds them exactly.
 */

/**
 * The number's normal form; the same string if it is in it already.
 *
 * Accepts an optional sign, digits with at most one point (at least one digit) and an optional
 * exponent; no blanks. Work and memory are bounded by the text's length, however large the
 * exponent it names.
 *
 * @throws ClientFault when not numeric, of more than 38 significant digits, or out of range
 * @see reference/dynamodb.md section 3; grammar from dynoxide 0.12 (captures)
 */
export function normaliseNumber(text: string): string {
  return isShortNormalForm(text) ? text : formatDecimal(parseWireNumber(text));
}

/** Numeric order of two numbers in normal form: negative, zero or positive. */
export function compareNumbers(a: string, b: string): number {
  if (a === b) return 0;
  if (a.length <= EXACT_FLOAT_CHARS && b.length <= EXACT_FLOAT_CHARS) return Number(a) - Number(b);
  const aNegative = a.charCodeAt(0) === MINUS;
  const bNegative = b.charCodeAt(0) === MINUS;
  if (aNegative !== bNegative) return aNegative ? -1 : 1;
  return aNegative ? compareMagnitudes(b, a, 1) : compareMagnitudes(a, b, 0);
}

/**
 * Exact sum of two numbers in normal form.
 * @throws ClientFault (overflow) when the exact result needs more than 38 digits or is too large;
 *   (underflow) when it is too small
 */
export function addNumbers(a: string, b: string): string {
  return addSigned(a, b, 1);
}

/** Exact difference of two numbers in normal form; faults as of `addNumbers`. */
export function subtractNumbers(a: string, b: string): string {
  return addSigned(a, b, -1);
}

/**
 * Bytes a number in normal form counts for.
 *
 * One byte, one for every pair of significant digits (pairs are aligned at the decimal point, so
 * a pair may hold one digit only), one more if negative; zero is 1; never above 21.
 * @see reference/dynamodb.md section 3 (dynalite; agrees with all values dynoxide measured)
 */
export function numberBytes(normal: string): number {
  if (normal === '0') return 1;
  const sign = normal.charCodeAt(0) === MINUS ? 1 : 0;
  const point = normal.indexOf('.', sign);
  const wholeEnd = point < 0 ? normal.length : point;
  const wholeIsZero = normal.charCodeAt(sign) === ZERO;
  let first = 0; // index of the first base-100 digit, counted upwards from the point
  let last = 0; // index of the last one
  if (!wholeIsZero) first = Math.ceil((wholeEnd - sign) / 2) - 1;
  else first = -1 - Math.floor((indexOfNonZero(normal, point + 1) - point - 1) / 2);
  if (point >= 0) last = -Math.ceil((normal.length - point - 1) / 2);
  else last = Math.floor(countTrailingZeros(normal) / 2);
  return Math.min(NUMBER_BYTES_MAX, 1 + (first - last + 1) + sign);
}

const NUMBER_BYTES_MAX = 21;
const MINUS = 45;
const PLUS = 43;
const POINT = 46;
const ZERO = 48;
const NINE = 57;

/** So many characters of normal form hold at most 15 digits, which a float keeps apart and in order. */
const EXACT_FLOAT_CHARS = 15;

/** Sum and difference of two integers this long are exact as floats. */
const EXACT_INTEGER_CHARS = 15;

/** Exponents saturate here: far beyond the range, even after a body full of digits shifts the point. */
const EXPONENT_SATURATION = 1_000_000_000;

/** value = ±0.DIGITS x 10^point; digits without leading and trailing zeros, empty for zero. */
interface Decimal {
  readonly isNegative: boolean;
  readonly digits: string;
  readonly point: number;
}

/** True for normal forms of at most 38 characters: nearly all numbers. */
function isShortNormalForm(text: string): boolean {
  const length = text.length;
  if (length === 0 || length > NUMBER_DIGITS_MAX) return false;
  let index = text.charCodeAt(0) === MINUS ? 1 : 0;
  const first = text.charCodeAt(index);
  if (first === ZERO) {
    if (index + 1 === length) return index === 0;
    if (text.charCodeAt(index + 1) !== POINT) return false;
  }
  const digitsStart = index;
  let point = -1;
  for (; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code === POINT && point < 0) point = index;
    else if (!isDigit(code)) return false;
  }
  if (point < 0) return index > digitsStart;
  return point > digitsStart && isDigit(text.charCodeAt(length - 1)) && !text.endsWith('0');
}

function parseWireNumber(text: string): Decimal {
  let index = 0;
  const sign = text.charCodeAt(0);
  if (sign === MINUS || sign === PLUS) index = 1;
  const coefficientStart = index;
  let point = -1;
  for (; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === POINT && point < 0) point = index;
    else if (!isDigit(code)) break;
  }
  const coefficientEnd = index;
  const pointEnd = point < 0 ? coefficientEnd : point;
  if (coefficientEnd - coefficientStart - (point < 0 ? 0 : 1) === 0) {
    throw numberFaults.notNumeric(text);
  }
  const exponent = index === text.length ? 0 : parseExponent(text, index);
  const firstDigit = indexOfNonZero(text, coefficientStart);
  if (firstDigit >= coefficientEnd) {
    const fractionDigits = coefficientEnd - pointEnd - (point < 0 ? 0 : 1);
    return zero(exponent - fractionDigits);
  }
  const digits = withoutPoint(text.slice(firstDigit, endOfDigits(text, coefficientEnd)));
  // A first digit behind the point is preceded by `firstDigit - pointEnd - 1` zeros.
  const shift = firstDigit < pointEnd ? pointEnd - firstDigit : pointEnd - firstDigit + 1;
  return inRange({ isNegative: sign === MINUS, digits, point: shift + exponent });
}

/** The exponent's value behind `E` at `start`, saturated. */
function parseExponent(text: string, start: number): number {
  const mark = text.charCodeAt(start) | 32;
  let index = start + 1;
  const sign = text.charCodeAt(index);
  if (sign === MINUS || sign === PLUS) index++;
  if (mark !== 101 || index >= text.length) throw numberFaults.notNumeric(text);
  let exponent = 0;
  for (; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (!isDigit(code)) throw numberFaults.notNumeric(text);
    exponent = Math.min(exponent * 10 + code - ZERO, EXPONENT_SATURATION);
  }
  return sign === MINUS ? -exponent : exponent;
}

/** The service looks at the exponent of a zero too: `0e126` is refused (reference section 3). */
function zero(exponent: number): Decimal {
  if (exponent > NUMBER_EXPONENT_MAX) throw numberFaults.overflow();
  return { isNegative: false, digits: '', point: 0 };
}

function inRange(decimal: Decimal): Decimal {
  if (decimal.digits.length > NUMBER_DIGITS_MAX) throw numberFaults.tooPrecise();
  const exponent = decimal.point - 1;
  if (exponent > NUMBER_EXPONENT_MAX) throw numberFaults.overflow();
  if (exponent < NUMBER_EXPONENT_MIN) throw numberFaults.underflow();
  return decimal;
}

function formatDecimal({ isNegative, digits, point }: Decimal): string {
  if (digits === '') return '0';
  const sign = isNegative ? '-' : '';
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return sign + digits + '0'.repeat(point - digits.length);
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Numbers of one sign in normal form, compared without their first `from` characters. */
function compareMagnitudes(a: string, b: string, from: number): number {
  const aPoint = a.indexOf('.', from);
  const bPoint = b.indexOf('.', from);
  const aWhole = aPoint < 0 ? a.length : aPoint;
  const bWhole = bPoint < 0 ? b.length : bPoint;
  if (aWhole !== bWhole) return aWhole - bWhole;
  // Points stand at the same place, and a text that goes on behind an equal start is larger.
  return a < b ? -1 : a > b ? 1 : 0;
}

function addSigned(a: string, b: string, sign: 1 | -1): string {
  if (isShortInteger(a) && isShortInteger(b)) return String(Number(a) + sign * Number(b));
  const left = toScaled(a);
  const right = toScaled(b);
  const scale = Math.max(left.scale, right.scale);
  const sum =
    left.coefficient * 10n ** BigInt(scale - left.scale) +
    BigInt(sign) * right.coefficient * 10n ** BigInt(scale - right.scale);
  return formatSum(sum, scale);
}

function isShortInteger(normal: string): boolean {
  return normal.length <= EXACT_INTEGER_CHARS && !normal.includes('.');
}

/** value = coefficient / 10^scale; normal forms have at most 168 places. */
function toScaled(normal: string): { coefficient: bigint; scale: number } {
  const point = normal.indexOf('.');
  if (point < 0) return { coefficient: BigInt(normal), scale: 0 };
  return {
    coefficient: BigInt(normal.slice(0, point) + normal.slice(point + 1)),
    scale: normal.length - point - 1,
  };
}

function formatSum(sum: bigint, scale: number): string {
  if (sum === 0n) return '0';
  const isNegative = sum < 0n;
  const text = (isNegative ? -sum : sum).toString();
  const digits = text.slice(0, endOfDigits(text, text.length));
  const point = text.length - scale;
  // The service words a loss of precision in arithmetic as an overflow (reference section 3).
  if (digits.length > NUMBER_DIGITS_MAX) throw numberFaults.overflow();
  return formatDecimal(inRange({ isNegative, digits, point }));
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

/** Index of the first character from `start` on that is neither `0` nor the point. */
function indexOfNonZero(text: string, start: number): number {
  let index = start;
  for (; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code !== ZERO && code !== POINT) break;
  }
  return index;
}

/** Where the digits before `end` end when trailing zeros (and a point among them) are left out. */
function endOfDigits(text: string, end: number): number {
  let index = end;
  for (; index > 0; index--) {
    const code = text.charCodeAt(index - 1);
    if (code !== ZERO && code !== POINT) break;
  }
  return index;
}

function countTrailingZeros(text: string): number {
  return text.length - endOfDigits(text, text.length);
}

function withoutPoint(digits: string): string {
  const point = digits.indexOf('.');
  return point < 0 ? digits : digits.slice(0, point) + digits.slice(point + 1);
}
