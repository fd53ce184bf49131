import { matches } from '../expression/evaluate.ts';
import { project } from '../expression/project.ts';
import type { Store, StoreIterator, StoreSnapshot } from '../storage/store.ts';
import { readUnits } from './capacity.ts';
import type { PageOptions } from './command.ts';
import { isEmptyRange, type StorageRange } from './key-range.ts';
import { StoredItem } from './record.ts';

/** A page ends with the item that makes it this large (reference/dynamodb.md section 2). */
export const PAGE_BYTES_MAX = 1024 * 1024;

/** Records asked of the store at once. */
const FIRST_BATCH_RECORDS = 32;
const BATCH_RECORDS_MAX = 1_000;

export interface PageSource {
  readonly store: Pick<Store, 'iterate' | 'snapshot'>;
  /** The base item of a local index entry, for entries that lack what is asked for. */
  readonly fetch:
    | ((entry: StoredItem, snapshot: StoreSnapshot) => StoredItem | undefined)
    | undefined;
}

/**
 * One page of a query or scan in the making: takes records in order, from one range of keys after
 * the other, until it is full.
 */
export class Page {
  readonly items: Uint8Array[] = [];
  count = 0;
  scannedCount = 0;
  /** Units of base items that were fetched for index entries. */
  fetchedUnits = 0;
  /** The record evaluated last. */
  last: StoredItem | undefined;
  /** Bytes evaluated in all; bytes of the records themselves in the present range. */
  #bytes = 0;
  #rangeBytes = 0;
  readonly #options: PageOptions;
  readonly #source: PageSource;

  constructor(options: PageOptions, source: PageSource) {
    this.#options = options;
    this.#source = source;
  }

  /** Whether the limit or 1 MB is reached; there may be more items then, or not. */
  get isFull(): boolean {
    return this.#bytes >= this.#bytesMax || this.scannedCount >= this.#limit;
  }

  /** Bytes evaluated so far. */
  get bytes(): number {
    return this.#bytes;
  }

  get #bytesMax(): number {
    return this.#options.bytesMax ?? PAGE_BYTES_MAX;
  }

  get #limit(): number {
    return this.#options.limit ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Takes records of a range until the page is full.
   * @returns read units of the records of this range (not of fetched items), at least the minimum
   * @throws StoreError
   */
  async take(range: StorageRange, reverse: boolean): Promise<number> {
    this.#rangeBytes = 0;
    if (!isEmptyRange(range)) {
      const { store, fetch } = this.#source;
      const snapshot = fetch === undefined ? undefined : store.snapshot();
      const left = this.#limit - this.scannedCount;
      const iterator = store.iterate({
        ...range,
        reverse,
        limit: Number.isFinite(left) ? left : undefined,
        ...(snapshot === undefined ? {} : { snapshot }),
      });
      try {
        await this.#takeAll(iterator, snapshot);
      } finally {
        await iterator.close();
        await snapshot?.close();
      }
    }
    return readUnits(this.#rangeBytes, this.#options);
  }

  async #takeAll(iterator: StoreIterator, snapshot: StoreSnapshot | undefined): Promise<void> {
    while (!this.isFull) {
      const pairs = await iterator.next(this.#batchRecords());
      if (pairs.length === 0) return;
      for (const [, record] of pairs) {
        this.#takeRecord(StoredItem.read(record), snapshot);
        if (this.isFull) return;
      }
    }
  }

  /** About as many as still fit, judged by those seen, so that little is read in vain. */
  #batchRecords(): number {
    const left = this.#limit - this.scannedCount;
    const fitting =
      this.scannedCount === 0
        ? FIRST_BATCH_RECORDS
        : Math.ceil(((this.#bytesMax - this.#bytes) * this.scannedCount) / (this.#bytes + 1));
    return Math.max(1, Math.min(left, fitting, BATCH_RECORDS_MAX));
  }

  #takeRecord(stored: StoredItem, snapshot: StoreSnapshot | undefined): void {
    this.scannedCount++;
    this.last = stored;
    this.#rangeBytes += stored.bytes;
    this.#bytes += stored.bytes;
    const whole = snapshot === undefined ? stored : this.#fetch(stored, snapshot);
    const { filter, projection, output } = this.#options;
    if (filter !== undefined && !matches(filter, whole.item)) return;
    this.count++;
    if (output === 'count') return;
    this.items.push(
      projection === undefined
        ? whole.json
        : Buffer.from(JSON.stringify(project(projection, whole.item))),
    );
  }

  #fetch(entry: StoredItem, snapshot: StoreSnapshot): StoredItem {
    const base = this.#source.fetch?.(entry, snapshot);
    // Entries and items change in one batch, so the base item is in the same snapshot.
    if (base === undefined) throw new Error('an index entry has no base item');
    this.#bytes += base.bytes;
    this.fetchedUnits += readUnits(base.bytes, this.#options);
    return base;
  }
}
