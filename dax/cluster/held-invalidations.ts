import type { Invalidation } from './coherence.ts';
import type { CoherenceLimits } from './coherence-limits.ts';
import { encodeInvalidation } from './peer-frame.ts';

/** Frames that are acknowledged by nobody. */
const UNNUMBERED = 0;

interface Held {
  readonly frame: Buffer;
  readonly untilMs: number;
}

/**
 * Uncertain writes of late, for members that come later: until it is known what became of such a write, nobody should
 * keep its keys.
 */
export class HeldInvalidations {
  readonly #limits: Pick<CoherenceLimits, 'holdMs' | 'holdsMax'>;
  #held: Held[] = [];

  constructor(limits: Pick<CoherenceLimits, 'holdMs' | 'holdsMax'>) {
    this.#limits = limits;
  }

  add(message: Invalidation, nowMs: number): void {
    const { holdMs, holdsMax } = this.#limits;
    const frame = encodeInvalidation(UNNUMBERED, message);
    if (this.#held.length >= holdsMax) this.#held = this.#held.slice(holdsMax / 2);
    this.#held.push({ frame, untilMs: nowMs + holdMs });
  }

  /** In order; those whose time is up are forgotten. */
  framesAt(nowMs: number): readonly Buffer[] {
    this.#held = this.#held.filter(({ untilMs }) => nowMs < untilMs);
    return this.#held.map(({ frame }) => frame);
  }
}
