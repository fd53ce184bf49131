import { describe, expect, it } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import { StoreError } from '../storage/store.ts';
import { StoredItem } from './record.ts';
import type { StreamViewType } from './stream.ts';
import { decodeStreamRecord, encodeStreamRecord, streamRecordOf } from './stream-record.ts';

const key: Item = { p: { S: 'a' }, s: { N: '1' } };
const stamp = { version: 1, writtenMicros: 1e15 };
const stored = (item: Item) => StoredItem.of(item, itemBytes(item), stamp);

function recordOf(
  before: Item | undefined,
  after: Item | undefined,
  viewType: StreamViewType = 'NEW_AND_OLD_IMAGES',
) {
  const write = {
    key,
    before: before && stored({ ...key, ...before }),
    after: after && stored({ ...key, ...after }),
    byTimeToLive: false,
    writtenMs: 5,
  };
  const record = streamRecordOf(write, viewType);
  if (record === undefined) return undefined;
  const { keys, newImage, oldImage, ...rest } = decodeStreamRecord(record);
  return { ...rest, keys: json(keys), newImage: json(newImage), oldImage: json(oldImage) };
}

function json(bytes: Uint8Array | undefined): unknown {
  return bytes && JSON.parse(Buffer.from(bytes).toString());
}

describe('the record of a write', () => {
  it.each<[string, Item | undefined, Item | undefined]>([
    ['no item before and after', undefined, undefined],
    ['the same item again', { x: { S: 'y' } }, { x: { S: 'y' } }],
    [
      'another order of attributes',
      { x: { S: 'y' }, z: { N: '1' } },
      { z: { N: '1' }, x: { S: 'y' } },
    ],
    [
      'another order inside a map',
      { m: { M: { a: { N: '1' }, b: { L: [] } } } },
      { m: { M: { b: { L: [] }, a: { N: '1' } } } },
    ],
    ['another order of a set', { t: { SS: ['a', 'b'] } }, { t: { SS: ['b', 'a'] } }],
    ['an item of key attributes alone, again', {}, {}],
  ])('is not made for %s', (_, before, after) => {
    expect(recordOf(before, after)).toBeUndefined();
  });

  it.each<[string, Item | undefined, Item | undefined]>([
    ['INSERT', undefined, { x: { S: 'y' } }],
    ['INSERT', undefined, {}],
    ['MODIFY', { x: { S: 'y' } }, { x: { S: 'z' } }],
    ['MODIFY', { x: { S: 'y' } }, {}],
    ['MODIFY', { x: { L: [{ N: '1' }, { N: '2' }] } }, { x: { L: [{ N: '2' }, { N: '1' }] } }],
    ['MODIFY', { x: { S: '1' } }, { x: { N: '1' } }],
    ['MODIFY', { ['__proto__']: { S: 'a' } }, { ['__proto__']: { S: 'b' } }],
    ['REMOVE', { x: { S: 'y' } }, undefined],
    ['REMOVE', {}, undefined],
  ])('says %s, and has the images', (event, before, after) => {
    expect(recordOf(before, after)).toMatchObject({
      event,
      byTimeToLive: false,
      writtenMs: 5,
      keys: key,
      newImage: after && { ...key, ...after },
      oldImage: before && { ...key, ...before },
    });
  });

  it.each<[StreamViewType, boolean, boolean]>([
    ['KEYS_ONLY', false, false],
    ['NEW_IMAGE', true, false],
    ['OLD_IMAGE', false, true],
    ['NEW_AND_OLD_IMAGES', true, true],
  ])('has the images of %s', (viewType, hasNew, hasOld) => {
    const record = recordOf({ x: { S: 'y' } }, { x: { S: 'z' } }, viewType);
    expect(record?.keys).toEqual(key);
    expect(record?.newImage !== undefined).toBe(hasNew);
    expect(record?.oldImage !== undefined).toBe(hasOld);
  });

  // The example of the developer guide.
  it.each<[string, Item | undefined, Item | undefined, number]>([
    ['INSERT', undefined, { Message: { S: 'New item!' } }, 26],
    ['MODIFY', { Message: { S: 'New item!' } }, { Message: { S: 'This item has changed' } }, 59],
    ['REMOVE', { Message: { S: 'This item has changed' } }, undefined, 38],
  ])('is as large as the service says: %s', (_, before, after, sizeBytes) => {
    const id: Item = { Id: { N: '101' } };
    const write = {
      key: id,
      before: before && stored({ ...before, ...id }),
      after: after && stored({ ...after, ...id }),
      byTimeToLive: false,
      writtenMs: 0,
    };
    const record = streamRecordOf(write, 'NEW_AND_OLD_IMAGES');
    expect(record && decodeStreamRecord(record).sizeBytes).toBe(sizeBytes);
  });

  it('tells of a deletion by time to live', () => {
    const write = { key, before: stored(key), after: undefined, byTimeToLive: true, writtenMs: 1 };
    const record = streamRecordOf(write, 'KEYS_ONLY');
    expect(record && decodeStreamRecord(record)).toMatchObject({
      event: 'REMOVE',
      byTimeToLive: true,
    });
  });

  it('is refused when a byte of it is damaged, or the end is missing', () => {
    const record = encodeStreamRecord({
      event: 'MODIFY',
      byTimeToLive: false,
      writtenMs: 1_700_000_000_000,
      sizeBytes: 70_000,
      keys: Buffer.from('{"p":1}'),
      newImage: Buffer.from('{}'),
      oldImage: undefined,
    });
    for (let at = 0; at < record.length; at++) {
      const damaged = Buffer.from(record);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(() => decodeStreamRecord(damaged), `byte ${at}`).toThrow(StoreError);
      expect(() => decodeStreamRecord(record.subarray(0, at)), `cut ${at}`).toThrow(StoreError);
    }
  });
});
