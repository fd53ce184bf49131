import { AcyclicOrder } from './acyclic-order.ts';
import { BEGINNING, type ItemDependencies, type ItemRead } from './item-dependencies.ts';
import type { OrderGraph } from './order-graph.ts';

export type SearchVerdict = 'found' | 'none' | 'givenUp';

/**
 * Decides what the edges known so far leave open: on which side of a read another writer of the item
 * is, and whose deletion it was that somebody met. Each decision is one more edge. When none of
 * its choices goes without a cycle, the latest decision that has part in those cycles is changed, and
 * those made since are taken back: the others had nothing to do with it.
 *
 * Exact: when every choice of every decision is excluded, no order explains the history.
 */
export class OrderSearch {
  readonly #dependencies: ItemDependencies;
  readonly #graph: OrderGraph;
  readonly #order: AcyclicOrder;
  /** What is to be decided, in order; those behind came up by decisions before them. */
  readonly #questions: Question[] = [];
  readonly #decisions: Decision[] = [];
  /** How often no choice of a read's questions was left. */
  readonly #hardness = new Map<ItemRead, number>();
  /** Reads of a known writer: of which other writers have to stay clear. */
  readonly #settled = new Map<string, SettledRead[]>();
  /** Optional nodes that have happened by decision. */
  readonly #adopted = new Map<number, readonly number[]>();

  /** @param graph - closed, and without a cycle */
  constructor(dependencies: ItemDependencies, graph: OrderGraph) {
    this.#dependencies = dependencies;
    this.#graph = graph;
    this.#order = new AcyclicOrder(graph.edgesTo, orderOf(dependencies, graph));
    for (const read of dependencies.reads) {
      if (!dependencies.isOptional(read.reader)) this.#ask(read, []);
    }
  }

  search(stepsMax: number): SearchVerdict {
    let budget = FIRST_TRY_STEPS;
    let restartAt = budget;
    while (this.#decisions.length < this.#questions.length) {
      if (this.#order.steps > stepsMax) return 'givenUp';
      if (this.#order.steps > restartAt) {
        this.#restart();
        budget *= TRY_GROWTH;
        restartAt = this.#order.steps + budget;
      }
      const question = this.#questions[this.#decisions.length];
      if (question === undefined) break;
      this.#decisions.push({
        question,
        choices: this.#choicesOf(question),
        next: 0,
        conflict: new Set(question.causes),
        before: {
          edges: this.#order.addedCount,
          questions: this.#questions.length,
          settled: [],
          adopted: [],
        },
      });
      if (!this.#decide()) return 'none';
    }
    return 'found';
  }

  /** What turned out to be hard is decided first. The order stays, and with it what was found. */
  #restart(): void {
    while (this.#decisions.length > 0) this.#takeBack(this.#decisions.pop());
    const hardnessOf = ({ read }: Question) => this.#hardness.get(read) ?? 0;
    this.#questions.sort((one, other) => hardnessOf(other) - hardnessOf(one));
  }

  /** Takes the next choice of the last decision, or of an earlier one; false: there is none. */
  #decide(): boolean {
    for (;;) {
      const level = this.#decisions.length - 1;
      const decision = this.#decisions[level];
      const choice = decision?.choices[decision.next];
      if (decision === undefined) return false;
      if (choice !== undefined) {
        decision.next += 1;
        const conflict = this.#order.add(choice.from, choice.to, level);
        if (conflict === undefined) {
          this.#follow(decision, choice, level);
          return true;
        }
        for (const cause of conflict) decision.conflict.add(cause);
        continue;
      }
      const { read } = decision.question;
      this.#hardness.set(read, (this.#hardness.get(read) ?? 0) + 1);
      decision.conflict.delete(level);
      const target = Math.max(-1, ...decision.conflict);
      const { conflict } = decision;
      while (this.#decisions.length > target + 1) this.#takeBack(this.#decisions.pop());
      const changed = this.#decisions[target];
      if (changed === undefined) return false;
      this.#takeBack(changed);
      for (const cause of conflict) if (cause !== target) changed.conflict.add(cause);
    }
  }

  #takeBack(decision: Decision | undefined): void {
    if (decision === undefined) return;
    const { edges, questions, settled, adopted } = decision.before;
    this.#order.keep(edges);
    this.#questions.length = questions;
    for (const item of settled.splice(0)) this.#settled.get(item)?.pop();
    for (const node of adopted.splice(0)) this.#adopted.delete(node);
  }

  /** The choice that the order has already comes first. */
  #choicesOf(question: Question): readonly Choice[] {
    const { read } = question;
    if (question.kind === 'candidate') {
      const { candidates, reader } = read;
      const latestFirst = candidates.toSorted((one, other) =>
        this.#order.isBefore(one, other) ? 1 : -1,
      );
      const isFitting = (candidate: number) => this.#order.isBefore(candidate, reader);
      return [
        ...latestFirst.filter(isFitting),
        ...latestFirst.filter((candidate) => !isFitting(candidate)),
      ].map((from) => ({ from, to: reader }));
    }
    const { writer, other } = question;
    const before: Choice = { from: other, to: writer };
    const after: Choice = { from: read.reader, to: other };
    return this.#order.isBefore(other, writer) ? [before, after] : [after, before];
  }

  /** What comes up by a choice that was taken. */
  #follow(decision: Decision, { from }: Choice, level: number): void {
    if (decision.question.kind !== 'candidate') return;
    const causes = [...decision.question.causes, level];
    this.#adopt(from, causes, decision);
    this.#settle(decision.question.read, from, causes);
    decision.before.settled.push(decision.question.read.item);
  }

  #ask(read: ItemRead, causes: readonly number[]): boolean {
    const [writer = BEGINNING] = read.candidates;
    if (read.candidates.length === 1) this.#settle(read, writer, causes);
    else this.#questions.push({ kind: 'candidate', read, causes });
    return read.candidates.length === 1;
  }

  /** Other writers of the item must stay clear of the writer and the reader. */
  #settle(read: ItemRead, writer: number, causes: readonly number[]): void {
    const settled: SettledRead = { read, writer, causes };
    const known = this.#settled.get(read.item);
    if (known === undefined) this.#settled.set(read.item, [settled]);
    else known.push(settled);
    for (const other of this.#dependencies.writers.get(read.item) ?? []) {
      const adoptedBy = this.#adopted.get(other) ?? [];
      const isThere = this.#adopted.has(other) || !this.#dependencies.isOptional(other);
      if (isThere) this.#keepClear(settled, other, adoptedBy);
    }
  }

  #keepClear({ read, writer, causes }: SettledRead, other: number, more: readonly number[]): void {
    const { reader } = read;
    if (other === reader || other === writer) return;
    const { reachability } = this.#graph;
    if (reachability.has(other, writer) || reachability.has(reader, other)) return;
    const all = [...causes, ...more];
    this.#questions.push({ kind: 'between', read, writer, other, causes: all });
  }

  /** An optional node has happened: with all that it writes, and depends on. */
  #adopt(node: number, causes: readonly number[], decision: Decision): void {
    if (!this.#dependencies.isOptional(node) || this.#adopted.has(node)) return;
    this.#adopted.set(node, causes);
    decision.before.adopted.push(node);
    for (const { item, effect } of this.#dependencies.nodes[node]?.actions ?? []) {
      if (effect.kind === 'none') continue;
      for (const settled of [...(this.#settled.get(item) ?? [])]) {
        this.#keepClear(settled, node, causes);
      }
    }
    for (const read of this.#dependencies.readsOf(node)) {
      const [writer] = read.candidates;
      if (read.candidates.length === 1 && writer !== undefined) {
        this.#adopt(writer, causes, decision);
      }
      if (this.#ask(read, causes)) decision.before.settled.push(read.item);
    }
  }
}

/** Steps until it is begun anew, growing each time. */
const FIRST_TRY_STEPS = 5_000;
const TRY_GROWTH = 1.5;

type Question =
  /** Whose deletion somebody met. */
  | { readonly kind: 'candidate'; readonly read: ItemRead; readonly causes: readonly number[] }
  /** Whether another writer comes before the writer or after the reader. */
  | {
      readonly kind: 'between';
      readonly read: ItemRead;
      readonly writer: number;
      readonly other: number;
      /** Decisions without which there would be no question. */
      readonly causes: readonly number[];
    };

interface Choice {
  readonly from: number;
  readonly to: number;
}

interface Decision {
  readonly question: Question;
  readonly choices: readonly Choice[];
  next: number;
  /** Decisions that exclude the choices tried so far. */
  readonly conflict: Set<number>;
  /** How things stood, and what it added. */
  readonly before: {
    readonly edges: number;
    readonly questions: number;
    readonly settled: string[];
    readonly adopted: number[];
  };
}

interface SettledRead {
  readonly read: ItemRead;
  readonly writer: number;
  readonly causes: readonly number[];
}

/** As they were answered: what was not known to be answered comes right before what needs it. */
function orderOf(dependencies: ItemDependencies, { edgesTo, reachability }: OrderGraph): number[] {
  const order = [...(reachability.order ?? [])];
  const latest = Float64Array.from(
    dependencies.nodes,
    (node) => node?.returnedAt ?? Number.NEGATIVE_INFINITY,
  );
  for (const to of order.toReversed()) {
    for (const from of edgesTo[to] ?? []) {
      latest[from] = Math.min(latest[from] ?? 0, latest[to] ?? 0);
    }
  }
  // Stable: where times are equal, the order by edges stays.
  return order.sort((one, other) =>
    (latest[one] ?? 0) < (latest[other] ?? 0) ? -1 : latest[one] === latest[other] ? 0 : 1,
  );
}
