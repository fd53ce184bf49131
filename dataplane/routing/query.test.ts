import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itemBytes } from '../item/size.ts';
import { schemaOf } from '../partition/schema.fixture.ts';
import {
  Installation,
  indexed,
  item,
  itemsOf,
  plain,
  putAll,
  queryAll,
  queryOf,
  sortable,
} from './local-table.fixture.ts';

describe('a query', () => {
  let installation: Installation;
  const open: Installation['open'] = (...options) => installation.open(...options);

  beforeEach(async () => {
    installation = await Installation.create();
  });
  afterEach(() => installation.close());

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
      const table = await open(indexed, { router: installation.routerWith(100) });
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
});
