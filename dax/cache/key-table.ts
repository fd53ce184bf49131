import { randomInt } from 'node:crypto';

/** Something that has a place in a `KeyTable`. */
export interface Keyed {
  readonly key: string;
}

/**
 * A few values by key, where nearly every key is soon taken out again, as keys of reads under way are.
 *
 * A Map is no good for that: each time its small table is full of deleted keys it takes another one,
 * and tables that have grown old keep all later ones alive until the next full collection. In
 * a process that fills its cache these were 120 MB for each million of reads.
 */
export class KeyTable<Value extends Keyed> {
  /** Chains of values, by hash. */
  readonly #slots: (Link<Value> | undefined)[] = new Array(SLOTS_COUNT).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): Value | undefined {
    let link = this.#slots[slotOf(key)];
    while (link !== undefined && link.value.key !== key) link = link.next;
    return link?.value;
  }

  /** There must not be one under its key yet. */
  add(value: Value): void {
    const slot = slotOf(value.key);
    this.#slots[slot] = { value, next: this.#slots[slot] };
    this.#size += 1;
  }

  /** @returns whether this very value was there */
  remove(value: Value): boolean {
    const slot = slotOf(value.key);
    let before: Link<Value> | undefined;
    let link = this.#slots[slot];
    while (link !== undefined && link.value !== value) {
      before = link;
      link = link.next;
    }
    if (link === undefined) return false;
    if (before === undefined) this.#slots[slot] = link.next;
    else before.next = link.next;
    this.#size -= 1;
    return true;
  }

  /** As they are now: what is added or removed meanwhile makes no difference. */
  values(): readonly Value[] {
    const values: Value[] = [];
    if (this.#size === 0) return values;
    for (const first of this.#slots) {
      for (let link = first; link !== undefined; link = link.next) values.push(link.value);
    }
    return values;
  }
}

interface Link<Value> {
  readonly value: Value;
  next: Link<Value> | undefined;
}

const SLOTS_COUNT = 4096;

/** Another one in each process, so that nobody can choose keys that share a slot beforehand. */
const FACTOR = 2 * randomInt(2 ** 20, 2 ** 30) + 1;

function slotOf(key: string): number {
  let hash = key.length;
  for (let index = 0; index < key.length; index += 1) {
    hash = Math.imul(hash, FACTOR) + key.charCodeAt(index);
  }
  // The low bits depend on the last characters alone.
  return (hash ^ (hash >>> 15)) & (SLOTS_COUNT - 1);
}
