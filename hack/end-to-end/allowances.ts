import { expect } from 'vitest';
import type { LoadWindow } from './load-messages.ts';

/** How long a partition may take no writes while a leader is lost. */
const FAILOVER_MS_MAX = 5_000;
/** A planned move should cost nothing beyond what requests take anyway on the machine. */
export const PLANNED_MS_MAX = 1_000;
/** Of the load's client that finds no router at any of its four attempts: a second each, and the pauses between them. */
const UNREACHED_MS_MAX = 4_500;
/** What the SDK says of a connection that was never made: nobody has got the request. */
const UNREACHED = /did not establish a connection|EHOSTUNREACH/;

/** What the load may see, and what took longer than promised. */
export class Allowances {
  /** The longest time without a write of one key while nothing happened: the machine's own. */
  noiseMs = 0;
  /** The same while pods that have nothing to do with the load started on the machine, as pods do at each planned move. */
  startsNoiseMs = 0;
  /** Told of at the end, since a slow machine is no reason to try no more. */
  readonly late: string[] = [];
  readonly #watchNothing: () => Promise<LoadWindow>;

  /** @param watchNothing - gives a window in which nothing happens */
  constructor(watchNothing: () => Promise<LoadWindow>) {
    this.#watchNothing = watchNothing;
  }

  expectNothingLost(window: LoadWindow): void {
    expect(window.errors).toEqual([]);
    expect(window.wrongReads).toEqual([]);
  }

  /** Upgrades, drains, rollouts: what was planned costs no more than pods that start. */
  expectUnseen(window: LoadWindow, what: string): Promise<void> {
    return this.#expectWithin(
      window,
      what,
      (noiseMs) => PLANNED_MS_MAX + Math.max(1.5 * noiseMs, this.startsNoiseMs),
    );
  }

  expectFailover(window: LoadWindow, what: string, clientsOwnMs = 0): Promise<void> {
    return this.#expectWithin(window, what, (noiseMs) => FAILOVER_MS_MAX + noiseMs + clientsOwnMs);
  }

  /**
   * Until Kubernetes notices that a node is dead, the Service leads half of the new connections to the router that was there
   * (README, "Lost zone"): a request without a connection finds none at all its four attempts once in 16 times. Such
   * requests, which reached nobody, may fail, one for each writer at most; where there was no router, none may.
   */
  async expectZoneLoss(
    window: LoadWindow,
    { lostRoutersCount, writersCount }: { lostRoutersCount: number; writersCount: number },
  ): Promise<void> {
    const isUnreached = (error: string) => lostRoutersCount > 0 && UNREACHED.test(error);
    const unreachedCount = window.errors.filter(isUnreached).length;
    expect(unreachedCount).toBeLessThanOrEqual(writersCount);
    const errors = window.errors.filter((error) => !isUnreached(error));
    const clientsOwnMs = unreachedCount === 0 ? 0 : UNREACHED_MS_MAX;
    await this.expectFailover({ ...window, errors }, 'zone loss', clientsOwnMs);
  }

  async #expectWithin(
    window: LoadWindow,
    what: string,
    limitMs: (noiseMs: number) => number,
  ): Promise<void> {
    this.expectNothingLost(window);
    const { longestGapMs } = window;
    if (longestGapMs < limitMs(this.noiseMs)) return;
    // The machine may have become busier since the noise was taken.
    const quiet = await this.#watchNothing();
    const limit = limitMs(Math.max(this.noiseMs, quiet.longestGapMs)) + window.stalledMs;
    if (longestGapMs < limit) return;
    this.late.push(`${what}: ${Math.round(longestGapMs)} ms, not below ${Math.round(limit)} ms`);
  }
}
