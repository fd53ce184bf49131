import { transactionFaults } from '../errors/transactions.ts';
import type { Attempt, FinishCall, Participant } from '../partition/transaction.ts';
import type { Scheduler } from '../replication/scheduler.ts';
import { REQUEST_DEADLINE_MS } from '../routing/protocol.ts';
import { Deadline } from './deadline.ts';
import { isGone, type PartitionCalls, type PartitionPlace } from './partition-calls.ts';
import { namedPlace } from './placement.ts';
import type { NamedTable, TransactionTables } from './tables.ts';

/** Records that are let go of at once; beyond that recovery does it when they are due. */
const FORGETTING_MAX = 1_000;

/** A transaction that is decided. */
export interface Committed {
  readonly attempt: Attempt;
  readonly timestamp: number;
}

export interface FinisherOptions {
  readonly calls: PartitionCalls;
  readonly scheduler: Scheduler;
  readonly tables: Pick<TransactionTables, 'byId' | 'isDeleted'>;
}

/** The last steps of a transaction, which its own coordinator or anybody else may take. */
export class Finisher {
  readonly #options: FinisherOptions;
  readonly #forgetting = new Set<Promise<void>>();

  constructor(options: FinisherOptions) {
    this.#options = options;
  }

  /**
   * Applies or drops what the attempt has marked there. A table that was deleted has finished.
   * @throws the deadline's fault, and whatever says that the partition could not be reached
   */
  async finish(
    place: PartitionPlace,
    { attempt, outcome }: Pick<FinishCall, 'attempt' | 'outcome'>,
    deadline: Deadline,
  ): Promise<void> {
    const call: FinishCall = { kind: 'finish', attempt, outcome };
    try {
      await this.#options.calls.untilDone(place, call, deadline);
    } catch (error) {
      if (isGone(error) && (await this.#isDeleted(namedPlace(place), deadline))) return;
      throw error;
    }
  }

  /**
   * Applies a committed transaction everywhere.
   * @throws as `finish`, once all have been tried; ClientFault for a table that is not known here
   */
  async commitEverywhere(
    { attempt, timestamp }: Committed,
    participants: readonly Participant[],
    deadline: Deadline,
  ): Promise<void> {
    const outcome = { kind: 'commit', timestamp } as const;
    const settled = await Promise.allSettled(
      participants.map(async (participant) => {
        const place = this.placeOf(participant);
        if (place !== undefined) await this.finish(place, { attempt, outcome }, deadline);
        else if (!(await this.#isDeleted(participant, deadline))) {
          throw transactionFaults.fateUnknown();
        }
      }),
    );
    for (const each of settled) if (each.status === 'rejected') throw each.reason;
  }

  /** Tells the ledger that all have finished; not waited for, and done later by recovery if it fails. */
  forgetSoon(ledger: PartitionPlace, committed: Committed): void {
    if (this.#forgetting.size >= FORGETTING_MAX) return;
    const deadline = new Deadline(
      this.#options.scheduler,
      REQUEST_DEADLINE_MS,
      transactionFaults.notDone,
    );
    const forgetting = this.forget(ledger, committed, deadline)
      .catch(() => undefined)
      .finally(() => {
        deadline.cancel();
        this.#forgetting.delete(forgetting);
      });
    this.#forgetting.add(forgetting);
  }

  /** @throws as `PartitionCalls.once` */
  async forget(
    ledger: PartitionPlace,
    { attempt, timestamp }: Committed,
    deadline: Deadline,
  ): Promise<void> {
    const outcome = { kind: 'commit', timestamp, participants: [] } as const;
    await this.#options.calls.once(ledger, { kind: 'decide', attempt, outcome }, deadline);
  }

  placeOf({ tableId, partitionId }: Participant): PartitionPlace | undefined {
    const table = this.#options.tables.byId(tableId);
    return table && { table, partitionId };
  }

  /** Resolves when nothing is under way that nobody waits for. */
  async settled(): Promise<void> {
    while (this.#forgetting.size > 0) await Promise.all(this.#forgetting);
  }

  #isDeleted(table: NamedTable, deadline: Deadline): Promise<boolean> {
    return deadline.race(this.#options.tables.isDeleted(table));
  }
}
