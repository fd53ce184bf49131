import { ClientFault, inOlderWords } from '../errors/client-fault.ts';
import type { AttributeValue } from '../item/attribute-value.ts';
import { NESTING_LEVELS_MAX } from '../item/limits.ts';
import { validateValue } from '../item/validate.ts';
import { checkParameterNumber } from './numbers.ts';

/**
 * The values of `Parameters`, canonical. The service looks at them before it reads the statement.
 * @param wire - values that passed the shape check
 * @throws ClientFault of the first one with a fault
 */
export function validParameters(wire: readonly unknown[] | undefined): readonly AttributeValue[] {
  return (wire ?? []).map((value) => {
    checkNumbers(value, 1);
    try {
      return validateValue(value);
    } catch (thrown) {
      throw thrown instanceof ClientFault ? inOlderWords(thrown) : thrown;
    }
  });
}

/** Numbers with an exponent beyond 32 bits, wherever they are in a value. */
function checkNumbers(value: unknown, level: number): void {
  if (level > NESTING_LEVELS_MAX || typeof value !== 'object' || value === null) return;
  const { N, NS, L, M } = value as { readonly [type: string]: unknown };
  try {
    if (typeof N === 'string') checkParameterNumber(N);
    if (Array.isArray(NS)) {
      for (const member of NS) if (typeof member === 'string') checkParameterNumber(member);
    }
  } catch (thrown) {
    throw thrown instanceof ClientFault ? inOlderWords(thrown) : thrown;
  }
  if (Array.isArray(L)) for (const element of L) checkNumbers(element, level + 1);
  if (typeof M === 'object' && M !== null) {
    for (const member of Object.values(M)) checkNumbers(member, level + 1);
  }
}
