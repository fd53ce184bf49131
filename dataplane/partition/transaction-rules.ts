import { matches } from '../expression/evaluate.ts';
import { tableCapacity, writeUnits } from './capacity.ts';
import type { Mark } from './mark-record.ts';
import { type StoredItem, TIMESTAMP_MICROS_MIN } from './record.ts';
import {
  type ActionOutcome,
  type Attempt,
  type CheckCommand,
  STALLED_MS,
  type StalledMark,
} from './transaction.ts';
import { transactionIdText } from './transaction-keys.ts';

/**
 * The rules of marked items and of timestamps: pure functions.
 *
 * Timestamps are us since 1970 and stand in every record; of items that are absent a partition keeps
 * the greatest timestamp of a deletion. Each write, and each transaction that wrote, deleted or
 * checked an item, has a greater one than all before it on the same item.
 */

/** The least timestamp above those of what was done to an item. */
export function leastTimestamp(current: StoredItem | undefined, deletedMicros: number): number {
  return Math.max((current?.writtenMicros ?? deletedMicros) + 1, TIMESTAMP_MICROS_MIN);
}

/** What the prepare of an attempt finds on an item. */
export function meetMark(mark: Mark | undefined, attempt: Attempt): 'free' | 'own' | 'conflict' {
  if (mark === undefined) return 'free';
  if (!isSameTransaction(mark.attempt, attempt)) return 'conflict';
  if (mark.attempt.number === attempt.number) return 'own';
  // The ledger gives a later attempt only once it has aborted the earlier one.
  return mark.attempt.number < attempt.number ? 'free' : 'conflict';
}

/**
 * Whether a mark is of what was committed at this time. A prepare that arrives once more after all was
 * finished marks the items anew, with a timestamp above what they have now: it is dropped.
 */
export function isOfCommit(mark: Mark, timestamp: number): boolean {
  return mark.timestampMin <= timestamp;
}

/** Whether a read by a transaction has to leave the item alone. Checks change nothing. */
export function isReadConflict(mark: Mark | undefined): mark is Mark {
  return mark !== undefined && mark.command.kind !== 'check';
}

/** What whoever meets a mark is told of it; undefined while its coordinator may be at work. */
export function stalledMark(mark: Mark, nowMs: number): StalledMark | undefined {
  return isStalled(mark, nowMs) ? { attempt: mark.attempt, ledger: mark.ledger } : undefined;
}

/** A clock that was put back hides no mark for long. */
export function isStalled({ markedMs }: Mark, nowMs: number): boolean {
  return Math.abs(nowMs - markedMs) >= STALLED_MS;
}

/** The outcome of a check. It costs as much as a write that leaves the item as it is. */
export function checkOutcome(
  { condition }: CheckCommand,
  current: StoredItem | undefined,
): ActionOutcome {
  const capacity = tableCapacity(writeUnits(current?.bytes ?? 0));
  return matches(condition, current?.item ?? {})
    ? { kind: 'accepted', capacity, collectionBytes: undefined }
    : { kind: 'conditionFailed', capacity, before: current?.json };
}

export function isSameAttempt(one: Attempt, other: Attempt): boolean {
  return one.number === other.number && isSameTransaction(one, other);
}

export function isSameTransaction(one: Attempt, other: Attempt): boolean {
  return transactionIdText(one.id) === transactionIdText(other.id);
}
