import { expect, it } from 'vitest';
import {
  decodeTableConfiguration,
  encodeTableConfiguration,
  type TableConfiguration,
} from '../routing/table-configuration.ts';
import { configurationOf, indexedSchema, plainSchema } from './node.fixture.ts';
import { SharedTables } from './shared-tables.ts';

const copyOf = (table: TableConfiguration) =>
  decodeTableConfiguration(encodeTableConfiguration(table));

it('shared tables: copies of one configuration become one', () => {
  const tables = new SharedTables();
  const first = tables.share(copyOf(configurationOf(plainSchema, { partitions: 3 })));
  expect(tables.share(copyOf(first))).toBe(first);
  const newer = tables.share(copyOf({ ...first, version: 2 }));
  expect(newer).not.toBe(first);
  expect(tables.share(copyOf(newer))).toBe(newer);
});

it('shared tables: what differs, or is older, stays as it is', () => {
  const tables = new SharedTables();
  const first = tables.share(copyOf(configurationOf(plainSchema, { version: 2 })));
  const other = copyOf(configurationOf(indexedSchema, { version: 2 }));
  expect(other.layout.schema.tableId).toBe(first.layout.schema.tableId);
  expect(tables.share(other)).toBe(other);
  const older = configurationOf(plainSchema, { version: 1 });
  expect(tables.share(older)).toBe(older);
  expect(tables.share(copyOf(other))).toBe(other);
});

it('shared tables: as many as there are', () => {
  const tables = new SharedTables();
  const kept = Array.from({ length: 300 }, (_, id) => {
    const schema = { ...plainSchema, tableId: `table-${id}` };
    return tables.share(copyOf(configurationOf(schema)));
  });
  for (const each of kept) expect(tables.share(copyOf(each))).toBe(each);
});
