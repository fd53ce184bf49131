import { describe, expect, it } from 'vitest';
import type { ManagedTable } from '../routing/table.ts';
import type { Catalog } from './catalog.ts';
import { type CrashScenario, crashAtEveryCommit, usedPartitions } from './crash.fixture.ts';
import {
  type Installation,
  isActive,
  itemsOf,
  provisionedTable,
  put,
  simpleTable,
  testClock,
  until,
  untilActive,
} from './installation.fixture.ts';

const genre = { AttributeName: 'genre', AttributeType: 'S' as const };
const byGenre = {
  IndexName: 'by-genre',
  KeySchema: [{ AttributeName: 'genre', KeyType: 'HASH' as const }],
  Projection: { ProjectionType: 'ALL' as const },
};
const withIndex = simpleTable('Music', {
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }, genre],
  GlobalSecondaryIndexes: [byGenre],
});
const ITEMS_COUNT = 30;

async function create(catalog: Catalog, request = simpleTable('Music')): Promise<ManagedTable> {
  await catalog.createTable(request);
  await untilActive(catalog, 'Music');
  const table = catalog.openTable('Music');
  for (let i = 0; i < ITEMS_COUNT; i++) {
    await put(table, { pk: { S: `item${i}` }, genre: { S: 'x' }, ttl: { N: '1' } });
  }
  await table.indexesCaughtUp();
  return table;
}

function exists(catalog: Catalog): boolean {
  return catalog.listTables(undefined).names.includes('Music');
}

function hasIndex(catalog: Catalog): boolean {
  return catalog.describeTable('Music').GlobalSecondaryIndexes !== undefined;
}

const scenarios: readonly CrashScenario[] = [
  {
    name: 'CreateTable',
    prepare: async () => {},
    run: async (catalog, wait) => {
      await catalog.createTable(withIndex);
      await wait(() => isActive(catalog, 'Music'));
    },
    check: async (catalog) => {
      if (!exists(catalog)) return;
      await untilActive(catalog, 'Music');
      await put(catalog.openTable('Music'), { pk: { S: 'a' } });
    },
  },
  {
    name: 'DeleteTable',
    prepare: async (catalog) => {
      await create(catalog, withIndex);
    },
    run: async (catalog, wait) => {
      await catalog.deleteTable('Music');
      await wait(() => !exists(catalog));
    },
    check: async (catalog) => {
      await until(
        () => !exists(catalog) || catalog.describeTable('Music').TableStatus === 'ACTIVE',
      );
      if (exists(catalog)) {
        expect(await itemsOf(catalog.openTable('Music'), 'by-genre')).toHaveLength(ITEMS_COUNT);
      }
    },
  },
  {
    name: 'a new global index',
    prepare: async (catalog) => {
      await create(catalog);
    },
    run: async (catalog, wait) => {
      await catalog.updateTable({
        TableName: 'Music',
        AttributeDefinitions: [genre],
        GlobalSecondaryIndexUpdates: [{ Create: byGenre }],
      });
      const table = catalog.openTable('Music');
      await put(table, { pk: { S: 'later' }, genre: { S: 'x' } });
      await wait(() => isActive(catalog, 'Music'));
    },
    check: async (catalog) => {
      await untilActive(catalog, 'Music');
      const table = catalog.openTable('Music');
      if (table.schema.globalIndexes.length === 0) return;
      await table.indexesCaughtUp();
      const items = await itemsOf(table);
      expect(items.length).toBeGreaterThanOrEqual(ITEMS_COUNT);
      expect(await itemsOf(table, 'by-genre')).toHaveLength(items.length);
    },
  },
  {
    name: 'the deletion of a global index',
    prepare: async (catalog) => {
      await create(catalog, withIndex);
    },
    run: async (catalog, wait) => {
      await catalog.updateTable({
        TableName: 'Music',
        GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'by-genre' } }],
      });
      await wait(() => catalog.describeTable('Music').GlobalSecondaryIndexes === undefined);
    },
    check: async (catalog) => {
      await untilActive(catalog, 'Music');
      expect(await itemsOf(catalog.openTable('Music'))).toHaveLength(ITEMS_COUNT);
    },
  },
  {
    name: 'a switch of billing mode',
    prepare: async (catalog) => {
      await create(catalog, provisionedTable('Music', 100));
    },
    run: async (catalog, wait) => {
      await catalog.updateTable({ TableName: 'Music', BillingMode: 'PAY_PER_REQUEST' });
      await wait(() => isActive(catalog, 'Music'));
    },
    check: async (catalog) => {
      await untilActive(catalog, 'Music');
      const { BillingModeSummary: mode, ProvisionedThroughput: units } =
        catalog.describeTable('Music');
      expect(units).toMatchObject({ ReadCapacityUnits: mode === undefined ? 100 : 0 });
      expect(catalog.openTable('Music').statistics().items).toBe(ITEMS_COUNT);
    },
  },
  {
    name: 'enabling time to live',
    prepare: async (catalog) => {
      const table = await create(catalog);
      const second = Math.floor(testClock().nowMs() / 1000);
      await put(table, { pk: { S: 'item0' }, ttl: { N: String(second - 1) } });
    },
    run: async (catalog, wait) => {
      await catalog.updateTimeToLive('Music', { Enabled: true, AttributeName: 'ttl' });
      await wait(() => catalog.describeTimeToLive('Music').status === 'ENABLED');
      await wait(() => catalog.openTable('Music').statistics().items === ITEMS_COUNT - 1);
    },
    check: async (catalog) => {
      await until(() => /^(EN|DIS)ABLED$/.test(catalog.describeTimeToLive('Music').status));
      const { status } = catalog.describeTimeToLive('Music');
      const left = status === 'ENABLED' ? ITEMS_COUNT - 1 : ITEMS_COUNT;
      await until(() => catalog.openTable('Music').statistics().items === left);
    },
  },
];

/** What is given up is cleared and forgotten, and nothing else is left behind. */
async function expectNoGarbage({ catalog, store }: Installation): Promise<void> {
  const garbageKeys = Buffer.concat([Buffer.alloc(8), Buffer.of(0x07, 0x12)]);
  const isClear = async () => {
    const end = Buffer.concat([garbageKeys.subarray(0, 9), Buffer.of(0x13)]);
    const iterator = store.iterate({ start: garbageKeys, end, reverse: false, limit: 1 });
    const pairs = await iterator.next(1);
    await iterator.close();
    return pairs.length === 0;
  };
  for (let turn = 0; turn < 10_000 && !(await isClear()); turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await isClear()).toBe(true);
  // The table's partitions come first, four at most here, then those of its index.
  const idMax = !exists(catalog) ? 0n : hasIndex(catalog) ? 8n : 4n;
  for (const id of await usedPartitions(store)) expect(id).toBeLessThanOrEqual(idMax);
}

describe('a crash at any commit', () => {
  for (const scenario of scenarios) {
    it(`${scenario.name}: comes to rest after the restart`, async () => {
      await crashAtEveryCommit(scenario, expectNoGarbage);
    });
  }
});
