import { pause, type Scheduler } from '../replication/scheduler.ts';
import { StoreError } from '../storage/store.ts';

export type Log = (event: string, fields: object) => void;

/** How long to wait before what failed for want of disk space, or of a working disk, is tried again. */
const RETRY_MS = 1000;

/**
 * Work that goes on after the answer: it is tried again until it succeeds or is stopped.
 *
 * One piece of work runs at a time under a name; starting it again waits for the one before, which
 * is told to stop. A full or failing disk is tried again without end, since the state that asked for
 * the work is durable; after damage the work rests and the log says so. Anything unexpected is a
 * defect and is not swallowed.
 */
export class BackgroundWork {
  readonly #log: Log;
  readonly #scheduler: Scheduler;
  readonly #running = new Map<string, { controller: AbortController; done: Promise<void> }>();
  #isClosed = false;

  constructor(log: Log, scheduler: Scheduler) {
    this.#log = log;
    this.#scheduler = scheduler;
  }

  start(name: string, work: (signal: AbortSignal) => Promise<void>): void {
    if (this.#isClosed) return;
    const before = this.stop(name);
    const controller = new AbortController();
    const done = before
      .then(() => this.#runToEnd(name, work, controller.signal))
      .finally(() => {
        if (this.#running.get(name)?.controller === controller) this.#running.delete(name);
      });
    this.#running.set(name, { controller, done });
  }

  isRunning(name: string): boolean {
    return this.#running.has(name);
  }

  /** Tells the work of this name to stop, and waits until it has. */
  async stop(name: string): Promise<void> {
    const running = this.#running.get(name);
    running?.controller.abort();
    await running?.done;
  }

  /** Stops all work and refuses more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#running.keys()].map((name) => this.stop(name)));
  }

  async #runToEnd(
    name: string,
    work: (signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        return await work(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof StoreError)) throw error;
        const willRetry = error.code === 'full' || error.code === 'io';
        const { code, message } = error;
        this.#log('backgroundWorkFailed', { name, code, message, willRetry });
        if (!willRetry) return;
        await pause(this.#scheduler, RETRY_MS, signal);
      }
    }
  }
}
