import { hashText } from './random.ts';

/** What happened last, for people. */
export interface TracedEvent {
  readonly atMs: number;
  readonly process: number;
  readonly label: string;
}

/**
 * The trace of a run: a hash over everything that happened, in order, and the last events in clear.
 * Two runs of a seed have the same hash, or something outside the world leaked in.
 */
export class Trace {
  #high = 0x811c9dc5;
  #low = 0x9e3779b9;
  #count = 0;
  readonly #labelHashes = new Map<string, number>();
  readonly #recent: (TracedEvent | undefined)[] = Array(recentMax).fill(undefined);

  get hash(): string {
    const hex = (word: number) => (word >>> 0).toString(16).padStart(8, '0');
    return hex(this.#high) + hex(this.#low);
  }

  get count(): number {
    return this.#count;
  }

  event(atUs: number, process: number, label: string): void {
    this.#recent[this.#count % recentMax] = { atMs: atUs / 1_000, process, label };
    this.#count += 1;
    this.#mix(atUs | 0);
    this.#mix((atUs / 2 ** 32) | 0);
    this.#mix(process ^ this.#labelHash(label));
  }

  /** Mixes in a fact that the events do not show, such as what an operation returned. */
  note(fact: string | number): void {
    this.#mix(typeof fact === 'number' ? fact | 0 : hashText(fact));
  }

  /** The last events, oldest first. */
  recent(): readonly TracedEvent[] {
    const start = this.#count % recentMax;
    const ordered = [...this.#recent.slice(start), ...this.#recent.slice(0, start)];
    return ordered.filter((event) => event !== undefined);
  }

  #mix(word: number): void {
    this.#high = Math.imul(this.#high ^ word, 0x01000193);
    // Different multiplier and a rotation, so that the halves do not collide together.
    const low = Math.imul(this.#low ^ word, 0x85ebca6b);
    this.#low = (low << 13) | (low >>> 19);
  }

  #labelHash(label: string): number {
    let hash = this.#labelHashes.get(label);
    if (hash === undefined) {
      hash = hashText(label);
      this.#labelHashes.set(label, hash);
    }
    return hash;
  }
}

/** Events kept in clear. */
const recentMax = 200;
