import { describe, expect, it } from 'vitest';
import type { ManagedTable } from '../routing/table.ts';
import type { Store } from '../storage/store.ts';
import type { Catalog } from './catalog.ts';
import {
  type Installation,
  isActive,
  itemsOf,
  memoryStore,
  openInstallation,
  provisionedTable,
  put,
  simpleTable,
  testClock,
  until,
  untilActive,
} from './installation.fixture.ts';

/**
 * Kill at any point: each scenario runs again and again, and the process "dies" before its n-th
 * commit, for every n: from then on nothing becomes durable and nobody gets an answer. Then a new
 * catalog is opened on what was durable, and must come to rest by itself.
 */
interface Scenario {
  readonly name: string;
  readonly prepare: (catalog: Catalog) => Promise<void>;
  /** Waits with `wait`, which ends when the process dies. */
  readonly run: (catalog: Catalog, wait: typeof until) => Promise<void>;
  /** Asserts what must hold at rest, whether or not the change was accepted before the crash. */
  readonly check: (catalog: Catalog) => Promise<void>;
}

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

const scenarios: readonly Scenario[] = [
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

/** A store whose process dies before a commit: it and all later ones never end. */
function dyingBefore(
  store: Store,
  commitsCount: number,
): { store: Store; isDead: () => boolean; died: Promise<void> } {
  let left = commitsCount;
  let isDead = false;
  const death = Promise.withResolvers<void>();
  const guarded = <T>(work: () => Promise<T>): Promise<T> => {
    if (left <= 0) {
      isDead = true;
      death.resolve();
    }
    left -= 1;
    return isDead ? new Promise<T>(() => {}) : work();
  };
  const dying: Store = {
    get: (key) => store.get(key),
    commit: (effects) => guarded(() => store.commit(effects)),
    iterate: (range) => store.iterate(range),
    snapshot: () => store.snapshot(),
    clear: (start, end) => guarded(() => store.clear(start, end)),
    approximateBytes: (start, end) => store.approximateBytes(start, end),
    get writesRefused() {
      return store.writesRefused;
    },
    onReopened: (recover) => store.onReopened(recover),
    close: () => store.close(),
  };
  return { store: dying, isDead: () => isDead, died: death.promise };
}

/** Partition ids that have keys in the store, besides the catalog's own. */
async function usedPartitions(store: Store): Promise<ReadonlySet<bigint>> {
  const start = Buffer.alloc(8);
  start[7] = 1;
  const iterator = store.iterate({
    start,
    end: Buffer.alloc(9, 0xff),
    reverse: false,
    limit: undefined,
  });
  const ids = new Set<bigint>();
  for (;;) {
    const pairs = await iterator.next(1000);
    if (pairs.length === 0) break;
    for (const [key] of pairs) ids.add(key.readBigUInt64BE(0));
  }
  await iterator.close();
  return ids;
}

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
      for (let commitsCount = 0; ; commitsCount++) {
        const disk = await memoryStore();
        const prepared = await openInstallation({ store: disk });
        await scenario.prepare(prepared.catalog);
        await prepared.catalog.close();

        const { store, isDead, died } = dyingBefore(disk, commitsCount);
        const dying = await openInstallation({ store });
        const wait = (isReached: () => boolean) => until(() => isDead() || isReached());
        const run = scenario.run(dying.catalog, wait).catch((error: unknown) => {
          if (!isDead()) throw error; // What a dying process sees does not matter.
        });
        // Closing waits for work in the background, which may die too.
        await Promise.race([died, run.then(() => dying.catalog.close())]);

        const restarted = await openInstallation({ store: disk });
        await scenario.check(restarted.catalog);
        await expectNoGarbage(restarted);
        await restarted.catalog.close();
        if (!isDead()) break;
        expect(commitsCount, 'the scenario ends').toBeLessThan(300);
      }
    });
  }
});
