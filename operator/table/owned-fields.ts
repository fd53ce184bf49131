import { LRUCache } from 'lru-cache';
import type { ManagedFields } from '../../dataplane/kubernetes/object.ts';
import { FIELD_MANAGER } from './names.ts';

/** Kubernetes' FieldsV1: `f:name` a member, `k:{...}` the element with these keys, `v:...` a value, `.` itself. */
type Fields = Readonly<Record<string, unknown>>;

/** Far more than there are kinds of children; a table's and another's own the same fields. */
const DISTINCT_MAX = 1_000;
const distinct = new LRUCache<string, readonly ManagedFields[]>({ max: DISTINCT_MAX });

/**
 * What the API server says that this operator owns of an object, its status aside. Objects that own the same
 * share one value, since caches keep it.
 */
export function ownedFields(managedFields: readonly ManagedFields[]): readonly ManagedFields[] {
  const own = managedFields
    .filter(({ manager, subresource }) => manager === FIELD_MANAGER && subresource === undefined)
    .map(({ time: _, ...entry }) => entry);
  const text = JSON.stringify(own);
  const known = distinct.get(text);
  if (known === undefined) distinct.set(text, own);
  return known ?? own;
}

/**
 * Whether all that was applied is still the operator's. Who changes or removes a field takes it away (server-side
 * apply), so this tells of changes that were made while no operator ran.
 * @param owned - of `ownedFields`
 * @param applied - what was applied
 */
export function ownsAll(owned: readonly ManagedFields[], applied: Applied): boolean {
  const { metadata, ...rest } = applied;
  const { labels, annotations } = metadata ?? {};
  const nodes = owned.map(({ fieldsV1 }) => fieldsV1);
  return Object.entries({ ...rest, metadata: { labels, annotations } }).every(
    ([name, value]) => IDENTITY.has(name) || isOwned(below(nodes, `f:${name}`), value),
  );
}

interface Applied {
  readonly metadata?: { readonly labels?: object; readonly annotations?: object };
}

/** Nobody owns them. */
const IDENTITY: ReadonlySet<string> = new Set(['apiVersion', 'kind']);

/** @param nodes - of each entry that owns something of the value */
function isOwned(nodes: readonly Fields[], value: unknown): boolean {
  if (isNothing(value)) return true;
  if (nodes.length === 0) return false;
  // A plain value, or a list or map that has one owner as a whole.
  if (nodes.some(isLeaf)) return true;
  if (Array.isArray(value)) {
    return value.every((element) => isOwned(ofElement(nodes, element), element));
  }
  return Object.entries(asFields(value)).every(([name, member]) =>
    isOwned(below(nodes, `f:${name}`), member),
  );
}

function ofElement(nodes: readonly Fields[], element: unknown): readonly Fields[] {
  const isIts = (path: string): boolean => {
    if (path.startsWith('v:')) return path.slice(2) === JSON.stringify(element);
    return path.startsWith('k:') && hasKeys(element, asFields(JSON.parse(path.slice(2))));
  };
  return nodes.flatMap((node) =>
    Object.keys(node)
      .filter(isIts)
      .map((path) => asFields(node[path])),
  );
}

/** Keys that an element leaves out have their defaults. */
function hasKeys(element: unknown, keys: Fields): boolean {
  const members = asFields(element);
  return Object.entries(keys).every(([name, key]) => (members[name] ?? key) === key);
}

function below(nodes: readonly Fields[], path: string): readonly Fields[] {
  return nodes.flatMap((node) => (Object.hasOwn(node, path) ? [asFields(node[path])] : []));
}

function isLeaf(node: Fields): boolean {
  return Object.keys(node).every((path) => path === '.');
}

/** What says nothing owns nothing. */
function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'object' && Object.values(value).every(isNothing);
}

function asFields(value: unknown): Fields {
  // Of JSON: a member of an object, or of FieldsV1, which is objects all the way down.
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
