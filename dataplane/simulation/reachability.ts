/** Which nodes of a graph can be reached from which: a bit a pair. */
export class Reachability {
  readonly #words: number;
  readonly #rows: Uint32Array;
  /** An order of the nodes in which every edge points forward; undefined: there is a cycle. */
  readonly order: Int32Array | undefined;

  /** @param edgesTo - per node, where edges to it come from */
  constructor(edgesTo: readonly (readonly number[])[]) {
    const count = edgesTo.length;
    this.#words = Math.ceil(count / WORD_BITS);
    const edgesFrom = turned(edgesTo);
    this.order = topologicalOrder(edgesTo, edgesFrom);
    this.#rows = new Uint32Array(this.order === undefined ? 0 : count * this.#words);
    if (this.order !== undefined) this.#fill(this.order, edgesTo);
  }

  /** Whether there is a path, of one edge or more. Only where there is no cycle. */
  has(from: number, to: number): boolean {
    const word = this.#rows[from * this.#words + (to >>> WORD_SHIFT)] ?? 0;
    return ((word >>> (to & WORD_MASK)) & 1) === 1;
  }

  #fill(order: Int32Array, edgesTo: readonly (readonly number[])[]): void {
    // Nearest first: most of the others are reached through those, and are passed over.
    const nearestFirst: number[][] = edgesTo.map(() => []);
    for (const to of order) {
      for (const from of edgesTo[to] ?? []) nearestFirst[from]?.push(to);
    }
    for (let at = order.length - 1; at >= 0; at -= 1) {
      const from = order[at] ?? 0;
      for (const to of nearestFirst[from] ?? []) {
        if (!this.has(from, to)) this.#join(from, to);
      }
    }
  }

  /** `from` reaches `to`, and whatever that reaches. */
  #join(from: number, to: number): void {
    const rows = this.#rows;
    const [target, source] = [from * this.#words, to * this.#words];
    for (let word = 0; word < this.#words; word += 1) {
      rows[target + word] = (rows[target + word] ?? 0) | (rows[source + word] ?? 0);
    }
    const own = target + (to >>> WORD_SHIFT);
    rows[own] = (rows[own] ?? 0) | (1 << (to & WORD_MASK));
  }
}

/** Per node, where edges from it go to. */
function turned(edgesTo: readonly (readonly number[])[]): readonly number[][] {
  const edgesFrom: number[][] = edgesTo.map(() => []);
  for (const [to, froms] of edgesTo.entries()) {
    for (const from of froms) edgesFrom[from]?.push(to);
  }
  return edgesFrom;
}

function topologicalOrder(
  edgesTo: readonly (readonly number[])[],
  edgesFrom: readonly (readonly number[])[],
): Int32Array | undefined {
  const waitsFor = Int32Array.from(edgesTo, (froms) => froms.length);
  const order = new Int32Array(edgesTo.length);
  let count = 0;
  for (const [node, froms] of edgesTo.entries()) {
    if (froms.length === 0) order[count++] = node;
  }
  for (let at = 0; at < count; at += 1) {
    for (const to of edgesFrom[order[at] ?? 0] ?? []) {
      waitsFor[to] = (waitsFor[to] ?? 0) - 1;
      if (waitsFor[to] === 0) order[count++] = to;
    }
  }
  return count === edgesTo.length ? order : undefined;
}

const WORD_BITS = 32;
const WORD_SHIFT = 5;
const WORD_MASK = 31;
