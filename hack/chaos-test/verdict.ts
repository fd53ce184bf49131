import { findStaleReads } from '../../dataplane/simulation/eventual-reads.ts';
import type { RecordedOperation } from '../../dataplane/simulation/history.ts';
import { checkLinearizable } from '../../dataplane/simulation/linearizability.ts';

const SHOWN_MAX = 3;

/** What the checkers say of a history. */
export interface HistoryVerdict {
  readonly isGood: boolean;
  /** For people. */
  readonly lines: readonly string[];
}

/** Whether an order of the operations explains every answer, and eventual reads were recent enough. */
export function judgeHistory(operations: readonly RecordedOperation[]): HistoryVerdict {
  const result = checkLinearizable(operations);
  const stale = findStaleReads(operations);
  const lines = [
    `linearizability of ${result.keysCount} items, ${operations.length} operations: ${result.verdict} (${result.steps} steps)`,
    ...result.undecidedKeys.map((key) => `  the search was given up for the item ${key}`),
    ...result.violations.slice(0, SHOWN_MAX).map(({ report }) => report),
    `eventual reads older than 10 s: ${stale.length}`,
    ...stale.slice(0, SHOWN_MAX).map(({ report }) => `  ${report}`),
  ];
  return { isGood: result.verdict === 'linearizable' && stale.length === 0, lines };
}
