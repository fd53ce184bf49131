import { describe, expect, it } from 'vitest';
import { SimRandom } from './random.ts';
import {
  action,
  allHistories,
  append,
  atomicTransactions,
  disturbed,
  historyOf,
  isSerializableByTrial,
  look,
  put,
  type Row,
  remove,
  type Shape,
} from './serializability.arbitrary.ts';
import { checkSerializable } from './serializability.ts';
import { printTransaction, type RecordedTransaction } from './transaction-history.ts';

/** A transaction that was carried out. */
function ok(from: number, to: number, ...actions: readonly ReturnType<typeof met>[]): Row {
  return {
    from,
    to,
    actions: actions.map(([each]) => each),
    seen: actions.map(([, seen]) => seen),
  };
}

function unknown(from: number, ...actions: readonly ReturnType<typeof met>[]): Row {
  return { from, to: 0, actions: actions.map(([each]) => each), seen: undefined };
}

function single(from: number, to: number, one: ReturnType<typeof met>): Row {
  return { ...ok(from, to, one), isSingle: true };
}

/** An action, and what it met, if that was told. */
function met(
  of: ReturnType<typeof action>,
  seen?: readonly number[],
): readonly [ReturnType<typeof action>, readonly number[] | undefined] {
  return [of, seen];
}

const sees = (item: string, ...state: readonly number[]) => met(action(item, look), state);
const puts = (item: string, version: number, expected?: number) =>
  met(action(item, put(version), expected));
const appends = (item: string, version: number) => met(action(item, append(version)));
const removes = (item: string) => met(action(item, remove));

const initial = ok(1, 2, puts('a', 1), puts('b', 2));

const serializable: Record<string, readonly Row[]> = {
  'nothing at all': [],
  'a snapshot before and one after a transaction': [
    initial,
    ok(3, 20, puts('a', 11), puts('b', 12)),
    ok(4, 6, sees('a', 1), sees('b', 2)),
    ok(5, 7, sees('a', 11), sees('b', 12)),
  ].toSorted(byCall),
  'two that overlap and change other items': [
    ok(1, 10, puts('a', 1), puts('b', 2)),
    ok(2, 9, puts('c', 3)),
    ok(11, 12, sees('a', 1), sees('b', 2), sees('c', 3)),
  ],
  'an unknown one that is seen late': [
    initial,
    unknown(3, puts('a', 11), puts('b', 12)),
    ok(4, 5, sees('a', 1), sees('b', 2)),
    ok(8, 9, sees('b', 12)),
    ok(10, 11, sees('a', 11)),
  ],
  'an unknown one that nobody sees': [
    initial,
    unknown(3, puts('a', 11), puts('b', 12)),
    ok(8, 9, sees('a', 1), sees('b', 2)),
  ],
  'an unknown deletion that explains why an item is gone': [
    initial,
    unknown(3, removes('a'), puts('b', 12)),
    ok(4, 5, sees('a', 1)),
    ok(8, 9, sees('a')),
    ok(10, 11, sees('b', 12)),
  ],
  'blind writes of which only the last is seen': [
    ok(1, 10, puts('a', 1)),
    ok(2, 9, puts('a', 3)),
    ok(3, 8, puts('a', 5)),
    ok(11, 12, sees('a', 3)),
  ],
  'appended versions': [
    ok(1, 10, appends('a', 1)),
    ok(2, 9, appends('a', 3)),
    ok(11, 12, sees('a', 3, 1)),
  ],
  'single items read while a transaction is finished there, in the other order': [
    initial,
    ok(3, 20, puts('a', 11), puts('b', 12)),
    single(4, 5, sees('a', 11)),
    single(6, 7, sees('b', 2)),
    ok(21, 22, sees('a', 11), sees('b', 12)),
  ],
  'a failed one that nobody sees': [
    initial,
    { ...ok(3, 4, puts('a', 11)), isFailed: true },
    ok(5, 6, sees('a', 1)),
  ],
};

const violated: Record<string, readonly Row[]> = {
  'lost update': [initial, ok(3, 6, puts('a', 11, 1)), ok(4, 7, puts('a', 21, 1))],
  'lost update, told by what was replaced': [
    initial,
    ok(3, 6, met(action('a', put(11)), [1])),
    ok(4, 7, met(action('a', put(21)), [1])),
  ],
  'write skew': [
    initial,
    ok(3, 6, sees('a', 1), puts('b', 12)),
    ok(4, 7, sees('b', 2), puts('a', 21)),
  ],
  'a check that was not kept until the write beside it': [
    initial,
    ok(3, 8, met(action('a', look, 1)), puts('b', 12, 2)),
    ok(4, 5, puts('a', 21)),
    ok(6, 7, sees('a', 21), sees('b', 2)),
  ],
  'fractured read': [
    initial,
    ok(3, 6, puts('a', 11), puts('b', 12)),
    ok(4, 7, sees('a', 11), sees('b', 2)),
  ],
  'read-only anomaly': [
    initial,
    ok(3, 10, sees('a', 1), sees('b', 2), puts('a', 11)),
    ok(4, 5, sees('b', 2), puts('b', 22)),
    ok(6, 7, sees('a', 1), sees('b', 22)),
  ],
  'stale read after an acknowledged commit': [
    initial,
    ok(3, 6, puts('a', 11), puts('b', 12)),
    ok(7, 8, sees('a', 1)),
  ],
  'a stale read of a single item after an acknowledged commit': [
    initial,
    ok(3, 6, puts('a', 11), puts('b', 12)),
    single(7, 8, sees('a', 1)),
  ],
  'snapshots that go back': [
    initial,
    ok(3, 20, puts('a', 11)),
    ok(4, 5, sees('a', 11)),
    ok(6, 7, sees('a', 1)),
  ],
  'two snapshots that see two writes in different orders': [
    initial,
    ok(3, 20, puts('a', 11)),
    ok(4, 21, puts('b', 12)),
    ok(5, 22, sees('a', 11), sees('b', 2)),
    ok(6, 23, sees('a', 1), sees('b', 12)),
  ],
  'a failed one that is seen (G1a)': [
    initial,
    { ...ok(3, 4, puts('a', 11)), isFailed: true },
    ok(5, 6, sees('a', 11)),
  ],
  'a state in between that no transaction leaves (G1b)': [
    initial,
    ok(3, 6, appends('a', 11)),
    ok(7, 8, appends('a', 21)),
    ok(9, 10, sees('a', 1, 21)),
  ],
  'versions in two orders': [
    ok(1, 10, appends('a', 1)),
    ok(2, 11, appends('a', 3)),
    ok(3, 12, sees('a', 1, 3)),
    ok(4, 13, sees('a', 3, 1)),
  ],
  'one that was done twice': [initial, ok(3, 4, appends('a', 11)), ok(5, 6, sees('a', 1, 11, 11))],
  'one that was done twice, with another in between': [
    initial,
    ok(3, 4, puts('a', 11)),
    ok(5, 6, puts('a', 13)),
    ok(7, 8, sees('a', 13)),
    ok(9, 10, sees('a', 11)),
  ],
  'half of an unknown one': [
    initial,
    unknown(3, puts('a', 11), puts('b', 12)),
    ok(5, 6, sees('a', 11)),
    ok(7, 8, sees('b', 2)),
  ],
  'an unknown one that had a condition which did not hold': [
    initial,
    unknown(3, puts('a', 11, 7), puts('b', 12)),
    ok(5, 6, sees('b', 12)),
  ],
  'what nobody wrote': [initial, ok(3, 4, sees('a', 99))],
  'an item that is gone, though nobody deleted it': [initial, ok(3, 4, sees('a'))],
  'an item that comes back': [initial, ok(3, 4, removes('a')), ok(5, 6, sees('a', 1))],
};

function byCall(one: Row, other: Row): number {
  return one.from - other.from;
}

describe('strictly serializable', () => {
  it.each(Object.entries(serializable))('%s', (_, rows) => {
    const history = historyOf(rows);
    expect(isSerializableByTrial(history)).toBe(true);
    expect(checkSerializable(history).violations).toEqual([]);
    expect(checkSerializable(history).verdict).toBe('serializable');
  });
});

describe('not strictly serializable', () => {
  it.each(Object.entries(violated))('%s', (_, rows) => {
    const history = historyOf(rows);
    expect(isSerializableByTrial(history)).toBe(false);
    expect(checkSerializable(history).verdict).toBe('violated');
    expect(checkSerializable(history).violations.length).toBeGreaterThan(0);
  });

  it('is told by the shortest way round', () => {
    const { violations } = checkSerializable(historyOf(violated['write skew'] ?? []));
    expect(violations).toEqual([
      [
        'These cannot be put in order:',
        '  #1 3.000 to 6.000 ms            c1 transaction: look at a (was 1); put b=12 -> ok',
        '  #2 4.000 to 7.000 ms            c2 transaction: look at b (was 2); put a=21 -> ok',
        '  #1 comes before #2: #1 met the a of #0, so that #2, which writes it too, is not between them; #0 is known to be before #2',
        '  #2 comes before #1: #2 met the b of #0, so that #1, which writes it too, is not between them; #0 is known to be before #1',
      ].join('\n'),
    ]);
  });
});

/** Every verdict is compared with trying all orders. */
function expectSame(history: readonly RecordedTransaction[], name: string): void {
  const { verdict } = checkSerializable(history);
  const expected = isSerializableByTrial(history) ? 'serializable' : 'violated';
  if (verdict === expected) return;
  expect.fail(`${name}: ${verdict}, not ${expected}\n${history.map(printTransaction).join('\n')}`);
}

describe('the same as trying all orders', () => {
  it('for all histories of three operations of some kinds', { timeout: 300_000 }, () => {
    let count = 0;
    for (const history of allHistories(shapesOf, 3)) {
      count += 1;
      expectSame(history, `history ${count}`);
    }
    expect(count).toBe(shapesOf(0).length ** 3 * 90);
  });

  it('for random ones, and for what becomes of them when they are disturbed', () => {
    const counts = { serializable: 0, violated: 0, undecided: 0 };
    for (let seed = 0; seed < 4_000; seed += 1) {
      const random = new SimRandom(`shape ${seed}`);
      const history = atomicTransactions(seed, {
        operationsCount: random.between(2, 7),
        clientsCount: random.between(1, 4),
        itemsCount: random.between(1, 3),
        unknownShare: random.pick([0, 0.3]),
      });
      expect(checkSerializable(history).verdict, `seed ${seed}`).toBe('serializable');
      const other = disturbed(history, `disturbed ${seed}`);
      expectSame(other, `seed ${seed}`);
      counts[checkSerializable(other).verdict] += 1;
    }
    expect(counts.violated).toBeGreaterThan(500);
    expect(counts.serializable).toBeGreaterThan(500);
  });

  /** Of two items; versions tell the operation by the tens. */
  function shapesOf(place: number): readonly Shape[] {
    const [a, b] = [10 * (place + 1), 10 * (place + 1) + 1];
    const other = 10 * (((place + 1) % 3) + 1);
    const shape = (...actions: readonly ReturnType<typeof met>[]): Shape => ok(0, 0, ...actions);
    return [
      shape(puts('a', a), puts('b', b)),
      shape(removes('a'), puts('b', b)),
      shape(appends('a', a)),
      shape(sees('a', other), puts('b', b)),
      shape(sees('b'), puts('a', a)),
      shape(puts('a', a, other)),
      shape(sees('a', other), sees('b')),
      shape(sees('a'), sees('b', other + 1)),
      { ...shape(sees('a', other)), isSingle: true },
      { ...shape(met(action('a', remove), [other])), isSingle: true },
      { ...shape(puts('a', a), removes('b')), seen: undefined },
    ];
  }
});

describe('long histories', () => {
  const shape = { operationsCount: 10_000, clientsCount: 12, itemsCount: 20, unknownShare: 0 };

  it('of a truly atomic store pass, soon', () => {
    const history = atomicTransactions(1, shape);
    const before = process.cpuUsage();
    expect(checkSerializable(history).verdict).toBe('serializable');
    // Half a second on a machine that does nothing else.
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(5_000);
  });

  it('are found out by one read that is changed', () => {
    const history = [...atomicTransactions(2, { ...shape, operationsCount: 1_000 })];
    const index = history.findIndex(
      ({ id, outcome }) =>
        id > 700 && outcome.kind === 'ok' && outcome.seen.some((state) => state?.length),
    );
    const read = history[index];
    if (read?.outcome.kind !== 'ok') throw new Error('no read');
    const seen = read.outcome.seen.map((state) => (state?.length ? [] : state));
    history[index] = { ...read, outcome: { kind: 'ok', seen } };
    expect(checkSerializable(history).verdict).toBe('violated');
  });

  it('a search that is given up is no pass', () => {
    const history = atomicTransactions(3, { ...shape, operationsCount: 1_000, itemsCount: 3 });
    expect(checkSerializable(history, { stepsMax: 0 }).verdict).toBe('undecided');
  });
});
