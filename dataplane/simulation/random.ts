/**
 * A seeded source of random numbers (sfc32): the same seed gives the same numbers on any machine.
 *
 * A simulation has one root and forks a stream for every part of the world, by name: what one part
 * draws does not shift what another one gets, so a change in one place keeps the rest of a seed.
 */
export class SimRandom {
  /** What the stream was made from; printing it is enough to repeat it. */
  readonly seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string | number) {
    this.seed = String(seed);
    [this.#a, this.#b, this.#c] = seedWords(this.seed);
    for (let round = 0; round < warmUpRounds; round += 1) {
      this.u32();
    }
  }

  /** An independent stream. Depends on the names alone, not on what was drawn before. */
  fork(name: string): SimRandom {
    return new SimRandom(`${this.seed}/${name}`);
  }

  /** 0 to 2^32 - 1. */
  u32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }

  /** 0 up to, not including, 1. */
  float(): number {
    return this.u32() / 2 ** 32;
  }

  /** An integer from 0 up to, not including, `bound` (1 to 2^32). */
  int(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  /** An integer of [min, max], both possible. */
  between(min: number, max: number): number {
    return min + Math.floor(this.float() * (max - min + 1));
  }

  /** Of [min, max], as likely between 1 and 10 as between 10 and 100: for times. `min` above 0. */
  logBetween(min: number, max: number): number {
    return min * (max / min) ** this.float();
  }

  /** Exponentially distributed: gaps between independent events. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.float());
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /** @throws RangeError for an empty list */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) {
      throw new RangeError('There is nothing to pick from.');
    }
    // In range, by the check above; T may include undefined.
    return list[this.int(list.length)] as T;
  }

  /** A key, as often as its weight says. @throws RangeError when no weight is above 0 */
  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K {
    // Object.entries forgets the key type.
    const entries = Object.entries(weights) as [K, number][];
    let rest = this.float() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      if (weight > 0 && rest < weight) {
        return key;
      }
      rest -= weight;
    }
    const last = entries.findLast(([, weight]) => weight > 0);
    if (last === undefined) {
      throw new RangeError('No weight is above 0.');
    }
    return last[0];
  }

  /** A shuffled copy. */
  shuffle<T>(list: readonly T[]): T[] {
    const shuffled = [...list];
    for (let index = shuffled.length - 1; index > 0; index -= 1) {
      const other = this.int(index + 1);
      // Both in range.
      [shuffled[index], shuffled[other]] = [shuffled[other] as T, shuffled[index] as T];
    }
    return shuffled;
  }

  /** `count` different members, in random order; all of them when there are no more. */
  sample<T>(list: readonly T[], count: number): T[] {
    return this.shuffle(list).slice(0, count);
  }
}

/** sfc32's author: 12 rounds mix any seed. */
const warmUpRounds = 12;

/** Three words from a text: FNV-1a over its code units, each ended by murmur3's finaliser. */
function seedWords(seed: string): [number, number, number] {
  const word = (salt: number) => mixU32(hashText(seed, salt));
  return [word(0x243f6a88), word(0x85a308d3), word(0x13198a2e)];
}

/** FNV-1a, 32 bits, over the code units of a text. */
export function hashText(text: string, start = 0x811c9dc5): number {
  let hash = start;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

/** Spreads all bits of a word over all others (murmur3's finaliser): bijective, u32 to u32. */
export function mixU32(word: number): number {
  let mixed = word | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
