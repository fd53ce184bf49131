/** Random numbers that are the same for the same seed (mulberry32). */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed;
  }

  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** An integer of [min, max]. */
  between(min: number, max: number): number {
    return min + (this.u32() % (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.u32() < probability * 2 ** 32;
  }
}
