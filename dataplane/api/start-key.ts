import { ClientFault } from '../errors/client-fault.ts';
import { startKeyFaults } from '../errors/items.ts';
import { valueFaults } from '../errors/values.ts';
import type { AttributeMap, Item } from '../item/attribute-value.ts';
import { validateItem } from '../item/validate.ts';

const datatypeTexts = [valueFaults.emptyValue().message, valueFaults.severalTypes().message];

/** Texts of faults that say that they are about the start key. */
const prefixedTexts = {
  query: new Set<string | undefined>(datatypeTexts),
  scan: new Set<string | undefined>([
    ...datatypeTexts,
    valueFaults.nestingTooDeep().message,
    valueFaults.nullNotTrue().message,
    valueFaults.emptyStringSet().message,
    valueFaults.emptyBinarySet().message,
  ]),
} as const;

/**
 * The values of ExclusiveStartKey, validated; whether they fit the key schema is checked later.
 * @throws ClientFault; some of them say that they are about the start key
 * @see dynoxide 3.2.0 (captures of October 2026)
 */
export function validStartKey(
  wire: AttributeMap | undefined,
  operation: 'query' | 'scan',
): Item | undefined {
  if (wire === undefined) return undefined;
  try {
    return validateItem(wire).item;
  } catch (thrown) {
    const isPrefixed =
      thrown instanceof ClientFault && prefixedTexts[operation].has(thrown.message);
    throw isPrefixed ? startKeyFaults.because(thrown) : thrown;
  }
}
