/** A group of writes that becomes durable, or fails, as one. */
export interface InFlightGroup {
  /** The group is durable; its values are to be read from the store. */
  isDurable: boolean;
}

interface Entry<T, G extends InFlightGroup> {
  readonly value: T;
  readonly group: G;
  /** The value before, while its own group is still in flight. */
  previous: Entry<T, G> | undefined;
}

/**
 * Newest values that are computed but not durable yet, by storage key. Writes are evaluated on them;
 * reads never see them.
 *
 * Invariant: the entries of a key form a chain from the newest to the oldest, each of a group in
 * flight; once a group is durable its entries leave the end of their chains.
 */
export class InFlight<T, G extends InFlightGroup> {
  readonly #newest = new Map<string, Entry<T, G>>();
  readonly #ofGroup = new Map<G, [string, Entry<T, G>][]>();

  get(key: string): { readonly value: T; readonly group: G } | undefined {
    return this.#newest.get(key);
  }

  set(key: string, value: T, group: G): void {
    const entry: Entry<T, G> = { value, group, previous: this.#newest.get(key) };
    this.#newest.set(key, entry);
    const entries = this.#ofGroup.get(group);
    if (entries === undefined) this.#ofGroup.set(group, [[key, entry]]);
    else entries.push([key, entry]);
  }

  /** Drops the values of a group that is durable now. Groups become durable in order. */
  settle(group: G, onDurable?: (key: string, value: T) => void): void {
    for (const [key, entry] of this.#ofGroup.get(group) ?? []) {
      onDurable?.(key, entry.value);
      entry.previous = undefined;
      if (this.#newest.get(key) === entry) this.#newest.delete(key);
    }
    this.#ofGroup.delete(group);
  }

  /** Drops the values of a failed group; those of groups before it stand again. */
  discard(group: G, onFailed?: (key: string, value: T) => void): void {
    for (const [key, entry] of (this.#ofGroup.get(group) ?? []).reverse()) {
      onFailed?.(key, entry.value);
      if (this.#newest.get(key) !== entry) throw new Error('groups fail from the newest');
      const { previous } = entry;
      if (previous === undefined || previous.group.isDurable) this.#newest.delete(key);
      else this.#newest.set(key, previous);
    }
    this.#ofGroup.delete(group);
  }

  get size(): number {
    return this.#newest.size;
  }
}

/** A storage key as a map key. */
export function mapKey(key: Buffer): string {
  return key.toString('latin1');
}
