/**
 * Says that a rare branch was taken. Production code takes one of these and calls it with a fixed
 * name; outside of simulations it is a function that does nothing.
 */
export type Probe = (name: string) => void;

export const noProbe: Probe = () => {};

/** Which rare branches a run, or many, have taken: a simulation that never gets there proves nothing. */
export class Coverage {
  readonly #counts = new Map<string, number>();

  /** `expected`: names of which it is worth knowing that they were never reached. */
  constructor(
    expected: readonly string[] = [],
    counts: readonly (readonly [name: string, count: number])[] = [],
  ) {
    for (const name of expected) {
      this.#counts.set(name, 0);
    }
    for (const [name, count] of counts) {
      this.#counts.set(name, count);
    }
  }

  /** To be given to code as it is. */
  readonly hit: Probe = (name) => {
    this.#counts.set(name, this.count(name) + 1);
  };

  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** Names and how often, in order of name. */
  counts(): readonly (readonly [string, number])[] {
    return [...this.#counts].sort(([one], [other]) => (one < other ? -1 : 1));
  }

  /** Expected and never hit. */
  unreached(): readonly string[] {
    return this.counts().flatMap(([name, count]) => (count === 0 ? [name] : []));
  }

  /** Adds what another run has hit. */
  add(other: Coverage): void {
    for (const [name, count] of other.counts()) {
      this.#counts.set(name, this.count(name) + count);
    }
  }

  /** For people: a line a name, those never reached last. */
  report(): string {
    const reached = this.counts().filter(([, count]) => count > 0);
    return [
      ...reached.map(([name, count]) => `${String(count).padStart(9)}  ${name}`),
      ...this.unreached().map((name) => `    never  ${name}`),
    ].join('\n');
  }
}
