import type { AttributeMap, AttributeValue } from './attribute-value.ts';
import { numberBytes } from './number.ts';

/** A list, a map: these bytes of its own, and one more for each element. */
export const DOCUMENT_BYTES = 3;
export const ELEMENT_BYTES = 1;

/**
 * Bytes an item (or any attributes) counts for limits and capacity: names and values.
 * Canonical values only; nesting is bounded by validation.
 * @returns 0 or more; compare with `ITEM_BYTES_MAX`
 * @see reference/dynamodb.md section 3
 */
export function itemBytes(item: AttributeMap): number {
  let bytes = 0;
  for (const name in item) {
    const value = item[name];
    if (value !== undefined) bytes += utf8Bytes(name) + valueBytes(value);
  }
  return bytes;
}

/** Bytes one canonical value counts, without a name. */
export function valueBytes(value: AttributeValue): number {
  if ('S' in value) return utf8Bytes(value.S);
  if ('N' in value) return numberBytes(value.N);
  if ('B' in value) return base64Bytes(value.B);
  if ('M' in value) return mapBytes(value.M);
  if ('L' in value) return listBytes(value.L);
  if ('SS' in value) return sumOf(value.SS, utf8Bytes);
  if ('NS' in value) return sumOf(value.NS, numberBytes);
  if ('BS' in value) return sumOf(value.BS, base64Bytes);
  return 1;
}

/** Length as UTF-8. A lone surrogate counts 3, as the replacement character that encodes it. */
export function utf8Bytes(text: string): number {
  if (text.length > SHORT_TEXT_CHARS) return Buffer.byteLength(text);
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) >= 0x80) return Buffer.byteLength(text);
  }
  return text.length;
}

/** Raw length of canonical (padded) base64 text. */
export function base64Bytes(text: string): number {
  const length = text.length;
  if (length === 0) return 0;
  let padding = 0;
  if (text.charCodeAt(length - 1) === EQUALS) padding++;
  if (text.charCodeAt(length - 2) === EQUALS) padding++;
  return (length / 4) * 3 - padding;
}

/** Below this length a loop beats the call into the runtime. */
const SHORT_TEXT_CHARS = 24;
const EQUALS = 61;

function mapBytes(map: AttributeMap): number {
  let bytes = DOCUMENT_BYTES;
  for (const name in map) {
    const value = map[name];
    if (value !== undefined) bytes += ELEMENT_BYTES + utf8Bytes(name) + valueBytes(value);
  }
  return bytes;
}

function listBytes(list: readonly AttributeValue[]): number {
  let bytes = DOCUMENT_BYTES;
  for (const value of list) bytes += ELEMENT_BYTES + valueBytes(value);
  return bytes;
}

function sumOf(texts: readonly string[], bytesOf: (text: string) => number): number {
  let bytes = 0;
  for (const text of texts) bytes += bytesOf(text);
  return bytes;
}
