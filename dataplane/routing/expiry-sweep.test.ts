import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localIndex, schemaOf } from '../partition/schema.fixture.ts';
import {
  Installation,
  item,
  layoutOf,
  putAll,
  scanAll,
  sortable,
  unlimited,
} from './local-table.fixture.ts';
import type { TableThroughput } from './table.ts';

describe('time to live', () => {
  let installation: Installation;
  const open: Installation['open'] = (...options) => installation.open(...options);

  beforeEach(async () => {
    installation = await Installation.create();
  });
  afterEach(() => installation.close());

  const expiring = schemaOf({ timeToLiveAttribute: 'ttl', localIndexes: [localIndex(1, 'l:S')] });
  const at = (index: number, second: string) => item(index, { ttl: { N: second }, l: { S: 'x' } });
  const { signal } = new AbortController();
  const nowSecond = 1_800_000_000;

  it('deletes what is due, with its index entries, and nothing else', async () => {
    const table = await open(expiring, { partitions: 4 });
    await putAll(table, [
      at(1, String(nowSecond - 1)),
      at(2, String(nowSecond)),
      at(3, String(nowSecond - 6 * 365 * 86_400)),
      at(4, `${nowSecond - 2}.5`),
      item(5, { ttl: { S: String(nowSecond - 1) } }),
      item(6),
    ]);
    expect(await table.sweepExpired(nowSecond * 1000, signal)).toBe(2);
    const left = (await scanAll(table)).map(({ s }) => s);
    expect(left).toEqual([2, 3, 5, 6].map(sortable));
    expect(table.statistics().indexes.get('L1')).toMatchObject({ items: 2 });
    expect(await table.sweepExpired(nowSecond * 1000, signal)).toBe(0);
  });

  it('spares an item that is renewed at the same moment', async () => {
    const table = await open(expiring);
    await putAll(table, [at(1, String(nowSecond - 1))]);
    const renewing = putAll(table, [at(1, String(nowSecond + 100))]);
    expect(await table.sweepExpired(nowSecond * 1000, signal)).toBe(0);
    await renewing;
    expect(await scanAll(table)).toHaveLength(1);
  });

  it('charges no units', async () => {
    const throughput: TableThroughput = {
      ...unlimited,
      mode: 'provisioned',
      table: { readUnits: 1, writeUnits: 1 },
    };
    const table = await open(expiring, { throughput });
    const many = Array.from({ length: 140 }, (_, index) => at(index, String(nowSecond - 1)));
    await putAll(table, many);
    expect(await table.sweepExpired(nowSecond * 1000, signal)).toBe(140);
    await putAll(table, [item(1), item(2)]);
  });

  it('finds items written before it was switched on, and forgets them when it is off', async () => {
    const off = { ...expiring, timeToLiveAttribute: undefined };
    const table = await open(off);
    await putAll(table, [at(1, String(nowSecond - 1)), at(2, String(nowSecond - 1))]);
    table.reconfigure(layoutOf(expiring));
    expect(await table.sweepExpired(nowSecond * 1000, signal)).toBe(0);
    await table.rebuildExpiry(signal);
    table.reconfigure(layoutOf(off));
    await table.rebuildExpiry(signal);
    table.reconfigure(layoutOf(expiring));
    expect(await table.sweepExpired(nowSecond * 1000, signal)).toBe(0);
    await table.rebuildExpiry(signal);
    expect(await table.sweepExpired(nowSecond * 1000, signal)).toBe(2);
  });
});
