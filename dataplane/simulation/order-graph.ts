import { BEGINNING, type ItemDependencies } from './item-dependencies.ts';
import { Reachability } from './reachability.ts';
import { printTransaction, printVersion, type Version } from './transaction-history.ts';

/** Why one operation comes before another. */
export type OrderReason =
  | { readonly kind: 'answered' }
  /** The later one met what the earlier one wrote. */
  | { readonly kind: 'met'; readonly item: string; readonly version: Version }
  /** The later one replaced what the earlier one met: a known version, right after it. */
  | { readonly kind: 'replaced'; readonly item: string; readonly version: Version }
  /**
   * One of the two wrote the item as well as the writer of what the reader met, and must not come
   * between these two.
   */
  | { readonly kind: 'notBetween'; readonly item: string; readonly between: Between };

export interface Between {
  readonly writer: number;
  readonly reader: number;
  /** Who would come between them. */
  readonly other: number;
}

/** What is known of the order of operations: edges, each with a reason. */
export class OrderGraph {
  readonly #dependencies: ItemDependencies;
  /** Per node, where its edges come from. */
  readonly edgesTo: number[][];
  readonly #reasons = new Map<number, OrderReason>();
  #reachability: Reachability;

  constructor(dependencies: ItemDependencies) {
    this.#dependencies = dependencies;
    this.edgesTo = dependencies.nodes.map((_, node) => (node === BEGINNING ? [] : [BEGINNING]));
    this.#reachability = new Reachability(this.edgesTo);
  }

  /** Nothing new if the edge is there. */
  add(from: number, to: number, reason: OrderReason): void {
    const name = this.#nameOf(from, to);
    if (from === BEGINNING || this.#reasons.has(name)) return;
    this.#reasons.set(name, reason);
    this.edgesTo[to]?.push(from);
  }

  /** By the edges that were there when `close` was called last. */
  get reachability(): Reachability {
    return this.#reachability;
  }

  /** Takes all edges into account. False: there is a cycle. */
  close(): boolean {
    this.#reachability = new Reachability(this.edgesTo);
    return this.#reachability.order !== undefined;
  }

  /** In words: the shortest way round, where there is one. */
  cycleText(): string {
    const nodes = this.#shortestCycle();
    const reasons = nodes.map((node, index) => {
      const next = nodes[(index + 1) % nodes.length] ?? node;
      return this.#textOf(node, next);
    });
    return [
      'These cannot be put in order:',
      ...this.printed(nodes),
      ...reasons.map((text) => `  ${text}`),
    ].join('\n');
  }

  /** The operations, one a line. */
  printed(nodes: readonly number[]): readonly string[] {
    return nodes.flatMap((node) => {
      const operation = this.#dependencies.nodes[node];
      return operation === undefined ? [] : [`  ${printTransaction(operation)}`];
    });
  }

  #nameOf(from: number, to: number): number {
    return from * this.edgesTo.length + to;
  }

  #label(node: number): string {
    const operation = this.#dependencies.nodes[node];
    return operation === undefined ? 'the beginning' : `#${operation.id}`;
  }

  #textOf(from: number, to: number): string {
    const [earlier, later] = [this.#label(from), this.#label(to)];
    const order = `${earlier} comes before ${later}`;
    const reason = this.#reasons.get(this.#nameOf(from, to));
    switch (reason?.kind) {
      case undefined:
        return order;
      case 'answered':
        return `${order}: it was answered before ${later} was called`;
      case 'met':
        return `${order}: ${later} met its ${reason.item} (${printVersion(reason.version)})`;
      case 'replaced':
        return `${order}: ${later} replaced the ${reason.item} (${printVersion(reason.version)}) that ${earlier} met`;
      case 'notBetween': {
        const { writer, reader, other } = reason.between;
        const [wrote, met, between] = [writer, reader, other].map((node) => this.#label(node));
        const known =
          from === reader
            ? `${wrote} is known to be before ${between}`
            : `${between} is known to be before ${met}`;
        return `${order}: ${met} met the ${reason.item} of ${wrote}, so that ${between}, which writes it too, is not between them; ${known}`;
      }
    }
  }

  #shortestCycle(): readonly number[] {
    let shortest: readonly number[] | undefined;
    for (const node of this.#cyclic().slice(0, CYCLE_STARTS_MAX)) {
      const cycle = this.#cycleThrough(node, shortest?.length ?? Number.POSITIVE_INFINITY);
      if (cycle !== undefined) shortest = cycle;
    }
    return shortest ?? [];
  }

  /** Nodes that are left when those are taken away, again and again, to which no edge goes. */
  #cyclic(): readonly number[] {
    const waitsFor = this.edgesTo.map((froms) => froms.length);
    const edgesFrom: number[][] = this.edgesTo.map(() => []);
    for (const [to, froms] of this.edgesTo.entries()) {
      for (const from of froms) edgesFrom[from]?.push(to);
    }
    const free = waitsFor.flatMap((count, node) => (count === 0 ? [node] : []));
    for (const node of free) {
      for (const to of edgesFrom[node] ?? []) {
        waitsFor[to] = (waitsFor[to] ?? 0) - 1;
        if (waitsFor[to] === 0) free.push(to);
      }
    }
    return waitsFor.flatMap((count, node) => (count > 0 ? [node] : []));
  }

  /** The shortest, if it has fewer nodes than that; searched backwards along the edges. */
  #cycleThrough(start: number, limit: number): readonly number[] | undefined {
    const next = new Map<number, number>();
    let reached = [start];
    for (let length = 1; length < limit && reached.length > 0; length += 1) {
      const further: number[] = [];
      for (const to of reached) {
        for (const from of this.edgesTo[to] ?? []) {
          if (from === start) return pathOf(start, to, next);
          if (next.has(from)) continue;
          next.set(from, to);
          further.push(from);
        }
      }
      reached = further;
    }
    return undefined;
  }
}

function pathOf(
  start: number,
  first: number,
  next: ReadonlyMap<number, number>,
): readonly number[] {
  const path = [start];
  for (let node = first; node !== start; node = next.get(node) ?? start) path.push(node);
  return path;
}

/** Nodes from which a way round is searched: each costs as much as the graph is large. */
const CYCLE_STARTS_MAX = 300;
