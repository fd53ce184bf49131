import { PolicyError } from './policy-error.ts';

/** A text of a document, and where it stands: `Statement[0].Action[1]`. */
export interface PlacedText {
  readonly text: string;
  readonly place: string;
}

/**
 * The members of an object.
 * @param known names that it may have; undefined: any
 * @throws PolicyError
 */
export function membersOf(
  value: unknown,
  place: string,
  known: readonly string[] | undefined,
): ReadonlyMap<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PolicyError(`${place} must be an object, not ${quoted(value)}`);
  }
  const members = new Map<string, unknown>(Object.entries(value));
  for (const name of members.keys()) {
    if (known !== undefined && !known.includes(name)) {
      throw new PolicyError(`${place} has an unknown member ${quoted(name)}`);
    }
  }
  return members;
}

/** One text, or a list of some. @throws PolicyError */
export function textsOf(value: unknown, place: string): readonly PlacedText[] {
  return placed(value, place).map(([each, at]) => {
    if (typeof each !== 'string' || each === '') {
      throw new PolicyError(`${at} must be a text, not ${quoted(each)}`);
    }
    return { text: each, place: at };
  });
}

/** One value that can be written as text, or a list of some. @throws PolicyError */
export function valuesOf(value: unknown, place: string): readonly PlacedText[] {
  return placed(value, place).map(([each, at]) => {
    if (typeof each !== 'string' && typeof each !== 'number' && typeof each !== 'boolean') {
      throw new PolicyError(`${at} must be a text, a number or a boolean, not ${quoted(each)}`);
    }
    return { text: String(each), place: at };
  });
}

/** One value, or those of a list. @throws PolicyError */
function placed(value: unknown, place: string): readonly (readonly [unknown, string])[] {
  if (!Array.isArray(value)) return [[value, place]];
  if (value.length === 0) throw new PolicyError(`${place} must not be an empty list`);
  return value.map((each: unknown, index) => [each, `${place}[${index}]`]);
}

const SHOWN_CHARACTERS_MAX = 64;

/** A value for a message: one line, and not too long. */
export function quoted(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = typeof value === 'string' ? value.slice(0, SHOWN_CHARACTERS_MAX) : value;
  return JSON.stringify(text);
}
