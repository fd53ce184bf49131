import { itemFaults } from '../../dataplane/errors/items.ts';
import { valueFaults } from '../../dataplane/errors/values.ts';
import {
  type AttributeMap,
  type AttributeValue,
  type MutableAttributeMap,
  setAttribute,
} from '../../dataplane/item/attribute-value.ts';
import { ATTRIBUTE_NAME_BYTES_MAX, NESTING_LEVELS_MAX } from '../../dataplane/item/limits.ts';
import { utf8Bytes } from '../../dataplane/item/size.ts';
import { validateValue } from '../../dataplane/item/validate.ts';
import { FALSE, FLOAT64, MAJOR, NULL, TAG, TRUE } from './cbor-head.ts';
import type { CborReader } from './cbor-reader.ts';
import type { CborWriter } from './cbor-writer.ts';
import { malformedFaults } from './faults.ts';
import { readNumber, writeNumber } from './numbers.ts';

/**
 * Attribute values (reference/dax-protocol.md section 2.3): text, bytes, a number, a boolean, null,
 * an array, a map from text, and tags 3321 to 3323 over an array for sets.
 */

/** Writes a canonical value so that every client shows plain digits. */
export function encodeValue(writer: CborWriter, value: AttributeValue): void {
  if ('S' in value) writer.text(value.S);
  else if ('N' in value) writeNumber(writer, value.N);
  else if ('B' in value) writer.base64(value.B);
  else if ('BOOL' in value) writer.boolean(value.BOOL);
  else if ('NULL' in value) writer.null();
  else if ('M' in value) encodeMap(writer, value.M);
  else if ('L' in value) encodeList(writer, value.L);
  else if ('SS' in value) encodeSet(writer, { tag: TAG.stringSet, members: value.SS });
  else if ('NS' in value) encodeSet(writer, { tag: TAG.numberSet, members: value.NS });
  else encodeSet(writer, { tag: TAG.binarySet, members: value.BS });
}

/**
 * Reads a value in any client's form. The result is canonical: what dataplane/item `validateItem`
 * makes of the same value in JSON, with the same faults.
 * @throws ClientFault ValidationException
 */
export function decodeValue(reader: CborReader): AttributeValue {
  return decodeAt(reader, 1);
}

/** An attribute name inside an item. @throws ClientFault for an empty or too long one */
export function readAttributeName(reader: CborReader): string {
  const name = reader.text();
  if (name === '') throw valueFaults.emptyAttributeName();
  if (name.length * 3 > ATTRIBUTE_NAME_BYTES_MAX && utf8Bytes(name) > ATTRIBUTE_NAME_BYTES_MAX) {
    throw valueFaults.attributeNameTooLarge();
  }
  return name;
}

function encodeMap(writer: CborWriter, map: AttributeMap): void {
  let count = 0;
  for (const _ in map) count++;
  writer.head(MAJOR.map, count);
  for (const name in map) {
    const value = map[name];
    if (value === undefined) throw new TypeError('canonical maps have no absent members');
    writer.text(name);
    encodeValue(writer, value);
  }
}

function encodeList(writer: CborWriter, list: readonly AttributeValue[]): void {
  writer.head(MAJOR.array, list.length);
  for (const element of list) encodeValue(writer, element);
}

function encodeSet(
  writer: CborWriter,
  { tag, members }: { readonly tag: number; readonly members: readonly string[] },
): void {
  writer.head(MAJOR.tag, tag);
  writer.head(MAJOR.array, members.length);
  for (const member of members) {
    if (tag === TAG.stringSet) writer.text(member);
    else if (tag === TAG.numberSet) writeNumber(writer, member);
    else writer.base64(member);
  }
}

/** `level`: 1 for an attribute, one more inside each list and map. */
function decodeAt(reader: CborReader, level: number): AttributeValue {
  if (level > NESTING_LEVELS_MAX) throw valueFaults.nestingTooDeep();
  countValue(reader);
  const head = reader.peek();
  switch (head >> 5) {
    case MAJOR.unsigned:
    case MAJOR.negative:
      return { N: readNumber(reader) };
    case MAJOR.bytes:
      return { B: readBase64(reader) };
    case MAJOR.text:
      return { S: reader.text() };
    case MAJOR.array:
      return { L: decodeList(reader, level + 1) };
    case MAJOR.map:
      return { M: decodeMap(reader, level + 1) };
    case MAJOR.tag:
      return decodeTagged(reader);
    default:
      return decodeSimple(reader, head);
  }
}

function decodeSimple(reader: CborReader, head: number): AttributeValue {
  switch (head) {
    case TRUE:
    case FALSE:
      return { BOOL: reader.boolean() };
    case NULL:
      reader.tryNull();
      return { NULL: true };
    case FLOAT64:
      return { N: readNumber(reader) };
    default:
      throw malformedFaults.value('an attribute value');
  }
}

function decodeList(reader: CborReader, level: number): AttributeValue[] {
  const count = reader.arrayCount();
  const list: AttributeValue[] = [];
  while (reader.hasElement(list.length, count)) list.push(decodeAt(reader, level));
  return list;
}

/** Of a name that comes twice the last value counts, as in JSON. */
function decodeMap(reader: CborReader, level: number): AttributeMap {
  const count = reader.mapCount();
  const map: MutableAttributeMap = {};
  for (let index = 0; reader.hasElement(index, count); index++) {
    const name = readAttributeName(reader);
    setAttribute(map, name, decodeAt(reader, level));
  }
  return map;
}

function decodeTagged(reader: CborReader): AttributeValue {
  const { position } = reader;
  switch (reader.takeArgument()) {
    case TAG.stringSet:
      return validateValue({ SS: readMembers(reader, readText) });
    case TAG.numberSet:
      return validateValue({ NS: readMembers(reader, readNumber) });
    case TAG.binarySet:
      return validateValue({ BS: readMembers(reader, readBase64) });
    default:
      reader.position = position;
      return { N: readNumber(reader) };
  }
}

function readMembers(reader: CborReader, read: (reader: CborReader) => string): string[] {
  const count = reader.arrayCount();
  const members: string[] = [];
  while (reader.hasElement(members.length, count)) {
    countValue(reader);
    members.push(read(reader));
  }
  return members;
}

function countValue(reader: CborReader): void {
  if (!reader.countValue()) throw itemFaults.itemTooLarge();
}

function readText(reader: CborReader): string {
  return reader.text();
}

function readBase64(reader: CborReader): string {
  return reader.byteString().toString('base64');
}
