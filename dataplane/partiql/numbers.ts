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
  if (!isConvertible(text)) throw partiqlFaults.notWellFormed();
  try {
    return normaliseNumber(text);
  } catch (thrown) {
    throw thrown instanceof ClientFault ? partiqlFaults.under(thrown, path) : thrown;
  }
}

/** @throws ClientFault when a parameter's number has too large an exponent to be read at all */
export function checkParameterNumber(text: string): void {
  if (!isConvertible(text)) throw numberFaults.notNumeric(text);
}

/** Whether the scale, digits behind the point less the exponent, has 32 bits. Linear in the text. */
function isConvertible(text: string): boolean {
  const mark = Math.max(text.indexOf('e'), text.indexOf('E'));
  if (mark < 0) return true;
  const isNegative = text.charAt(mark + 1) === '-';
  const digits = text.slice(mark + 1).replace(/^[+-]?0*/, '');
  // Other texts are no numbers, and are refused as such.
  if (!/^\d*$/.test(digits)) return true;
  if (digits.length > EXPONENT_DIGITS_MAX) return false;
  const point = text.indexOf('.');
  const decimals = point < 0 || point > mark ? 0 : mark - point - 1;
  const exponent = isNegative ? -Number(digits) : Number(digits);
  const scale = decimals - exponent;
  return isInt32(exponent) && isInt32(scale);
}

/** Without leading zeros; any such number is exact in JavaScript. */
const EXPONENT_DIGITS_MAX = 10;
const INT32_MAX = 2 ** 31 - 1;

function isInt32(value: number): boolean {
  return value >= -INT32_MAX && value <= INT32_MAX;
}
