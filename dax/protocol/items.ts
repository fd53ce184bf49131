import {
  type AttributeValue,
  attributeOf,
  type Item,
  type MutableAttributeMap,
  setAttribute,
} from '../../dataplane/item/attribute-value.ts';
import { compareUtf8 } from '../../dataplane/item/equality.ts';
import { CborReader } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { malformedFaults } from './faults.ts';
import type { KeySchema } from './key-schema.ts';
import { decodeValue, encodeValue } from './values.ts';

/**
 * Items without their attributes' names (reference/dax-protocol.md section 7): the id of a list of
 * names, then the values of the attributes it names, in its order and without a count. Key attributes
 * are not among them.
 */

/** Id of the list without names: known to all clients and never asked for. */
export const EMPTY_LIST_ID = 1;

/** Names of the non-key attributes, sorted by their UTF-8 bytes: the attribute list of an item. */
export function attributeNames({ hash, range }: KeySchema, item: Item): readonly string[] {
  const names: string[] = [];
  let isSorted = true;
  let last: string | undefined;
  for (const name in item) {
    if (name === hash.name || name === range?.name) continue;
    if (last !== undefined && isSorted) isSorted = compareUtf8(last, name) < 0;
    names.push(name);
    last = name;
  }
  return isSorted ? names : names.sort(compareUtf8);
}

/**
 * Content of bytes{ list id, AV, ... }: the values of the attributes named, in that order.
 * `item` is canonical and has all of them; its other attributes (the key) are left out.
 */
export function encodeItemValues(listId: number, names: readonly string[], item: Item): Buffer {
  const writer = new CborWriter();
  writer.integer(listId);
  for (const name of names) encodeValue(writer, namedValue(item, name));
  return writer.finish();
}

/**
 * Content of bytes{ list id, map ordinal -> AV }: the answer to UPDATED_OLD and UPDATED_NEW.
 * `attributes` may have fewer than the names; each is one of them.
 */
export function encodeUpdatedValues(
  listId: number,
  names: readonly string[],
  attributes: Item,
): Buffer {
  const writer = new CborWriter();
  writer.integer(listId);
  writer.beginMap();
  for (const [ordinal, name] of names.entries()) {
    const value = attributeOf(attributes, name);
    if (value === undefined) continue;
    writer.integer(ordinal);
    encodeValue(writer, value);
  }
  writer.endMap();
  return writer.finish();
}

/** Item values whose list is not known yet. */
export interface ItemValues {
  readonly listId: number;
  /**
   * The attributes, once the names of list `listId` are known. Names of key attributes may be among
   * them, if the sender made such a list: the key that came with the values is to win.
   * @throws ClientFault ValidationException: a value is wrong, or there are more or fewer than names
   */
  valuesAt(names: readonly string[]): Item;
}

/** @throws ClientFault ValidationException when there is no list id at the start */
export function decodeItemValues(bytes: Buffer): ItemValues {
  const reader = new CborReader(bytes);
  const listId = reader.integer();
  const start = reader.position;
  return { listId, valuesAt: (names) => valuesFrom(bytes, start, names) };
}

function valuesFrom(bytes: Buffer, start: number, names: readonly string[]): Item {
  const reader = new CborReader(bytes, start);
  const item: MutableAttributeMap = {};
  for (const name of names) {
    if (reader.isAtEnd) throw malformedFaults.itemValues('fewer');
    setAttribute(item, name, decodeValue(reader));
  }
  if (!reader.isAtEnd) throw malformedFaults.itemValues('more');
  return item;
}

function namedValue(item: Item, name: string): AttributeValue {
  const value = attributeOf(item, name);
  if (value === undefined) throw new TypeError('an item has the attributes its list names');
  return value;
}
