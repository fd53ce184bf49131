import type { RecordedTransaction } from './transaction-history.ts';

/**
 * The pairs of operations of which one must come before the other, because it was answered before the
 * other was called: all such pairs, less those that follow from others.
 *
 * Before a transaction comes whatever was answered earlier. Before an operation on a single item come
 * earlier ones that touched that item, and no others: reads of single items see what is finished in
 * their partition, and do not wait for the rest of a transaction.
 */
export function realTimeOrder(
  operations: readonly RecordedTransaction[],
): readonly (readonly [earlier: number, later: number])[] {
  const order = new RealTimeOrder(operations);
  return order.pairs;
}

class RealTimeOrder {
  readonly pairs: [number, number][] = [];
  readonly #operations: readonly RecordedTransaction[];
  /** Answered, and not followed by another one that was answered: what new ones come after. */
  readonly #latest = new Set<number>();
  /** The same among those that touch an item. */
  readonly #latestOf = new Map<string, Set<number>>();

  constructor(operations: readonly RecordedTransaction[]) {
    this.#operations = operations;
    const events = operations.flatMap((operation, index) => [
      { at: operation.calledAt, index, isCall: true },
      { at: operation.returnedAt, index, isCall: false },
    ]);
    events.sort((one, other) => one.at - other.at || Number(other.isCall) - Number(one.isCall));
    for (const { at, index, isCall } of events) {
      const operation = this.#operations[index];
      if (operation === undefined || !Number.isFinite(at)) break;
      if (isCall) this.#call(index, operation);
      else this.#return(index, operation);
    }
  }

  #call(index: number, { scope, actions }: RecordedTransaction): void {
    const latestOf = this.#latestOf.get(actions[0]?.item ?? '');
    const before = scope === 'transaction' ? this.#latest : (latestOf ?? []);
    for (const earlier of before) this.pairs.push([earlier, index]);
  }

  #return(index: number, { scope, calledAt, actions }: RecordedTransaction): void {
    const items = new Set(actions.map(({ item }) => item));
    const isBefore = (earlier: number) => this.#returnOf(earlier) < calledAt;
    for (const earlier of this.#latest) {
      const touches = this.#operations[earlier]?.actions.some(({ item }) => items.has(item));
      if (isBefore(earlier) && (scope === 'transaction' || touches)) this.#latest.delete(earlier);
    }
    this.#latest.add(index);
    for (const item of items) {
      const latest = this.#latestOf.get(item) ?? new Set();
      this.#latestOf.set(item, latest);
      for (const earlier of latest) if (isBefore(earlier)) latest.delete(earlier);
      latest.add(index);
    }
  }

  #returnOf(index: number): number {
    return this.#operations[index]?.returnedAt ?? Number.POSITIVE_INFINITY;
  }
}
