import { describe, expect, it } from 'vitest';
import type { TableSchema } from '../partition/schema.ts';
import { itemCollectionMetrics } from './item-collection-metrics.ts';

const GIGABYTE = 1024 ** 3;
const schema: TableSchema = {
  tableName: 't',
  tableId: 'id',
  tableArn: 'arn',
  key: { hash: [{ name: '__proto__', type: 'S' }], range: [{ name: 'r', type: 'N' }] },
  localIndexes: [],
  globalIndexes: [],
  timeToLiveAttribute: undefined,
  stream: undefined,
  hashSecret: new Uint8Array(32),
};
const key = JSON.parse('{"__proto__":{"S":"h"},"r":{"N":"1"}}');

describe('ItemCollectionMetrics', () => {
  it.each([
    [0, [0, 1]],
    [GIGABYTE - 1, [0, 1]],
    [GIGABYTE, [1, 2]],
    [9.5 * GIGABYTE, [9, 10]],
  ])('estimates %d bytes as %j gigabytes', (collectionBytes, range) => {
    const metrics = itemCollectionMetrics('SIZE', { schema, key, collectionBytes });
    expect(JSON.stringify(metrics)).toBe(
      `{"ItemCollectionKey":{"__proto__":{"S":"h"}},"SizeEstimateRangeGB":${JSON.stringify(range)}}`,
    );
  });

  it('is absent unless asked for, and without local indexes', () => {
    expect(itemCollectionMetrics('NONE', { schema, key, collectionBytes: 1 })).toBeUndefined();
    expect(itemCollectionMetrics(undefined, { schema, key, collectionBytes: 1 })).toBeUndefined();
    expect(
      itemCollectionMetrics('SIZE', { schema, key, collectionBytes: undefined }),
    ).toBeUndefined();
  });
});
