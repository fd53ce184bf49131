import { describe, expect, it } from 'vitest';
import { encodeStreamRecord } from '../partition/stream-record.ts';
import { sequenceNumberOf, sequenceOf } from './sequence-number.ts';
import { type PlacedShard, shardPage } from './shard-list.ts';
import { streamArn, streamArnParts, streamLabel } from './stream-arn.ts';
import { eventIdOf, wireRecord } from './wire-record.ts';

const tableArn = 'arn:aws:dynamodb:us-east-1:123456789012:table/Music.1';
const id = Date.UTC(2026, 10, 21, 2, 45, 0, 123);

describe('sequence numbers', () => {
  it('have 21 digits and the order of the sequences', () => {
    const numbers = [0, 1, 9, 10, 12_345, Number.MAX_SAFE_INTEGER].map(sequenceNumberOf);
    expect([...numbers].sort()).toEqual(numbers);
    for (const number of numbers) expect(number).toMatch(/^[0-9]{21}$/);
    expect(numbers.map(sequenceOf)).toEqual([0, 1, 9, 10, 12_345, Number.MAX_SAFE_INTEGER]);
  });

  it.each([
    '',
    '1',
    '0'.repeat(21),
    `2${'0'.repeat(20)}`,
    `1${'9'.repeat(20)}`,
    `1${'0'.repeat(21)}`,
  ])('%j was never given out', (text) => {
    expect(sequenceOf(text)).toBeUndefined();
  });
});

describe('the ARN of a stream', () => {
  it('has the time when it was enabled as its label', () => {
    const arn = `${tableArn}/stream/2026-11-21T02:45:00.123`;
    expect(streamLabel(id)).toBe('2026-11-21T02:45:00.123');
    expect(streamArn(tableArn, id)).toBe(arn);
    expect(streamArnParts(arn)).toEqual({ tableArn, label: '2026-11-21T02:45:00.123' });
  });

  it.each([
    '',
    'fake-stream',
    tableArn,
    `${tableArn}/stream/`,
    `${tableArn}/index/i`,
    `${tableArn}/stream/a/b`,
    `${tableArn}/stream/a|1|b`,
    `x${tableArn}/stream/a`,
    `${tableArn}/stream/a\n`,
    'arn:aws:kinesis:us-east-1:123456789012:table/Music/stream/x',
  ])('is not %j', (text) => {
    expect(streamArnParts(text)).toBeUndefined();
  });
});

describe('a page of shards', () => {
  const shard = (name: string, parentId?: string): PlacedShard => ({
    id: name,
    parentId,
    first: 1,
    last: undefined,
    startedMs: 0,
    partitionId: 1n,
    lastSequence: 1,
  });
  const shards = [shard('a'), shard('b'), shard('c', 'a'), shard('d', 'a')];
  const page = (parts: Partial<Parameters<typeof shardPage>[1]>) => {
    const all = { startId: undefined, limit: 100, parentId: undefined };
    const { shards: found, lastId } = shardPage(shards, { ...all, ...parts });
    return [found.map((each) => each.id).join(''), lastId];
  };

  it('says where it ends unless it is the last', () => {
    expect(page({})).toEqual(['abcd', undefined]);
    expect(page({ limit: 4 })).toEqual(['abcd', undefined]);
    expect(page({ limit: 2 })).toEqual(['ab', 'b']);
    expect(page({ limit: 2, startId: 'b' })).toEqual(['cd', undefined]);
    expect(page({ startId: 'd' })).toEqual(['', undefined]);
    expect(page({ startId: 'zzz' })).toEqual(['', undefined]);
  });

  it('has the children of one shard alone if asked for them', () => {
    expect(page({ parentId: 'a' })).toEqual(['cd', undefined]);
    expect(page({ parentId: 'a', limit: 1 })).toEqual(['c', 'c']);
    expect(page({ parentId: 'b' })).toEqual(['', undefined]);
  });
});

describe('a record on the wire', () => {
  const stream = { arn: streamArn(tableArn, id), viewType: 'NEW_AND_OLD_IMAGES' } as const;
  const placed = {
    partitionId: 3n,
    sequence: 9,
    record: encodeStreamRecord({
      event: 'REMOVE',
      byTimeToLive: true,
      writtenMs: 1_800_000_000_999,
      sizeBytes: 12,
      keys: Buffer.from('{"p":{"S":"é"}}'),
      newImage: undefined,
      oldImage: Buffer.from('{"p":{"S":"é"},"x":{"N":"1"}}'),
    }),
  };

  it('has all members of the model, and images as they are stored', () => {
    const json = JSON.parse(wireRecord(placed, { stream, region: 'eu-test-1' }).toString());
    expect(json).toEqual({
      eventID: expect.stringMatching(/^[0-9a-f]{32}$/),
      eventName: 'REMOVE',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: 'eu-test-1',
      userIdentity: { Type: 'Service', PrincipalId: 'dynamodb.amazonaws.com' },
      dynamodb: {
        ApproximateCreationDateTime: 1_800_000_000,
        Keys: { p: { S: 'é' } },
        OldImage: { p: { S: 'é' }, x: { N: '1' } },
        SequenceNumber: '100000000000000000009',
        SizeBytes: 12,
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
    });
  });

  it('has an id of its own that stays', () => {
    const idOf = (parts: object) => eventIdOf(stream.arn, { ...placed, ...parts });
    expect(idOf({})).toBe(idOf({}));
    const others = [idOf({ sequence: 10 }), idOf({ partitionId: 4n }), eventIdOf('x', placed)];
    expect(new Set([idOf({}), ...others]).size).toBe(4);
  });
});
