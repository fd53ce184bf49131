import type { Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import { LocalRouter } from '../routing/local-router.ts';
import type { ManagedTable } from '../routing/table.ts';
import { openStore } from '../storage/open.ts';
import type { Store } from '../storage/store.ts';
import { Catalog } from './catalog.ts';
import type { CreateTableRequest } from './table-request.ts';

/** 2026-10-08T23:00:00Z */
export const START_MS = Date.UTC(2026, 9, 8, 23);

/** A catalog over a real store and router, with a clock that tests move. */
export interface Installation {
  readonly catalog: Catalog;
  readonly router: LocalRouter;
  readonly store: Store;
  readonly clock: { nowMs(): number; advance(ms: number): void };
  /** Stops all, the store included when it is on disk. */
  close(): Promise<void>;
}

export function testClock(nowMs = START_MS): Installation['clock'] {
  let now = nowMs;
  return {
    nowMs: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
}

export function memoryStore(): Promise<Store> {
  return openStore({ folder: undefined, durability: 'relaxed' });
}

export async function openInstallation({
  store,
  clock = testClock(),
  log,
}: {
  readonly store?: Store;
  readonly clock?: Installation['clock'];
  readonly log?: (event: string, fields: object) => void;
} = {}): Promise<Installation> {
  const used = store ?? (await memoryStore());
  const router = new LocalRouter(used, clock);
  const place = { region: 'eu-test-1', accountId: '123456789012' };
  const catalog = await Catalog.open({ store: used, router, clock, log, sweepIdleMs: 1, ...place });
  return {
    catalog,
    router,
    store: used,
    clock,
    close: async () => {
      await catalog.close();
      await used.close();
    },
  };
}

/** How long a state is waited for on a busy machine: less than a test may take, so that the state is named. */
const REACHED_MS_MAX = 50_000;

/** Waits for a state, without sleeping. */
export async function until(isReached: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + REACHED_MS_MAX;
  while (!isReached()) {
    if (performance.now() > deadlineMs) throw new Error(`not reached: ${String(isReached)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

interface ShownIndex {
  readonly IndexStatus: string;
}

/** Whether a table and all its indexes are ACTIVE. */
export function isActive(catalog: Catalog, name: string): boolean {
  const { TableStatus, GlobalSecondaryIndexes = [] } = catalog.describeTable(name);
  // What describeTable makes of indexes.
  const indexes = GlobalSecondaryIndexes as readonly ShownIndex[];
  return TableStatus === 'ACTIVE' && indexes.every((index) => index.IndexStatus === 'ACTIVE');
}

export async function untilActive(catalog: Catalog, name: string): Promise<void> {
  await until(() => isActive(catalog, name));
}

export async function untilGone(catalog: Catalog, name: string): Promise<void> {
  await until(() => !catalog.listTables(undefined).names.includes(name));
}

/** An on-demand table with the partition key `pk`. */
export function simpleTable(
  name: string,
  more: Partial<CreateTableRequest> = {},
): CreateTableRequest {
  return {
    TableName: name,
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
    ...more,
  };
}

/** A provisioned table with the partition key `pk`. */
export function provisionedTable(
  name: string,
  units: number,
  more: Partial<CreateTableRequest> = {},
): CreateTableRequest {
  return {
    ...simpleTable(name),
    BillingMode: 'PROVISIONED',
    ProvisionedThroughput: { ReadCapacityUnits: units, WriteCapacityUnits: units },
    ...more,
  };
}

/** Writes an item of a table with the partition key `pk`. */
export async function put(table: ManagedTable, item: Item): Promise<void> {
  const { pk } = item;
  if (pk === undefined) throw new Error('the item has no pk');
  await table.write({
    kind: 'put',
    item,
    itemBytes: itemBytes(item),
    key: { pk },
    condition: undefined,
  });
}

/** All items of a table or index, in no particular order. */
export async function itemsOf(table: ManagedTable, indexName?: string): Promise<readonly Item[]> {
  const page = await table.scan({
    indexName,
    consistentRead: indexName === undefined,
    filter: undefined,
    projection: undefined,
    output: 'items',
    fetchFromTable: false,
    limit: undefined,
    exclusiveStartKey: undefined,
    segment: 0,
    totalSegments: 1,
  });
  return page.items.map((json): Item => JSON.parse(Buffer.from(json).toString('utf8')));
}

/** The fault that a call ends with, as type and text. */
export async function faultOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    const fault = error as { type?: string; message?: string }; // ClientFault, or shown as it is.
    return `${fault.type}: ${fault.message}`;
  }
  return 'no fault';
}
