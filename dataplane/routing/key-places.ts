import { attributeOf, type Item } from '../item/attribute-value.ts';
import type { CompiledSchema } from '../partition/compiled-schema.ts';
import { withOwnMemory } from '../partition/key-space.ts';
import type { Partition, PlacedKey } from '../partition/partition.ts';
import { type PartitionList, partitionOf } from './partition-map.ts';

/** Keys whose place is remembered, a table and generation; each takes some hundred bytes. */
const PLACES_MAX = 8_192;
/** Keys of longer text are placed each time. */
const TEXT_LENGTH_MAX = 256;

/** The partition that owns an item, and the item's key there. */
export interface Place {
  readonly partition: Partition;
  readonly key: PlacedKey;
}

/**
 * Finds the place of an item by its key attributes. Encoding and hashing a key costs over a
 * microsecond, so the places of keys used of late are remembered; a place never changes, since the
 * key schema and the partitions of an open table do not.
 *
 * Two generations: when the young one is full it becomes the old one, and what is still used moves
 * over. An LRU list would cost as much again as the look-up, in cache misses along its links.
 */
export class KeyPlaces {
  readonly #partitions: PartitionList<Partition>;
  readonly #names: readonly string[];
  #young = new Map<string, Place>();
  #old = new Map<string, Place>();

  constructor(compiled: CompiledSchema, partitions: PartitionList<Partition>) {
    const { hash, range } = compiled.schema.key;
    this.#names = [...hash, ...range].map(({ name }) => name);
    this.#partitions = partitions;
  }

  /** `key`: at least the key attributes, checked. */
  placeOf(key: Item, compiled: CompiledSchema): Place {
    const text = this.#textOf(key);
    if (text.length > TEXT_LENGTH_MAX) return this.#place(key, compiled);
    return this.#young.get(text) ?? this.#remember(text, key, compiled);
  }

  #remember(text: string, key: Item, compiled: CompiledSchema): Place {
    const place = this.#old.get(text) ?? this.#keepable(key, compiled);
    if (this.#young.size >= PLACES_MAX) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, place);
    return place;
  }

  #keepable(key: Item, compiled: CompiledSchema): Place {
    const { partition, key: placed } = this.#place(key, compiled);
    return { partition, key: { ...placed, itemKey: withOwnMemory(placed.itemKey) } };
  }

  #place(key: Item, compiled: CompiledSchema): Place {
    const itemKey = compiled.itemKey(key);
    const partition = partitionOf(this.#partitions, itemKey);
    return { partition, key: partition.place(itemKey) };
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
