/** Keys of pages by tag. Knows only those that are there: its size is bounded by theirs. */
export class TagIndex {
  readonly #keys = new Map<string, Set<string>>();

  /** Tags with something under them. */
  get count(): number {
    return this.#keys.size;
  }

  add(tag: string, key: string): void {
    const keys = this.#keys.get(tag);
    if (keys === undefined) this.#keys.set(tag, new Set([key]));
    else keys.add(key);
  }

  remove(tag: string, key: string): void {
    const keys = this.#keys.get(tag);
    if (keys === undefined) return;
    keys.delete(key);
    if (keys.size === 0) this.#keys.delete(tag);
  }

  /** Forgets the tag. */
  take(tag: string): Iterable<string> {
    const keys = this.#keys.get(tag) ?? [];
    this.#keys.delete(tag);
    return keys;
  }
}
