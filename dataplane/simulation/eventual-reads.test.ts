import { describe, expect, it } from 'vitest';
import { findStaleReads } from './eventual-reads.ts';
import type { Operation, Outcome, RecordedOperation, RegisterValue } from './history.ts';
import { atomicHistory } from './linearizability.arbitrary.ts';
import { SimRandom } from './random.ts';

type Row = readonly [number, number, Operation, Outcome];

const ok = (value?: RegisterValue): Outcome => ({ kind: 'ok', value });
const read: Operation = { kind: 'getEventual' };
const put = (value: RegisterValue): Operation => ({ kind: 'put', value });

/** Times are ms, and the order of events. */
function staleIds(rows: readonly Row[]): readonly number[] {
  const history: RecordedOperation[] = rows.map(([calledMs, until, operation, outcome], id) => {
    const returnedMs = outcome.kind === 'unknown' ? Number.POSITIVE_INFINITY : until;
    const times = { calledMs, returnedMs, calledAt: calledMs, returnedAt: returnedMs };
    return { id, client: 'c', key: 'k', operation, outcome, ...times };
  });
  return findStaleReads(history).map((stale) => stale.read.id);
}

describe('findStaleReads', () => {
  it.each<[string, readonly Row[], readonly number[]]>([
    [
      'the current value is fine',
      [
        [1, 2, put('a'), ok()],
        [50_000, 50_001, read, ok('a')],
      ],
      [],
    ],
    [
      'a value that was overwritten a moment ago is fine',
      [
        [1, 2, put('a'), ok()],
        [100, 200, put('b'), ok()],
        [9_000, 9_001, read, ok('a')],
      ],
      [],
    ],
    [
      'a value that was overwritten long ago is stale',
      [
        [1, 2, put('a'), ok()],
        [100, 200, put('b'), ok()],
        [10_201, 10_202, read, ok('a')],
      ],
      [2],
    ],
    [
      'no item, as at the beginning',
      [
        [1, 2, put('a'), ok()],
        [5_000, 5_001, read, ok()],
      ],
      [],
    ],
    [
      'no item, too late',
      [
        [1, 2, put('a'), ok()],
        [15_000, 15_001, read, ok()],
      ],
      [1],
    ],
    [
      'a value nobody wrote',
      [
        [1, 2, put('a'), ok()],
        [3, 4, read, ok('x')],
      ],
      [1],
    ],
    [
      'a value from the future',
      [
        [1, 2, read, ok('a')],
        [3, 4, put('a'), ok()],
      ],
      [0],
    ],
    [
      'a write of unknown outcome may take effect at any time',
      [
        [1, 0, put('a'), { kind: 'unknown' }],
        [5, 6, put('b'), ok()],
        [60_000, 60_001, read, ok('a')],
      ],
      [],
    ],
    [
      'a failed write never does',
      [
        [1, 2, put('a'), { kind: 'failed' }],
        [3, 4, read, ok('a')],
      ],
      [1],
    ],
    [
      'a counter of unknown outcome may have made any number, but no text',
      [
        [1, 0, { kind: 'add', by: 2 }, { kind: 'unknown' }],
        [3, 4, read, ok(17)],
        [5, 6, read, ok('x')],
      ],
      [2],
    ],
  ])('%s', (_name, rows, stale) => {
    expect(staleIds(rows)).toEqual(stale);
  });

  it('reads at a moment within the bound are never taken for stale', () => {
    for (let seed = 0; seed < 40; seed += 1) {
      const random = new SimRandom(seed);
      const shape = { operationsCount: 200, clientsCount: 4, unknownShare: 0.05, isCounter: false };
      const history = atomicHistory(seed, shape);
      // Strong reads, taken for eventual ones, and returned late.
      const eventual = history.map((operation) =>
        operation.operation.kind === 'get' && operation.outcome.kind === 'ok'
          ? { ...operation, operation: read, calledMs: operation.calledMs + random.int(10_000) }
          : operation,
      );
      expect(findStaleReads(eventual), `seed ${seed}`).toEqual([]);
    }
  });
});
