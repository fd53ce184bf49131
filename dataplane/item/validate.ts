import { ClientFault, inOlderWords } from '../errors/client-fault.ts';
import { valueFaults } from '../errors/values.ts';
import type { AttributeValue, Item, MutableAttributeMap } from './attribute-value.ts';
import { setAttribute } from './attribute-value.ts';
import { compareBase64, compareUtf8, sortedSet } from './equality.ts';
import { ATTRIBUTE_NAME_BYTES_MAX, NESTING_LEVELS_MAX } from './limits.ts';
import { compareNumbers, normaliseNumber, numberBytes } from './number.ts';
import { base64Bytes, DOCUMENT_BYTES, ELEMENT_BYTES, itemBytes, utf8Bytes } from './size.ts';
import { booleanFromText } from './wire-shape.ts';

/**
 * Validation step 4 for attribute values: from wire JSON that passed `wire-shape.ts` to canonical
 * values, in one walk that also counts bytes.
 *
 * Canonical: exactly one type member and nothing else, numbers in normal form, members of sets
 * sorted (the service returns them so: dynoxide 3.2.0, captures of October 2026), text well-formed
 * (a lone surrogate becomes U+FFFD, as it would on any way through UTF-8), at most 32 levels. What
 * is canonical already is returned as it is, so that the usual item is never copied.
 */

/**
 * The canonical item and its size; the item is the same object when nothing had to change.
 * The size limit is the caller's to check.
 * @throws ClientFault of the first fault in the order of the JSON text
 */
export function validateItem(wire: unknown): { item: Item; bytes: number } {
  const walk = new Walk();
  const item = walk.entries(wire as WireEntries, 1, 0); // shape-checked: a JSON object
  // Two names may become one; the walk counted both.
  return { item, bytes: walk.hasRenamed ? itemBytes(item) : walk.bytes };
}

/**
 * The canonical value; the same object when nothing had to change.
 * @throws ClientFault of the first fault in the order of the JSON text
 */
export function validateValue(wire: unknown): AttributeValue {
  return new Walk().value(wire, 1);
}

/**
 * The bytes of an attribute's name, wherever in a request it stands.
 * @throws ClientFault when there are too many
 */
export function attributeNameBytes(name: string): number {
  const bytes = utf8Bytes(name);
  if (bytes > ATTRIBUTE_NAME_BYTES_MAX) throw valueFaults.attributeNameTooLarge();
  return bytes;
}

/** A shape-checked JSON object. */
type WireEntries = { readonly [name: string]: unknown };

/** An AttributeValue's members after the shape check; null is absent. */
interface WireValue {
  readonly S?: string | null;
  readonly N?: string | null;
  readonly B?: string | null;
  readonly BOOL?: boolean | string | null;
  readonly NULL?: boolean | string | null;
  readonly M?: WireEntries | null;
  readonly L?: readonly unknown[] | null;
  readonly SS?: readonly (string | null)[] | null;
  readonly NS?: readonly (string | null)[] | null;
  readonly BS?: readonly (string | null)[] | null;
}

class Walk {
  bytes = 0;
  hasRenamed = false;

  /** A map's attributes; each counts `overhead` bytes beside its name and value. */
  entries(map: WireEntries, level: number, overhead: number): MutableAttributeMap {
    let copy: MutableAttributeMap | undefined;
    for (const wireName in map) {
      const name = this.name(wireName);
      const wire = map[wireName];
      const value = this.value(wire, level);
      this.bytes += overhead;
      if (copy === undefined && (value !== wire || name !== wireName)) {
        copy = copyUntil(map, wireName);
      }
      if (copy !== undefined) setAttribute(copy, name, value);
    }
    return copy ?? (map as MutableAttributeMap); // every entry proved canonical
  }

  /** A value of any type; a null stands for one without members. */
  value(wire: unknown, level: number): AttributeValue {
    if (level > NESTING_LEVELS_MAX) throw valueFaults.nestingTooDeep();
    const members = (wire ?? noMembers) as WireValue; // shape-checked: a JSON object or null
    let only: string | undefined;
    let count = 0;
    for (const member in members) {
      only = member;
      count++;
    }
    if (count === 1 && only !== undefined) {
      const value = this.member(members, only, level);
      if (value !== undefined) return value;
    }
    return this.oneOfMany(members, level);
  }

  /** Values with other than one member: absent and unknown ones do not count. */
  private oneOfMany(members: WireValue, level: number): AttributeValue {
    const types = memberTypes.filter((type) => isPresent(ownMember(members, type)));
    if (types.length > 1) throw faultOfSeveral(members);
    const [type] = types;
    const value = type && this.member({ [type]: members[type] }, type, level);
    if (value === undefined) throw valueFaults.emptyValue();
    return value;
  }

  /**
   * `wire` itself if its one member is canonical, else a canonical value; undefined if the member
   * is absent (null) or none of the known types.
   */
  private member(wire: WireValue, type: string, level: number): AttributeValue | undefined {
    switch (type) {
      case 'S':
        return isPresent(wire.S) ? this.string(wire, wire.S) : undefined;
      case 'N':
        return isPresent(wire.N) ? this.number(wire, wire.N) : undefined;
      case 'B':
        if (!isPresent(wire.B)) return undefined;
        this.bytes += base64Bytes(wire.B);
        return wire as AttributeValue; // the shape check admits canonical base64 only
      case 'BOOL':
        return isPresent(wire.BOOL) ? this.boolean(wire, wire.BOOL) : undefined;
      case 'NULL':
        return isPresent(wire.NULL) ? this.null(wire, wire.NULL) : undefined;
      case 'M': {
        if (!isPresent(wire.M)) return undefined;
        this.bytes += DOCUMENT_BYTES;
        const map = this.entries(wire.M, level + 1, ELEMENT_BYTES);
        return map === wire.M ? (wire as AttributeValue) : { M: map };
      }
      case 'L': {
        if (!isPresent(wire.L)) return undefined;
        const list = this.list(wire.L, level + 1);
        return list === wire.L ? (wire as AttributeValue) : { L: list };
      }
      case 'SS':
        return isPresent(wire.SS) ? this.stringSet(wire, wire.SS) : undefined;
      case 'NS':
        return isPresent(wire.NS) ? this.numberSet(wire, wire.NS) : undefined;
      case 'BS':
        return isPresent(wire.BS) ? this.binarySet(wire, wire.BS) : undefined;
      default:
        return undefined;
    }
  }

  private name(wireName: string): string {
    if (wireName === '') throw valueFaults.emptyAttributeName();
    const name = wellFormed(wireName);
    if (name !== wireName) this.hasRenamed = true;
    this.bytes += attributeNameBytes(name);
    return name;
  }

  private string(wire: WireValue, text: string): AttributeValue {
    const canonical = wellFormed(text);
    this.bytes += utf8Bytes(canonical);
    return canonical === text ? (wire as AttributeValue) : { S: canonical };
  }

  private number(wire: WireValue, text: string): AttributeValue {
    const normal = normaliseNumber(text);
    this.bytes += numberBytes(normal);
    return normal === text ? (wire as AttributeValue) : { N: normal };
  }

  private boolean(wire: WireValue, value: boolean | string): AttributeValue {
    this.bytes += 1;
    return typeof value === 'boolean'
      ? (wire as AttributeValue)
      : { BOOL: booleanFromText(value) === true };
  }

  private null(wire: WireValue, value: boolean | string): AttributeValue {
    this.bytes += 1;
    if (value === true) return wire as AttributeValue;
    if (typeof value === 'string' && booleanFromText(value) === true) return { NULL: true };
    throw valueFaults.nullNotTrue();
  }

  private list(list: readonly unknown[], level: number): readonly AttributeValue[] {
    this.bytes += DOCUMENT_BYTES + ELEMENT_BYTES * list.length;
    let copy: AttributeValue[] | undefined;
    for (let index = 0; index < list.length; index++) {
      const wire = list[index];
      const value = this.value(wire, level);
      // Elements before this one proved canonical.
      if (copy === undefined && value !== wire) copy = list.slice(0, index) as AttributeValue[];
      copy?.push(value);
    }
    return copy ?? (list as readonly AttributeValue[]);
  }

  private stringSet(wire: WireValue, members: readonly (string | null)[]): AttributeValue {
    if (members.length === 0) throw valueFaults.emptyStringSet();
    const set = mapSet(members, wellFormed, valueFaults.nullStringInSet);
    for (const member of set) this.bytes += utf8Bytes(member);
    if (hasDuplicates(set)) throw valueFaults.duplicateStrings(set, readOrder(set, compareUtf8));
    const sorted = sortedSet(set, compareUtf8);
    return sorted === members ? (wire as AttributeValue) : { SS: sorted };
  }

  private numberSet(wire: WireValue, members: readonly (string | null)[]): AttributeValue {
    if (members.length === 0) throw valueFaults.emptyNumberSet();
    const set = mapSet(members, normaliseNumber, valueFaults.nullNumberInSet);
    for (const member of set) this.bytes += numberBytes(member);
    if (hasDuplicates(set)) throw valueFaults.duplicateNumbers();
    const sorted = sortedSet(set, compareNumbers);
    return sorted === members ? (wire as AttributeValue) : { NS: sorted };
  }

  private binarySet(wire: WireValue, members: readonly (string | null)[]): AttributeValue {
    if (members.length === 0) throw valueFaults.emptyBinarySet();
    const set = mapSet(members, asIs, valueFaults.nullBinaryInSet);
    for (const member of set) this.bytes += base64Bytes(member);
    if (hasDuplicates(set)) {
      throw valueFaults.duplicateBinaries(set, readOrder(set, compareBase64));
    }
    const sorted = sortedSet(set, compareBase64);
    return sorted === members ? (wire as AttributeValue) : { BS: sorted };
  }
}

const memberTypes = ['S', 'B', 'N', 'BOOL', 'NULL', 'BS', 'NS', 'SS', 'L', 'M'] as const;

const noMembers: WireValue = {};

/** Up to so many members are compared pair by pair. */
const SMALL_SET_MEMBERS = 8;

function ownMember<Type extends keyof WireValue>(
  members: WireValue,
  type: Type,
): WireValue[Type] | undefined {
  return Object.hasOwn(members, type) ? members[type] : undefined;
}

/**
 * What is wrong with a value of several types. Faults of its members come first: empty sets, then
 * numbers, then NULL; of the older layer, which reads such values.
 * @see dynoxide 3.2.0 (captures of October 2026)
 */
function faultOfSeveral(members: WireValue): ClientFault {
  if (ownMember(members, 'SS')?.length === 0) return inOlderWords(valueFaults.emptyStringSet());
  if (ownMember(members, 'NS')?.length === 0) return inOlderWords(valueFaults.emptyNumberSet());
  if (ownMember(members, 'BS')?.length === 0) return inOlderWords(valueFaults.emptyBinarySet());
  try {
    for (const text of [ownMember(members, 'N'), ...(ownMember(members, 'NS') ?? [])]) {
      if (isPresent(text)) normaliseNumber(text);
    }
  } catch (thrown) {
    if (thrown instanceof ClientFault) return inOlderWords(thrown);
    throw thrown;
  }
  const isNull = ownMember(members, 'NULL');
  const isFalse = typeof isNull === 'string' ? booleanFromText(isNull) === false : isNull === false;
  return isFalse ? inOlderWords(valueFaults.nullNotTrue()) : valueFaults.severalTypes();
}

function isPresent<T>(member: T | null | undefined): member is T {
  return member !== null && member !== undefined;
}

/** JSON can carry half of a surrogate pair (`"\ud800"`), UTF-8 cannot. */
function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed();
}

function asIs(text: string): string {
  return text;
}

/** The entries before `name`, all found canonical. */
function copyUntil(map: WireEntries, name: string): MutableAttributeMap {
  const copy: MutableAttributeMap = {};
  for (const earlier in map) {
    if (earlier === name) break;
    setAttribute(copy, earlier, map[earlier] as AttributeValue);
  }
  return copy;
}

/** The members in canonical form; the same array when they are already. */
function mapSet(
  members: readonly (string | null)[],
  canonical: (text: string) => string,
  nullFault: () => unknown,
): readonly string[] {
  let copy: string[] | undefined;
  for (let index = 0; index < members.length; index++) {
    const member = members[index];
    if (!isPresent(member)) throw nullFault();
    const text = canonical(member);
    if (copy === undefined && text !== member) copy = members.slice(0, index) as string[];
    copy?.push(text);
  }
  return copy ?? (members as readonly string[]); // none is null
}

function hasDuplicates(members: readonly string[]): boolean {
  if (members.length > SMALL_SET_MEMBERS) return new Set(members).size !== members.length;
  for (let index = 1; index < members.length; index++) {
    if (members.indexOf(members[index] ?? '') !== index) return true;
  }
  return false;
}

/**
 * Members with a repeated one, as the service's text about it lists them: those before the first
 * repeat sorted, the repeated one, then the rest as sent.
 * @see dynoxide 3.2.0 (captures of October 2026)
 */
function readOrder(
  members: readonly string[],
  compare: (a: string, b: string) => number,
): readonly string[] {
  const repeat = members.findIndex((member, index) => members.indexOf(member) !== index);
  return [...members.slice(0, repeat).sort(compare), ...members.slice(repeat)];
}
