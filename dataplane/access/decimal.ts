/**
 * Numbers of conditions: of any length, since key values have up to 38 digits and a double would take
 * neighbours for equal.
 */
export interface Decimal {
  readonly sign: -1 | 0 | 1;
  /** Without zeros at either end; empty for 0. */
  readonly digits: string;
  /** The value is `0.digits` times ten to this. */
  readonly exponent: number;
}

const FORM = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/** Undefined if the text is no number. */
export function parseDecimal(text: string): Decimal | undefined {
  const [, sign, whole = '', fraction = '', power = '0'] = FORM.exec(text) ?? [];
  if (sign === undefined || whole + fraction === '') return undefined;
  const all = whole + fraction;
  const zeros = leadingZeros(all);
  const digits = all.slice(zeros, endOfDigits(all));
  if (digits === '') return { sign: 0, digits, exponent: 0 };
  const exponent = whole.length - zeros + Number(power);
  return { sign: sign === '-' ? -1 : 1, digits, exponent };
}

/** Below 0, 0 or above, as of a sort. */
export function compareDecimals(one: Decimal, other: Decimal): number {
  if (one.sign !== other.sign) return one.sign - other.sign;
  return one.sign * compareMagnitudes(one, other);
}

function compareMagnitudes(one: Decimal, other: Decimal): number {
  if (one.exponent !== other.exponent) return one.exponent - other.exponent;
  if (one.digits === other.digits) return 0;
  // As fractions: what is a start of the other is the smaller one.
  return one.digits < other.digits ? -1 : 1;
}

function leadingZeros(digits: string): number {
  let count = 0;
  while (digits[count] === '0') count++;
  return count;
}

function endOfDigits(digits: string): number {
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  return end;
}
