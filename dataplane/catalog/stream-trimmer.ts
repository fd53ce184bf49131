import { pause, type Scheduler } from '../replication/scheduler.ts';
import type { ManagedTable } from '../routing/table.ts';
import { StoreError } from '../storage/store.ts';
import type { Log } from './background-work.ts';

/** Between two looks. Records past their time are not handed out however late they are dropped. */
export const TRIM_IDLE_MS = 60_000;

interface TrimmerParts {
  readonly idleMs: number;
  readonly log: Log;
  readonly scheduler: Scheduler;
  /** Tables that have, or had, a stream. */
  readonly tables: () => Iterable<ManagedTable>;
  /** Gives up deleted tables whose streams are past their time. */
  readonly dropRetired: () => Promise<void>;
}

/** Drops change records of all tables once they are past their time, rolls shards that are old. */
export class StreamTrimmer {
  readonly #parts: TrimmerParts;
  /** Tables whose data is damaged: the log has said so, once. */
  readonly #damaged = new WeakSet<ManagedTable>();

  constructor(parts: TrimmerParts) {
    this.#parts = parts;
  }

  /** Runs until the signal fires. */
  async run(signal: AbortSignal): Promise<void> {
    const { scheduler, idleMs } = this.#parts;
    while (!signal.aborted) {
      await this.trim(signal);
      await pause(scheduler, idleMs, signal);
    }
  }

  /** One look at each table. */
  async trim(signal: AbortSignal): Promise<void> {
    for (const table of [...this.#parts.tables()]) {
      if (signal.aborted) return;
      if (!this.#damaged.has(table)) await this.#trimTable(table, signal);
    }
    await this.#reporting(undefined, this.#parts.dropRetired());
  }

  /** One table's trouble must not keep the others from being trimmed. */
  async #trimTable(table: ManagedTable, signal: AbortSignal): Promise<void> {
    await this.#reporting(table, table.trimStreams(signal));
  }

  async #reporting(table: ManagedTable | undefined, work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code === 'closed') return;
      if (error.code === 'damaged' && table !== undefined) this.#damaged.add(table);
      const { code, message } = error;
      this.#parts.log('streamTrimFailed', { table: table?.schema.tableName, code, message });
    }
  }
}
