import { requestFaults } from '../errors/requests.ts';
import type { AttributeValue } from '../item/attribute-value.ts';
import { attributeNameBytes, validateValue } from '../item/validate.ts';
import { comparisonOperators } from './item-shapes.ts';

/** A legacy condition or update: values alone or in a list, beside members that stay as they are. */
interface LegacyEntry {
  readonly Value?: AttributeValue | undefined;
  readonly AttributeValueList?: readonly AttributeValue[] | undefined;
  readonly ComparisonOperator?: string | undefined;
}

type Entries<Entry> = { readonly [attribute: string]: Entry };

/**
 * A legacy parameter (Expected, KeyConditions, QueryFilter, ScanFilter, AttributeUpdates) with its
 * values validated and canonical, its operators checked. Keeps attributes called `__proto__`.
 * @throws ClientFault of the first invalid value, then of the first unknown operator
 */
export function validEntries<Entry extends LegacyEntry>(parameter: Entries<Entry>): Entries<Entry> {
  const valid = Object.entries(parameter).map(
    ([attribute, entry]) => [attribute, validEntry(entry)] as const,
  );
  for (const [, { ComparisonOperator }] of valid) {
    if (ComparisonOperator !== undefined && !comparisonOperators.has(ComparisonOperator)) {
      throw requestFaults.comparisonOperatorUnknown();
    }
  }
  return Object.fromEntries(valid);
}

/**
 * Writes do not take the empty attribute name, nor one too long; filters of reads do.
 * @throws ClientFault
 */
export function checkAttributeNames(parameter: Entries<unknown> | undefined): void {
  if (parameter === undefined) return;
  if (Object.hasOwn(parameter, '')) throw requestFaults.attributeNameEmpty();
  for (const name in parameter) attributeNameBytes(name);
}

function validEntry<Entry extends LegacyEntry>(entry: Entry): Entry {
  const { Value, AttributeValueList } = entry;
  return {
    ...entry,
    ...(Value !== undefined && { Value: validateValue(Value) }),
    ...(AttributeValueList !== undefined && {
      AttributeValueList: AttributeValueList.map(validateValue),
    }),
  };
}
