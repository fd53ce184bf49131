import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import type { AttributeValue, Item } from '../../dataplane/item/attribute-value.ts';
import { validateItem, validateValue } from '../../dataplane/item/validate.ts';
import { checkAttributeMap, checkAttributeValue } from '../../dataplane/item/wire-shape.ts';
import type { KeyAttribute, KeySchema } from '../protocol/key-schema.ts';
import { encodeKey, hashPartLength } from '../protocol/keys.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { isRecord } from './members.ts';

/** A key that a body names, or the key of an item in it. */
export interface FoundItem {
  /** Canonical key bytes. */
  readonly key: Buffer;
  /** As the table keeps it: the whole item, or its key attributes. */
  readonly item: Item;
}

/**
 * The key in a parameter `Key`: the table's key attributes and nothing else.
 * @returns undefined when anything is wrong with it: the table has the words for it
 */
export function keyIn(wire: unknown, { key: schema }: TableInfo): FoundItem | undefined {
  const found = itemIn(wire, schema);
  const count = schema.range === undefined ? 1 : 2;
  return found !== undefined && Object.keys(found.item).length === count ? found : undefined;
}

/** The item in a parameter `Item`, with the key that it has. @returns undefined as `keyIn` */
export function putIn(wire: unknown, { key }: TableInfo): FoundItem | undefined {
  return itemIn(wire, key);
}

/** Hash part of the canonical keys of an item collection. @returns undefined when the value does not fit */
export function hashPartOf(value: AttributeValue, { key }: TableInfo): Buffer | undefined {
  const { hash, range } = key;
  const item = { [hash.name]: value, ...(range && { [range.name]: PLACEHOLDERS[range.type] }) };
  return attempt(() => {
    const bytes = encodeKey(key, item);
    return bytes.subarray(0, hashPartLength(key, bytes));
  });
}

/** A value as it stands in a body. @returns undefined when anything is wrong with it */
export function valueIn(wire: unknown): AttributeValue | undefined {
  return attempt(() => {
    checkAttributeValue(wire);
    return validateValue(wire);
  });
}

/** Any sort key will do where only the hash part is looked at. */
const PLACEHOLDERS: Readonly<Record<KeyAttribute['type'], AttributeValue>> = {
  S: { S: 'x' },
  N: { N: '0' },
  B: { B: 'AA==' },
};

function itemIn(wire: unknown, schema: KeySchema): FoundItem | undefined {
  if (!isRecord(wire)) return undefined;
  return attempt(() => {
    checkAttributeMap(wire);
    const { item } = validateItem(wire);
    return { key: encodeKey(schema, item), item };
  });
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ClientFault)) throw error;
    return undefined;
  }
}
