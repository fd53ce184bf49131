import { LRUCache } from 'lru-cache';
import type { StoredItem } from './record.ts';

/** What an entry costs beside its bytes: map entry, key text, objects, backing store. */
const ENTRY_OVERHEAD_BYTES = 512;

/**
 * Items read or written of late, by full storage key, for all partitions of a process; bounded in
 * bytes. A read through the store costs 2 to 10 microseconds and a checksum, one from here neither.
 *
 * Invariant: an entry is what the store holds, as far as anyone has been told. A partition replaces
 * what it has written once that is durable, before it answers.
 */
export class ItemCache {
  readonly #items: LRUCache<string, StoredItem>;

  constructor(bytesMax: number) {
    this.#items = new LRUCache({
      maxSize: bytesMax,
      sizeCalculation: (stored) => stored.record.length + ENTRY_OVERHEAD_BYTES,
    });
  }

  /** A view of its own for each caller: what one parses is not kept beyond the bound. */
  get(name: string): StoredItem | undefined {
    return this.#items.get(name)?.withoutItem();
  }

  /** Takes an item just read from the store. */
  add(name: string, stored: StoredItem): void {
    this.#items.set(name, stored.withoutItem());
  }

  /**
   * Takes up a durable write, `undefined` a deletion. Of writes that became durable together the
   * newest may have been read already: an older one does not take its place.
   */
  written(name: string, stored: StoredItem | undefined): void {
    const cached = this.#items.peek(name);
    if (cached === undefined) return;
    if (stored === undefined) this.#items.delete(name);
    else if (stored.version > cached.version) this.#items.set(name, stored.withoutItem());
  }

  forget(name: string): void {
    this.#items.delete(name);
  }

  clear(): void {
    this.#items.clear();
  }
}
