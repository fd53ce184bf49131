import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import {
  Installation,
  item,
  plain,
  putAll,
  scanAll,
  scanOf,
  sortable,
} from './local-table.fixture.ts';

describe('a scan', () => {
  let installation: Installation;
  const open: Installation['open'] = (...options) => installation.open(...options);

  beforeEach(async () => {
    installation = await Installation.create();
  });
  afterEach(() => installation.close());

  const many = Array.from({ length: 60 }, (_, index) => ({
    p: { S: `k${index}` },
    s: sortable(1),
  }));

  it.each([
    [false, 2],
    [true, 4],
  ])('pays for each partition that it enters (strong: %s)', async (consistentRead, units) => {
    const table = await open(plain, { partitions: 4 });
    await putAll(table, [item(1)]);
    const page = await table.scan(scanOf({ consistentRead }));
    expect(page).toMatchObject({ count: 1, capacity: { table: units } });
  });

  it('pays only for partitions entered before the page ends', async () => {
    const table = await open(plain, { partitions: 4 });
    await putAll(table, many);
    expect((await table.scan(scanOf({ limit: 1 }))).capacity.table).toBe(1);
  });

  it('gives each item in exactly one segment', async () => {
    for (const partitions of [1, 4]) {
      const table = await open({ ...plain }, { partitions });
      await putAll(table, many);
      for (const totalSegments of [2, 3, 7]) {
        const seen: Item[] = [];
        for (let segment = 0; segment < totalSegments; segment++) {
          seen.push(...(await scanAll(table, { segment, totalSegments, limit: 5 })));
        }
        expect(seen).toEqual(await scanAll(table));
        expect(seen).toHaveLength(many.length);
      }
      await table.close();
      await installation.store.clear(Buffer.alloc(8), Buffer.alloc(8, 0xff));
    }
  });

  it('refuses a start key of another segment', async () => {
    const table = await open(plain, { partitions: 4 });
    await putAll(table, many);
    const page = await table.scan(scanOf({ segment: 1, totalSegments: 2, limit: 1 }));
    const other = { segment: 0, totalSegments: 2, exclusiveStartKey: page.lastEvaluatedKey };
    await expect(table.scan(scanOf(other))).rejects.toMatchObject({
      message:
        'The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: 2 Segment: 0',
    });
  });
});
