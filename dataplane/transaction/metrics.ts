import type { CancellationReason } from './requests.ts';

/** What became of a transaction that writes, or reads. */
export type TransactionOutcome =
  | 'committed'
  | 'repeated'
  | 'cancelled'
  | 'read'
  /** A fault of the request as a whole. */
  | 'refused'
  /** Its fate is not known, or it could not be done: status 500. */
  | 'failed';

/** Counts since the start. */
export interface TransactionMetrics {
  readonly outcomes: ReadonlyMap<TransactionOutcome, number>;
  readonly inFlight: number;
  /** Actions that met another transaction's mark. */
  readonly conflicts: number;
  /** Calls of partitions that were repeated, rounds of reads that were, and runs begun anew. */
  readonly retries: number;
  /** Transactions, as far as one partition has to do with them, that were finished for another. */
  readonly recoveries: ReadonlyMap<'committed' | 'aborted', number>;
  /** Tries of that which failed and will be made again. */
  readonly recoveryFailures: number;
}

export class TransactionCounts implements TransactionMetrics {
  readonly outcomes = new Map<TransactionOutcome, number>();
  inFlight = 0;
  conflicts = 0;
  retries = 0;
  readonly recoveries = new Map<'committed' | 'aborted', number>();
  recoveryFailures = 0;

  ended(outcome: TransactionOutcome): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  recovered(outcome: 'committed' | 'aborted'): void {
    this.recoveries.set(outcome, (this.recoveries.get(outcome) ?? 0) + 1);
  }

  cancelled(reasons: readonly CancellationReason[]): void {
    for (const { kind } of reasons) if (kind === 'conflict') this.conflicts += 1;
  }
}
