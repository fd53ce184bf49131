import { ClientFault } from '../errors/client-fault.ts';
import { partiqlFaults } from '../errors/partiql.ts';
import { numberFaults } from '../errors/values.ts';
import { normaliseNumber } from '../item/number.ts';

/**
 * Numbers as the service reads them in statements and parameters: by Java's BigDecimal, whose scale
 * is a signed 32-bit integer, where attribute values of other operations have any exponent.
 * @see paritysuite/dynamodb-conformance, partiqlParameterNumbers and partiqlGrammar (captures of
 *   October 2026)
 */

/**
 * The normal form of a number literal.
 * @param path - where it is in its value, from `root`
 * @throws ClientFault
 */
export function literalNumber(text: string, path: string): string {
  const form = formOf(text);
  if (form === 'unreadable') throw partiqlFaults.notWellFormed();
  try {
    if (form === 'wrapped') throw numberFaults.underflow();
    return normaliseNumber(text);
  } catch (thrown) {
    throw thrown instanceof ClientFault ? partiqlFaults.under(thrown, path) : thrown;
  }
}

/** @throws ClientFault when a parameter's number has too large an exponent to be read, or measured */
export function checkParameterNumber(text: string): void {
  const form = formOf(text);
  if (form === 'unreadable') throw numberFaults.notNumeric(text);
  if (form === 'wrapped') throw numberFaults.underflow();
}

/**
 * How a number is read. `unreadable`: its scale, digits behind the point less the exponent, has more
 * than 32 bits. `wrapped`: its magnitude, significant digits less the scale, has more, and so turns
 * out to be a very small one. Linear in the text; what is no number is refused elsewhere.
 */
function formOf(text: string): 'plain' | 'unreadable' | 'wrapped' {
  const mark = Math.max(text.indexOf('e'), text.indexOf('E'));
  if (mark < 0) return 'plain';
  const isNegative = text.charAt(mark + 1) === '-';
  const digits = text.slice(mark + 1).replace(/^[+-]?0*/, '');
  if (!/^\d*$/.test(digits)) return 'plain';
  if (digits.length > EXPONENT_DIGITS_MAX) return 'unreadable';
  const mantissa = text.slice(0, mark);
  if (!/^[+-]?\d*\.?\d*$/.test(mantissa)) return 'plain';
  const point = mantissa.indexOf('.');
  const decimals = point < 0 ? 0 : mark - point - 1;
  const exponent = isNegative ? -Number(digits) : Number(digits);
  const scale = decimals - exponent;
  if (!isInt32(exponent) || !isInt32(scale)) return 'unreadable';
  const precision = Math.max(1, mantissa.replace(/^[+-]?[0.]*/, '').replace('.', '').length);
  return precision - scale > INT32_MAX ? 'wrapped' : 'plain';
}

/** Without leading zeros; any such number is exact in JavaScript. */
const EXPONENT_DIGITS_MAX = 10;
const INT32_MAX = 2 ** 31 - 1;

function isInt32(value: number): boolean {
  return value >= -INT32_MAX && value <= INT32_MAX;
}
