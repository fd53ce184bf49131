import { pause, type Scheduler } from '../replication/scheduler.ts';
import type { ManagedTable } from '../routing/table.ts';
import { StoreError } from '../storage/store.ts';
import type { Log } from './background-work.ts';

/** Between two looks at tables in which nothing had expired. Ten seconds is the most an item may stay. */
export const SWEEP_IDLE_MS = 2000;

interface SweeperParts {
  readonly clock: { nowMs(): number };
  readonly idleMs: number;
  readonly log: Log;
  readonly scheduler: Scheduler;
  /** Tables with time to live enabled. */
  readonly tables: () => Iterable<ManagedTable>;
}

/** Deletes expired items of all tables: again at once while it finds some, else every two seconds. */
export class ExpirySweeper {
  readonly #clock: { nowMs(): number };
  readonly #idleMs: number;
  readonly #log: Log;
  readonly #scheduler: Scheduler;
  /** Tables whose data is damaged: the log has said so, once. */
  readonly #damaged = new WeakSet<ManagedTable>();
  readonly #tables: () => Iterable<ManagedTable>;
  #current: { table: ManagedTable; controller: AbortController; done: Promise<number> } | undefined;

  constructor({ clock, idleMs, log, scheduler, tables }: SweeperParts) {
    this.#clock = clock;
    this.#log = log;
    this.#scheduler = scheduler;
    this.#idleMs = idleMs;
    this.#tables = tables;
  }

  /** Runs until the signal fires. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const deleted = await this.sweep(signal);
      if (deleted === 0) await pause(this.#scheduler, this.#idleMs, signal);
      else await new Promise<void>((resolve) => this.#scheduler.soon(resolve));
    }
  }

  /** One look at each table; how many items were deleted. */
  async sweep(signal: AbortSignal): Promise<number> {
    let deleted = 0;
    for (const table of [...this.#tables()]) {
      if (signal.aborted) break;
      if (!this.#damaged.has(table)) deleted += await this.#sweepTable(table, signal);
    }
    return deleted;
  }

  /** Leaves a table alone that is about to be closed; resolves when it does. It is no longer listed. */
  async release(table: ManagedTable): Promise<void> {
    if (this.#current?.table !== table) return;
    this.#current.controller.abort();
    await this.#current.done.catch(() => {}); // The sweep itself reports its failure.
  }

  async #sweepTable(table: ManagedTable, signal: AbortSignal): Promise<number> {
    const controller = new AbortController();
    const done = table.sweepExpired(
      this.#clock.nowMs(),
      AbortSignal.any([signal, controller.signal]),
    );
    this.#current = { table, controller, done };
    try {
      return await done;
    } catch (error) {
      this.#report(table, error);
      return 0;
    } finally {
      this.#current = undefined;
    }
  }

  /** One table's trouble must not keep items of the others alive. */
  #report(table: ManagedTable, error: unknown): void {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'closed') return;
    if (error.code === 'damaged') this.#damaged.add(table);
    const { code, message } = error;
    this.#log('expirySweepFailed', { table: table.schema.tableName, code, message });
  }
}
