import {
  entryStep,
  isList,
  isMap,
  type Json,
  type JsonMap,
  memberStep,
  type PathStep,
} from './field-set.ts';

/** Members of a Table's spec that are lists of entries with a key (`x-kubernetes-list-map-keys`). */
const LIST_KEYS: ReadonlyMap<string, string> = new Map([
  ['attributeDefinitions', 'attributeName'],
  ['globalSecondaryIndexes', 'indexName'],
  ['localSecondaryIndexes', 'indexName'],
  ['tags', 'key'],
]);

export interface SpecChange {
  /** What is to be applied: `own`, changed where `after` differs from `before`. */
  readonly configuration: JsonMap;
  /** Fields that are to go: leaving them out lets go of them, and whoever else owns them keeps them. */
  readonly removed: readonly (readonly PathStep[])[];
  readonly isEmpty: boolean;
}

interface Place {
  readonly path: readonly PathStep[];
  readonly removed: (readonly PathStep[])[];
  readonly changed: { any: boolean };
}

/**
 * The change from one spec to another, laid over what a field manager has applied before. What does not
 * change is neither added nor taken away, so it stays with whoever owns it.
 *
 * The order of lists with keys means nothing.
 */
export function specChange(own: JsonMap, before: JsonMap, after: JsonMap): SpecChange {
  const removed: (readonly PathStep[])[] = [];
  const changed = { any: false };
  const place = { path: [memberStep('spec')], removed, changed };
  const configuration = changedMap({ own, before, after }, place);
  return { configuration, removed, isEmpty: !changed.any };
}

interface Versions<T> {
  readonly own: T | undefined;
  readonly before: T | undefined;
  readonly after: T | undefined;
}

function changedMap({ own, before, after }: Versions<JsonMap>, place: Place): JsonMap {
  const names = new Set([own, before, after].flatMap((map) => Object.keys(map ?? {})));
  const members = Array.from(names, (name): [string, Json | undefined] => {
    const versions = { own: own?.[name], before: before?.[name], after: after?.[name] };
    const path = [...place.path, memberStep(name)];
    return [name, changedValue(versions, { ...place, path }, LIST_KEYS.get(name))];
  });
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

function changedValue(
  versions: Versions<Json>,
  place: Place,
  listKey: string | undefined,
): Json | undefined {
  const { own, before, after } = versions;
  if (isSame(before, after, listKey)) return own;
  place.changed.any = true;
  // Entry by entry, so that each has its own place.
  if (listKey !== undefined && isListOrNone(before) && isListOrNone(after)) {
    return changedEntries({ own: isList(own) ? own : undefined, before, after }, place, listKey);
  }
  if (after === undefined) {
    place.removed.push(place.path);
    return undefined;
  }
  if (before === undefined) return after;
  if (isMap(before) && isMap(after)) {
    return changedMap({ own: isMap(own) ? own : undefined, before, after }, place);
  }
  return after;
}

function isListOrNone(value: Json | undefined): value is readonly Json[] | undefined {
  return value === undefined || isList(value);
}

function changedEntries(
  { own, before, after }: Versions<readonly Json[]>,
  place: Place,
  key: string,
): Json | undefined {
  const lists = { own: byKey(own, key), before: byKey(before, key), after: byKey(after, key) };
  const names = new Set([...lists.own.keys(), ...lists.before.keys(), ...lists.after.keys()]);
  const entries = [...names].flatMap((name) => {
    const path = [...place.path, entryStep(key, name)];
    const versions = {
      own: lists.own.get(name),
      before: lists.before.get(name),
      after: lists.after.get(name),
    };
    const entry = changedValue(versions, { ...place, path }, undefined);
    // Its key says which entry a changed member is of.
    return entry === undefined ? [] : [isMap(entry) ? { [key]: name, ...entry } : entry];
  });
  return entries.length === 0 ? undefined : entries;
}

function byKey(list: readonly Json[] | undefined, key: string): ReadonlyMap<string, Json> {
  return new Map((list ?? []).map((entry) => [isMap(entry) ? String(entry[key]) : '', entry]));
}

/** Maps by their members in any order, lists with keys by their entries in any order. */
function isSame(a: Json | undefined, b: Json | undefined, listKey?: string): boolean {
  if (a === b) return true;
  if (isList(a) && isList(b)) {
    if (a.length !== b.length) return false;
    if (listKey === undefined) return a.every((entry, index) => isSame(entry, b[index]));
    const others = byKey(b, listKey);
    return [...byKey(a, listKey)].every(([name, entry]) => isSame(entry, others.get(name)));
  }
  if (!isMap(a) || !isMap(b)) return false;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => isSame(a[name], b[name], LIST_KEYS.get(name)));
}
