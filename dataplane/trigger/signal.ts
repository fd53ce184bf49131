import { pause, type Scheduler } from '../replication/scheduler.ts';

/** Tells those who wait that something has happened. */
export class Signal {
  #raised = Promise.withResolvers<void>();

  raise(): void {
    this.#raised.resolve();
    this.#raised = Promise.withResolvers<void>();
  }

  /** Resolves when it is raised the next time. */
  next(): Promise<void> {
    return this.#raised.promise;
  }

  /** Likewise, or after so many ms. */
  async nextWithin(scheduler: Scheduler, ms: number): Promise<void> {
    const stop = new AbortController();
    const late = pause(scheduler, ms, stop.signal);
    await Promise.race([this.next(), late]);
    stop.abort();
  }
}
