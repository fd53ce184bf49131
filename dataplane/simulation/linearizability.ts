import {
  historyUntil,
  printOperation,
  type RecordedOperation,
  type RegisterValue,
} from './history.ts';
import { LinearOrder, type Verdict } from './linear-order.ts';

export interface CheckOptions {
  /** Bounds the search for one item; beyond, it is `undecided`. */
  readonly stepsMax: number;
  /** What each item holds at the beginning. */
  readonly initial: RegisterValue;
}

export const defaultCheckOptions: CheckOptions = { stepsMax: 2_000_000, initial: undefined };

/** An item whose history no order explains. */
export interface Violation {
  readonly key: string;
  /** The shortest beginning of the item's history that fails, without reads that do not matter. */
  readonly operations: readonly RecordedOperation[];
  /** For people. */
  readonly report: string;
}

export interface LinearizabilityResult {
  /** `violated` if any item is, else `undecided` if any item is. */
  readonly verdict: Verdict;
  readonly violations: readonly Violation[];
  readonly undecidedKeys: readonly string[];
  readonly keysCount: number;
  readonly steps: number;
}

/**
 * Whether a history of single-item operations is linearizable. Items are checked one by one, which
 * is the same as checking all at once (linearizability is local).
 */
export function checkLinearizable(
  operations: readonly RecordedOperation[],
  options: CheckOptions = defaultCheckOptions,
): LinearizabilityResult {
  const violations: Violation[] = [];
  const undecidedKeys: string[] = [];
  let steps = 0;
  const histories = Map.groupBy(operations, ({ key }) => key);
  for (const [key, history] of histories) {
    const result = checkItem(history, options);
    steps += result.steps;
    if (result.verdict === 'undecided') {
      undecidedKeys.push(key);
    } else if (result.verdict === 'violated') {
      violations.push(explain(key, history, options));
    }
  }
  const isUndecided = undecidedKeys.length > 0;
  return {
    verdict: violations.length > 0 ? 'violated' : isUndecided ? 'undecided' : 'linearizable',
    violations,
    undecidedKeys,
    keysCount: histories.size,
    steps,
  };
}

/** The same for operations that are all on one item. */
export function checkItem(
  operations: readonly RecordedOperation[],
  { stepsMax, initial }: CheckOptions = defaultCheckOptions,
): { readonly verdict: Verdict; readonly steps: number } {
  const order = new LinearOrder(operations, initial);
  const verdict = order.search(stepsMax);
  return { verdict, steps: order.steps };
}

/** A beginning of a linearizable history is linearizable, so the shortest that fails is found by halving. */
function explain(
  key: string,
  history: readonly RecordedOperation[],
  options: CheckOptions,
): Violation {
  const returns = history
    .filter(({ outcome }) => outcome.kind !== 'unknown')
    .map(({ returnedAt }) => returnedAt)
    .sort((one, other) => one - other);
  let [low, high] = [0, returns.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    const prefix = historyUntil(history, returns[middle] ?? 0);
    if (checkItem(prefix, options).verdict === 'violated') {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  const atEvent = returns[high] ?? 0;
  const operations = withoutIdleReads(historyUntil(history, atEvent), { atEvent, options });
  return { key, operations, report: report(key, operations, atEvent) };
}

/** Reads change nothing: if the rest fails without one, it was not needed. */
function withoutIdleReads(
  operations: readonly RecordedOperation[],
  { atEvent, options }: { readonly atEvent: number; readonly options: CheckOptions },
): readonly RecordedOperation[] {
  let kept = operations.filter(
    ({ operation, outcome }) =>
      outcome.kind !== 'failed' &&
      operation.kind !== 'getEventual' &&
      !(operation.kind === 'get' && outcome.kind === 'unknown'),
  );
  const reads = kept.filter(
    ({ operation, outcome, returnedAt }) =>
      returnedAt !== atEvent && (operation.kind === 'get' || outcome.kind === 'conditionFailed'),
  );
  let steps = 0;
  for (const read of reads.slice(-readsTriedMax)) {
    const fewer = kept.filter((operation) => operation !== read);
    const result = checkItem(fewer, options);
    steps += result.steps;
    if (result.verdict === 'violated') {
      kept = fewer;
    }
    if (steps > options.stepsMax) {
      break;
    }
  }
  return kept;
}

function report(key: string, operations: readonly RecordedOperation[], atEvent: number): string {
  const shown = operations.filter(
    ({ outcome }, index) => index >= operations.length - shownMax || outcome.kind === 'unknown',
  );
  const lines = shown.map(
    (operation) => `${operation.returnedAt === atEvent ? '> ' : '  '}${printOperation(operation)}`,
  );
  return [
    `Item ${JSON.stringify(key)}: no order of these operations explains the answer marked with >.`,
    `(${operations.length - shown.length} earlier ones are left out.)`,
    ...lines,
  ].join('\n');
}

/** Reads that are tried to be left out: each is a search. */
const readsTriedMax = 60;
/** Operations that a report shows, besides those of unknown outcome. */
const shownMax = 30;
