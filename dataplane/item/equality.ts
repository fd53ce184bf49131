import { type AttributeMap, type AttributeValue, attributeOf } from './attribute-value.ts';
import { compareNumbers } from './number.ts';

/**
 * Equality and order of canonical values (validated: numbers in normal form, base64 padded, text
 * well-formed, nesting bounded).
 * @see reference/dynamodb.md section 3 ("Order")
 */

/** Equal type and content, deep. Sets ignore order at any depth; maps ignore it, lists do not. */
export function equalValues(a: AttributeValue, b: AttributeValue): boolean {
  if ('S' in a) return 'S' in b && a.S === b.S;
  if ('N' in a) return 'N' in b && a.N === b.N;
  if ('B' in a) return 'B' in b && a.B === b.B;
  if ('BOOL' in a) return 'BOOL' in b && a.BOOL === b.BOOL;
  if ('NULL' in a) return 'NULL' in b;
  if ('M' in a) return 'M' in b && equalMaps(a.M, b.M);
  if ('L' in a) return 'L' in b && equalLists(a.L, b.L);
  if ('SS' in a) return 'SS' in b && equalSets(a.SS, b.SS);
  if ('NS' in a) return 'NS' in b && equalSets(a.NS, b.NS);
  return 'BS' in b && equalSets(a.BS, b.BS);
}

/** The same attributes with equal values. */
export function equalMaps(a: AttributeMap, b: AttributeMap): boolean {
  if (a === b) return true;
  let names = 0;
  for (const name in a) {
    const left = a[name];
    const right = attributeOf(b, name);
    if (left === undefined || right === undefined || !equalValues(left, right)) return false;
    names++;
  }
  for (const _ in b) names--;
  return names === 0;
}

/**
 * Order of two values of one type S, N or B: negative, zero or positive; undefined if the types
 * differ or have no order. S by UTF-8 bytes, N numerically, B by unsigned bytes.
 */
export function compareScalars(a: AttributeValue, b: AttributeValue): number | undefined {
  if ('S' in a) return 'S' in b ? compareUtf8(a.S, b.S) : undefined;
  if ('N' in a) return 'N' in b ? compareNumbers(a.N, b.N) : undefined;
  if ('B' in a) return 'B' in b ? compareBase64(a.B, b.B) : undefined;
  return undefined;
}

/**
 * Order of two well-formed texts by their UTF-8 bytes, which is the order of code points.
 * JavaScript's own order differs: it puts surrogate pairs before U+E000 to U+FFFF.
 */
export function compareUtf8(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return codePointRank(left) - codePointRank(right);
  }
  return a.length - b.length;
}

/** The members of a set in order; the same array when they are already in order. */
export function sortedSet(
  members: readonly string[],
  compare: (a: string, b: string) => number,
): readonly string[] {
  for (let index = 1; index < members.length; index++) {
    if (compare(members[index - 1] ?? '', members[index] ?? '') > 0) {
      return members.toSorted(compare);
    }
  }
  return members;
}

/** Order of two canonical base64 texts by the unsigned bytes they stand for. */
export function compareBase64(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    // Six bits a character, most significant first: the first difference decides as bytes would.
    if (left !== right) return sextetRank(left) - sextetRank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all other code units. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

const BASE64_ALPHABET = '=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const sextetRanks = new Uint8Array(128);
for (let rank = 0; rank < BASE64_ALPHABET.length; rank++) {
  sextetRanks[BASE64_ALPHABET.charCodeAt(rank)] = rank;
}

/** Padding ranks lowest: the shorter of two byte strings with an equal start comes first. */
function sextetRank(code: number): number {
  return sextetRanks[code] ?? 0;
}

function equalLists(a: readonly AttributeValue[], b: readonly AttributeValue[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    const left = a[index];
    const right = b[index];
    if (left === undefined || right === undefined || !equalValues(left, right)) return false;
  }
  return true;
}

/** Canonical members are equal exactly when their texts are, and none occurs twice. */
function equalSets(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  const members = new Set(a);
  for (const member of b) {
    if (!members.has(member)) return false;
  }
  return true;
}
