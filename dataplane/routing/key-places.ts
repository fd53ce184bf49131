import { attributeOf, type Item } from '../item/attribute-value.ts';
import type { CompiledSchema } from '../partition/compiled-schema.ts';
import { withOwnMemory } from '../partition/key-space.ts';
import { type PartitionList, partitionOf, type Ranged } from './partition-map.ts';

/** Keys whose place is remembered, a table and generation; each takes some hundred bytes. */
const PLACES_MAX = 8_192;
/** Keys of longer text are placed each time. */
const TEXT_LENGTH_MAX = 256;

/** The partition that owns an item, and the item's key in the form that is asked of it. */
export interface Place<P, K> {
  readonly partition: P;
  readonly key: K;
}

/**
 * Finds the place of an item by its key attributes. Encoding and hashing a key costs over a
 * microsecond, so the places of keys used of late are remembered; a place never changes, since the
 * key schema and the partitions of an open table do not.
 *
 * Two generations: when the young one is full it becomes the old one, and what is still used moves
 * over. An LRU list would cost as much again as the look-up, in cache misses along its links.
 */
export class KeyPlaces<P extends Ranged, K> {
  readonly #partitions: PartitionList<P>;
  readonly #keyAt: (partition: P, itemKey: Buffer) => K;
  readonly #names: readonly string[];
  #young = new Map<string, Place<P, K>>();
  #old = new Map<string, Place<P, K>>();

  /** @param keyAt - makes the key of an item in its partition; may keep and change `itemKey` */
  constructor(
    compiled: CompiledSchema,
    partitions: PartitionList<P>,
    keyAt: (partition: P, itemKey: Buffer) => K,
  ) {
    const { hash, range } = compiled.schema.key;
    this.#names = [...hash, ...range].map(({ name }) => name);
    this.#partitions = partitions;
    this.#keyAt = keyAt;
  }

  /** `key`: at least the key attributes, checked. */
  placeOf(key: Item, compiled: CompiledSchema): Place<P, K> {
    const text = this.#textOf(key);
    if (text.length > TEXT_LENGTH_MAX) return this.#place(compiled.itemKey(key));
    return this.#young.get(text) ?? this.#remember(text, key, compiled);
  }

  #remember(text: string, key: Item, compiled: CompiledSchema): Place<P, K> {
    const place = this.#old.get(text) ?? this.#place(withOwnMemory(compiled.itemKey(key)));
    if (this.#young.size >= PLACES_MAX) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, place);
    return place;
  }

  #place(itemKey: Buffer): Place<P, K> {
    const partition = partitionOf(this.#partitions, itemKey);
    return { partition, key: this.#keyAt(partition, itemKey) };
  }

  /** The schema fixes the types, so the values' texts, each behind its length, tell keys apart. */
  #textOf(key: Item): string {
    let text = '';
    for (const name of this.#names) {
      const value = attributeOf(key, name);
      for (const type in value) {
        const shown = (value as { readonly [type: string]: unknown })[type];
        if (typeof shown === 'string') text += `${shown.length}:${shown}`;
      }
    }
    return text;
  }
}
