import type { CoherenceLimits } from './coherence-limits.ts';
import type { L2State } from './peer-frame.ts';
import { isL2Shared, type View } from './view.ts';

/**
 * What this node knows of L2: its generation, and whether all members reach it. From views, and from peers who saw a
 * view sooner; the later epoch counts.
 */
export class L2Follower {
  readonly #limits: Pick<CoherenceLimits, 'fenceMs'>;
  readonly #onGeneration: () => void;
  #state: L2State;
  #sharedFromMs = 0;

  /**
   * @param ownGeneration nobody else's, as long as the cluster's is not known
   * @param onGeneration when there is another generation
   */
  constructor(
    ownGeneration: string,
    limits: Pick<CoherenceLimits, 'fenceMs'>,
    onGeneration: () => void,
  ) {
    this.#limits = limits;
    this.#onGeneration = onGeneration;
    this.#state = { ...NOTHING_KNOWN, lineage: '', generation: ownGeneration };
  }

  get state(): L2State {
    return this.#state;
  }

  /** Not at once after a time when it was not: an excluded member that is without L2 may still be acknowledging. */
  isSharedAt(nowMs: number): boolean {
    return this.#state.isShared && nowMs >= this.#sharedFromMs;
  }

  onView(view: View, nowMs: number): void {
    const { lineage } = view;
    if (lineage !== this.#state.lineage)
      this.#state = { ...NOTHING_KNOWN, lineage, generation: this.#state.generation };
    this.#adopt(stateOf(view), nowMs);
  }

  /** What a peer told. That of another lineage is of no node that this one knows. */
  onState(state: L2State, nowMs: number): void {
    if (state.lineage === this.#state.lineage) this.#adopt(state, nowMs);
  }

  #adopt(told: L2State, nowMs: number): void {
    const former = this.#state;
    const { epoch, isShared } = told.epoch > former.epoch ? told : former;
    const isNew = told.generationEpoch > former.generationEpoch;
    const { generation, generationEpoch } = isNew ? told : former;
    if (isShared && !former.isShared) this.#sharedFromMs = nowMs + this.#limits.fenceMs;
    this.#state = { lineage: former.lineage, epoch, isShared, generation, generationEpoch };
    if (isNew) this.#onGeneration();
  }
}

const NOTHING_KNOWN = { epoch: -1, isShared: false, generationEpoch: -1 } as const;

function stateOf(view: View): L2State {
  const { lineage, epoch, l2 } = view;
  const { generation, epoch: generationEpoch } = l2;
  return { lineage, epoch, isShared: isL2Shared(view), generation, generationEpoch };
}
