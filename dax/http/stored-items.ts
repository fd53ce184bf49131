import {
  type Item,
  type MutableAttributeMap,
  setAttribute,
} from '../../dataplane/item/attribute-value.ts';
import type { Stored } from '../cache/cached-tables.ts';
import type { AttributeLists } from '../cluster/attribute-lists.ts';
import { decodeItemValues } from '../protocol/items.ts';
import { decodeKey } from '../protocol/keys.ts';
import type { Eventually } from '../tables/eventually.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';

/** An item as the cache has it. */
export interface StoredItem {
  readonly table: TableInfo;
  /** Canonical key bytes. */
  readonly key: Buffer;
  readonly values: Stored;
}

/** Turns what lies in the cache, in the encoding of the DAX protocol, back into items. */
export class StoredItems {
  readonly #lists: Pick<AttributeLists, 'namesOf'>;

  constructor(lists: Pick<AttributeLists, 'namesOf'>) {
    this.#lists = lists;
  }

  /**
   * The whole item, key attributes first.
   * @throws RegistryError when the names of its attributes cannot be had
   */
  item({ table, key, values }: StoredItem): Eventually<Item> {
    const stored = decodeItemValues(Buffer.from(values, 'latin1'));
    const whole = (names: readonly string[] | undefined): Item => {
      if (names === undefined) throw new Error(`attribute list ${stored.listId} has no names`);
      return merged(decodeKey(table.key, key), stored.valuesAt(names));
    };
    const names = this.#lists.namesOf(stored.listId);
    return names instanceof Promise ? names.then(whole) : whole(names);
  }
}

function merged(key: Item, others: Item): Item {
  const item: MutableAttributeMap = {};
  for (const part of [key, others]) {
    for (const [name, value] of Object.entries(part)) setAttribute(item, name, value);
  }
  return item;
}
