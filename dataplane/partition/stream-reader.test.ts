import { beforeEach, describe, expect, it } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import { openStore } from '../storage/open.ts';
import type { Store } from '../storage/store.ts';
import type { WriteCommand } from './command.ts';
import { CompiledSchema } from './compiled-schema.ts';
import { HeldCommits } from './held-commits.fixture.ts';
import { ItemCache } from './item-cache.ts';
import { rangeOfPrefix } from './key-range.ts';
import { spacePrefix } from './key-space.ts';
import { Partition } from './partition.ts';
import { evenPartitions, schemaOf } from './schema.fixture.ts';
import {
  type RecordsCall,
  SHARD_AGE_MS,
  STREAM_RETENTION_MS,
  type StreamSchema,
} from './stream.ts';
import { StreamReader } from './stream-reader.ts';
import { decodeStreamRecord } from './stream-record.ts';
import { TRIM_COUNT, trimStreams } from './stream-trim.ts';

const START_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const STREAM = { id: START_MS, viewType: 'NEW_AND_OLD_IMAGES' } as const;

/** A partition over a store in memory, with a clock that the test moves. */
class TestPartition {
  readonly store: Store;
  readonly partition: Partition;
  readonly reader: StreamReader;
  readonly commits: HeldCommits;
  readonly #compiled: CompiledSchema;
  readonly #clock: { nowMs: number };
  /** Commits wait for `commits.next`. */
  isHeld = false;

  constructor(store: Store, clock: { nowMs: number }, stream: StreamSchema | undefined = STREAM) {
    const [range] = evenPartitions(1);
    if (range === undefined) throw new Error('one partition');
    const nowMs = () => clock.nowMs;
    this.store = store;
    this.#clock = clock;
    this.commits = new HeldCommits(store);
    this.#compiled = new CompiledSchema(schemaOf({ stream }));
    this.partition = new Partition({
      range,
      compiled: this.#compiled,
      store,
      cache: new ItemCache(1_000_000),
      commit: (effects) => (this.isHeld ? this.commits.commit(effects) : store.commit(effects)),
      nowMs,
      monotonicMs: nowMs,
      schedule: setImmediate,
      collectionBytesMax: 1_000_000,
      onIndexChanges: () => {},
    });
    this.reader = new StreamReader({
      store,
      partitionId: range.id,
      lastSequence: () => this.partition.counters.version,
      nowMs,
    });
  }

  set stream(stream: StreamSchema | undefined) {
    this.partition.compiled = new CompiledSchema(schemaOf({ stream }));
  }

  put(sort: number, text: string) {
    const key: Item = { p: { S: 'a' }, s: { N: `${sort}` } };
    const item: Item = { ...key, x: { S: text } };
    return this.write({ kind: 'put', key, item, itemBytes: itemBytes(item), condition: undefined });
  }

  write(command: WriteCommand) {
    const placed = this.partition.place(this.#compiled.itemKey(command.key));
    return this.partition.write(command, placed, () => {});
  }

  async records(parts: Partial<RecordsCall> = {}) {
    const answer = await this.reader.answer({
      kind: 'records',
      streamId: STREAM.id,
      from: 1,
      to: undefined,
      limit: 1_000,
      bytesMax: 1_000_000,
      writtenFromMs: 0,
      ...parts,
    });
    const texts = answer.records.map(({ record }) => {
      const { newImage } = decodeStreamRecord(record);
      return newImage && JSON.parse(Buffer.from(newImage).toString()).x.S;
    });
    return { ...answer, texts };
  }

  shards(streamId: number = STREAM.id) {
    return this.reader.answer({ kind: 'shards', streamId });
  }

  trim(): Promise<number> {
    return trimStreams(this.store, this.partition, this.#clock.nowMs);
  }

  /** Records in the store, also those that are not handed out. */
  async storedCount(): Promise<number> {
    const range = rangeOfPrefix(spacePrefix(this.partition.range.id, 'stream'));
    const iterator = this.store.iterate({ ...range, reverse: false, limit: undefined });
    let count = 0;
    for (;;) {
      const pairs = await iterator.next(1_000);
      if (pairs.length === 0) break;
      count += pairs.length;
    }
    await iterator.close();
    return count;
  }
}

let store: Store;
let clock: { nowMs: number };
let test: TestPartition;

beforeEach(async () => {
  store = await openStore({ folder: undefined, durability: 'relaxed' });
  clock = { nowMs: START_MS };
  test = new TestPartition(store, clock);
  return () => store.close();
});

describe('the records of a partition', () => {
  it('are in the order of the writes, one each', async () => {
    await Promise.all(['a', 'b', 'b', 'c'].map((text) => test.put(1, text)));
    const { texts, records, next } = await test.records();
    expect(texts).toEqual(['a', 'b', 'c']);
    const sequences = records.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    expect(next).toBe(test.partition.counters.version + 1);
    expect((await test.records({ from: next })).records).toEqual([]);
  });

  it('show nothing that is not durable, and nothing that failed', async () => {
    await test.put(1, 'durable');
    test.isHeld = true;
    const lost = test.put(1, 'lost');
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect((await test.records()).texts).toEqual(['durable']);
    test.commits.next(new Error('the disk failed'));
    await expect(lost).rejects.toThrow('the disk failed');
    test.isHeld = false;
    await test.put(1, 'later');
    expect((await test.records()).texts).toEqual(['durable', 'later']);
  });

  it('go on with higher sequences in a partition that was opened anew', async () => {
    await test.put(1, 'a');
    const { next } = await test.records();
    const restarted = new TestPartition(store, clock);
    await restarted.partition.load();
    await restarted.put(1, 'b');
    const { texts, records } = await restarted.records();
    expect(texts).toEqual(['a', 'b']);
    expect(records[1]?.sequence).toBeGreaterThanOrEqual(next);
  });

  it('come in pages by number and by bytes, from and up to a sequence', async () => {
    for (const text of ['a', 'b', 'c', 'd']) await test.put(1, text);
    const first = await test.records({ limit: 1 });
    expect(first.texts).toEqual(['a']);
    const second = await test.records({ from: first.next, bytesMax: 1 });
    expect(second.texts).toEqual(['b']);
    expect((await test.records({ from: second.next })).texts).toEqual(['c', 'd']);
    const to = second.records[0]?.sequence ?? 0;
    const upTo = await test.records({ to });
    expect([upTo.texts, upTo.next]).toEqual([['a', 'b'], to + 1]);
  });

  it('are passed over up to a time', async () => {
    await test.put(1, 'a');
    clock.nowMs += 10;
    await test.put(1, 'b');
    clock.nowMs -= 5; // later, by a clock that was put back
    await test.put(1, 'c');
    expect((await test.records({ writtenFromMs: START_MS + 10 })).texts).toEqual(['b', 'c']);
    expect((await test.records({ writtenFromMs: START_MS + 11 })).texts).toEqual([]);
  });
});

describe('the shards of a partition', () => {
  it('are one from the first alignment on, also without a write', async () => {
    expect((await test.shards()).shards).toEqual([]);
    await test.partition.alignShards();
    const { shards, lastSequence } = await test.shards();
    expect(shards).toMatchObject([{ first: 1, last: undefined, startedMs: START_MS }]);
    expect(lastSequence).toBe(1);
  });

  it('are opened by the first write where nothing else has', async () => {
    await test.put(1, 'a');
    const { shards } = await test.shards();
    const { records } = await test.records();
    expect(shards).toHaveLength(1);
    expect(records[0]?.sequence).toBeGreaterThanOrEqual(shards[0]?.first ?? Infinity);
  });

  it('are opened again when the group that opened one fails', async () => {
    test.isHeld = true;
    const lost = test.put(1, 'lost');
    await new Promise(setImmediate);
    test.commits.next(new Error('the disk failed'));
    await expect(lost).rejects.toThrow();
    test.isHeld = false;
    await test.put(1, 'a');
    expect((await test.shards()).shards).toHaveLength(1);
  });

  it('roll with the first write after their time, and each record is in exactly one', async () => {
    await test.put(1, 'a');
    clock.nowMs += SHARD_AGE_MS;
    await Promise.all([test.put(1, 'b'), test.put(1, 'c')]);
    const [parent, child] = (await test.shards()).shards;
    expect(child?.parentId).toBe(parent?.id);
    const { first = 0, last = 0 } = parent ?? {};
    expect(child?.first).toBe(last + 1);
    expect((await test.records({ from: first, to: last })).texts).toEqual(['a']);
    expect((await test.records({ from: child?.first ?? 0 })).texts).toEqual(['b', 'c']);
  });

  it('roll without a write when they are trimmed', async () => {
    await test.put(1, 'a');
    clock.nowMs += SHARD_AGE_MS;
    await test.trim();
    expect((await test.shards()).shards).toHaveLength(2);
  });

  it('close with the stream: later writes leave no record, and another stream begins anew', async () => {
    await test.put(1, 'a');
    test.stream = undefined;
    await test.partition.alignShards();
    await test.put(1, 'unseen');
    const { shards } = await test.shards();
    expect(shards[0]?.last).toBeGreaterThanOrEqual(shards[0]?.first ?? Infinity);
    expect((await test.records()).texts).toEqual(['a']);
    test.stream = { id: START_MS + 1, viewType: 'NEW_IMAGE' };
    await test.partition.alignShards();
    await test.put(1, 'seen');
    expect((await test.records({ streamId: START_MS + 1 })).texts).toEqual(['seen']);
    expect((await test.records()).texts).toEqual(['a']);
    const second = (await test.shards(START_MS + 1)).shards;
    expect(second).toMatchObject([{ parentId: undefined, last: undefined }]);
    expect(second[0]?.first).toBeGreaterThan(shards[0]?.last ?? Infinity);
  });

  it('end with the last write once there are no more writes for good', async () => {
    await test.put(1, 'a');
    const ended = new StreamReader({
      store,
      partitionId: test.partition.range.id,
      lastSequence: () => test.partition.counters.version,
      nowMs: () => clock.nowMs,
      endedAtMs: START_MS,
    });
    const call = { kind: 'shards', streamId: STREAM.id } as const;
    const { shards, lastSequence } = await ended.answer(call);
    expect(shards).toMatchObject([{ last: lastSequence }]);
    clock.nowMs += STREAM_RETENTION_MS;
    expect((await ended.answer(call)).shards).toEqual([]);
  });
});

describe('after a day', () => {
  it('records are not handed out, even before they are dropped', async () => {
    await test.put(1, 'old');
    clock.nowMs += HOUR_MS;
    await test.put(1, 'young');
    clock.nowMs += STREAM_RETENTION_MS - HOUR_MS;
    const { texts, records, trimmedBelow } = await test.records();
    expect(texts).toEqual(['young']);
    expect(trimmedBelow).toBeLessThanOrEqual(records[0]?.sequence ?? 0);
    expect(trimmedBelow).toBeGreaterThan(1);
    expect(await test.storedCount()).toBe(2);
    expect(await test.trim()).toBe(1);
    expect(await test.storedCount()).toBe(1);
    expect(await test.records()).toMatchObject({ texts, trimmedBelow });
  });

  it('all is dropped, in bounded steps, and a closed shard with its records', async () => {
    await test.partition.alignShards();
    await Promise.all(
      Array.from({ length: TRIM_COUNT + 20 }, (_, index) => test.put(index, 'old')),
    );
    clock.nowMs += SHARD_AGE_MS;
    await test.put(1, 'rolls');
    clock.nowMs += STREAM_RETENTION_MS;
    expect(await test.trim()).toBe(TRIM_COUNT);
    expect(await test.trim()).toBe(21);
    expect(await test.storedCount()).toBe(0);
    expect(await test.trim()).toBe(0);
    const { shards } = await test.shards();
    expect(shards.map(({ parentId }) => parentId)).not.toContain(undefined); // the first is gone
    expect(shards.at(-1)).toMatchObject({ last: undefined });
    await test.put(1, 'young');
    expect((await test.records()).texts).toEqual(['young']);
  });

  it('nothing is left of a stream that was disabled', async () => {
    await test.put(1, 'a');
    test.stream = undefined;
    await test.partition.alignShards();
    clock.nowMs += STREAM_RETENTION_MS;
    expect((await test.shards()).shards).toEqual([]);
    expect(await test.trim()).toBe(1);
    expect(test.partition.shards.shards).toEqual([]);
    expect(await test.storedCount()).toBe(0);
  });

  it('records whose clock was ahead go with their shard', async () => {
    await test.put(1, 'a');
    clock.nowMs += 2 * HOUR_MS;
    await test.put(1, 'ahead');
    clock.nowMs -= 2 * HOUR_MS;
    test.stream = undefined;
    await test.partition.alignShards();
    clock.nowMs += STREAM_RETENTION_MS;
    expect(await test.trim()).toBe(2);
    expect(await test.storedCount()).toBe(0);
  });
});
