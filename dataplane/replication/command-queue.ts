import type { CoreCommand } from './core/consensus-core.ts';
import type { Scheduler } from './scheduler.ts';

/** Told when the core refused the command, with raft's own text. */
export type OnRefused = (message: string) => void;

/** Commands of one turn, and who is to be told of refusals, by their places. */
export interface CommandBatch {
  readonly commands: CoreCommand[];
  readonly onRefused: Map<number, OnRefused>;
}

/**
 * Commands for the core gather until the end of the event loop's turn; then all go in one call.
 */
export class CommandQueue {
  readonly #scheduler: Scheduler;
  readonly #flush: () => void;
  #batch: CommandBatch = newBatch();
  #isScheduled = false;
  #isStopped = false;

  constructor(scheduler: Scheduler, flush: () => void) {
    this.#scheduler = scheduler;
    this.#flush = flush;
  }

  push(command: CoreCommand, onRefused?: OnRefused): void {
    if (onRefused !== undefined) this.#batch.onRefused.set(this.#batch.commands.length, onRefused);
    this.#batch.commands.push(command);
    this.wake();
  }

  /** For one that can wait: goes along with the next that cannot, a tick at the latest. */
  pushLater(command: CoreCommand): void {
    this.#batch.commands.push(command);
  }

  /** Has a flush come at the end of this turn. */
  wake(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    this.#scheduler.soon(() => {
      this.#isScheduled = false;
      if (!this.#isStopped) this.#flush();
    });
  }

  take(): CommandBatch {
    const batch = this.#batch;
    this.#batch = newBatch();
    return batch;
  }

  /** Without a core: what waits is forgotten, and nothing is taken until `start`. */
  stop(): void {
    this.#isStopped = true;
    this.#batch = newBatch();
  }

  start(): void {
    this.#isStopped = false;
    this.#batch = newBatch();
  }
}

function newBatch(): CommandBatch {
  return { commands: [], onRefused: new Map() };
}
