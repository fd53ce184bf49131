import { LRUCache } from 'lru-cache';
import type { StoredItem } from './record.ts';

/** What an entry costs beside its bytes: map entry, key text, objects, backing store. */
const ENTRY_OVERHEAD_BYTES = 512;

/** A full cache takes one of so many items that it is offered. */
const ADMITTED_OF_OFFERS = 8;

/** Where a cached item is; `stored` is gone once it is not the cached one any more. */
export interface CacheCell {
  stored: StoredItem | undefined;
}

/**
 * Items read or written of late, by full storage key, for all partitions of a process; bounded in
 * bytes. A read through the store costs 2 to 10 microseconds and a checksum, one from here neither.
 *
 * Whoever reads an item again and again may hold on to its cell and save the look-up; that does not
 * count as a use, so an item read only through its cell is dropped, and taken up anew, in its turn.
 *
 * Invariant: an entry is what the store holds, as far as anyone has been told. A partition replaces
 * what it has written once that is durable, before it answers.
 */
export class ItemCache {
  readonly #cells: LRUCache<string, CacheCell>;
  readonly #bytesMax: number;
  #offers = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#cells = new LRUCache({
      maxSize: bytesMax,
      sizeCalculation: ({ stored }) => (stored?.record.length ?? 0) + ENTRY_OVERHEAD_BYTES,
      dispose: (cell) => {
        cell.stored = undefined;
      },
    });
  }

  get(name: string): CacheCell | undefined {
    return this.#cells.get(name);
  }

  /**
   * Takes an item just read from the store; once full, only every eighth. What is read often is
   * offered often, and what is read once does not push it out, nor cost the push.
   */
  offer(name: string, stored: StoredItem): CacheCell | undefined {
    const isFull =
      this.#cells.calculatedSize + stored.record.length + ENTRY_OVERHEAD_BYTES > this.#bytesMax;
    this.#offers += 1;
    return isFull && this.#offers % ADMITTED_OF_OFFERS !== 0 ? undefined : this.#add(name, stored);
  }

  #add(name: string, stored: StoredItem): CacheCell {
    // Neither what its reader may parse of it nor the slab that its bytes are in: they are not counted.
    const cell = { stored: stored.withOwnBytes() };
    this.#cells.set(name, cell);
    return cell;
  }

  /**
   * Takes up a durable write, `undefined` a deletion. Of writes that became durable together the
   * newest may have been read already: an older one does not take its place. A later timestamp of the
   * same version does.
   */
  written(name: string, stored: StoredItem | undefined): void {
    const cached = this.#cells.peek(name)?.stored;
    if (cached === undefined) return;
    if (stored === undefined) this.#cells.delete(name);
    else if (isLater(stored, cached)) this.#add(name, stored);
  }

  forget(name: string): void {
    this.#cells.delete(name);
  }

  clear(): void {
    this.#cells.clear();
  }
}

function isLater(stored: StoredItem, cached: StoredItem): boolean {
  const { version } = cached;
  if (stored.version !== version) return stored.version > version;
  return stored.writtenMicros > cached.writtenMicros;
}
