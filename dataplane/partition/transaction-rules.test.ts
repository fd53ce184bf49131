import { describe, expect, it } from 'vitest';
import type { Mark } from './mark-record.ts';
import { StoredItem, TIMESTAMP_MICROS_MIN } from './record.ts';
import {
  absent,
  attemptOf,
  checkOf,
  deleteOf,
  itemOf,
  keyOf,
  ledger,
  present,
  putOf,
} from './transaction.fixture.ts';
import { STALLED_MS, type TransactionCommand } from './transaction.ts';
import {
  checkOutcome,
  isOfCommit,
  isReadConflict,
  leastTimestamp,
  meetMark,
  stalledMark,
} from './transaction-rules.ts';

const NOW = 1_790_000_000_000;
const T = 1.79e15;

function markOf(command: TransactionCommand = putOf(itemOf(1, 1)), number = 1): Mark {
  return {
    attempt: attemptOf('t', number),
    ledger,
    command,
    timestampMin: T,
    markedMs: NOW,
    outcome: {
      kind: 'accepted',
      capacity: { table: 1, localIndexes: new Map(), globalIndexes: new Map() },
      collectionBytes: undefined,
    },
  };
}

const stored = (writtenMicros: number) =>
  StoredItem.of(itemOf(1, 1), 10, { version: 1, writtenMicros });

describe('the least timestamp of an item', () => {
  it.each([
    ['is above that of the item', stored(T), T + 9, T + 1],
    ['is above that of deletions where there is none', undefined, T, T + 1],
    ['is no time in ms', undefined, 0, TIMESTAMP_MICROS_MIN],
  ])('%s', (_, current, deletedMicros, least) => {
    expect(leastTimestamp(current, deletedMicros)).toBe(least);
  });
});

describe('a prepare', () => {
  it.each([
    ['finds an item without a mark free', undefined, attemptOf('t'), 'free'],
    ['finds its own mark again', markOf(), attemptOf('t'), 'own'],
    ['replaces the mark of an earlier attempt', markOf(), attemptOf('t', 2), 'free'],
    ['leaves the mark of a later attempt', markOf(undefined, 2), attemptOf('t'), 'conflict'],
    ['leaves the mark of another transaction', markOf(), attemptOf('u', 2), 'conflict'],
  ])('%s', (_, mark, attempt, met) => {
    expect(meetMark(mark, attempt)).toBe(met);
  });
});

describe('a mark', () => {
  it('is of a commit at its timestamp or later', () => {
    expect([T - 1, T, T + 1].map((timestamp) => isOfCommit(markOf(), timestamp))).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('keeps reads away unless it is a check', () => {
    expect(isReadConflict(undefined)).toBe(false);
    expect(isReadConflict(markOf(checkOf(1, present)))).toBe(false);
    expect(isReadConflict(markOf(deleteOf(1)))).toBe(true);
  });

  it('is stalled when it is old, also by a clock that was put back', () => {
    const told = { attempt: attemptOf('t'), ledger };
    expect(stalledMark(markOf(), NOW + STALLED_MS - 1)).toBeUndefined();
    expect(stalledMark(markOf(), NOW + STALLED_MS)).toEqual(told);
    expect(stalledMark(markOf(), NOW - STALLED_MS)).toEqual(told);
  });
});

describe('a check', () => {
  it('costs a write of the item as it is', () => {
    const large = StoredItem.of(itemOf(1, 1), 2_500, { version: 1, writtenMicros: T });
    expect(checkOutcome(checkOf(1, present), large)).toMatchObject({
      kind: 'accepted',
      capacity: { table: 3 },
    });
  });

  it('that fails shows the item', () => {
    const current = stored(T);
    expect(checkOutcome(checkOf(1, absent), current)).toMatchObject({
      kind: 'conditionFailed',
      capacity: { table: 1 },
      before: current.json,
    });
    expect(checkOutcome({ kind: 'check', key: keyOf(2), condition: present }, undefined)).toEqual({
      kind: 'conditionFailed',
      capacity: { table: 1, localIndexes: new Map(), globalIndexes: new Map() },
      before: undefined,
    });
  });
});
