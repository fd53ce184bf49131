import { printOperation, type RecordedOperation, type RegisterValue } from './history.ts';

export interface EventualReadsOptions {
  /** An eventual read may be this old when it is called. */
  readonly stalenessMsMax: number;
  readonly initial: RegisterValue;
}

export const defaultEventualReadsOptions: EventualReadsOptions = {
  stalenessMsMax: 10_000,
  initial: undefined,
};

/** An eventual read that returned what was not current at any time it may have been taken from. */
export interface StaleRead {
  readonly read: RecordedOperation;
  /** For people. */
  readonly report: string;
}

/**
 * Finds eventual reads whose value was current at no moment from `stalenessMsMax` before their call
 * to their return.
 *
 * Never a false alarm: a value counts as current from the call of a write of it until some
 * certain write that was called after that one's return has returned itself. So it misses reads that
 * only a full linear order would convict.
 */
export function findStaleReads(
  operations: readonly RecordedOperation[],
  options: EventualReadsOptions = defaultEventualReadsOptions,
): readonly StaleRead[] {
  const histories = Map.groupBy(operations, ({ key }) => key);
  return [...histories.values()].flatMap((history) => staleReadsOf(history, options));
}

function staleReadsOf(
  history: readonly RecordedOperation[],
  { stalenessMsMax, initial }: EventualReadsOptions,
): readonly StaleRead[] {
  const reads = history.filter(
    ({ operation, outcome }) => operation.kind === 'getEventual' && outcome.kind === 'ok',
  );
  if (reads.length === 0) {
    return [];
  }
  const overwrittenMs = overwriting(history);
  const spans: Span[] = [{ value: initial, calledAt: 0, untilMs: overwrittenMs(0) }];
  for (const operation of history) {
    for (const value of writtenValues(operation)) {
      const { calledAt, returnedAt } = operation;
      spans.push({ value, calledAt, untilMs: overwrittenMs(returnedAt) });
    }
  }
  const byValue = Map.groupBy(spans, ({ value }) => value);
  return reads.flatMap((read) => {
    const value = read.outcome.kind === 'ok' ? read.outcome.value : undefined;
    const anyNumber = typeof value === 'number' ? (byValue.get(anyNumberValue) ?? []) : [];
    const isFine = [...(byValue.get(value) ?? []), ...anyNumber].some(
      ({ calledAt, untilMs }) =>
        calledAt < read.returnedAt && untilMs >= read.calledMs - stalenessMsMax,
    );
    return isFine
      ? []
      : [{ read, report: `Stale or invented (item ${read.key}): ${printOperation(read)}` }];
  });
}

/** When a value may have been current. */
interface Span {
  readonly value: RegisterValue;
  readonly calledAt: number;
  readonly untilMs: number;
}

/** Stands for the results of counters whose outcome nobody knows. */
const anyNumberValue = 'any number';

/** What a write may have left behind. */
function writtenValues({ operation, outcome }: RecordedOperation): readonly RegisterValue[] {
  if (outcome.kind === 'failed' || outcome.kind === 'conditionFailed') {
    return [];
  }
  switch (operation.kind) {
    case 'put':
    case 'putIf':
      return [operation.value];
    case 'delete':
      return [undefined];
    case 'add':
      return [outcome.kind === 'ok' ? outcome.value : anyNumberValue];
    default:
      return [];
  }
}

/** When the first certain write has returned that was called after an event. */
function overwriting(history: readonly RecordedOperation[]): (afterEvent: number) => number {
  const writes = history
    .filter(({ operation, outcome }) => outcome.kind === 'ok' && writesAlways.has(operation.kind))
    .sort((one, other) => one.calledAt - other.calledAt);
  // At i: the earliest return of the writes from i on.
  const earliestMs: number[] = Array(writes.length + 1).fill(Number.POSITIVE_INFINITY);
  for (let index = writes.length - 1; index >= 0; index -= 1) {
    const returnedMs = writes[index]?.returnedMs ?? Number.POSITIVE_INFINITY;
    earliestMs[index] = Math.min(returnedMs, earliestMs[index + 1] ?? Number.POSITIVE_INFINITY);
  }
  return (afterEvent) => {
    let low = 0;
    let high = writes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((writes[middle]?.calledAt ?? 0) > afterEvent) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return earliestMs[low] ?? Number.POSITIVE_INFINITY;
  };
}

const writesAlways: ReadonlySet<string> = new Set(['put', 'putIf', 'delete', 'add']);
