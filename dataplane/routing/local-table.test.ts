import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import type { AttributeValue, Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import { globalIndex, localIndex, schemaOf } from '../partition/schema.fixture.ts';
import type { TableSchema } from '../partition/schema.ts';
import { openStore } from '../storage/open.ts';
import { type Store, StoreError } from '../storage/store.ts';
import { LocalRouter } from './local-router.ts';
import {
  itemsOf,
  layoutOf,
  putOf,
  queryAll,
  queryOf,
  scanAll,
  scanOf,
  unlimited,
} from './local-table.fixture.ts';
import type { Table, TableThroughput } from './table.ts';

const plain = schemaOf();
const indexed = schemaOf({
  localIndexes: [localIndex(1, 'l:S', { type: 'KEYS_ONLY' })],
  globalIndexes: [globalIndex(2, { hash: 'g:S', range: '' })],
});
const sortable = (index: number): AttributeValue => ({ N: String(index) });
const item = (index: number, rest: Item = {}): Item => ({
  p: { S: 'a' },
  s: sortable(index),
  ...rest,
});

describe('LocalTable', () => {
  let store: Store;
  let nowMs: number;
  const tables: Table[] = [];
  const clock = { nowMs: () => nowMs };

  async function open(
    schema: TableSchema,
    { partitions = 1, throughput = unlimited } = {},
  ): Promise<Table> {
    const table = await new LocalRouter(store, clock).openTable(
      layoutOf(schema, partitions),
      throughput,
    );
    tables.push(table);
    return table;
  }

  const putAll = (table: Table, items: readonly Item[]) =>
    Promise.all(items.map((each) => table.write(putOf(each, table.schema))));

  beforeEach(async () => {
    nowMs = 1_000_000;
    store = await openStore({ folder: undefined, durability: 'relaxed' });
  });

  afterEach(async () => {
    for (const table of tables.splice(0)) await table.close();
    await store.close();
  });

  describe('get', () => {
    it('answers at once with the bytes of the item', async () => {
      const table = await open(plain);
      const stored = item(1, { ['__proto__']: { S: 'x' }, constructor: { L: [] } });
      await putAll(table, [stored]);
      const result = table.get(item(1), { consistentRead: false, projection: undefined });
      expect(result).not.toBeInstanceOf(Promise);
      const { json, capacity } = await result;
      expect(Buffer.from(json ?? []).toString()).toBe(JSON.stringify(stored));
      expect(capacity.table).toBe(0.5);
    });

    it('projects', async () => {
      const table = await open(plain);
      await putAll(table, [item(1, { x: { S: 'y' } })]);
      const options = { consistentRead: true, projection: [['x']] } as const;
      const { json } = await table.get(item(1), options);
      expect(Buffer.from(json ?? []).toString()).toBe('{"x":{"S":"y"}}');
    });

    it.each([
      [false, 0, 0.5],
      [true, 0, 1],
      [true, 4_096, 1],
      [true, 4_097, 2],
      [false, 409_600, 50],
    ])('costs (strong: %s, %i bytes) %d units', async (consistentRead, bytes, units) => {
      const table = await open(plain);
      const rest = bytes - itemBytes(item(1)) - 1;
      if (bytes > 0) await putAll(table, [item(1, { x: { S: 'x'.repeat(rest) } })]);
      const { capacity } = await table.get(item(1), { consistentRead, projection: undefined });
      expect(capacity.table).toBe(units);
    });
  });

  describe('query', () => {
    it('ends a page at its limit, also when nothing is left', async () => {
      const table = await open(plain);
      await putAll(
        table,
        [1, 2, 3].map((index) => item(index)),
      );
      const page = (limit: number) => table.query(queryOf({ p: { S: 'a' } }, { limit }));
      expect(await page(2)).toMatchObject({ count: 2, lastEvaluatedKey: item(2) });
      expect(await page(3)).toMatchObject({ count: 3, lastEvaluatedKey: item(3) });
      const last = await page(4);
      expect(last.lastEvaluatedKey).toBeUndefined();
      expect(last.capacity.table).toBe(1);
    });

    it('ends a page with the item that reaches 1 MB', async () => {
      const table = await open(plain);
      const large = { x: { S: 'x'.repeat(300_000) } };
      await putAll(
        table,
        [1, 2, 3, 4, 5].map((index) => item(index, large)),
      );
      const page = await table.query(queryOf({ p: { S: 'a' } }));
      expect(page).toMatchObject({ count: 4, scannedCount: 4, lastEvaluatedKey: item(4) });
      expect(page.capacity.table).toBe(Math.ceil((4 * itemBytes(item(1, large))) / 4_096));
    });

    it('costs the same with a filter, a projection or only a count', async () => {
      const table = await open(plain);
      await putAll(
        table,
        [1, 2].map((index) => item(index, { x: { S: 'x'.repeat(4_000) } })),
      );
      const filter = {
        kind: 'compare',
        comparator: '=',
        left: { kind: 'path', path: ['s'] },
        right: { kind: 'value', value: { N: '2' } },
      } as const;
      const parts = { filter, projection: [['s']], consistentRead: false } as const;
      const page = await table.query(queryOf({ p: { S: 'a' } }, parts));
      expect(itemsOf(page)).toEqual([{ s: { N: '2' } }]);
      expect(page).toMatchObject({ count: 1, scannedCount: 2, capacity: { table: 1 } });
      const count = await table.query(queryOf({ p: { S: 'a' } }, { filter, output: 'count' }));
      expect(count).toMatchObject({ items: [], count: 1, scannedCount: 2, capacity: { table: 2 } });
    });

    it('costs the minimum when it finds nothing', async () => {
      const table = await open(plain, { partitions: 4 });
      const page = await table.query(queryOf({ p: { S: 'a' } }, { consistentRead: false }));
      expect(page).toMatchObject({ count: 0, capacity: { table: 0.5 } });
    });

    it('goes on behind a start key whose item is gone, both ways', async () => {
      const table = await open(plain);
      await putAll(
        table,
        [1, 3].map((index) => item(index)),
      );
      const query = (scanIndexForward: boolean) =>
        queryAll(table, { p: { S: 'a' } }, { scanIndexForward });
      expect(await query(false)).toEqual([item(3), item(1)]);
      const from = { exclusiveStartKey: item(2) };
      const forward = await table.query(queryOf({ p: { S: 'a' } }, from));
      expect(itemsOf(forward)).toEqual([item(3)]);
      const backward = await table.query(
        queryOf({ p: { S: 'a' } }, { ...from, scanIndexForward: false }),
      );
      expect(itemsOf(backward)).toEqual([item(1)]);
    });

    it.each([
      [
        'another partition key',
        { p: { S: 'b' }, s: { N: '1' } },
        [],
        'The provided starting key is outside query boundaries based on provided conditions',
      ],
      [
        'another sort key',
        item(5),
        ['<'],
        'The provided starting key does not match the range key predicate',
      ],
      [
        'another partition key, with a condition',
        { p: { S: 'b' }, s: { N: '1' } },
        ['<'],
        'The query can return at most one row and cannot be restarted',
      ],
    ])('refuses a start key of %s', async (_, exclusiveStartKey, operators, message) => {
      const table = await open(plain, { partitions: 4 });
      const rangeConditions = operators.map(() => ({
        attribute: 's',
        operator: '<' as const,
        value: { N: '3' },
      }));
      const query = table.query(queryOf({ p: { S: 'a' } }, { exclusiveStartKey, rangeConditions }));
      await expect(query).rejects.toMatchObject({ type: 'ValidationException', message });
    });

    it('begins with a prefix of bytes', async () => {
      const schema = schemaOf({ key: { hash: plain.key.hash, range: [{ name: 's', type: 'S' }] } });
      const table = await open(schema);
      const texts = ['a', 'a\0', 'a\u0001', 'ab', 'b', 'aé', '\u{10ffff}'];
      await putAll(
        table,
        texts.map((S) => ({ p: { S: 'a' }, s: { S } })),
      );
      const beginning = async (S: string) => {
        const condition = { attribute: 's', operator: 'beginsWith', value: { S } } as const;
        const items = await queryAll(table, { p: { S: 'a' } }, { rangeConditions: [condition] });
        return items.map(({ s }) => (s !== undefined && 'S' in s ? s.S : ''));
      };
      expect(await beginning('a')).toEqual(['a', 'a\0', 'a\u0001', 'ab', 'aé']);
      expect(await beginning('a\0')).toEqual(['a\0']);
      expect(await beginning('')).toHaveLength(texts.length);
    });
  });

  describe('a local index', () => {
    const entries = [1, 2, 3].map((index) => item(index, { l: { S: 'x' }, x: sortable(index) }));

    it('gives what it holds, in the order of its key and then of the table', async () => {
      const table = await open(indexed);
      await putAll(table, entries.toReversed());
      const page = await table.query(queryOf({ p: { S: 'a' } }, { indexName: 'L1', limit: 2 }));
      expect(itemsOf(page)).toEqual([1, 2].map((index) => item(index, { l: { S: 'x' } })));
      expect(page.lastEvaluatedKey).toEqual(item(2, { l: { S: 'x' } }));
      expect(page.capacity).toEqual({
        table: 0,
        localIndexes: new Map([['L1', 1]]),
        globalIndexes: new Map(),
      });
    });

    it('fetches what it lacks from the table, each item rounded alone', async () => {
      const table = await open(indexed);
      const large = { l: { S: 'x' }, x: { S: 'x'.repeat(5_000) } };
      await putAll(table, [item(1, large), item(2, { l: { S: 'x' } }), item(3)]);
      const parts = { indexName: 'L1', fetchFromTable: true };
      const page = await table.query(queryOf({ p: { S: 'a' } }, parts));
      expect(itemsOf(page)).toEqual([item(1, large), item(2, { l: { S: 'x' } })]);
      expect(page.capacity).toMatchObject({ table: 3, localIndexes: new Map([['L1', 1]]) });
    });

    it('refuses items when a collection is full', async () => {
      const limits = { collectionBytesMax: 100 };
      const table = await new LocalRouter(store, clock, limits).openTable(
        layoutOf(indexed),
        unlimited,
      );
      tables.push(table);
      const rest = { x: { S: 'x'.repeat(60) } };
      await putAll(table, [item(1, rest)]);
      await expect(putAll(table, [item(2, rest)])).rejects.toMatchObject({
        type: 'ItemCollectionSizeLimitExceededException',
      });
      await putAll(table, [{ ...item(2, rest), p: { S: 'b' } }]);
      await table.write({ kind: 'delete', key: item(1), condition: undefined });
      await putAll(table, [item(2, rest)]);
    });
  });

  describe('scan', () => {
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
        await store.clear(Buffer.alloc(8), Buffer.alloc(8, 0xff));
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

  describe('a global index', () => {
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
      await new LocalRouter(store, clock).dropPartitions([2_000n]);
      const reopened = await open({ ...indexed, globalIndexes: [] });
      expect(reopened.statistics()).toMatchObject({ items: 4 });
      expect([...reopened.statistics().indexes.keys()]).toEqual(['L1']);
      const rest = store.iterate({
        start: Buffer.from('00000000000000010300', 'hex'),
        end: Buffer.from('00000000000000010400', 'hex'),
        reverse: false,
        limit: undefined,
      });
      expect(await rest.next(1)).toEqual([]);
      await rest.close();
    });

    it('makes writes wait while too many changes wait, and lets them go on', async () => {
      const commit = store.commit.bind(store);
      let isBlocked = true;
      const released = Promise.withResolvers<void>();
      // Index partitions have ids from 2,000 on.
      store.commit = async (effects) => {
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

    it('does not go on after damage, and neither do writes that wait for it', async () => {
      const commit = store.commit.bind(store);
      store.commit = async (effects) => {
        const isIndex = effects.some(({ key }) => Buffer.from(key).readUInt32BE(4) >= 2_000);
        if (isIndex) throw new StoreError('damaged', 'The index is damaged.');
        await commit(effects);
      };
      const table = await open(indexed);
      await putAll(table, [inIndex(1)]);
      await expect(table.indexesCaughtUp()).rejects.toMatchObject({ code: 'damaged' });
    });
  });

  describe('time to live', () => {
    const expiring = schemaOf({ timeToLiveAttribute: 'ttl', localIndexes: [localIndex(1, 'l:S')] });
    const at = (index: number, second: string) =>
      item(index, { ttl: { N: second }, l: { S: 'x' } });
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

  describe('throughput', () => {
    const limited: TableThroughput = {
      mode: 'provisioned',
      table: { readUnits: 1, writeUnits: 1 },
      globalIndexes: new Map([['G2', { readUnits: 1, writeUnits: 1 }]]),
    };

    it('lets the burst through, then refuses, then admits what time brings', async () => {
      const table = await open(plain, { throughput: limited });
      for (let read = 0; read < 300; read++) {
        table.get(item(1), { consistentRead: true, projection: undefined });
      }
      const read = () => table.get(item(1), { consistentRead: true, projection: undefined });
      expect(read).toThrow(ClientFault);
      nowMs += 1_000;
      expect(read).not.toThrow();
      table.setThroughput(unlimited);
      for (let more = 0; more < 10; more++) expect(read).not.toThrow();
    });

    it('charges failed conditions, and refuses writes for an index without units', async () => {
      const table = await open(indexed, { throughput: limited });
      const condition = { kind: 'exists', path: ['p'], negated: false } as const;
      const result = await table.write({ kind: 'delete', key: item(1), condition });
      expect(result.kind).toBe('conditionFailed');
      const large = item(1, { g: { S: 'g' }, x: { S: 'x'.repeat(298 * 1024) } });
      await putAll(table, [large]);
      nowMs += 2_000;
      table.setThroughput({ ...limited, table: unlimited.table });
      await putAll(table, [{ ...large, s: sortable(2) }]);
      const refused = putAll(table, [{ ...large, s: sortable(3) }]);
      await expect(refused).rejects.toMatchObject({
        type: 'ProvisionedThroughputExceededException',
        members: {
          ThrottlingReasons: [
            {
              reason: 'IndexWriteProvisionedThroughputExceeded',
              resource: `${indexed.tableArn}/index/G2`,
            },
          ],
        },
      });
      await putAll(table, [item(3)]);
    });
  });

  it('refuses work when closed', async () => {
    const table = await open(indexed);
    await table.close();
    await expect(putAll(table, [item(1)])).rejects.toMatchObject({ code: 'closed' });
    await expect(table.scan(scanOf())).rejects.toMatchObject({ code: 'closed' });
    expect(() => table.get(item(1), { consistentRead: true, projection: undefined })).toThrow(
      StoreError,
    );
  });
});
