import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Operation, Outcome, RecordedOperation, RegisterValue } from './history.ts';
import { atomicHistory, smallHistory } from './linearizability.arbitrary.ts';
import { checkItem, checkLinearizable } from './linearizability.ts';
import { SimRandom } from './random.ts';
import { step } from './register-model.ts';

const ok = (value?: RegisterValue): Outcome => ({ kind: 'ok', value });
const unknown: Outcome = { kind: 'unknown' };
const get: Operation = { kind: 'get' };
const put = (value: RegisterValue): Operation => ({ kind: 'put', value });
const putIf = (expected: RegisterValue, value: RegisterValue): Operation => ({
  kind: 'putIf',
  expected,
  value,
});

type Row = readonly [number, number, Operation, Outcome];

function historyOf(rows: readonly Row[], key = 'k'): readonly RecordedOperation[] {
  return rows.map(([calledAt, until, operation, outcome], id) => {
    const returnedAt = outcome.kind === 'unknown' ? Number.POSITIVE_INFINITY : until;
    return {
      id,
      client: `c${id}`,
      key,
      operation,
      outcome,
      calledAt,
      returnedAt,
      calledMs: calledAt,
      returnedMs: returnedAt,
    };
  });
}

const linearizable: Record<string, readonly Row[]> = {
  'nothing at all': [],
  'a read of no item': [[1, 2, get, ok()]],
  'a read that overlaps a write may see either': [
    [1, 10, put('a'), ok()],
    [2, 3, get, ok()],
    [4, 5, get, ok('a')],
  ],
  'an unknown write seen late': [
    [1, 0, put('a'), unknown],
    [2, 3, get, ok()],
    [8, 9, get, ok('a')],
  ],
  'an unknown write never seen': [
    [1, 0, put('a'), unknown],
    [2, 3, get, ok()],
  ],
  'a failed write that nobody sees': [
    [1, 2, put('a'), { kind: 'failed' }],
    [3, 4, get, ok()],
  ],
  'a conditional write that lost against an unknown one': [
    [1, 0, put('a'), unknown],
    [2, 3, putIf(undefined, 'b'), { kind: 'conditionFailed' }],
  ],
  'two counters at once': [
    [1, 5, { kind: 'add', by: 1 }, ok(3)],
    [2, 6, { kind: 'add', by: 2 }, ok(2)],
    [7, 8, get, ok(3)],
  ],
  'a chain of unknown conditional writes': [
    [1, 0, put('a'), unknown],
    [2, 0, putIf('a', 'b'), unknown],
    [3, 0, putIf('b', 'c'), unknown],
    [9, 10, get, ok('c')],
  ],
};

const violated: Record<string, readonly Row[]> = {
  'a stale read': [
    [1, 2, put('a'), ok()],
    [3, 4, put('b'), ok()],
    [5, 6, get, ok('a')],
  ],
  'a lost write': [
    [1, 2, put('a'), ok()],
    [3, 4, get, ok()],
  ],
  'reads that go back': [
    [1, 10, put('a'), ok()],
    [2, 3, get, ok('a')],
    [4, 5, get, ok()],
  ],
  'a failed write that is seen': [
    [1, 2, put('a'), { kind: 'failed' }],
    [3, 4, get, ok('a')],
  ],
  'two winners of one condition': [
    [1, 5, putIf(undefined, 'a'), ok()],
    [2, 6, putIf(undefined, 'b'), ok()],
  ],
  'a condition that failed on the expected value': [
    [1, 2, putIf(undefined, 'a'), { kind: 'conditionFailed' }],
  ],
  'a condition that failed on a value that was not there': [
    [1, 2, put('a'), ok()],
    [3, 4, putIf('x', 'b'), { kind: 'conditionFailed', old: { value: 'c' } }],
  ],
  'a counter that counts once for two': [
    [1, 5, { kind: 'add', by: 1 }, ok(1)],
    [2, 6, { kind: 'add', by: 1 }, ok(1)],
  ],
  'an unknown write seen before it was called': [
    [1, 2, get, ok('a')],
    [3, 0, put('a'), unknown],
  ],
  'an unknown write that happens twice': [
    [1, 0, put('a'), unknown],
    [2, 3, get, ok('a')],
    [4, 5, put('b'), ok()],
    [6, 7, get, ok('a')],
  ],
};

describe('known histories', () => {
  it.each(Object.entries(linearizable))('linearizable: %s', (_name, rows) => {
    expect(checkItem(historyOf(rows)).verdict).toBe('linearizable');
  });
  it.each(Object.entries(violated))('not linearizable: %s', (_name, rows) => {
    expect(checkItem(historyOf(rows)).verdict).toBe('violated');
  });
});

/** Tries every order of every subset of the unknown operations. */
function bruteForce(operations: readonly RecordedOperation[], state: RegisterValue): boolean {
  if (operations.every(({ outcome }) => outcome.kind === 'unknown')) {
    return true;
  }
  return operations.some((operation) => {
    const rest = operations.filter((other) => other !== operation);
    if (rest.some(({ returnedAt }) => returnedAt < operation.calledAt)) {
      return false;
    }
    const { isPossible, next } = step(state, operation);
    return isPossible && bruteForce(rest, next);
  });
}

describe('small histories', () => {
  it('agree with trying all orders', () => {
    const seen = { linearizable: 0, violated: 0, undecided: 0 };
    fc.assert(
      fc.property(smallHistory, (history) => {
        const { verdict } = checkItem(history);
        const happened = history.filter(({ outcome }) => outcome.kind !== 'failed');
        seen[verdict] += 1;
        expect(verdict === 'linearizable').toBe(bruteForce(happened, undefined));
      }),
      { numRuns: 5_000 },
    );
    expect(Math.min(seen.linearizable, seen.violated)).toBeGreaterThan(500);
    expect(seen.undecided).toBe(0);
  });
});

describe('histories of an atomic register', () => {
  const shapes = [
    { operationsCount: 400, clientsCount: 3, unknownShare: 0, isCounter: false },
    { operationsCount: 400, clientsCount: 8, unknownShare: 0.05, isCounter: false },
    { operationsCount: 300, clientsCount: 5, unknownShare: 0.02, isCounter: true },
  ];
  it.each(shapes)('pass: %j', (shape) => {
    for (let seed = 0; seed < 30; seed += 1) {
      const { verdict } = checkItem(atomicHistory(seed, shape));
      expect(verdict, `seed ${seed}`).toBe('linearizable');
    }
  });
  it('fail when one read is changed, or is undone by chance', () => {
    const counts = { linearizable: 0, violated: 0, undecided: 0 };
    for (let seed = 0; seed < 60; seed += 1) {
      const history = atomicHistory(seed, { ...shape, unknownShare: 0.02 });
      counts[checkItem(withChangedRead(history, seed)).verdict] += 1;
    }
    expect(counts.violated).toBeGreaterThan(50);
    expect(counts.undecided).toBe(0);
  });

  const shape = { operationsCount: 300, clientsCount: 4, unknownShare: 0, isCounter: false };

  it('report the shortest beginning that fails, without other reads', () => {
    const rows: Row[] = [
      [1, 2, put('a'), ok()],
      [3, 4, get, ok('a')],
      [5, 6, put('b'), ok()],
      [7, 8, get, ok('a')],
      [9, 10, get, ok('nonsense')],
    ];
    const { violations } = checkLinearizable(historyOf(rows));
    expect(violations).toHaveLength(1);
    expect(violations[0]?.operations.map(({ id }) => id)).toEqual([0, 2, 3]);
    expect(violations[0]?.report.split('\n').slice(2)).toEqual([
      '  #0 1.000 to 2.000 ms            c0: put "a" -> ok',
      '  #2 5.000 to 6.000 ms            c2: put "b" -> ok',
      '> #3 7.000 to 8.000 ms            c3: get -> ok "a"',
    ]);
  });
  it('a search that is given up is no pass', () => {
    const history = atomicHistory(1, shape);
    const result = checkLinearizable(history, { stepsMax: 10, initial: undefined });
    expect(result).toMatchObject({ verdict: 'undecided', undecidedKeys: ['k'], violations: [] });
  });
  it('items are judged one by one', () => {
    const good = historyOf([[1, 2, put('a'), ok()]], 'good');
    const bad = historyOf([[1, 2, get, ok('a')]], 'bad');
    const { verdict, violations } = checkLinearizable([...good, ...bad]);
    expect([verdict, violations.map(({ key }) => key)]).toEqual(['violated', ['bad']]);
  });
});

/** One answered read gets a value that some other operation wrote. */
function withChangedRead(
  history: readonly RecordedOperation[],
  seed: number,
): readonly RecordedOperation[] {
  const random = new SimRandom(`change ${seed}`);
  const isRead = ({ operation, outcome }: RecordedOperation) =>
    operation.kind === 'get' && outcome.kind === 'ok';
  const read = random.pick(history.filter(isRead));
  const before = read.outcome.kind === 'ok' ? read.outcome.value : undefined;
  const value = `v${random.int(history.length)}`;
  return history.map((operation) =>
    operation === read && value !== before ? { ...operation, outcome: ok(value) } : operation,
  );
}
