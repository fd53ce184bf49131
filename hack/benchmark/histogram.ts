/** Below this many microseconds each has a bucket of its own; above, each doubling has half as many. */
const LINEAR = 128;
const STEPS = LINEAR / 2;
const DOUBLINGS = 26;

/** Counts of latencies with a precision of one part in 64. Bounded: about 1,800 buckets, up to an hour. */
export class Histogram {
  readonly #buckets = new Uint32Array(LINEAR + STEPS * DOUBLINGS);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  record(latencyMs: number): void {
    const index = bucketOf(Math.round(latencyMs * 1000));
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#count += 1;
  }

  /** Microseconds that the given part (0 to 1) of the latencies does not exceed; 0 without any. */
  percentileUs(part: number): number {
    let left = Math.ceil(this.#count * part);
    for (let index = 0; index < this.#buckets.length; index += 1) {
      left -= this.#buckets[index] ?? 0;
      if (left <= 0) return upperBoundUs(index);
    }
    return 0;
  }
}

function bucketOf(us: number): number {
  if (us < LINEAR) return us;
  const doubling = 31 - Math.clz32(us) - 7;
  if (doubling >= DOUBLINGS) return LINEAR + STEPS * DOUBLINGS - 1;
  return LINEAR + doubling * STEPS + ((us >> (doubling + 1)) & (STEPS - 1));
}

function upperBoundUs(index: number): number {
  if (index < LINEAR) return index;
  const doubling = Math.floor((index - LINEAR) / STEPS);
  const step = (index - LINEAR) % STEPS;
  return (STEPS + step + 1) * 2 ** (doubling + 1) - 1;
}
