import type { Coherence } from '../../cluster/coherence.ts';
import type { CacheCounters } from '../counters.ts';

/** What L2 needs of what joins the nodes. */
export type L2Coherence = Pick<
  Coherence,
  'mayServe' | 'l2Generation' | 'isL2Shared' | 'setL2Reachable'
>;

/**
 * Whether what L2 holds can be relied on. A write that is acknowledged without having been finished in
 * L2 leaves an old value there; so all nodes have to know before that nobody looks there. That is said
 * once when L2 is lost, if something is written then, and once when it is back, with new keys.
 */
export class L2Sharing {
  readonly #coherence: L2Coherence;
  readonly #counters: Pick<CacheCounters, 'l2Withholdings'>;
  /** What all nodes know of this one; undefined: a change is under way, or has failed halfway. */
  #announced: 'reachable' | 'withheld' | undefined = 'reachable';
  /** Changes go one after the other. */
  #last: Promise<void> = Promise.resolve();
  /** Of a change that has not begun yet. */
  #waiting: Promise<void> | undefined;

  constructor(coherence: L2Coherence, counters: Pick<CacheCounters, 'l2Withholdings'>) {
    this.#coherence = coherence;
    this.#counters = counters;
  }

  /** Whether L2 may be read and filled. */
  get isShared(): boolean {
    return this.#announced === 'reachable' && this.#coherence.isL2Shared;
  }

  /**
   * Resolves when no node gives out what L2 has of the time before the call.
   * @throws CoherenceError
   */
  withhold(): Promise<void> {
    if (this.#announced === 'withheld') return Promise.resolve();
    // A change that has begun already may have come before the write that asks now.
    this.#waiting ??= this.#inTurn(() => {
      this.#waiting = undefined;
      return this.#withholdNow();
    });
    return this.#waiting;
  }

  /**
   * L2 is reached again: the others may use it, with new keys, if it was withheld.
   * @throws CoherenceError
   */
  share(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#announced === 'reachable') return;
      this.#announced = undefined;
      await this.#coherence.setL2Reachable(true);
      this.#announced = 'reachable';
    });
  }

  async #withholdNow(): Promise<void> {
    if (this.#announced === 'withheld') return;
    this.#counters.l2Withholdings += 1;
    this.#announced = undefined;
    await this.#coherence.setL2Reachable(false);
    this.#announced = 'withheld';
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const next = this.#last.then(change);
    this.#last = next.catch(() => undefined); // who asked for it is told
    return next;
  }
}
