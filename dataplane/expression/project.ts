import {
  type AttributeMap,
  type AttributeValue,
  attributeOf,
  type Item,
  type MutableAttributeMap,
  setAttribute,
} from '../item/attribute-value.ts';
import type { Path, Projection } from './ast.ts';

/**
 * The part of an item that the paths name, as a partial document: maps keep only the named members,
 * lists only the named elements, in their order and without gaps. What is missing is left out.
 * Paths neither overlap nor conflict (`path-tree.ts`).
 * @see reference/dynamodb.md section 7
 */
export function project(projection: Projection, item: Item): Item {
  return projectMap(treeOf(projection), item);
}

/** The named attributes, whole. */
export function projectTopLevel(names: Iterable<string>, item: Item): Item {
  const result: MutableAttributeMap = {};
  for (const name of names) {
    const value = attributeOf(item, name);
    if (value !== undefined) setAttribute(result, name, value);
  }
  return result;
}

/** Steps from one level of a document; undefined stands where a path ends. List indexes ascend. */
type PathTree = ReadonlyMap<string | number, PathTree | undefined>;

/** One projection serves many items of a page. */
const trees = new WeakMap<Projection, PathTree>();

function treeOf(projection: Projection): PathTree {
  const known = trees.get(projection);
  if (known !== undefined) return known;
  const tree = buildTree(projection, 0);
  trees.set(projection, tree);
  return tree;
}

function buildTree(paths: readonly Path[], depth: number): PathTree {
  const groups = [...Map.groupBy(paths, (path) => path[depth] ?? '')];
  groups.sort(([a], [b]) => (typeof a === 'number' && typeof b === 'number' ? a - b : 0));
  return new Map(
    groups.map(([part, group]) => {
      const endsHere = group.some((path) => path.length === depth + 1);
      return [part, endsHere ? undefined : buildTree(group, depth + 1)];
    }),
  );
}

function projectMap(tree: PathTree, map: AttributeMap): MutableAttributeMap {
  const result: MutableAttributeMap = {};
  for (const [part, below] of tree) {
    if (typeof part !== 'string') continue;
    const value = attributeOf(map, part);
    const projected = value === undefined ? undefined : projectValue(below, value);
    if (projected !== undefined) setAttribute(result, part, projected);
  }
  return result;
}

function projectValue(
  tree: PathTree | undefined,
  value: AttributeValue,
): AttributeValue | undefined {
  if (tree === undefined) return value;
  if ('M' in value) {
    const map = projectMap(tree, value.M);
    for (const _ in map) return { M: map };
    return undefined;
  }
  if (!('L' in value)) return undefined;
  const elements: AttributeValue[] = [];
  for (const [part, below] of tree) {
    const element = typeof part === 'number' ? value.L[part] : undefined;
    const projected = element === undefined ? undefined : projectValue(below, element);
    if (projected !== undefined) elements.push(projected);
  }
  return elements.length === 0 ? undefined : { L: elements };
}
