import { SimRandom } from './random.ts';
import {
  type ItemAction,
  type ItemEffect,
  type ItemState,
  NO_ITEM,
  type RecordedTransaction,
  type TransactionOutcome,
} from './transaction-history.ts';

/** A row of a history: when it was called and answered, its actions, and what these met. */
export interface Row {
  readonly from: number;
  readonly to: number;
  readonly actions: readonly ItemAction[];
  /** Undefined: nobody knows what became of it. */
  readonly seen: readonly (ItemState | undefined)[] | undefined;
  readonly isFailed?: boolean;
  readonly isSingle?: boolean;
}

export function historyOf(rows: readonly Row[]): readonly RecordedTransaction[] {
  return rows.map(({ from, to, actions, seen, isFailed = false, isSingle = false }, id) => {
    const outcome: TransactionOutcome = isFailed
      ? { kind: 'failed' }
      : seen === undefined
        ? { kind: 'unknown' }
        : { kind: 'ok', seen };
    const returnedAt = outcome.kind === 'unknown' ? Number.POSITIVE_INFINITY : to;
    return {
      id,
      client: `c${id}`,
      name: isSingle ? 'single' : 'transaction',
      scope: isSingle ? 'single' : 'transaction',
      actions,
      outcome,
      calledAt: from,
      returnedAt,
      calledMs: from,
      returnedMs: returnedAt,
    };
  });
}

export function action(item: string, effect: ItemEffect, expected?: number): ItemAction {
  return { item, effect, expected };
}

export const look: ItemEffect = { kind: 'none' };
export const remove: ItemEffect = { kind: 'delete' };
export const put = (version: number): ItemEffect => ({ kind: 'put', version });
export const append = (version: number): ItemEffect => ({ kind: 'append', version });

/** What an order of operations makes of the items. */
type Items = ReadonlyMap<string, ItemState>;

/** Tries all orders; only for a handful of operations. */
export function isSerializableByTrial(history: readonly RecordedTransaction[]): boolean {
  const operations = history.filter(({ outcome }) => outcome.kind !== 'failed');
  const place = (placed: ReadonlySet<RecordedTransaction>, items: Items): boolean => {
    const left = operations.filter((operation) => !placed.has(operation));
    if (left.every(({ outcome }) => outcome.kind === 'unknown')) return true;
    return left.some((next) => {
      if (left.some((other) => other !== next && mustPrecede(other, next))) return false;
      return fits(next, items) && place(new Set([...placed, next]), after(next, items));
    });
  };
  return place(new Set(), new Map());
}

function mustPrecede(earlier: RecordedTransaction, later: RecordedTransaction): boolean {
  if (earlier.returnedAt >= later.calledAt) return false;
  if (later.scope === 'transaction') return true;
  return earlier.actions.some(({ item }) => item === later.actions[0]?.item);
}

function fits({ actions, outcome }: RecordedTransaction, items: Items): boolean {
  return actions.every(({ item, expected }, index) => {
    const state = items.get(item) ?? [];
    const seen = outcome.kind === 'ok' ? outcome.seen[index] : undefined;
    if (expected !== undefined && expected !== (state.at(-1) ?? NO_ITEM)) return false;
    return seen === undefined || seen.join() === state.join();
  });
}

function after({ actions }: RecordedTransaction, items: Items): Items {
  const next = new Map(items);
  for (const { item, effect } of actions) {
    if (effect.kind === 'put') next.set(item, [effect.version]);
    else if (effect.kind === 'append') next.set(item, [...(items.get(item) ?? []), effect.version]);
    else if (effect.kind === 'delete') next.set(item, []);
  }
  return next;
}

export interface AtomicRunOptions {
  readonly operationsCount: number;
  readonly clientsCount: number;
  readonly itemsCount: number;
  readonly unknownShare: number;
}

/**
 * The history of clients of a truly atomic store: each operation takes effect at one moment between
 * its call and its return. What is not told (blind puts and deletes) is left out at random.
 */
export function atomicTransactions(
  seed: string | number,
  options: AtomicRunOptions,
): readonly RecordedTransaction[] {
  const random = new SimRandom(seed);
  const waiting = new Map<number, { readonly row: Row; readonly id: number }>();
  const rows: Row[] = [];
  let items: Items = new Map();
  for (let event = 1; rows.length < options.operationsCount || waiting.size > 0; event += 1) {
    const client = random.int(options.clientsCount);
    const running = waiting.get(client);
    if (running !== undefined) {
      const seen = running.row.actions.map((each) => told(each, items, random));
      const isPossible = running.row.actions.every(
        ({ item, expected }) =>
          expected === undefined || expected === (items.get(item)?.at(-1) ?? NO_ITEM),
      );
      const [recorded] = historyOf([running.row]);
      if (isPossible && recorded !== undefined) items = after(recorded, items);
      const isUnknown = random.chance(options.unknownShare);
      rows[running.id] = {
        ...running.row,
        to: event + random.int(options.clientsCount),
        seen: isUnknown ? undefined : seen,
        isFailed: !isPossible,
      };
      waiting.delete(client);
    } else if (rows.length < options.operationsCount) {
      const id = rows.length;
      const row = someRow(random, options, { event, id, items });
      rows.push(row);
      waiting.set(client, { row, id });
    }
  }
  return historyOf(rows);
}

function told(
  { item, effect }: ItemAction,
  items: Items,
  random: SimRandom,
): ItemState | undefined {
  return effect.kind === 'none' || random.chance(0.3) ? (items.get(item) ?? []) : undefined;
}

function someRow(
  random: SimRandom,
  { itemsCount }: AtomicRunOptions,
  { event, id, items }: { readonly event: number; readonly id: number; readonly items: Items },
): Row {
  const names = Array.from({ length: itemsCount }, (_, index) => `i${index}`);
  const isSingle = random.chance(0.5);
  const chosen = random.sample(names, isSingle ? 1 : random.between(1, 3));
  const actions = chosen.map((item, index): ItemAction => {
    const version = 10 * (id + 1) + index;
    const isConditional = random.chance(0.3);
    const expected = isConditional ? (items.get(item)?.at(-1) ?? NO_ITEM) : undefined;
    const kind = random.weighted({ none: 3, put: 2, append: 2, delete: 0.7 });
    return {
      item,
      effect: kind === 'put' || kind === 'append' ? { kind, version } : { kind },
      expected,
    };
  });
  return { from: event, to: event, actions, seen: undefined, isSingle };
}

/** The history with answers, times and outcomes changed at random: mostly one that cannot be. */
export function disturbed(
  history: readonly RecordedTransaction[],
  seed: string,
): readonly RecordedTransaction[] {
  const random = new SimRandom(seed);
  const versions = history.flatMap(({ actions }) =>
    actions.flatMap(({ effect }) => ('version' in effect ? [effect.version] : [])),
  );
  const other = (state: ItemState) =>
    random.pick([
      [],
      random.sample(versions, 1),
      random.sample(versions, 2),
      state.slice(1),
      state.slice(0, -1),
    ]);
  return history.map((operation) => {
    const { outcome, calledAt, returnedAt } = operation;
    if (outcome.kind === 'ok' && random.chance(0.3)) {
      const seen = outcome.seen.map((state) =>
        state !== undefined && random.chance(0.5) ? other(state) : state,
      );
      return { ...operation, outcome: { kind: 'ok', seen } };
    }
    if (random.chance(0.05)) {
      return { ...operation, outcome: { kind: 'unknown' }, returnedAt: Number.POSITIVE_INFINITY };
    }
    if (!random.chance(0.05)) return operation;
    return { ...operation, calledAt: Math.min(calledAt + random.int(3), returnedAt - 0.5) };
  });
}

/** All histories of so many operations of these kinds, at all ways in which their times can lie. */
export function* allHistories(
  shapesOf: (place: number) => readonly Shape[],
  count: number,
): Generator<readonly RecordedTransaction[]> {
  const times = [...allTimes(count)];
  const rowsOf = function* (place: number): Generator<readonly Shape[]> {
    if (place === count) {
      yield [];
      return;
    }
    for (const rest of rowsOf(place + 1)) {
      for (const shape of shapesOf(place)) yield [shape, ...rest];
    }
  };
  for (const shapes of rowsOf(0)) {
    for (const spans of times) {
      yield historyOf(
        shapes.map((shape, index) => {
          const [from = 0, to = 0] = spans[index] ?? [];
          return { ...shape, from, to };
        }),
      );
    }
  }
}

export type Shape = Omit<Row, 'from' | 'to'>;

/** Calls and returns of so many operations in all orders. */
function* allTimes(count: number): Generator<readonly (readonly [number, number])[]> {
  const place = function* (
    spans: readonly (readonly number[])[],
    event: number,
  ): Generator<readonly (readonly [number, number])[]> {
    if (event > 2 * count) {
      yield spans.map(([from = 0, to = 0]) => [from, to] as const);
      return;
    }
    for (const [index, span] of spans.entries()) {
      if (span.length < 2) yield* place(spans.with(index, [...span, event]), event + 1);
    }
  };
  yield* place(
    Array.from({ length: count }, () => []),
    1,
  );
}
