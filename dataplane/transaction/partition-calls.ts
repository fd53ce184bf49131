import { ClientFault } from '../errors/client-fault.ts';
import type { AnswerTo, TransactionCall } from '../partition/transaction.ts';
import { pause, type Scheduler } from '../replication/scheduler.ts';
import type { Table } from '../routing/table.ts';
import { StoreError } from '../storage/store.ts';
import type { Deadline } from './deadline.ts';

/** Pauses between repeats: doubled each time, each with a jitter of half its length. */
const PAUSE_MS_MIN = 20;
const PAUSE_MS_MAX = 500;

/** One partition of one table. */
export interface PartitionPlace {
  readonly table: Table;
  readonly partitionId: bigint;
}

export interface PartitionCallsOptions {
  readonly scheduler: Scheduler;
  /** 0 up to 1, for jitter. */
  readonly random: () => number;
  readonly onRetry: () => void;
}

/** Calls of partitions, with the time they may take. A table repeats what it can itself. */
export class PartitionCalls {
  readonly #options: PartitionCallsOptions;

  constructor(options: PartitionCallsOptions) {
    this.#options = options;
  }

  /** @throws what `transact` throws; the deadline's fault: then it may still be done */
  once<Call extends TransactionCall>(
    { table, partitionId }: PartitionPlace,
    call: Call,
    deadline: Deadline,
  ): Promise<AnswerTo<Call>> {
    return deadline.race(table.transact(partitionId, call));
  }

  /**
   * Asks again while it is not known, or certain not, that it was done.
   * @throws ClientFault ResourceNotFoundException and other faults that repeating does not help;
   *   the deadline's fault
   */
  async untilDone<Call extends TransactionCall>(
    place: PartitionPlace,
    call: Call,
    deadline: Deadline,
  ): Promise<AnswerTo<Call>> {
    for (let pauseMs = PAUSE_MS_MIN; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
      try {
        return await this.once(place, call, deadline);
      } catch (error) {
        if (deadline.hasPassed || !isTransient(error)) throw error;
      }
      this.#options.onRetry();
      const { scheduler, random } = this.#options;
      await pause(scheduler, pauseMs * (1 - random() / 2), deadline.signal);
    }
  }
}

const transientFaults: ReadonlySet<string> = new Set([
  'InternalServerError',
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
]);

function isTransient(error: unknown): boolean {
  if (error instanceof ClientFault) return transientFaults.has(error.type);
  return error instanceof StoreError && (error.code === 'full' || error.code === 'io');
}

/** Whether the table, or this partition of it, is not there. */
export function isGone(error: unknown): boolean {
  return error instanceof ClientFault && error.type === 'ResourceNotFoundException';
}
