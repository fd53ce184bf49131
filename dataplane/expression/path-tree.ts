import { type ExpressionKind, expressionFaults } from '../errors/expressions.ts';
import type { Path } from './ast.ts';
import { pathText } from './paths.ts';

/**
 * Refuses paths of one update or projection that overlap (one is the start of another, or the
 * same), else those that conflict (one takes as a list what another takes as a map). The first
 * path in the text that clashes is reported, with the first one it clashes with. Linear time.
 * @throws ClientFault
 */
export function checkPathsDisjoint(paths: readonly Path[], kind: ExpressionKind): void {
  if (paths.length < 2) return;
  const root = newNode(-1);
  let conflict: readonly [Path, Path] | undefined;
  paths.forEach((path, index) => {
    const clash = insert(root, path, index);
    if (clash === undefined) return;
    const other = paths[clash.with];
    if (other === undefined) throw new Error('a path clashes with one before it');
    if (clash.kind === 'overlap') {
      throw expressionFaults.overlappingPaths(kind, pathText(other), pathText(path));
    }
    conflict ??= [other, path];
  });
  if (conflict !== undefined) {
    const [one, two] = conflict;
    throw expressionFaults.conflictingPaths(kind, pathText(one), pathText(two));
  }
}

interface Node {
  readonly children: Map<string | number, Node>;
  /** The first path through or to here. */
  readonly firstPath: number;
  /** The path that ends here. */
  end: number | undefined;
  /** The first paths that go on from here by a name, and by an index. */
  firstByName: number | undefined;
  firstByIndex: number | undefined;
}

interface Clash {
  readonly kind: 'overlap' | 'conflict';
  readonly with: number;
}

function newNode(firstPath: number): Node {
  return {
    children: new Map(),
    firstPath,
    end: undefined,
    firstByName: undefined,
    firstByIndex: undefined,
  };
}

/** Adds a path, unless it overlaps one that is there. */
function insert(root: Node, path: Path, index: number): Clash | undefined {
  let node = root;
  let clash: Clash | undefined;
  for (const part of path) {
    if (node.end !== undefined) return { kind: 'overlap', with: node.end };
    const opposite = typeof part === 'number' ? node.firstByName : node.firstByIndex;
    if (opposite !== undefined) clash ??= { kind: 'conflict', with: opposite };
    if (typeof part === 'number') node.firstByIndex ??= index;
    else node.firstByName ??= index;
    let child = node.children.get(part);
    if (child === undefined) {
      child = newNode(index);
      node.children.set(part, child);
    }
    node = child;
  }
  if (node.firstPath !== index) return { kind: 'overlap', with: node.firstPath };
  node.end = index;
  return clash;
}
