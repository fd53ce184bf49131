import { itemFaults } from '../../dataplane/errors/items.ts';
import {
  type AttributeValue,
  attributeOf,
  type Item,
  type MutableAttributeMap,
  setAttribute,
  typeOf,
} from '../../dataplane/item/attribute-value.ts';
import { PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX } from '../../dataplane/item/limits.ts';
import { base64Bytes, utf8Bytes } from '../../dataplane/item/size.ts';
import {
  ARGUMENT_8_BITS,
  ARGUMENT_16_BITS,
  ARGUMENT_32_BITS,
  ARGUMENT_MASK,
  BREAK,
  FLOAT64,
  MAJOR,
} from './cbor-head.ts';
import { CborReader } from './cbor-reader.ts';
import { CborWriter, headBytes } from './cbor-writer.ts';
import type { KeyAttribute, KeySchema } from './key-schema.ts';
import {
  isCanonicalLexicographic,
  readLexicographic,
  writeLexicographic,
} from './lexicographic-decimal.ts';
import { readNumber } from './numbers.ts';
import { decodeValue, encodeValue, readAttributeName } from './values.ts';

/**
 * Keys as bytes (reference/dax-protocol.md section 6.2).
 *
 * | schema | content |
 * |---|---|
 * | hash only, S or B | the raw bytes |
 * | hash only, N | the number as CBOR |
 * | hash and range | hash as a CBOR value, then the range: S or B raw, N in lexicographic form |
 *
 * Clients' bytes for one key differ where there are numbers. In *canonical* bytes numbers are written
 * as `writeNumber` and `writeLexicographic` do, heads are shortest and text is well-formed: equal keys
 * have equal canonical bytes, and clients read them as they read their own.
 */

/**
 * Canonical bytes of the same key; the same buffer when it is canonical already.
 * @throws ClientFault ValidationException in DynamoDB's words: not a key of this schema, empty or too
 *   long values, numbers out of range
 */
export function canonicalKey(schema: KeySchema, key: Buffer): Buffer {
  if (isCanonical(schema, key)) return key;
  const canonical = encodeKey(schema, decodeKey(schema, key));
  return canonical.equals(key) ? key : canonical;
}

/**
 * The key attributes, hash first, in normal form.
 * @throws ClientFault as `canonicalKey`
 */
export function decodeKey({ hash, range }: KeySchema, key: Buffer): Item {
  const attributes: MutableAttributeMap = {};
  if (range === undefined) {
    setAttribute(attributes, hash.name, checkedHash(hash, wholeHash(hash, key)));
    return attributes;
  }
  const reader = new CborReader(key);
  setAttribute(attributes, hash.name, checkedHash(hash, hashPart(hash, reader)));
  setAttribute(attributes, range.name, rangePart(range, key.subarray(reader.position)));
  return attributes;
}

/**
 * Canonical bytes of the key of an item, or of a key; other attributes are not looked at.
 * @throws ClientFault ValidationException in the words for items to be put: missing, wrong type, empty,
 *   too long key values
 */
export function encodeKey(schema: KeySchema, item: Item): Buffer {
  const { hash, range } = schema;
  const hashValue = checkedHash(hash, keyValue(hash, item));
  const writer = new CborWriter(KEY_START_BYTES);
  writeHash(writer, schema, hashValue);
  if (range !== undefined) writeRange(writer, checkedRange(range, keyValue(range, item)));
  return writer.finish();
}

/**
 * As `encodeKey`, of a parameter `Key`: the key attributes and nothing else.
 * @throws ClientFault ValidationException `The provided key element does not match the schema`, empty
 *   or too long key values
 */
export function encodeExactKey(schema: KeySchema, key: Item): Buffer {
  const { hash, range } = schema;
  let membersCount = 0;
  for (const _ in key) membersCount++;
  const fits =
    membersCount === (range === undefined ? 1 : 2) &&
    hasType(key, hash) &&
    (range === undefined || hasType(key, range));
  if (!fits) throw itemFaults.keySchemaMismatch();
  return encodeKey(schema, key);
}

/**
 * What the canonical keys of an item collection begin with: `hashPartLength` bytes.
 * @throws ClientFault as `encodeKey`
 */
export function encodeHashPart(schema: KeySchema, value: AttributeValue): Buffer {
  const { hash } = schema;
  const writer = new CborWriter(KEY_START_BYTES);
  writeHash(writer, schema, checkedHash(hash, typed(hash, value)));
  return writer.finish();
}

/** Length of the hash part at the start of canonical key bytes: equal parts are one item collection. */
export function hashPartLength({ range }: KeySchema, canonical: Buffer): number {
  if (range === undefined) return canonical.length;
  const reader = new CborReader(canonical);
  reader.skip();
  return reader.position;
}

/** Content of a start key of an index (section 12): `bf` text, AV, ... `ff`. */
export function encodeIndexKey(key: Item): Buffer {
  const writer = new CborWriter(KEY_START_BYTES);
  writer.beginMap();
  for (const name in key) {
    const value = attributeOf(key, name);
    if (value === undefined) continue;
    writer.text(name);
    encodeValue(writer, value);
  }
  writer.endMap();
  return writer.finish();
}

/** The attributes of a start key of an index. @throws ClientFault ValidationException */
export function decodeIndexKey(bytes: Buffer): Item {
  const reader = new CborReader(bytes);
  const key: MutableAttributeMap = {};
  const count = reader.mapCount();
  for (let index = 0; reader.hasElement(index, count); index++) {
    const name = readAttributeName(reader);
    setAttribute(key, name, decodeValue(reader));
  }
  reader.expectEnd('a start key');
  return key;
}

/** What most keys fit in. */
const KEY_START_BYTES = 64;

/** Up to so many bytes are looked at one by one. */
const SHORT_TEXT_BYTES = 64;

/** Whether key bytes are canonical, and a key, without decoding them; if in doubt, not. */
function isCanonical({ hash, range }: KeySchema, key: Buffer): boolean {
  if (range === undefined) {
    if (hash.type === 'N') return endOfShortInteger(key) === key.length;
    if (key.length === 0 || key.length > PARTITION_KEY_BYTES_MAX) return false;
    return hash.type === 'B' || isUtf8(key, 0, key.length);
  }
  const end = hash.type === 'N' ? endOfShortInteger(key) : endOfString(hash.type, key);
  const rangeLength = key.length - end;
  if (end < 0 || rangeLength <= 0 || rangeLength > SORT_KEY_BYTES_MAX) return false;
  switch (range.type) {
    case 'S':
      return isUtf8(key, end, key.length);
    case 'N':
      return isCanonicalLexicographic(key, end);
    case 'B':
      return true;
  }
}

/** Where the integer at the start ends, if it has up to 32 bits and a shortest head; else -1. */
function endOfShortInteger(key: Buffer): number {
  const head = key[0] ?? BREAK;
  const short = head & ARGUMENT_MASK;
  if (head >> 5 > MAJOR.negative || short > ARGUMENT_32_BITS) return -1;
  const end = short < ARGUMENT_8_BITS ? 1 : 1 + (1 << (short - ARGUMENT_8_BITS));
  if (end > key.length) return -1;
  const argument = end === 1 ? short : key.readUIntBE(1, end - 1);
  return headBytes(argument) === end ? end : -1;
}

/** Where the string at the start ends, if it is the hash part of a canonical key; else -1. */
function endOfString(type: 'S' | 'B', key: Buffer): number {
  const head = key[0] ?? 0;
  const short = head & ARGUMENT_MASK;
  // Longer heads are of strings that are longer than keys.
  const isShort = short <= ARGUMENT_16_BITS;
  if (head >> 5 !== (type === 'S' ? MAJOR.text : MAJOR.bytes) || !isShort) return -1;
  const start = short < ARGUMENT_8_BITS ? 1 : 1 + (1 << (short - ARGUMENT_8_BITS));
  if (start > key.length) return -1;
  const length = start === 1 ? short : key.readUIntBE(1, start - 1);
  const end = start + length;
  const isKey = length > 0 && length <= PARTITION_KEY_BYTES_MAX && end <= key.length;
  if (!isKey || headBytes(length) !== start) return -1;
  return type === 'B' || isUtf8(key, start, end) ? end : -1;
}

/** Whether bytes are well-formed UTF-8. */
function isUtf8(bytes: Buffer, start: number, end: number): boolean {
  if (end - start <= SHORT_TEXT_BYTES) {
    let at = start;
    while (at < end && (bytes[at] ?? 0) < 0x80) at++;
    if (at === end) return true;
  }
  const text = bytes.toString('utf8', start, end);
  return !text.includes('\ufffd') || Buffer.from(text).equals(bytes.subarray(start, end));
}

function wholeHash(hash: KeyAttribute, key: Buffer): AttributeValue {
  if (hash.type !== 'N') return rawValue(hash.type, key);
  const reader = new CborReader(key);
  const value = numberPart(reader);
  if (!reader.isAtEnd) throw itemFaults.keySchemaMismatch();
  return value;
}

function hashPart(hash: KeyAttribute, reader: CborReader): AttributeValue {
  if (hash.type === 'N') return numberPart(reader);
  const major = hash.type === 'S' ? MAJOR.text : MAJOR.bytes;
  if (reader.isAtEnd || reader.peekMajor() !== major) throw itemFaults.keySchemaMismatch();
  return hash.type === 'S' ? { S: reader.text() } : { B: reader.byteString().toString('base64') };
}

function numberPart(reader: CborReader): AttributeValue {
  if (reader.isAtEnd || !isNumberHead(reader.peek())) throw itemFaults.keySchemaMismatch();
  return { N: readNumber(reader) };
}

function isNumberHead(head: number): boolean {
  const major = head >> 5;
  return (
    major === MAJOR.unsigned || major === MAJOR.negative || major === MAJOR.tag || head === FLOAT64
  );
}

function rangePart(range: KeyAttribute, bytes: Buffer): AttributeValue {
  if (bytes.length > SORT_KEY_BYTES_MAX) throw itemFaults.rangeKeyTooLong();
  if (range.type === 'N') return { N: readLexicographic(bytes) };
  return checkedRange(range, rawValue(range.type, bytes));
}

function rawValue(type: 'S' | 'B', bytes: Buffer): AttributeValue {
  return type === 'S' ? { S: bytes.toString('utf8') } : { B: bytes.toString('base64') };
}

function hasType(key: Item, attribute: KeyAttribute): boolean {
  const value = attributeOf(key, attribute.name);
  return value !== undefined && attribute.type in value;
}

function keyValue(attribute: KeyAttribute, item: Item): AttributeValue {
  const value = attributeOf(item, attribute.name);
  if (value === undefined) throw itemFaults.missingKey(attribute.name);
  return typed(attribute, value);
}

function typed({ name, type }: KeyAttribute, value: AttributeValue): AttributeValue {
  if (!(type in value)) throw itemFaults.keyTypeMismatch(name, type, typeOf(value));
  return value;
}

function checkedHash(hash: KeyAttribute, value: AttributeValue): AttributeValue {
  checkNotEmpty(hash, value);
  if (scalarBytes(value) > PARTITION_KEY_BYTES_MAX) throw itemFaults.hashKeyTooLong();
  return value;
}

function checkedRange(range: KeyAttribute, value: AttributeValue): AttributeValue {
  checkNotEmpty(range, value);
  if (scalarBytes(value) > SORT_KEY_BYTES_MAX) throw itemFaults.rangeKeyTooLong();
  return value;
}

function checkNotEmpty({ name }: KeyAttribute, value: AttributeValue): void {
  if ('S' in value && value.S === '') throw itemFaults.emptyKey(name, 'string');
  if ('B' in value && value.B === '') throw itemFaults.emptyKey(name, 'binary');
}

/** Numbers are never too long. */
function scalarBytes(value: AttributeValue): number {
  if ('S' in value) return utf8Bytes(value.S);
  return 'B' in value ? base64Bytes(value.B) : 0;
}

function writeHash(writer: CborWriter, { range }: KeySchema, value: AttributeValue): void {
  if (range !== undefined || 'N' in value) encodeValue(writer, value);
  else writeRaw(writer, value);
}

function writeRange(writer: CborWriter, value: AttributeValue): void {
  if ('N' in value) writeLexicographic(writer, value.N);
  else writeRaw(writer, value);
}

function writeRaw(writer: CborWriter, value: AttributeValue): void {
  if ('S' in value) writer.rawText(value.S);
  else if ('B' in value) writer.rawBase64(value.B);
}
