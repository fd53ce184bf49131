import { updateFaults } from '../errors/expressions.ts';
import {
  type AttributeMap,
  type AttributeValue,
  attributeOf,
  type Item,
  type MutableAttributeMap,
  setAttribute,
} from '../item/attribute-value.ts';
import { compareBase64, compareUtf8, sortedSet } from '../item/equality.ts';
import { NESTING_LEVELS_MAX } from '../item/limits.ts';
import { addNumbers, compareNumbers, subtractNumbers } from '../item/number.ts';
import type { Path, Update, UpdateAction, UpdateTerm } from './ast.ts';
import { childOf, valueAt } from './paths.ts';

/**
 * The item after the update. The one given is not changed; what the update does not touch is
 * shared with it.
 *
 * Every right side and every list index means the item before the update. First all values are
 * found, with all faults, then they are put in place.
 * @throws ClientFault for what does not fit the item: missing attributes, wrong types, paths that
 *   lead nowhere, numbers out of range, too deep nesting
 * @see reference/dynamodb.md section 7
 */
export function applyUpdate(update: Update, item: Item): Item {
  const values = update.map((action) =>
    action.kind === 'set' ? evaluateTerm(action.term, item) : undefined,
  );
  const changes = update.map((action, index): Change => {
    checkParent(action.path, item);
    const value = values[index] ?? outcomeOf(action, item);
    checkDepth(action.path, value);
    return { path: action.path, value };
  });
  return changeMap(item, changes, 0);
}

/** The paths an update may have changed, for UPDATED_OLD and UPDATED_NEW: to be projected. */
export function updatedPaths(update: Update): readonly Path[] {
  return update.map((action) => action.path);
}

/** A path of the item before the update, and its new value; undefined removes it. */
interface Change {
  readonly path: Path;
  readonly value: AttributeValue | undefined;
}

/** The depth of terms is bounded by the text's length; see `operand-parser.ts`. */
function evaluateTerm(term: UpdateTerm, item: Item): AttributeValue {
  switch (term.kind) {
    case 'value':
      return term.value;
    case 'path': {
      const value = valueAt(term.path, item);
      if (value === undefined) throw updateFaults.attributeMissing();
      return value;
    }
    case 'ifNotExists':
      return valueAt(term.path, item) ?? evaluateTerm(term.otherwise, item);
    case 'listAppend': {
      const left = evaluateTerm(term.left, item);
      const right = evaluateTerm(term.right, item);
      if (!('L' in left && 'L' in right)) throw updateFaults.operandType();
      return { L: [...left.L, ...right.L] };
    }
    case 'arithmetic': {
      const left = evaluateTerm(term.left, item);
      const right = evaluateTerm(term.right, item);
      if (!('N' in left && 'N' in right)) throw updateFaults.operandType();
      const compute = term.operator === '+' ? addNumbers : subtractNumbers;
      return { N: compute(left.N, right.N) };
    }
  }
}

/** What REMOVE, ADD and DELETE make of the value at their path. */
function outcomeOf(action: UpdateAction, item: Item): AttributeValue | undefined {
  switch (action.kind) {
    case 'set':
    case 'remove':
      return undefined;
    case 'add': {
      const old = valueAt(action.path, item);
      if (old === undefined) return action.value;
      return sumOf(old, action.value, action.legacy) ?? refuseType(action.legacy);
    }
    case 'delete': {
      const old = valueAt(action.path, item);
      if (old === undefined) return undefined;
      const kept = differenceOf(old, action.value);
      if (kept === undefined) return refuseType(action.legacy);
      return kept.members.length === 0 ? undefined : kept.set;
    }
  }
}

function refuseType(isLegacy: boolean): never {
  throw isLegacy ? updateFaults.legacyTypeMismatch() : updateFaults.operandType();
}

/** Sum of numbers, union of sets, and for AttributeUpdates one list behind the other. */
function sumOf(
  old: AttributeValue,
  added: AttributeValue,
  isLegacy: boolean,
): AttributeValue | undefined {
  if ('N' in added) return 'N' in old ? { N: addNumbers(old.N, added.N) } : undefined;
  if ('SS' in added)
    return 'SS' in old ? { SS: sortedSet(union(old.SS, added.SS), compareUtf8) } : undefined;
  if ('NS' in added)
    return 'NS' in old ? { NS: sortedSet(union(old.NS, added.NS), compareNumbers) } : undefined;
  if ('BS' in added)
    return 'BS' in old ? { BS: sortedSet(union(old.BS, added.BS), compareBase64) } : undefined;
  if (isLegacy && 'L' in added && 'L' in old) return { L: [...old.L, ...added.L] };
  return undefined;
}

function differenceOf(
  old: AttributeValue,
  removed: AttributeValue,
): { readonly set: AttributeValue; readonly members: readonly string[] } | undefined {
  if ('SS' in removed && 'SS' in old) {
    const members = difference(old.SS, removed.SS);
    return { set: { SS: members }, members };
  }
  if ('NS' in removed && 'NS' in old) {
    const members = difference(old.NS, removed.NS);
    return { set: { NS: members }, members };
  }
  if ('BS' in removed && 'BS' in old) {
    const members = difference(old.BS, removed.BS);
    return { set: { BS: members }, members };
  }
  return undefined;
}

/** Members are canonical: equal exactly when their texts are. */
function union(old: readonly string[], added: readonly string[]): readonly string[] {
  return [...new Set([...old, ...added])];
}

function difference(old: readonly string[], removed: readonly string[]): readonly string[] {
  const gone = new Set(removed);
  return old.filter((member) => !gone.has(member));
}

/** The last step of a path needs a map or list to go into; all that come before it must be there. */
function checkParent(path: Path, item: Item): void {
  if (path.length === 1) return;
  const [head, ...rest] = path;
  let parent = attributeOf(item, head);
  for (const part of rest.slice(0, -1)) {
    parent = parent === undefined ? undefined : childOf(parent, part);
  }
  const isFit = typeof rest.at(-1) === 'number' ? isList(parent) : isMap(parent);
  if (!isFit) throw updateFaults.invalidPath();
}

function isMap(value: AttributeValue | undefined): boolean {
  return value !== undefined && 'M' in value;
}

function isList(value: AttributeValue | undefined): boolean {
  return value !== undefined && 'L' in value;
}

/** An attribute's value is on level 1; each step of the path and of the value is one more. */
function checkDepth(path: Path, value: AttributeValue | undefined): void {
  if (value !== undefined && path.length - 1 + levelsOf(value) > NESTING_LEVELS_MAX) {
    throw updateFaults.nestingTooDeep();
  }
}

/** Levels of a value that is part of an item, hence of at most `NESTING_LEVELS_MAX`. */
function levelsOf(value: AttributeValue): number {
  let inner = 0;
  if ('M' in value) {
    for (const name in value.M) {
      const member = value.M[name];
      if (member !== undefined) inner = Math.max(inner, levelsOf(member));
    }
  } else if ('L' in value) {
    for (const element of value.L) inner = Math.max(inner, levelsOf(element));
  }
  return inner + 1;
}

/** A map with changes put in place; their paths go on from it at `depth`. */
function changeMap(map: AttributeMap, changes: readonly Change[], depth: number): AttributeMap {
  const result: MutableAttributeMap = { ...map };
  for (const [name, group] of groupByPart(changes, depth)) {
    if (typeof name !== 'string') throw new Error('paths into a map go on by a name');
    const value = changeValue(attributeOf(map, name), group, depth + 1);
    if (value === undefined) delete result[name];
    else setAttribute(result, name, value);
  }
  return result;
}

/** Indexes mean the old list: elements are replaced, then appended in order, then removed. */
function changeList(
  list: readonly AttributeValue[],
  changes: readonly Change[],
  depth: number,
): readonly AttributeValue[] {
  const elements: (AttributeValue | undefined)[] = [...list];
  const groups = [...groupByPart(changes, depth)].sort(([a], [b]) => Number(a) - Number(b));
  for (const [index, group] of groups) {
    if (typeof index !== 'number') throw new Error('paths into a list go on by an index');
    const value = changeValue(list[index], group, depth + 1);
    if (index < list.length) elements[index] = value;
    else elements.push(value);
  }
  return elements.filter((element) => element !== undefined);
}

/** One change that ends here, or several that go on inside. */
function changeValue(
  old: AttributeValue | undefined,
  changes: readonly Change[],
  depth: number,
): AttributeValue | undefined {
  const [first] = changes;
  if (first !== undefined && first.path.length === depth) return first.value;
  if (old !== undefined && 'M' in old) return { M: changeMap(old.M, changes, depth) };
  if (old !== undefined && 'L' in old) return { L: changeList(old.L, changes, depth) };
  throw new Error('every parent was checked');
}

function groupByPart(
  changes: readonly Change[],
  depth: number,
): Iterable<readonly [string | number, readonly Change[]]> {
  const [only] = changes;
  const part = only?.path[depth];
  if (changes.length === 1 && part !== undefined) return [[part, changes]];
  return Map.groupBy(changes, (change) => change.path[depth] ?? '');
}
