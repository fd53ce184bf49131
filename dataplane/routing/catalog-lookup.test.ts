import { describe, expect, it } from 'vitest';
import { tableFaults } from '../errors/tables.ts';
import { transportFaults } from '../errors/transport.ts';
import { CatalogLookup } from './catalog-lookup.ts';

/** A lookup whose catalog answers DescribeTable so, and how often it was asked. */
function lookup(answer: () => object) {
  const asked: unknown[] = [];
  const handle = async (body: object) => {
    asked.push(body);
    return Buffer.from(JSON.stringify(answer()));
  };
  const operations = (names: Iterable<string>) =>
    new Map(Array.from(names, (name) => [name, { name, handle }]));
  return { catalog: new CatalogLookup({ operations }), asked };
}

describe('a look into the catalog', () => {
  it.each([
    ['ACTIVE', true],
    ['UPDATING', true],
    ['CREATING', false],
    ['DELETING', false],
  ])('a table that is %s: %s', async (TableStatus, isThere) => {
    const { catalog } = lookup(() => ({ Table: { TableStatus } }));
    expect(await catalog.hasTable('T')).toBe(isThere);
  });

  it('believes the catalog that there is none', async () => {
    const { catalog } = lookup(() => {
      throw tableFaults.notFound('T');
    });
    expect(await catalog.hasTable('T')).toBe(false);
  });

  it('does not say that there is none when the catalog cannot be asked', async () => {
    const { catalog } = lookup(() => {
      throw transportFaults.internal();
    });
    await expect(catalog.hasTable('T')).rejects.toMatchObject({ type: 'InternalServerError' });
  });

  it('says that a table is deleted if there is none, or another one, by its name', async () => {
    const table = { tableId: 'id-1', tableName: 'T' };
    for (const [TableId, isDeleted] of [
      ['id-1', false],
      ['id-2', true],
    ] as const) {
      const { catalog } = lookup(() => ({ Table: { TableStatus: 'DELETING', TableId } }));
      expect(await catalog.isDeleted(table)).toBe(isDeleted);
    }
    const none = lookup(() => {
      throw tableFaults.notFound('T');
    });
    expect(await none.catalog.isDeleted(table)).toBe(true);
    const away = lookup(() => {
      throw transportFaults.internal();
    });
    await expect(away.catalog.isDeleted(table)).rejects.toMatchObject({
      type: 'InternalServerError',
    });
  });

  it('asks once for requests at the same time, and anew for later ones', async () => {
    const { catalog, asked } = lookup(() => ({ Table: { TableStatus: 'ACTIVE' } }));
    await Promise.all([catalog.hasTable('T'), catalog.hasTable('T'), catalog.hasTable('U')]);
    expect(asked).toEqual([{ TableName: 'T' }, { TableName: 'U' }]);
    await catalog.hasTable('T');
    expect(asked).toHaveLength(3);
  });
});
