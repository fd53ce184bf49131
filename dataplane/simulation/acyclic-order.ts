/**
 * A graph without cycles that grows and shrinks at its end, and an order of its nodes in which every
 * edge points forward. An edge that goes with the order costs nothing; else only what lies between
 * its ends is moved.
 *
 * @see Pearce and Kelly, "A Dynamic Topological Sort Algorithm for Directed Acyclic Graphs", 2006
 */
export class AcyclicOrder {
  /** Per node, its place. */
  readonly #places: Int32Array;
  readonly #edgesFrom: Edge[][];
  readonly #edgesTo: Edge[][];
  readonly #added: Edge[] = [];
  #steps = 0;

  /** @param order - of all nodes, in which every edge points forward */
  constructor(edgesTo: readonly (readonly number[])[], order: readonly number[]) {
    this.#places = new Int32Array(order.length);
    for (const [place, node] of order.entries()) this.#places[node] = place;
    this.#edgesFrom = edgesTo.map(() => []);
    this.#edgesTo = edgesTo.map((froms, to) => froms.map((from) => ({ from, to, cause: GIVEN })));
    for (const edges of this.#edgesTo) {
      for (const edge of edges) this.#edgesFrom[edge.from]?.push(edge);
    }
  }

  /** Nodes that were looked at. */
  get steps(): number {
    return this.#steps;
  }

  get addedCount(): number {
    return this.#added.length;
  }

  isBefore(one: number, other: number): boolean {
    return this.#placeOf(one) < this.#placeOf(other);
  }

  /**
   * Adds an edge, if that makes no cycle. Otherwise tells the causes of the edges of a path back,
   * without those that were given, and adds nothing.
   */
  add(from: number, to: number, cause: number): ReadonlySet<number> | undefined {
    this.#steps += 1;
    if (from === to) return new Set();
    if (this.#placeOf(from) > this.#placeOf(to)) {
      const causes = this.#move(from, to);
      if (causes !== undefined) return causes;
    }
    const edge: Edge = { from, to, cause };
    this.#added.push(edge);
    this.#edgesFrom[from]?.push(edge);
    this.#edgesTo[to]?.push(edge);
    return undefined;
  }

  /** Takes back all edges but the first that were added. */
  keep(addedCount: number): void {
    while (this.#added.length > addedCount) {
      const edge = this.#added.pop();
      if (edge === undefined) return;
      this.#edgesFrom[edge.from]?.pop();
      this.#edgesTo[edge.to]?.pop();
    }
  }

  /** Brings `to` behind `from`; causes of a path the other way if that cannot be. */
  #move(from: number, to: number): ReadonlySet<number> | undefined {
    const after = new Map<number, Edge | undefined>([[to, undefined]]);
    const last = this.#placeOf(from);
    for (const node of after.keys()) {
      for (const edge of this.#edgesFrom[node] ?? []) {
        this.#steps += 1;
        if (edge.to === from) return causesOf(edge, after);
        if (this.#placeOf(edge.to) < last && !after.has(edge.to)) after.set(edge.to, edge);
      }
    }
    const before = new Set([from]);
    const first = this.#placeOf(to);
    for (const node of before) {
      for (const edge of this.#edgesTo[node] ?? []) {
        this.#steps += 1;
        if (this.#placeOf(edge.from) > first) before.add(edge.from);
      }
    }
    this.#reorder([...this.#inOrder(before), ...this.#inOrder(after.keys())]);
    return undefined;
  }

  #inOrder(nodes: Iterable<number>): readonly number[] {
    return [...nodes].sort((one, other) => this.#placeOf(one) - this.#placeOf(other));
  }

  /** The nodes in this order, in the places that they have. */
  #reorder(nodes: readonly number[]): void {
    const places = nodes.map((node) => this.#placeOf(node)).sort((one, other) => one - other);
    for (const [index, node] of nodes.entries()) this.#places[node] = places[index] ?? 0;
  }

  #placeOf(node: number): number {
    return this.#places[node] ?? 0;
  }
}

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly cause: number;
}

/** Cause of the edges that were there at the beginning. */
const GIVEN = -1;

function causesOf(last: Edge, cameBy: ReadonlyMap<number, Edge | undefined>): ReadonlySet<number> {
  const causes = new Set<number>();
  for (let edge: Edge | undefined = last; edge !== undefined; edge = cameBy.get(edge.from)) {
    if (edge.cause !== GIVEN) causes.add(edge.cause);
  }
  return causes;
}
