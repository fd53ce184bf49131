import type { JsonObject } from '../operation.ts';

/**
 * Members of a body that nobody has checked yet. What is null counts as absent, as it does for the
 * operations; what has another type than theirs cannot be read, and the operation will refuse it.
 */

/** Longest ARN; names of tables are shorter. */
const NAME_CHARACTERS_MAX = 1_024;

/** Tables, actions or statements of one request: no operation takes more. */
const PARTS_COUNT_MAX = 100;

export type RawMember<T> =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'given'; readonly value: T };

const absent = { kind: 'absent' } as const;
const unreadable = { kind: 'unreadable' } as const;

export function nameMember(body: JsonObject, name: string): RawMember<string> {
  return textMember(body, name, NAME_CHARACTERS_MAX);
}

/** A text that is not empty. */
export function textMember(
  body: JsonObject,
  name: string,
  charactersMax: number,
): RawMember<string> {
  const value = ownMember(body, name);
  if (value === undefined || value === null) return absent;
  if (typeof value !== 'string' || value === '' || value.length > charactersMax) return unreadable;
  return { kind: 'given', value };
}

/** The name of the table; undefined where there is none that can be read. */
export function tableNameIn(body: JsonObject): string | undefined {
  const name = nameMember(body, 'TableName');
  return name.kind === 'given' ? name.value : undefined;
}

/** The objects of a list, without nulls; undefined for anything else, where there are none, or too many. */
export function objectsIn(body: JsonObject, name: string): readonly JsonObject[] | undefined {
  const list = ownMember(body, name);
  if (!Array.isArray(list) || list.length > PARTS_COUNT_MAX) return undefined;
  const given = list.filter((element: unknown) => element !== null);
  return given.length > 0 && given.every(isObject) ? given : undefined;
}

/** An object's member that is one; undefined for anything else. */
export function objectIn(body: JsonObject, name: string): JsonObject | undefined {
  const value = ownMember(body, name);
  return isObject(value) ? value : undefined;
}

/** Keys of an object that are names of tables; undefined for anything else, none, or too many. */
export function tableNamesIn(body: JsonObject, name: string): readonly string[] | undefined {
  const names = Object.keys(objectIn(body, name) ?? {});
  if (names.length === 0 || names.length > PARTS_COUNT_MAX) return undefined;
  return names.every((each) => each !== '' && each.length <= NAME_CHARACTERS_MAX)
    ? names
    : undefined;
}

/** Also of one called `__proto__`, which JSON may have. */
function ownMember(body: JsonObject, name: string): unknown {
  return Object.hasOwn(body, name) ? body[name] : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
