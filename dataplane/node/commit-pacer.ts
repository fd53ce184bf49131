import type { Scheduler } from '../replication/scheduler.ts';

/**
 * When the groups of writes of one partition leave: at the end of the turn, unless `groupsMax` are
 * under way; then when one of those is done, so that all that has come meanwhile shares a proposal,
 * its messages and its place in the logs. A writer waits no longer for that: the disks take one
 * sync after the other in any case.
 *
 * More than one may be under way, so that the next is on its way while the last is being synced.
 */
export class CommitPacer {
  readonly #scheduler: Pick<Scheduler, 'soon'>;
  readonly #groupsMax: number;
  #groupsUnderWay = 0;
  #waiting: (() => void) | undefined;

  constructor(scheduler: Pick<Scheduler, 'soon'>, groupsMax: number) {
    this.#scheduler = scheduler;
    this.#groupsMax = groupsMax;
  }

  /** Has `flush` called when it is time; one at a time waits. */
  schedule(flush: () => void): void {
    if (this.#groupsUnderWay < this.#groupsMax) this.#scheduler.soon(flush);
    else this.#waiting = flush;
  }

  /** Runs the commit of a group; rejects as it does. */
  async run(commit: () => Promise<void>): Promise<void> {
    this.#groupsUnderWay += 1;
    try {
      await commit();
    } finally {
      this.#groupsUnderWay -= 1;
      const flush = this.#waiting;
      this.#waiting = undefined;
      if (flush !== undefined) this.schedule(flush);
    }
  }
}
