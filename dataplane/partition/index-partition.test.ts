import { describe, expect, it } from 'vitest';
import type { Effect } from '../storage/store.ts';
import type { IndexChange } from './index-change.ts';
import { IndexBatch, IndexPartition } from './index-partition.ts';
import { StoredItem } from './record.ts';
import { evenPartitions } from './schema.fixture.ts';

/** The store of one index partition, as a map. */
class Entries {
  readonly #values = new Map<string, Buffer>();
  readonly #partition: IndexPartition;

  constructor() {
    const [range] = evenPartitions(1);
    if (range === undefined) throw new Error('one partition');
    this.#partition = new IndexPartition(range, this);
  }

  get(key: Uint8Array): Buffer | undefined {
    return this.#values.get(Buffer.from(key).toString('hex'));
  }

  apply(...changes: IndexChange[]): readonly Effect[] {
    const batch = new IndexBatch(this, () => this.#partition);
    for (const change of changes) batch.add(change);
    const effects = batch.effects();
    for (const { key, value } of effects) {
      const name = Buffer.from(key).toString('hex');
      if (value === undefined) this.#values.delete(name);
      else this.#values.set(name, Buffer.from(value));
    }
    batch.committed();
    return effects;
  }

  get totals() {
    const { items, bytes } = this.#partition.counters;
    return { items, bytes };
  }

  versionOf(name: string): number | undefined {
    const record = this.get(Buffer.concat([this.#partition.prefixes.item, keyOf(name)]));
    return record && StoredItem.read(record).version;
  }
}

const keyOf = (name: string) => Buffer.from(name.padEnd(20, '.'));
const put = (name: string, version: number, bytes = 5): IndexChange => {
  const { record } = StoredItem.of({ p: { S: name } }, bytes, { version, writtenMicros: 1e15 });
  const place = { indexId: 1, sequence: version, version };
  return { ...place, removedKey: undefined, put: { key: keyOf(name), record } };
};
const remove = (name: string, version: number): IndexChange => ({
  indexId: 1,
  sequence: version,
  version,
  removedKey: keyOf(name),
  put: undefined,
});

describe('IndexBatch', () => {
  it('puts, replaces and removes entries, and counts them', () => {
    const entries = new Entries();
    entries.apply(put('a', 1), put('b', 2, 7));
    expect(entries.totals).toEqual({ items: 2, bytes: 12 });
    entries.apply(put('a', 3, 9), remove('b', 4));
    expect(entries.totals).toEqual({ items: 1, bytes: 9 });
    expect([entries.versionOf('a'), entries.versionOf('b')]).toEqual([3, undefined]);
  });

  it('applies changes of one entry in one batch in order', () => {
    const entries = new Entries();
    entries.apply(put('a', 1), remove('a', 2), put('a', 3, 6));
    expect(entries.totals).toEqual({ items: 1, bytes: 6 });
    expect(entries.versionOf('a')).toBe(3);
  });

  it('changes nothing when a change comes again, or late', () => {
    const entries = new Entries();
    entries.apply(put('a', 5));
    for (const late of [put('a', 5), put('a', 4, 99), remove('a', 4)]) {
      expect(entries.apply(late)).toEqual([]);
    }
    expect(entries.versionOf('a')).toBe(5);
    expect(entries.totals).toEqual({ items: 1, bytes: 5 });
  });

  it('removes an entry whose own version the change has', () => {
    const entries = new Entries();
    entries.apply(put('a', 5), remove('a', 5));
    expect(entries.totals).toEqual({ items: 0, bytes: 0 });
  });
});
