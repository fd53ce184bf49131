import { describe, expect, it } from 'vitest';
import { StoreError } from '../storage/store.ts';
import { SHARD_AGE_MS, STREAM_RETENTION_MS } from './stream.ts';
import {
  alignedShards,
  decodeShards,
  encodeShards,
  noShards,
  openShardOf,
  type ShardList,
  shardIdOf,
  streamShardOf,
  trimmedShards,
} from './stream-shards.ts';

const NOW_MS = 1_800_000_000_000;
const stream = (id: number) => ({ id, viewType: 'KEYS_ONLY' }) as const;
const at = (sequence: number, nowMs = NOW_MS) => ({
  sequence,
  sequenceMin: sequence,
  nowMs,
  tag: 0x40000000,
});
const shownOf = (list: ShardList) => list.shards.map(streamShardOf);

describe('shards under a schema', () => {
  it('are none without a stream', () => {
    expect(alignedShards(noShards, undefined, at(1))).toBe(noShards);
  });

  it('are one open shard of the stream, and stay so', () => {
    const list = alignedShards(noShards, stream(1), at(5));
    expect(shownOf(list)).toEqual([
      {
        id: 'shardId-00000001800000000000-40000000',
        parentId: undefined,
        first: 5,
        last: undefined,
        startedMs: NOW_MS,
      },
    ]);
    expect(alignedShards(list, stream(1), at(9, NOW_MS + SHARD_AGE_MS - 1))).toBe(list);
  });

  it('are rolled with age: a child takes over where its parent ends', () => {
    const first = alignedShards(noShards, stream(1), at(5));
    const list = alignedShards(first, stream(1), at(9, NOW_MS + SHARD_AGE_MS));
    const [parent, child] = shownOf(list);
    expect(parent).toMatchObject({ first: 5, last: 8 });
    expect(child).toMatchObject({ first: 9, last: undefined, parentId: parent?.id });
  });

  it('are closed when the stream ends, and its successor begins without a parent', () => {
    const first = alignedShards(noShards, stream(1), at(5));
    const closed = alignedShards(first, undefined, at(7));
    expect(openShardOf(closed)).toBeUndefined();
    expect(shownOf(closed)).toMatchObject([{ first: 5, last: 6 }]);
    expect(alignedShards(closed, undefined, at(8))).toBe(closed);
    const again = alignedShards(closed, stream(2), at(9));
    expect(shownOf(again)[1]).toMatchObject({ first: 9, parentId: undefined });
    const switched = alignedShards(first, stream(2), at(7));
    expect(shownOf(switched)).toMatchObject([
      { first: 5, last: 6 },
      { first: 7, parentId: undefined },
    ]);
  });

  it('begin early enough for writes that are in flight, but never inside another shard', () => {
    const closed = alignedShards(alignedShards(noShards, stream(1), at(5)), undefined, at(7));
    const point = { ...at(12), sequenceMin: 3 };
    expect(shownOf(alignedShards(closed, stream(2), point))[1]).toMatchObject({ first: 7 });
    expect(shownOf(alignedShards(noShards, stream(2), point))[0]).toMatchObject({ first: 3 });
  });

  it('have ids in their order, even if the clock stands or is put back', () => {
    let list = noShards;
    for (let id = 1; id <= 5; id++) list = alignedShards(list, stream(id), at(id, NOW_MS - id));
    const ids = list.shards.map(shardIdOf);
    expect(new Set(ids).size).toBe(5);
    expect([...ids].sort()).toEqual(ids);
    for (const id of ids) expect(id).toMatch(/^shardId-[0-9]{20}-[0-9a-f]{8}$/);
  });
});

describe('trimming', () => {
  const first = alignedShards(noShards, stream(1), at(5));
  const list = alignedShards(first, stream(1), at(9, NOW_MS + SHARD_AGE_MS));
  const pastMs = NOW_MS + SHARD_AGE_MS + STREAM_RETENTION_MS;

  it('drops shards that were closed a day ago once their records are gone', () => {
    const part = trimmedShards(list, { trimmedBelow: 8, nowMs: pastMs });
    expect(part.shards).toHaveLength(2);
    const whole = trimmedShards(part, { trimmedBelow: 9, nowMs: pastMs });
    expect(shownOf(whole)).toMatchObject([{ first: 9 }]);
    expect(whole.trimmedBelow).toBe(9);
    expect(trimmedShards(list, { trimmedBelow: 9, nowMs: pastMs - 1 }).shards).toHaveLength(2);
  });

  it('changes nothing when there is nothing to change', () => {
    expect(trimmedShards(list, { trimmedBelow: 0, nowMs: NOW_MS })).toBe(list);
  });
});

describe('shards at rest', () => {
  const closed = alignedShards(alignedShards(noShards, stream(1), at(5)), stream(1), {
    ...at(2 ** 40, NOW_MS + SHARD_AGE_MS),
    tag: 0xffffffff,
  });
  const list = trimmedShards(alignedShards(closed, stream(9), at(2 ** 41, NOW_MS)), {
    trimmedBelow: 6,
    nowMs: NOW_MS,
  });

  it('come back as they were written', () => {
    expect(decodeShards(encodeShards(list))).toEqual(list);
    expect(decodeShards(encodeShards(noShards))).toEqual(noShards);
    expect(decodeShards(undefined)).toEqual(noShards);
  });

  it('are refused when a byte is damaged', () => {
    const encoded = encodeShards(list);
    for (let position = 0; position < encoded.length; position++) {
      const damaged = Buffer.from(encoded);
      damaged[position] = (damaged[position] ?? 0) ^ 0x80;
      expect(() => decodeShards(damaged), `byte ${position}`).toThrow(StoreError);
    }
  });
});
