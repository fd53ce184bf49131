import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import { StoreError } from '../storage/store.ts';
import {
  Installation,
  indexed,
  item,
  layoutOf,
  putAll,
  queryAll,
  scanAll,
} from './local-table.fixture.ts';

describe('a global index', () => {
  let installation: Installation;
  const open: Installation['open'] = (...options) => installation.open(...options);

  beforeEach(async () => {
    installation = await Installation.create();
  });
  afterEach(() => installation.close());

  const inIndex = (index: number) => item(index, { g: { S: `g${index % 3}` } });

  it('is brought up to date right after the write', async () => {
    const table = await open(indexed, { partitions: 4 });
    await putAll(table, [1, 2, 3, 4].map(inIndex));
    await table.indexesCaughtUp();
    expect(await queryAll(table, { g: { S: 'g1' } }, { indexName: 'G2' })).toHaveLength(2);
    expect(table.statistics().indexes.get('G2')).toMatchObject({ items: 4 });
  });

  it('is built from existing items while writes go on', async () => {
    const before = { ...indexed, globalIndexes: [] };
    const table = await open(before, { partitions: 4 });
    const existing = Array.from({ length: 500 }, (_, index) => inIndex(index));
    await putAll(table, existing);
    table.reconfigure(layoutOf(indexed, 4));
    const backfill = table.backfillIndex('G2', new AbortController().signal);
    for (let index = 0; index < 500; index += 5) {
      await table.write({ kind: 'delete', key: item(index), condition: undefined });
      await putAll(table, [inIndex(index + 501)]);
    }
    await backfill;
    await table.indexesCaughtUp();
    const indexItems = await scanAll(table, { indexName: 'G2' });
    const tableItems = await scanAll(table);
    const names = (items: Item[]) => items.map((each) => JSON.stringify(each.s)).sort();
    expect(names(indexItems)).toEqual(names(tableItems));
    expect(table.statistics().indexes.get('G2')?.items).toBe(tableItems.length);
    await table.backfillIndex('G2', new AbortController().signal);
    expect(table.statistics().indexes.get('G2')?.items).toBe(tableItems.length);
  });

  it('is built with items that were in flight when it was added', async () => {
    const table = await open({ ...indexed, globalIndexes: [] });
    const inFlight = putAll(table, [inIndex(1)]);
    table.reconfigure(layoutOf(indexed));
    await table.backfillIndex('G2', new AbortController().signal);
    await inFlight;
    expect(await scanAll(table, { indexName: 'G2' })).toEqual([inIndex(1)]);
  });

  it('skips items whose key attribute has another type when it is built', async () => {
    const table = await open({ ...indexed, globalIndexes: [] });
    await putAll(table, [item(1, { g: { N: '1' } }), item(2), inIndex(3)]);
    table.reconfigure(layoutOf(indexed));
    await table.backfillIndex('G2', new AbortController().signal);
    expect(await scanAll(table, { indexName: 'G2' })).toEqual([inIndex(3)]);
  });

  it('stops being built when told', async () => {
    const table = await open(indexed);
    await putAll(table, [inIndex(1)]);
    const reason = new Error('the index is dropped');
    const building = table.backfillIndex('G2', AbortSignal.abort(reason));
    await expect(building).rejects.toBe(reason);
  });

  it('can be dropped, and its partitions cleared', async () => {
    const table = await open(indexed);
    await putAll(table, [1, 2, 3].map(inIndex));
    table.reconfigure(layoutOf({ ...indexed, globalIndexes: [] }));
    await putAll(table, [inIndex(4)]);
    await table.close();
    await installation.router.dropPartitions([2_000n]);
    const reopened = await open({ ...indexed, globalIndexes: [] });
    expect(reopened.statistics()).toMatchObject({ items: 4 });
    expect([...reopened.statistics().indexes.keys()]).toEqual(['L1']);
    const rest = installation.store.iterate({
      start: Buffer.from('00000000000000010300', 'hex'),
      end: Buffer.from('00000000000000010400', 'hex'),
      reverse: false,
      limit: undefined,
    });
    expect(await rest.next(1)).toEqual([]);
    await rest.close();
  });

  it('makes writes wait while too many changes wait, and lets them go on', async () => {
    const commit = installation.store.commit.bind(installation.store);
    let isBlocked = true;
    const released = Promise.withResolvers<void>();
    // Index partitions have ids from 2,000 on.
    installation.store.commit = async (effects) => {
      const isIndex = effects.some(({ key }) => Buffer.from(key).readUInt32BE(4) >= 2_000);
      if (isIndex && isBlocked) await released.promise;
      await commit(effects);
    };
    const table = await open(indexed);
    await putAll(
      table,
      Array.from({ length: 10_600 }, (_, index) => inIndex(index)),
    );
    let isDone = false;
    const held = putAll(table, [inIndex(20_000)]).then(() => {
      isDone = true;
    });
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(isDone).toBe(false);
    isBlocked = false;
    released.resolve();
    await held;
    await table.indexesCaughtUp();
    expect(table.statistics().indexes.get('G2')).toMatchObject({ items: 10_601 });
  });

  it('lets no write wait for room that a store which refuses writes cannot make', async () => {
    const { store } = installation;
    const commit = store.commit.bind(store);
    let isFull = false;
    store.commit = async (effects) => {
      const isIndex = effects.some(({ key }) => Buffer.from(key).readUInt32BE(4) >= 2_000);
      if (isIndex || isFull) throw new StoreError('full', 'The disk is full.');
      await commit(effects);
    };
    const table = await open(indexed);
    await putAll(
      table,
      Array.from({ length: 10_100 }, (_, index) => inIndex(index)),
    );
    const waiting = putAll(table, [inIndex(20_000)]);
    isFull = true;
    Object.assign(store, { writesRefused: new StoreError('full', 'The disk is full.') });
    await expect(waiting).rejects.toMatchObject({ code: 'full' });
    await expect(putAll(table, [inIndex(20_001)])).rejects.toMatchObject({ code: 'full' });
  });

  it('is no index any more for a page that was being read when it was dropped', async () => {
    const table = await open(indexed);
    await putAll(table, [1, 2, 3].map(inIndex));
    await table.indexesCaughtUp();
    const reading = queryAll(table, { g: { S: 'g1' } }, { indexName: 'G2' });
    table.reconfigure(layoutOf({ ...indexed, globalIndexes: [] }));
    await expect(reading).rejects.toThrow('The table does not have the specified index: G2');
  });

  it('does not go on after damage', async () => {
    const commit = installation.store.commit.bind(installation.store);
    installation.store.commit = async (effects) => {
      const isIndex = effects.some(({ key }) => Buffer.from(key).readUInt32BE(4) >= 2_000);
      if (isIndex) throw new StoreError('damaged', 'The index is damaged.');
      await commit(effects);
    };
    const table = await open(indexed);
    await putAll(table, [inIndex(1)]);
    await expect(table.indexesCaughtUp()).rejects.toMatchObject({ code: 'damaged' });
  });

  it('tries again what the store refused', async () => {
    const { store } = installation;
    const commit = store.commit.bind(store);
    let refusals = 1;
    store.commit = async (effects) => {
      const isIndex = effects.some(({ key }) => Buffer.from(key).readUInt32BE(4) >= 2_000);
      if (isIndex && refusals-- > 0) throw new StoreError('full', 'The disk is full.');
      await commit(effects);
    };
    const table = await open(indexed);
    await putAll(table, [inIndex(1)]);
    await table.indexesCaughtUp();
    expect(await scanAll(table, { indexName: 'G2' })).toEqual([inIndex(1)]);
  });
});
