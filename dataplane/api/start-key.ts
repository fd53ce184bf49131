import { ClientFault } from '../errors/client-fault.ts';
import { startKeyFaults } from '../errors/items.ts';
import { valueFaults } from '../errors/values.ts';
import type { AttributeMap, Item } from '../item/attribute-value.ts';
import { validateItem } from '../item/validate.ts';

const prefixedTexts: ReadonlySet<string | undefined> = new Set([
  valueFaults.emptyValue().message,
  valueFaults.severalTypes().message,
]);

/**
 * The values of ExclusiveStartKey, validated; whether they fit the key schema is checked later.
 * @throws ClientFault; only the faults about datatypes say that they are about the start key
 * @see dynalite validations/query.js (captures); dynoxide 3.2.0
 */
export function validStartKey(wire: AttributeMap | undefined): Item | undefined {
  if (wire === undefined) return undefined;
  try {
    return validateItem(wire).item;
  } catch (thrown) {
    const isPrefixed = thrown instanceof ClientFault && prefixedTexts.has(thrown.message);
    throw isPrefixed ? startKeyFaults.because(thrown) : thrown;
  }
}
