import type { AttributeValue } from '../item/attribute-value.ts';
import { validateValue } from '../item/validate.ts';

/** A legacy condition or update: values alone or in a list, beside members that stay as they are. */
interface LegacyEntry {
  readonly Value?: AttributeValue | undefined;
  readonly AttributeValueList?: readonly AttributeValue[] | undefined;
}

/**
 * A legacy parameter (Expected, KeyConditions, QueryFilter, ScanFilter, AttributeUpdates) with its
 * values validated and canonical. Keeps attributes called `__proto__`.
 * @throws ClientFault of the first invalid value
 */
export function withValidValues<Entry extends LegacyEntry>(parameter: {
  readonly [attribute: string]: Entry;
}): { readonly [attribute: string]: Entry } {
  return Object.fromEntries(
    Object.entries(parameter).map(([attribute, entry]) => [attribute, withValidEntry(entry)]),
  );
}

function withValidEntry<Entry extends LegacyEntry>(entry: Entry): Entry {
  const { Value, AttributeValueList } = entry;
  return {
    ...entry,
    ...(Value !== undefined && { Value: validateValue(Value) }),
    ...(AttributeValueList !== undefined && {
      AttributeValueList: AttributeValueList.map(validateValue),
    }),
  };
}
