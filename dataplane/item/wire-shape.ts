import { type JsonToken, wireTypeFaults } from '../errors/values.ts';
import { NESTING_LEVELS_MAX } from './limits.ts';

/**
 * Validation step 1 for attribute values: every JSON value has a type that fits its place.
 *
 * Members that are null count as absent and unknown members of an AttributeValue are ignored, here
 * and in `validate.ts`, which relies on these checks. Levels below the nesting limit are not
 * looked at: validation refuses the value before it gets there.
 * @see reference/dynamodb.md section 4 ("JSON type mismatch"); dynalite test/helpers.js (captures)
 */

/** Where JSON stands: the service words a scalar in its place differently. */
export type WirePlace = 'member' | 'element';

/**
 * Checks an AttributeValue: an element of a list or map, or a member of a structure (for example
 * `Value` in `Expected`). Null passes.
 * @throws ClientFault (SerializationException)
 */
export function checkAttributeValue(value: unknown, place: WirePlace = 'element'): void {
  checkValue(value, place, 1);
}

/**
 * Checks a map of AttributeValues: a member of a structure (`Item`, `Key`), or an element of a list
 * (`Keys` of BatchGetItem). Null passes.
 * @throws ClientFault (SerializationException)
 */
export function checkAttributeMap(value: unknown, place: WirePlace = 'member'): void {
  if (value === null || value === undefined) return;
  if (typeof value !== 'object') {
    throw place === 'member'
      ? wireTypeFaults.unexpectedField()
      : wireTypeFaults.unexpectedParameterized();
  }
  if (Array.isArray(value)) throw wireTypeFaults.collectionForAttributeMap();
  checkEntries(value, 1);
}

/** Text that the service converts to a boolean; undefined if it does not. */
export function booleanFromText(text: string): boolean | undefined {
  return booleanTexts.get(text.toUpperCase());
}

/** The token a JSON scalar is for the service's reader. */
export function tokenOf(scalar: number | boolean | string): JsonToken {
  switch (typeof scalar) {
    case 'number':
      return Number.isInteger(scalar) ? 'NUMBER_VALUE' : 'DECIMAL_VALUE';
    case 'boolean':
      return scalar ? 'TRUE_VALUE' : 'FALSE_VALUE';
    default:
      return 'STRING_VALUE';
  }
}

const booleanTexts: ReadonlyMap<string, boolean> = new Map([
  ['TRUE', true],
  ['1', true],
  ['YES', true],
  ['FALSE', false],
  ['0', false],
  ['NO', false],
]);

function checkValue(value: unknown, place: WirePlace, level: number): void {
  if (value === null || value === undefined || level > NESTING_LEVELS_MAX) return;
  if (typeof value !== 'object') {
    throw place === 'member' ? wireTypeFaults.unexpectedField() : wireTypeFaults.unexpectedValue();
  }
  if (Array.isArray(value)) throw wireTypeFaults.collectionForAttributeValue();
  // A JSON object: its members are unknown until looked at, and only own ones are enumerated.
  const members = value as { readonly [member: string]: unknown };
  for (const member in members) checkMember(member, members[member], level);
}

function checkMember(member: string, value: unknown, level: number): void {
  if (value === null) return;
  switch (member) {
    case 'S':
    case 'N':
      if (typeof value !== 'string') throw notString(value);
      break;
    case 'B':
      checkBase64(value);
      break;
    case 'BOOL':
    case 'NULL':
      if (typeof value !== 'boolean') checkBooleanText(value);
      break;
    case 'M':
      checkMap(value, level);
      break;
    case 'L':
      for (const element of listOf(value)) checkValue(element, 'element', level + 1);
      break;
    case 'SS':
    case 'NS':
      for (const element of listOf(value)) {
        if (typeof element !== 'string' && element !== null) throw notString(element);
      }
      break;
    case 'BS':
      for (const element of listOf(value)) {
        if (element !== null) checkBase64(element);
      }
      break;
    default: // the service ignores what its model does not know
  }
}

function checkMap(value: unknown, level: number): void {
  if (typeof value !== 'object' || value === null) throw wireTypeFaults.unexpectedField();
  if (Array.isArray(value)) throw wireTypeFaults.collectionForAttributeMap();
  checkEntries(value, level + 1);
}

function checkEntries(value: object, level: number): void {
  const entries = value as { readonly [name: string]: unknown }; // a JSON object, as above
  for (const name in entries) checkValue(entries[name], 'element', level);
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw typeof value === 'object'
    ? wireTypeFaults.structureNotExpected()
    : wireTypeFaults.unexpectedField();
}

function notString(value: unknown) {
  if (typeof value === 'number' || typeof value === 'boolean') {
    return wireTypeFaults.notConvertible(tokenOf(value), 'String');
  }
  return Array.isArray(value)
    ? wireTypeFaults.collectionNotExpected('java.lang.String')
    : wireTypeFaults.structureNotExpected();
}

function checkBooleanText(value: unknown): void {
  if (typeof value === 'string') {
    if (booleanFromText(value) === undefined) throw wireTypeFaults.unexpectedToken();
  } else if (typeof value === 'number') {
    throw wireTypeFaults.notConvertible(tokenOf(value), 'Boolean');
  } else {
    throw Array.isArray(value)
      ? wireTypeFaults.collectionNotExpected('java.lang.Boolean')
      : wireTypeFaults.structureNotExpected();
  }
}

/** After this the text is canonical: padded, standard alphabet, unused bits zero. */
function checkBase64(value: unknown): void {
  if (typeof value !== 'string') throw notBase64(value);
  if (value.length % 4 !== 0) throw wireTypeFaults.base64Length(value.length);
  if (!isCanonicalBase64(value)) throw wireTypeFaults.base64Character();
}

function isCanonicalBase64(text: string): boolean {
  if (text.length <= SHORT_BASE64_CHARS) return base64Form.test(text);
  // The runtime's codec is lenient, but what it writes is canonical; it beats the pattern by far.
  return Buffer.from(text, 'base64').toString('base64') === text;
}

const SHORT_BASE64_CHARS = 200;

/** The last character before padding carries 4 or 2 bits of data; the others must be zero. */
const base64Form = /^[A-Za-z0-9+/]*(?:[AQgw]==|[AEIMQUYcgkosw048]=)?$/;

function notBase64(value: unknown) {
  if (typeof value !== 'object') return wireTypeFaults.notBase64();
  return Array.isArray(value)
    ? wireTypeFaults.collectionNotExpected('java.nio.ByteBuffer')
    : wireTypeFaults.structureNotExpected();
}
