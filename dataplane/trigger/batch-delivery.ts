import type { BatchOutcome } from './batch-answer.ts';
import type { DiscardedBatch, EventRecord } from './event-record.ts';

export interface RetryPolicy {
  /** Tries after the first; -1: without end. */
  readonly maximumRetryAttempts: number;
  readonly recordAgeMsMax: number;
  readonly bisectBatchOnFunctionError: boolean;
}

/** What is to be done next about a batch. */
export type DeliveryStep =
  | { readonly kind: 'send'; readonly records: readonly EventRecord[] }
  | { readonly kind: 'discard'; readonly batch: DiscardedBatch }
  | { readonly kind: 'done' };

/** A part of the batch that is sent as one. */
interface Piece {
  readonly records: readonly EventRecord[];
  /** Failures that count for `maximumRetryAttempts`: those after which it was not halved. */
  readonly countedFailures: number;
  /** How often its first record was sent. */
  readonly sentCount: number;
  readonly status: number | undefined;
  readonly failure: string | undefined;
}

const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 60_000;

/**
 * One batch, from its first try until each record is taken by the target or given up. Pure: it says
 * what to do, and is told what came of it.
 *
 * Records are done from the front; what is left is in `#pieces`, in order.
 */
export class BatchDelivery {
  readonly #policy: RetryPolicy;
  #pieces: Piece[];
  #failuresInRow = 0;

  /** @param records - of one shard, in order; at least one */
  constructor(records: readonly EventRecord[], policy: RetryPolicy) {
    this.#policy = policy;
    this.#pieces = [
      { records, countedFailures: 0, sentCount: 0, status: undefined, failure: undefined },
    ];
  }

  /** The first record that is not done yet. */
  get first(): EventRecord | undefined {
    return this.#pieces[0]?.records[0];
  }

  next(nowMs: number): DeliveryStep {
    const piece = this.#pieces[0];
    if (piece === undefined) return { kind: 'done' };
    const { maximumRetryAttempts, recordAgeMsMax } = this.#policy;
    const { records, sentCount: attempts, status, failure } = piece;
    const freshAt = records.findIndex(({ writtenMs }) => nowMs - writtenMs <= recordAgeMsMax);
    const expired = freshAt < 0 ? records : records.slice(0, freshAt);
    if (expired.length > 0) {
      const reason = 'RecordAgeExceeded';
      return { kind: 'discard', batch: { records: expired, reason, attempts, status, failure } };
    }
    if (maximumRetryAttempts >= 0 && piece.countedFailures > maximumRetryAttempts) {
      const reason = 'RetryAttemptsExhausted';
      return { kind: 'discard', batch: { records, reason, attempts, status, failure } };
    }
    return { kind: 'send', records };
  }

  /** Those of the last `discard` are done with. */
  onDiscarded(count: number): void {
    this.#dropFirst(count);
  }

  /**
   * What came of the last `send`.
   * @param random - of [0, 1)
   * @returns how long to wait before the next step, ms
   */
  onOutcome(outcome: BatchOutcome, random: number): number {
    const [piece, ...others] = this.#pieces;
    if (piece === undefined) throw new Error('nothing was sent');
    const sentCount = piece.sentCount + 1;
    switch (outcome.kind) {
      case 'success':
        this.#pieces = others;
        this.#failuresInRow = 0;
        return 0;
      case 'partial': {
        const { fromSequence, status } = outcome;
        const left = piece.records.filter(({ sequence }) => sequence >= fromSequence);
        const failure = 'the target has named it in batchItemFailures';
        this.#pieces = [
          { records: left, countedFailures: 1, sentCount: 1, status, failure },
          ...others,
        ];
        // Some have gone through: no reason to slow down more and more.
        this.#failuresInRow = 1;
        break;
      }
      case 'failure': {
        const { status, reason: failure } = outcome;
        this.#pieces = [...this.#retried({ ...piece, sentCount, status, failure }), ...others];
        this.#failuresInRow += 1;
      }
    }
    return backOffMs(this.#failuresInRow, random);
  }

  /** The whole piece again, or its halves. */
  #retried(piece: Piece): readonly Piece[] {
    const { records } = piece;
    if (!this.#policy.bisectBatchOnFunctionError || records.length < 2) {
      return [{ ...piece, countedFailures: piece.countedFailures + 1 }];
    }
    const middle = Math.ceil(records.length / 2);
    return [
      { ...piece, records: records.slice(0, middle) },
      { ...piece, records: records.slice(middle) },
    ];
  }

  #dropFirst(count: number): void {
    const [piece, ...others] = this.#pieces;
    if (piece === undefined) return;
    const records = piece.records.slice(count);
    this.#pieces = records.length === 0 ? others : [{ ...piece, records }, ...others];
    this.#failuresInRow = 0;
  }
}

/**
 * How long to wait after so many failures in a row, 1 or more: 0.5 s, doubled each time up to 60 s,
 * less up to half of it by chance.
 */
export function backOffMs(failures: number, random: number): number {
  const ms = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(failures - 1, 20));
  return ms * (1 - random / 2);
}
