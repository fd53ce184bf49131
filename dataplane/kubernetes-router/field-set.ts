import type { ManagedFields } from '../kubernetes/object.ts';

/**
 * Fields of an object, as `managedFields` writes them down (FieldsV1): `f:name` is a member,
 * `k:{"indexName":"ByYear"}` the entry of a list that has those keys, `v:"x"` an element of a set;
 * `.` stands for the thing itself beside what is in it. A leaf holds nothing.
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
export interface FieldSet {
  readonly [step: string]: FieldSet;
}

export type Json = null | boolean | number | string | readonly Json[] | JsonMap;
export interface JsonMap {
  readonly [member: string]: Json | undefined;
}

/** From the root of an object: a member, or the entry of a list by its key. */
export type PathStep =
  | { readonly member: string }
  | { readonly key: string; readonly value: string };

export const memberStep = (member: string): PathStep => ({ member });
export const entryStep = (key: string, value: string): PathStep => ({ key, value });

/** `spec.globalSecondaryIndexes[indexName="ByYear"].projection`, as the API server writes it. */
export function pathText(path: readonly PathStep[]): string {
  return path
    .map((step) =>
      'member' in step ? `.${step.member}` : `[${step.key}=${JSON.stringify(step.value)}]`,
    )
    .join('')
    .slice(1);
}

/** The inverse, of fields that the API server names in a conflict: they begin with a dot. */
export function pathOfText(text: string): readonly PathStep[] {
  const steps = text.matchAll(/\.([^.[]+)|\[([^=\]]+)=("(?:[^"\\]|\\.)*")\]/g);
  return Array.from(steps, ([, member, key, value]) =>
    member === undefined ? entryStep(key ?? '', JSON.parse(value ?? '""')) : memberStep(member),
  );
}

/** The fields of all these entries together. */
export function fieldsOf(entries: readonly ManagedFields[]): FieldSet {
  // As the API server writes them.
  return entries.map(({ fieldsV1 }) => fieldsV1 as FieldSet).reduce(union, {});
}

/** Managers that own the field, or something in it; each once. */
export function managersOf(
  entries: readonly ManagedFields[],
  path: readonly PathStep[],
): readonly string[] {
  const owners = entries.filter((entry) => at(fieldsOf([entry]), path) !== undefined);
  return [...new Set(owners.map(({ manager }) => manager))];
}

/**
 * What of a value is in the field set: what a manager would have to apply again so as to keep it.
 * Undefined when nothing is.
 */
export function extract(value: Json | undefined, fields: FieldSet): Json | undefined {
  if (value === undefined) return undefined;
  const steps = Object.keys(fields);
  // A leaf: lists are owned as a whole, of maps only that there is one (Table has no atomic maps).
  if (isList(value)) return steps.length === 0 ? value : extractEntries(value, fields);
  if (!isMap(value)) return value;
  const members = Object.entries(value).flatMap(([name, member]) => {
    const below = fields[`f:${name}`];
    const extracted = below === undefined ? undefined : extract(member, below);
    return extracted === undefined ? [] : [[name, extracted] as const];
  });
  return members.length === 0 ? undefined : Object.fromEntries(members);
}

export function isMap(value: Json | undefined): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The map; of what is none, an empty one. */
export function mapOf(value: Json | undefined): JsonMap {
  return isMap(value) ? value : {};
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function extractEntries(list: readonly Json[], fields: FieldSet): Json | undefined {
  const entries = list.flatMap((entry): readonly Json[] => {
    const owned = Object.entries(fields).find(([step]) => isStepOf(step, entry));
    if (owned === undefined) return [];
    const [step, below] = owned;
    const extracted = extract(entry, below);
    // The keys tell which entry it is, whoever owns them.
    return isMap(entry) ? [{ ...keysOf(step), ...mapOf(extracted) }] : [entry];
  });
  return entries.length === 0 ? undefined : entries;
}

function isStepOf(step: string, entry: Json): boolean {
  if (step.startsWith('v:')) return JSON.stringify(entry) === step.slice(2);
  if (!step.startsWith('k:') || !isMap(entry)) return false;
  return Object.entries(keysOf(step)).every(([key, value]) => entry[key] === value);
}

/** `{"indexName": "ByYear"}` of `k:{"indexName":"ByYear"}`. */
function keysOf(step: string): JsonMap {
  // What the API server has written.
  return step.startsWith('k:') ? (JSON.parse(step.slice(2)) as JsonMap) : {};
}

/** The part of the set at a path; undefined when nothing of it is in the set. */
function at(fields: FieldSet, path: readonly PathStep[]): FieldSet | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return fields;
  const below = Object.entries(fields).find(([step]) => isStep(step, first))?.[1];
  // An empty map on the way owns nothing in it: it is what is left when fields were given up.
  return below === undefined ? undefined : at(below, rest);
}

function isStep(step: string, wanted: PathStep): boolean {
  if ('member' in wanted) return step === `f:${wanted.member}`;
  return step.startsWith('k:') && keysOf(step)[wanted.key] === wanted.value;
}

function union(a: FieldSet, b: FieldSet): FieldSet {
  const steps = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries(
    Array.from(steps, (step) => [step, union(a[step] ?? {}, b[step] ?? {})]),
  );
}
