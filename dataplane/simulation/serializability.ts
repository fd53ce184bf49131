import { historyUntil } from './history.ts';
import { BEGINNING, ItemDependencies, type ItemRead } from './item-dependencies.ts';
import { type Between, OrderGraph } from './order-graph.ts';
import { OrderSearch } from './order-search.ts';
import { realTimeOrder } from './real-time-order.ts';
import { printTransaction, type RecordedTransaction } from './transaction-history.ts';

export interface SerializabilityOptions {
  /** Bounds the search of an order; beyond, the history is `undecided`. */
  readonly stepsMax: number;
}

export const defaultSerializabilityOptions: SerializabilityOptions = { stepsMax: 2_000_000 };

export interface SerializabilityResult {
  readonly verdict: 'serializable' | 'violated' | 'undecided';
  /** For people; what is wrong, each by itself. */
  readonly violations: readonly string[];
  readonly operationsCount: number;
}

/**
 * Whether an order explains a history: every operation meets what the last one before it left, a
 * transaction comes after whatever was answered before it was called, and an operation on a single
 * item after whatever touched that item and was answered before (`real-time-order`).
 *
 * So transactions are strictly serializable, items are linearizable, and operations on single items
 * are serializable with both. Two of them on two items may be in another order than real time has it
 * while a transaction on both of these items is being finished.
 *
 * As in Adya's and Elle's graphs, edges say who comes before whom, and a way round is a violation.
 * Who replaced a version is known where versions are appended, where writes have conditions, and where
 * they were told what they replaced. For the rest, "who wrote the item as well comes not between"
 * is applied until nothing follows from it any more; then an order is searched. Exact: no false alarm,
 * and nothing is missed unless the search is given up.
 */
export function checkSerializable(
  history: readonly RecordedTransaction[],
  options: SerializabilityOptions = defaultSerializabilityOptions,
): SerializabilityResult {
  const operationsCount = history.length;
  const check = new SerializabilityCheck(history);
  const violations = check.violations();
  if (violations.length > 0) return { verdict: 'violated', violations, operationsCount };
  switch (check.search(options.stepsMax)) {
    case 'found':
      return { verdict: 'serializable', violations: [], operationsCount };
    case 'givenUp':
      return { verdict: 'undecided', violations: [], operationsCount };
    case 'none':
      return { verdict: 'violated', violations: [explain(history, options)], operationsCount };
  }
}

class SerializabilityCheck {
  readonly #dependencies: ItemDependencies;
  readonly #graph: OrderGraph;
  /** Per item, the writers that have happened. */
  readonly #writers = new Map<string, readonly number[]>();
  /** Writers of an item that may yet be on either side of a read. */
  readonly #open = new Map<ItemRead, readonly number[]>();

  constructor(history: readonly RecordedTransaction[]) {
    this.#dependencies = new ItemDependencies(history);
    this.#graph = new OrderGraph(this.#dependencies);
  }

  violations(): readonly string[] {
    const { impossible } = this.#dependencies;
    if (impossible.length > 0) return impossible;
    this.#addRealTime();
    this.#addKnown();
    for (;;) {
      if (!this.#graph.close()) return [this.#graph.cycleText()];
      const stranded = this.#dependencies.reads.filter((read) => this.#narrow(read) === 'none');
      if (stranded.length > 0) return stranded.map((read) => this.#strandedText(read));
      if (!this.#addImplied()) return [];
    }
  }

  search(stepsMax: number) {
    return new OrderSearch(this.#dependencies, this.#graph).search(stepsMax);
  }

  #addRealTime(): void {
    const operations = this.#dependencies.nodes.flatMap((node) => (node ? [node] : []));
    for (const [earlier, later] of realTimeOrder(operations)) {
      // The first node is the beginning.
      this.#graph.add(earlier + 1, later + 1, { kind: 'answered' });
    }
  }

  #addKnown(): void {
    const { reads } = this.#dependencies;
    const replacers = new Map<string, number[]>();
    const nameOf = ({ item, candidates }: ItemRead) => `${candidates[0]} ${item}`;
    for (const read of reads) {
      const { reader, item, version, candidates } = read;
      if (candidates.length !== 1) continue;
      this.#graph.add(candidates[0] ?? BEGINNING, reader, { kind: 'met', item, version });
      if (this.#dependencies.isOptional(reader) || !this.#writes(reader, item)) continue;
      const known = replacers.get(nameOf(read));
      if (known === undefined) replacers.set(nameOf(read), [reader]);
      else known.push(reader);
    }
    for (const read of reads) {
      const { reader, item, version, candidates } = read;
      if (candidates.length !== 1 || this.#dependencies.isOptional(reader)) continue;
      for (const replacer of replacers.get(nameOf(read)) ?? []) {
        if (replacer === reader) continue;
        this.#graph.add(reader, replacer, { kind: 'replaced', item, version });
      }
    }
  }

  #writes(node: number, item: string): boolean {
    return this.#dependencies.writers.get(item)?.includes(node) === true;
  }

  /** Leaves out candidates that cannot have been the last before the reader. */
  #narrow(read: ItemRead): 'none' | 'one' | 'several' {
    const { reader, item, candidates } = read;
    if (this.#dependencies.isOptional(reader)) return 'several';
    if (candidates.length > 1) {
      const { reachability } = this.#graph;
      const writers = this.#certainWriters(item);
      read.candidates = candidates.filter(
        (candidate) =>
          !reachability.has(reader, candidate) &&
          !writers.some(
            (other) =>
              other !== reader &&
              reachability.has(candidate, other) &&
              reachability.has(other, reader),
          ),
      );
      const [only] = read.candidates;
      this.#open.delete(read);
      if (
        read.candidates.length === 1 &&
        only !== undefined &&
        this.#dependencies.isOptional(only)
      ) {
        this.#dependencies.adopt(only);
        this.#writers.clear();
        this.#open.clear();
      }
    }
    return read.candidates.length === 0 ? 'none' : read.candidates.length === 1 ? 'one' : 'several';
  }

  /** Edges that follow from those that are there; whether there were any. */
  #addImplied(): boolean {
    let isNew = false;
    for (const read of this.#dependencies.reads) {
      if (this.#dependencies.isOptional(read.reader)) continue;
      if (read.candidates.length === 1 && this.#addMet(read)) isNew = true;
      const open: number[] = [];
      for (const other of this.#open.get(read) ?? this.#others(read)) {
        const order = this.#orderOf(read, other);
        if (order === 'implied') isNew = true;
        else if (order === 'open') open.push(other);
      }
      this.#open.set(read, open);
    }
    return isNew;
  }

  /** Where a candidate is the only one left; whether that is news. */
  #addMet({ reader, item, version, candidates }: ItemRead): boolean {
    const [writer = BEGINNING] = candidates;
    if (writer === BEGINNING || this.#graph.reachability.has(writer, reader)) return false;
    this.#graph.add(writer, reader, { kind: 'met', item, version });
    return true;
  }

  /** Whether it is settled on which side of a read another writer is, or became so now. */
  #orderOf(read: ItemRead, other: number): 'known' | 'implied' | 'open' {
    const { reachability } = this.#graph;
    const { reader, item, candidates } = read;
    const [writer = BEGINNING] = candidates;
    const between: Between = { writer, reader, other };
    if (candidates.every((candidate) => reachability.has(candidate, other))) {
      if (reachability.has(reader, other)) return 'known';
      this.#graph.add(reader, other, { kind: 'notBetween', item, between });
      return 'implied';
    }
    if (candidates.length > 1) return 'open';
    if (reachability.has(other, writer)) return 'known';
    if (!reachability.has(other, reader)) return 'open';
    this.#graph.add(other, writer, { kind: 'notBetween', item, between });
    return 'implied';
  }

  /** But for those of which times tell the side: all of them touch the item. */
  #others({ reader, item, candidates }: ItemRead): readonly number[] {
    const { nodes } = this.#dependencies;
    const calledAt = Math.min(...candidates.map((each) => nodes[each]?.calledAt ?? 0));
    const returnedAt = nodes[reader]?.returnedAt ?? 0;
    return this.#certainWriters(item).filter((other) => {
      const node = nodes[other];
      const isClear =
        node === undefined || node.returnedAt < calledAt || node.calledAt > returnedAt;
      return !isClear && other !== reader && !candidates.includes(other);
    });
  }

  #certainWriters(item: string): readonly number[] {
    const known = this.#writers.get(item);
    if (known !== undefined) return known;
    const writers = this.#dependencies.writers.get(item) ?? [];
    const certain = writers.filter((writer) => !this.#dependencies.isOptional(writer));
    this.#writers.set(item, certain);
    return certain;
  }

  #strandedText({ reader, item }: ItemRead): string {
    const writers = (this.#dependencies.writers.get(item) ?? []).slice(-SHOWN_MAX);
    return [
      `Item ${item} was not there, which cannot be at any moment:`,
      ...this.#graph.printed([reader]),
      'Others that write it:',
      ...this.#graph.printed(writers.filter((writer) => writer !== reader)),
    ].join('\n');
  }
}

/** A beginning of a history that an order explains has one, too: the shortest that has none. */
function explain(history: readonly RecordedTransaction[], options: SerializabilityOptions): string {
  const returns = history
    .map(({ returnedAt }) => returnedAt)
    .filter(Number.isFinite)
    .sort((one, other) => one - other);
  let [low, high] = [0, returns.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    const check = new SerializabilityCheck(historyUntil(history, returns[middle] ?? 0));
    const isViolated = check.violations().length > 0 || check.search(options.stepsMax) === 'none';
    if (isViolated) high = middle;
    else low = middle + 1;
  }
  const shown = historyUntil(history, returns[high] ?? 0)
    .filter(({ outcome }) => outcome.kind !== 'failed')
    .slice(-SHOWN_MAX);
  return [
    'No order explains how this begins; the last of it:',
    ...shown.map((operation) => `  ${printTransaction(operation)}`),
  ].join('\n');
}

/** Operations that a report shows where there is no short way round. */
const SHOWN_MAX = 30;
