import { transactionFaults } from '../errors/transactions.ts';
import type { Attempt, StalledAnswer, StalledMark } from '../partition/transaction.ts';
import type { Scheduler, Timer } from '../replication/scheduler.ts';
import { REQUEST_DEADLINE_MS } from '../routing/protocol.ts';
import { Deadline } from './deadline.ts';
import type { Finisher } from './finisher.ts';
import type { TransactionCounts } from './metrics.ts';
import { isGone, type PartitionCalls, type PartitionPlace } from './partition-calls.ts';
import type { TransactionTables } from './tables.ts';

/** Between two looks at the partitions that report something; each with a jitter of half of it. */
const SWEEP_INTERVAL_MS = 1_000;
/** Marks and records that are seen to at once. */
const SETTLING_MAX = 32;

export interface RecoveryOptions {
  readonly tables: TransactionTables;
  readonly calls: PartitionCalls;
  readonly finisher: Finisher;
  readonly scheduler: Scheduler;
  /** 0 up to 1. */
  readonly random: () => number;
  readonly counts: TransactionCounts;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

interface Settle {
  /** All coordinators are known to be gone: no mark is too young. */
  readonly isAbandoned: boolean;
  /** Of all of it; one for each transaction if undefined. */
  readonly deadline?: Deadline;
}

interface Task {
  readonly place: PartitionPlace;
  readonly attempt: Attempt;
  readonly deadline: Deadline | undefined;
}

/**
 * Finishes transactions whose coordinators have stopped. Whoever meets a mark that is old may ask
 * the ledger what became of it, and do with it what the ledger says; several may do so at the same
 * time, and the coordinator too if it is alive after all.
 */
export class Recovery {
  readonly #options: RecoveryOptions;
  /** By partition and attempt: what is being seen to. */
  readonly #settling = new Map<string, Promise<boolean>>();
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Looks after stalled transactions from now on. */
  start(): void {
    const { scheduler, random } = this.#options;
    if (this.#isClosed) return;
    this.#timer = scheduler.after(SWEEP_INTERVAL_MS * (1 - random() / 2), () => {
      void this.sweep().finally(() => this.start());
    });
  }

  /** Begins nothing any more, and resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.settled();
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#settling.size > 0) await Promise.all(this.#settling.values());
  }

  /** A mark that was met. Nobody waits for what comes of it. */
  noteStalled(place: PartitionPlace, mark: StalledMark): void {
    if (this.#settling.size < SETTLING_MAX)
      void this.#settleOnce(place, mark, { isAbandoned: false });
  }

  /** Sees to all that partitions report. */
  async sweep(): Promise<void> {
    const { tables } = this.#options;
    for (const { tableId, partitionId } of [...tables.stalled()]) {
      const table = tables.byId(tableId);
      if (this.#isClosed || table === undefined) continue;
      await this.#settlePartition({ table, partitionId }, { isAbandoned: false });
    }
  }

  /**
   * Sees to all that waits anywhere, however young: for a process whose transactions have all stopped
   * with the one before it. No transaction may be begun until this resolves; what cannot be done in
   * the time of one request is left to sweeps.
   */
  async settleAbandoned(places: Iterable<PartitionPlace>): Promise<void> {
    const deadline = this.#deadline();
    const settle = { isAbandoned: true, deadline };
    await this.#inTurns(
      Array.from(places, (place) => async () => {
        // A partition tells of some at a time.
        while (!deadline.hasPassed && (await this.#settlePartition(place, settle)));
        return true;
      }),
    );
    deadline.cancel();
  }

  /** Whether there was something, and all of it is done: there may be more. */
  async #settlePartition(place: PartitionPlace, settle: Settle): Promise<boolean> {
    const { deadline = this.#deadline(), isAbandoned } = settle;
    let stalled: StalledAnswer;
    try {
      const call = { kind: 'stalled', isAll: isAbandoned } as const;
      stalled = await this.#options.calls.once(place, call, deadline);
    } catch (error) {
      this.#failed(place, error);
      return false;
    } finally {
      if (settle.deadline === undefined) deadline.cancel();
    }
    const { marks, unfinished } = stalled;
    const areDone = await this.#inTurns([
      ...marks.map((mark) => () => this.#settleOnce(place, mark, settle)),
      ...unfinished.map((record) => () => this.#finishOnce(place, record)),
    ]);
    return areDone && marks.length + unfinished.length > 0;
  }

  /** Whether all were done. */
  async #inTurns(tasks: readonly (() => Promise<boolean>)[]): Promise<boolean> {
    let areDone = true;
    for (let at = 0; at < tasks.length; at += SETTLING_MAX) {
      if (this.#isClosed) return false;
      const turn = await Promise.all(tasks.slice(at, at + SETTLING_MAX).map((task) => task()));
      areDone &&= !turn.includes(false);
    }
    return areDone;
  }

  #settleOnce(place: PartitionPlace, mark: StalledMark, settle: Settle): Promise<boolean> {
    const { isAbandoned } = settle;
    return this.#once({ place, attempt: mark.attempt, deadline: settle.deadline }, (deadline) =>
      this.#settle(place, mark, { isAbandoned, deadline }),
    );
  }

  /** What the ledger says of the mark's attempt is done; false: it says nothing yet. */
  async #settle(
    place: PartitionPlace,
    mark: StalledMark,
    { isAbandoned, deadline }: { readonly isAbandoned: boolean; readonly deadline: Deadline },
  ): Promise<boolean> {
    const { finisher, counts, log } = this.#options;
    const resolved = await this.#resolve(mark, { isAbandoned, deadline });
    if (resolved.kind === 'inProgress') return false;
    const { attempt } = mark;
    const outcome =
      resolved.kind === 'committed'
        ? ({ kind: 'commit', timestamp: resolved.timestamp } as const)
        : ({ kind: 'abort' } as const);
    await finisher.finish(place, { attempt, outcome }, deadline);
    counts.recovered(resolved.kind);
    log('transactionRecovered', {
      transaction: textOf(attempt.id),
      attempt: attempt.number,
      outcome: resolved.kind,
      table: place.table.schema.tableName,
      partition: String(place.partitionId),
    });
    return true;
  }

  async #resolve(
    { attempt, ledger }: StalledMark,
    { isAbandoned, deadline }: { readonly isAbandoned: boolean; readonly deadline: Deadline },
  ) {
    const { finisher, calls, tables } = this.#options;
    const place = finisher.placeOf(ledger);
    try {
      if (place !== undefined) {
        return await calls.once(place, { kind: 'resolve', attempt, isAbandoned }, deadline);
      }
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    // Nobody can commit it any more if its ledger is gone; one that is not known here may be there.
    const isDeleted = await deadline.race(tables.isDeleted(ledger));
    return { kind: isDeleted ? 'aborted' : 'inProgress' } as const;
  }

  /** A committed transaction of this ledger that is due to be forgotten, once all have finished. */
  #finishOnce(
    ledger: PartitionPlace,
    { attempt, timestamp, participants }: StalledAnswer['unfinished'][number],
  ): Promise<boolean> {
    const { finisher } = this.#options;
    return this.#once({ place: ledger, attempt, deadline: undefined }, async (deadline) => {
      await finisher.commitEverywhere({ attempt, timestamp }, participants, deadline);
      await finisher.forget(ledger, { attempt, timestamp }, deadline);
      return true;
    });
  }

  /** At most once at a time for one attempt at one partition. Never rejects; false: it failed. */
  #once(
    { place, attempt, deadline }: Task,
    work: (deadline: Deadline) => Promise<boolean>,
  ): Promise<boolean> {
    const { tableId } = place.table.schema;
    const key = `${tableId}/${place.partitionId}/${textOf(attempt.id)}/${attempt.number}`;
    const underWay = this.#settling.get(key);
    if (underWay !== undefined) return underWay;
    const ownDeadline = deadline ?? this.#deadline();
    const settling = work(ownDeadline)
      .catch((error: unknown) => {
        this.#failed(place, error);
        return false;
      })
      .finally(() => {
        if (deadline === undefined) ownDeadline.cancel();
        this.#settling.delete(key);
      });
    this.#settling.set(key, settling);
    return settling;
  }

  #deadline(): Deadline {
    return new Deadline(this.#options.scheduler, REQUEST_DEADLINE_MS, transactionFaults.notDone);
  }

  /** It is reported again, by the partition or by whoever meets the mark next. */
  #failed({ table, partitionId }: PartitionPlace, error: unknown): void {
    const { counts, log } = this.#options;
    counts.recoveryFailures += 1;
    log('transactionRecoveryFailed', {
      table: table.schema.tableName,
      partition: String(partitionId),
      error: messageOf(error),
    });
  }
}

function textOf(id: Uint8Array): string {
  return Buffer.from(id).toString('hex');
}

function messageOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'message' in error) {
    return String(error.message);
  }
  return String(error);
}
