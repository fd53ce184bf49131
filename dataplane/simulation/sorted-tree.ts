/** A pair at rest. `key` is the sort key: the bytes as a Latin-1 string, which keeps their order. */
export interface Entry {
  readonly key: string;
  readonly bytes: Buffer;
  readonly value: Buffer;
}

/** A change: the entry to hold under the key, or undefined to remove it. */
export interface Edit {
  readonly key: string;
  readonly entry: Entry | undefined;
}

/** Entries of [start, end), from either end. */
export interface PageRequest {
  readonly start: string;
  readonly end: string;
  readonly reverse: boolean;
  readonly limit: number;
}

/**
 * A sorted map that never changes: an edit gives a new one which shares what stayed the same (a
 * B-tree, copied along the changed paths). So a snapshot is a reference, and so is what was durable.
 *
 * Nodes are not merged when entries go; empty ones are dropped, which suits logs and small data.
 */
export class SortedTree {
  static readonly empty = new SortedTree({ kind: 'leaf', edit: undefined, entries: [] });

  readonly #root: TreeNode;

  private constructor(root: TreeNode) {
    this.#root = root;
  }

  get(key: string): Entry | undefined {
    let node = this.#root;
    while (node.kind === 'branch') {
      const child = node.children[childIndex(node, key)];
      if (child === undefined) {
        return undefined;
      }
      node = child;
    }
    const entry = node.entries[lowerBound(node.entries, key)];
    return entry?.key === key ? entry : undefined;
  }

  /** The map after all edits, in their order. */
  with(edits: readonly Edit[]): SortedTree {
    // Nodes made by this call carry its mark and may be changed in place: nobody else sees them yet.
    const mark = {};
    let root = this.#root;
    for (const { key, entry } of edits) {
      root = entry === undefined ? without(root, key, mark) : grown(root, entry, mark);
    }
    return root === this.#root ? this : new SortedTree(root);
  }

  /** Up to `limit` entries of the range, from its start or (reversed) from its end. */
  page({ start, end, reverse, limit }: PageRequest): Entry[] {
    const found: Entry[] = [];
    if (start < end && limit > 0) {
      const collect = reverse ? collectBackward : collectForward;
      collect(this.#root, { start, end, reverse, limit }, found);
    }
    return found;
  }
}

type Mark = object;

interface Leaf {
  readonly kind: 'leaf';
  readonly edit: Mark | undefined;
  readonly entries: Entry[];
}

/** `lows[i]` is at most any key below `children[i]`, unless i is 0, and above all keys before it. */
interface Branch {
  readonly kind: 'branch';
  readonly edit: Mark | undefined;
  readonly lows: string[];
  readonly children: TreeNode[];
}

type TreeNode = Leaf | Branch;

/** Most entries of a leaf and children of a branch: copying so few costs less than finding more. */
const widthMax = 32;

/** The first entry at or after the key. */
function lowerBound(entries: readonly Entry[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const entry = entries[middle];
    if (entry !== undefined && entry.key < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** The child that holds the key if any does: the last whose low is at most the key, or the first. */
function childIndex({ lows }: Branch, key: string): number {
  let low = 1;
  let high = lows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const bound = lows[middle];
    if (bound !== undefined && bound <= key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - 1;
}

function owned<T extends TreeNode>(node: T, mark: Mark): T {
  if (node.edit === mark) {
    return node;
  }
  // The spread keeps the kind; only the lists are copied.
  return (
    node.kind === 'leaf'
      ? { ...node, edit: mark, entries: node.entries.slice() }
      : { ...node, edit: mark, lows: node.lows.slice(), children: node.children.slice() }
  ) as T;
}

/** The root with the entry in it, one level higher if it had to be split. */
function grown(root: TreeNode, entry: Entry, mark: Mark): TreeNode {
  const changed = put(root, entry, mark);
  const right = splitOff(changed, mark);
  return right === undefined
    ? changed
    : { kind: 'branch', edit: mark, lows: ['', lowOf(right)], children: [changed, right] };
}

function put(node: TreeNode, entry: Entry, mark: Mark): TreeNode {
  const changed = owned(node, mark);
  if (changed.kind === 'leaf') {
    const { entries } = changed;
    const index = lowerBound(entries, entry.key);
    entries.splice(index, entries[index]?.key === entry.key ? 1 : 0, entry);
    return changed;
  }
  const index = childIndex(changed, entry.key);
  const before = changed.children[index];
  if (before === undefined) {
    return changed;
  }
  const child = put(before, entry, mark);
  const right = splitOff(child, mark);
  changed.children[index] = child;
  if (right !== undefined) {
    changed.children.splice(index + 1, 0, right);
    changed.lows.splice(index + 1, 0, lowOf(right));
  }
  return changed;
}

/** Cuts a node that is too wide, in place; returns what was cut off. */
function splitOff(node: TreeNode, mark: Mark): TreeNode | undefined {
  if (node.kind === 'leaf') {
    return node.entries.length <= widthMax
      ? undefined
      : { kind: 'leaf', edit: mark, entries: node.entries.splice(cutAt(node.entries.length)) };
  }
  if (node.children.length <= widthMax) {
    return undefined;
  }
  const cut = cutAt(node.children.length);
  return {
    kind: 'branch',
    edit: mark,
    lows: node.lows.splice(cut),
    children: node.children.splice(cut),
  };
}

/** In the middle: what stays left may still grow. */
function cutAt(length: number): number {
  return length >> 1;
}

/** The low of a node that was just cut off, so it is not empty. */
function lowOf(node: TreeNode): string {
  return (node.kind === 'leaf' ? node.entries[0]?.key : node.lows[0]) ?? '';
}

function without(root: TreeNode, key: string, mark: Mark): TreeNode {
  let node = removed(root, key, mark);
  while (node.kind === 'branch') {
    const [only, second] = node.children;
    if (only === undefined || second !== undefined) {
      break;
    }
    node = only;
  }
  return node.kind === 'branch' && node.children.length === 0
    ? { kind: 'leaf', edit: mark, entries: [] }
    : node;
}

/** The node itself when the key is not below it. */
function removed(node: TreeNode, key: string, mark: Mark): TreeNode {
  if (node.kind === 'leaf') {
    const index = lowerBound(node.entries, key);
    if (node.entries[index]?.key !== key) {
      return node;
    }
    const changed = owned(node, mark);
    changed.entries.splice(index, 1);
    return changed;
  }
  const index = childIndex(node, key);
  const before = node.children[index];
  const child = before === undefined ? undefined : removed(before, key, mark);
  // A child that this call made is changed in place, so it may be the same and empty now.
  if (child === undefined || (child === before && !isEmpty(child))) {
    return node;
  }
  const changed = owned(node, mark);
  if (isEmpty(child)) {
    changed.children.splice(index, 1);
    changed.lows.splice(index, 1);
  } else {
    changed.children[index] = child;
  }
  return changed;
}

function isEmpty(node: TreeNode): boolean {
  return (node.kind === 'leaf' ? node.entries : node.children).length === 0;
}

function collectForward(node: TreeNode, request: PageRequest, found: Entry[]): void {
  const { start, end, limit } = request;
  if (node.kind === 'leaf') {
    for (let index = lowerBound(node.entries, start); found.length < limit; index += 1) {
      const entry = node.entries[index];
      if (entry === undefined || entry.key >= end) {
        return;
      }
      found.push(entry);
    }
    return;
  }
  const first = childIndex(node, start);
  for (let index = first; found.length < limit; index += 1) {
    const child = node.children[index];
    const low = node.lows[index];
    // The first child of all takes whatever is below its low, too.
    if (child === undefined || low === undefined || (index > first && low >= end)) {
      return;
    }
    collectForward(child, request, found);
  }
}

function collectBackward(node: TreeNode, request: PageRequest, found: Entry[]): void {
  const { start, end, limit } = request;
  if (node.kind === 'leaf') {
    for (let index = lowerBound(node.entries, end) - 1; found.length < limit; index -= 1) {
      const entry = node.entries[index];
      if (entry === undefined || entry.key < start) {
        return;
      }
      found.push(entry);
    }
    return;
  }
  const last = childIndex(node, end);
  const first = childIndex(node, start);
  for (let index = last; index >= first && found.length < limit; index -= 1) {
    const child = node.children[index];
    if (child !== undefined) {
      collectBackward(child, request, found);
    }
  }
}
