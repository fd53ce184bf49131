import type { Item } from '../../dataplane/item/attribute-value.ts';
import type { Stored } from '../cache/cached-tables.ts';
import { malformedFaults } from '../protocol/faults.ts';
import {
  attributeNames,
  decodeItemValues,
  encodeItemValues,
  encodeUpdatedValues,
} from '../protocol/items.ts';
import { decodeKey } from '../protocol/keys.ts';
import type { Eventually } from '../tables/eventually.ts';
import { andThen } from '../tables/eventually.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import type { DoorLists } from './door-tables.ts';

/**
 * Between items and what travels for them: values without names, under the number of an attribute
 * list. Numbers are mostly known, so that nothing is waited for.
 */
export class ItemTranslation {
  readonly #lists: DoorLists;

  constructor(lists: DoorLists) {
    this.#lists = lists;
  }

  /**
   * The item of a put: key bytes and values.
   * @throws ClientFault ValidationException, also for a list that nobody ever defined; RegistryError
   */
  itemOf({ key: schema }: TableInfo, key: Buffer, values: Buffer): Eventually<Item> {
    const keyAttributes = decodeKey(schema, key);
    const listed = decodeItemValues(values);
    return andThen(this.#lists.namesOf(listed.listId), (names) => {
      if (names === undefined) throw malformedFaults.listId(listed.listId);
      // Whatever the list names, the key is the one that the cache goes by.
      return { ...listed.valuesAt(names), ...keyAttributes };
    });
  }

  /**
   * A whole item of the cache, key attributes included.
   * @throws RegistryError
   */
  cachedItem({ key: schema }: TableInfo, key: Buffer, stored: Stored): Eventually<Item> {
    const listed = decodeItemValues(Buffer.from(stored, 'latin1'));
    return andThen(this.#lists.namesOf(listed.listId), (names) => {
      if (names === undefined) throw new Error('the list of a cached item is in the registry');
      return { ...decodeKey(schema, key), ...listed.valuesAt(names) };
    });
  }

  /** The values of an item, without its key. @throws ClientFault LimitExceededException; RegistryError */
  valuesOf({ key }: TableInfo, item: Item): Eventually<Buffer> {
    const names = attributeNames(key, item);
    return andThen(this.#lists.idOf(names), (id) => encodeItemValues(id, names, item));
  }

  /** The answer to UPDATED_OLD and UPDATED_NEW. @throws as `valuesOf` */
  updatedValuesOf({ key }: TableInfo, attributes: Item): Eventually<Buffer> {
    const names = attributeNames(key, attributes);
    return andThen(this.#lists.idOf(names), (id) => encodeUpdatedValues(id, names, attributes));
  }
}
