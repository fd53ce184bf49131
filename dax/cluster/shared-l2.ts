import type { CoherenceLimits } from './coherence-limits.ts';
import { L2Follower } from './l2-follower.ts';
import type { Membership } from './membership.ts';
import type { L2State } from './peer-frame.ts';
import type { View } from './view.ts';

export interface SharedL2Options {
  readonly ownGeneration: string;
  readonly limits: CoherenceLimits;
  readonly nowMs: () => number;
  /** @throws CoherenceError before the start */
  readonly membership: () => Membership;
  /** Has all others told, before whatever is delivered later. @returns the number of the entry in the log */
  readonly announce: (state: L2State) => number;
  /** The same; resolves when all have acknowledged it. @throws CoherenceError */
  readonly deliver: (state: L2State) => Promise<void>;
  readonly onGeneration: (generation: string) => void;
}

/**
 * `withheld`: this node's writes do not change L2, so nobody may look there. `sharing`: they do again, under keys that the
 * others are about to learn of.
 */
type Phase = 'reachable' | 'withheld' | 'sharing';

/** This node's part in what all know of L2: its keys, and who reaches it. README.md, "L2". */
export class SharedL2 {
  readonly #options: SharedL2Options;
  readonly #follower: L2Follower;
  #phase: Phase = 'reachable';
  /** Who acknowledges this entry knows of the phase; undefined: it is not in the view yet. */
  #phaseSeq: number | undefined;
  #switching: Promise<void> | undefined;
  #nextSwitching: Promise<void> | undefined;

  constructor(options: SharedL2Options) {
    this.#options = options;
    this.#follower = new L2Follower(options.ownGeneration, options.limits, () =>
      this.#onGeneration(),
    );
  }

  get generation(): string {
    return this.#follower.state.generation;
  }

  get isShared(): boolean {
    return this.#follower.isSharedAt(this.#options.nowMs());
  }

  onView(view: View): void {
    this.#follower.onView(view, this.#options.nowMs());
    this.#announcePhase();
  }

  onNewIncarnation(): void {
    this.#phaseSeq = undefined;
  }

  onState(state: L2State): void {
    this.#follower.onState(state, this.#options.nowMs());
  }

  /**
   * Of a node without L2 all others have to know that, or use other keys by now: its writes left old values there.
   * @param ackedSeq what all others have acknowledged
   */
  mayAcknowledge(ackedSeq: number): boolean {
    if (this.#phase === 'reachable') return true;
    return this.#phaseSeq !== undefined && ackedSeq >= this.#phaseSeq;
  }

  /** @throws CoherenceError, RegistryError */
  async setReachable(isReachable: boolean): Promise<void> {
    const { membership, limits, deliver } = this.#options;
    if (!isReachable) this.#enter('withheld');
    await membership().setL2Reachable(isReachable, limits.invalidateMs);
    if (isReachable) this.#enter('sharing');
    await deliver(this.#follower.state);
    if (isReachable) this.#enter('reachable');
  }

  /**
   * A switch that is under way does not count for those who come later: a node that has made it already may have put
   * something under the new keys since.
   * @throws CoherenceError, RegistryError
   */
  newGeneration(): Promise<void> {
    if (this.#nextSwitching !== undefined) return this.#nextSwitching;
    if (this.#switching === undefined) {
      this.#switching = this.#switch();
      return this.#switching;
    }
    const begin = () => {
      this.#nextSwitching = undefined;
      this.#switching = this.#switch();
      return this.#switching;
    };
    this.#nextSwitching = this.#switching.then(begin, begin);
    return this.#nextSwitching;
  }

  async #switch(): Promise<void> {
    const { membership, limits, deliver } = this.#options;
    try {
      await membership().renewGeneration(limits.invalidateMs);
      await deliver(this.#follower.state);
    } finally {
      this.#switching = undefined;
    }
  }

  /**
   * From now on writes of this node are finished under the new keys alone. So nobody acknowledges them before he knows of
   * these: what is in the log tells him first.
   */
  #onGeneration(): void {
    const { announce, onGeneration } = this.#options;
    announce(this.#follower.state);
    onGeneration(this.generation);
  }

  #enter(phase: Phase): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#phaseSeq = undefined;
    this.#announcePhase();
  }

  /** Once for each incarnation, when the view has it with the flag that belongs to the phase. */
  #announcePhase(): void {
    if (this.#phase === 'reachable' || this.#phaseSeq !== undefined) return;
    const { membership, announce } = this.#options;
    const isInView = membership().ownMember?.isL2Reachable === (this.#phase === 'sharing');
    if (isInView) this.#phaseSeq = announce(this.#follower.state);
  }
}
