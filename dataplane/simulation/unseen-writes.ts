import type { RecordedOperation, RegisterValue } from './history.ts';

/**
 * Leaves out what constrains nothing: failed operations, eventual reads, reads without an answer,
 * and unknown writes of a value that nobody can have met. The last is exact: take such a write out
 * of any order, and out with it any conditional write of unknown outcome that would now be met;
 * what is left still explains everything.
 */
export function withoutUnseenWrites(
  operations: readonly RecordedOperation[],
): readonly RecordedOperation[] {
  const relevant = operations.filter(
    ({ operation, outcome }) =>
      outcome.kind !== 'failed' &&
      operation.kind !== 'getEventual' &&
      !(operation.kind === 'get' && outcome.kind === 'unknown'),
  );
  const met = metValues(relevant);
  if (met === undefined) {
    return relevant;
  }
  return relevant.filter(
    ({ operation, outcome }) =>
      outcome.kind !== 'unknown' ||
      !(operation.kind === 'put' || operation.kind === 'putIf') ||
      operation.value === undefined ||
      met.has(operation.value),
  );
}

/** Values that some operation may have met; undefined when any may have been. */
function metValues(operations: readonly RecordedOperation[]): Set<RegisterValue> | undefined {
  const met = new Set<RegisterValue>();
  for (const { operation, outcome } of operations) {
    if (operation.kind === 'putIf') {
      met.add(operation.expected);
    }
    if (operation.kind === 'add') {
      if (outcome.kind !== 'ok' || typeof outcome.value !== 'number') {
        return undefined;
      }
      met.add(outcome.value - operation.by);
    }
    if (outcome.kind === 'conditionFailed') {
      if (outcome.old === undefined) {
        return undefined;
      }
      met.add(outcome.old.value);
    }
    if (operation.kind === 'get' && outcome.kind === 'ok') {
      met.add(outcome.value);
    }
  }
  return met;
}
