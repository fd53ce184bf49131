import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openStore } from '../storage/open.ts';
import {
  faultOf,
  type Installation,
  itemsOf,
  openInstallation,
  provisionedTable,
  put,
  simpleTable,
  until,
  untilActive,
  untilGone,
} from './installation.fixture.ts';

const opened: Installation[] = [];
const folders: string[] = [];

async function installation(
  options: Parameters<typeof openInstallation>[0] = {},
): Promise<Installation> {
  const it = await openInstallation(options);
  opened.push(it);
  return it;
}

afterEach(async () => {
  for (const it of opened.splice(0)) await it.close();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function active(request = simpleTable('Music')) {
  const it = await installation();
  await it.catalog.createTable(request);
  await untilActive(it.catalog, request.TableName);
  return it;
}

const byGenre = {
  IndexName: 'by-genre',
  KeySchema: [{ AttributeName: 'genre', KeyType: 'HASH' as const }],
  Projection: { ProjectionType: 'ALL' as const },
};
const genreDefinition = { AttributeName: 'genre', AttributeType: 'S' as const };

describe('life cycle', () => {
  it('answers CREATING, and the table is ACTIVE and readable right after', async () => {
    const { catalog } = await installation();
    const created = await catalog.createTable(simpleTable('Music'));
    expect(created).toMatchObject({
      TableStatus: 'CREATING',
      TableArn: 'arn:aws:dynamodb:eu-test-1:123456789012:table/Music',
      WarmThroughput: undefined,
      BillingModeSummary: {
        BillingMode: 'PAY_PER_REQUEST',
        LastUpdateToPayPerRequestDateTime: undefined,
      },
    });
    await untilActive(catalog, 'Music');
    const table = catalog.openTable('Music');
    expect(catalog.openTable(String(created.TableArn))).toBe(table);
    await put(table, { pk: { S: 'a' } });
    expect(catalog.describeTable('Music')).toMatchObject({ ItemCount: 1, TableSizeBytes: 3 });
  });

  it('has no table for the data plane before it is ACTIVE', async () => {
    const { catalog } = await installation();
    await catalog.createTable(simpleTable('Music'));
    expect(await faultOf(() => catalog.openTable('Music'))).toBe(
      'ResourceNotFoundException: Requested resource not found',
    );
  });

  it('refuses changes of a table that is being created', async () => {
    const { catalog } = await installation();
    await catalog.createTable(simpleTable('Music'));
    const beingCreated =
      'ResourceInUseException: Attempt to change a resource which is still in use: ' +
      'Table is being created: Music';
    const update = { TableName: 'Music', DeletionProtectionEnabled: true };
    const faults = [
      faultOf(() => catalog.updateTable(update)),
      faultOf(() => catalog.deleteTable('Music')),
      faultOf(() => catalog.createTable(simpleTable('Music'))),
    ];
    expect(await Promise.all(faults)).toEqual([beingCreated, beingCreated, beingCreated]);
  });

  it('refuses a second table of the same name, whatever its parameters', async () => {
    const { catalog } = await active();
    expect(await faultOf(() => catalog.createTable(provisionedTable('Music', 5)))).toBe(
      'ResourceInUseException: Table already exists: Music',
    );
  });

  it('answers DELETING without schema, frees the name, and clears the data', async () => {
    const { catalog, store } = await active();
    const before = catalog.describeTable('Music');
    await put(catalog.openTable('Music'), { pk: { S: 'a' } });
    const deleted = await catalog.deleteTable('Music');
    expect(deleted).toMatchObject({ TableStatus: 'DELETING', TableName: 'Music' });
    expect(deleted).not.toHaveProperty('KeySchema');
    expect(await faultOf(() => catalog.openTable('Music'))).toContain('ResourceNotFoundException');
    await untilGone(catalog, 'Music');
    await catalog.createTable(simpleTable('Music'));
    await untilActive(catalog, 'Music');
    expect(catalog.describeTable('Music').TableId).not.toBe(before.TableId);
    expect(await itemsOf(catalog.openTable('Music'))).toEqual([]);
    // Ids of partitions are not used again: 1 to 4 were the first table's.
    const range = { start: Buffer.alloc(8, 0), end: Buffer.from('0000000000000005', 'hex') };
    range.start[7] = 1;
    await catalog.close();
    const left = store.iterate({ ...range, reverse: false, limit: undefined });
    expect(await left.next(10)).toEqual([]);
    await left.close();
  });

  it('refuses to delete a table twice, and one that is protected', async () => {
    const { catalog } = await active(simpleTable('Music', { DeletionProtectionEnabled: true }));
    expect(await faultOf(() => catalog.deleteTable('Music'))).toBe(
      'ValidationException: Resource cannot be deleted as it is currently protected against ' +
        'deletion. Disable deletion protection first.',
    );
    await catalog.updateTable({ TableName: 'Music', DeletionProtectionEnabled: false });
    const [first, second] = [
      catalog.deleteTable('Music'),
      faultOf(() => catalog.deleteTable('Music')),
    ];
    await first;
    expect(await second).toBe(
      'ResourceInUseException: Attempt to change a resource which is still in use: ' +
        'Table is being deleted: Music',
    );
  });
});

describe('time to live', () => {
  it('is ENABLING, then ENABLED, and expired items go; renewed ones stay', async () => {
    const { catalog, clock } = await active();
    const table = catalog.openTable('Music');
    const second = Math.floor(clock.nowMs() / 1000);
    await put(table, { pk: { S: 'old' }, ttl: { N: String(second - 10) } });
    await put(table, { pk: { S: 'later' }, ttl: { N: String(second + 60) } });
    await put(table, { pk: { S: 'none' } });
    await catalog.updateTimeToLive('Music', { Enabled: true, AttributeName: 'ttl' });
    expect(catalog.describeTimeToLive('Music')).toMatchObject({
      status: 'ENABLING',
      attribute: 'ttl',
    });
    await until(() => catalog.describeTimeToLive('Music').status === 'ENABLED');
    await until(() => table.statistics().items === 2);
    await put(table, { pk: { S: 'later' }, ttl: { N: String(second + 6000) } });
    clock.advance(120_000);
    await put(table, { pk: { S: 'short' }, ttl: { N: String(second + 60) } });
    expect(table.statistics().items).toBe(3);
    await until(() => table.statistics().items === 2);
    expect((await itemsOf(table)).map((item) => item.pk)).toEqual(
      expect.arrayContaining([{ S: 'later' }, { S: 'none' }]),
    );
  });

  it('refuses what holds already, another attribute, and a change too soon', async () => {
    const { catalog, clock } = await active();
    const set = (Enabled: boolean, AttributeName = 'ttl') =>
      catalog.updateTimeToLive('Music', { Enabled, AttributeName });
    expect(await faultOf(() => set(false))).toBe(
      'ValidationException: TimeToLive is already disabled',
    );
    await set(true);
    await until(() => catalog.describeTimeToLive('Music').status === 'ENABLED');
    expect(await faultOf(() => set(true))).toBe(
      'ValidationException: TimeToLive is already enabled',
    );
    expect(await faultOf(() => set(true, 'other'))).toBe(
      'ValidationException: TimeToLive is active on a different AttributeName: current ' +
        'AttributeName is ttl',
    );
    expect(await faultOf(() => set(false))).toBe(
      'ValidationException: Time to live has been modified multiple times within a fixed interval',
    );
    clock.advance(31 * 60_000);
    await set(false);
    await until(() => catalog.describeTimeToLive('Music').status === 'DISABLED');
    expect(catalog.describeTimeToLive('Music').attribute).toBeUndefined();
  });
});

describe('after a restart', () => {
  it('finds tables, settings, tags and items as they were, on disk', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'trestle-catalog-'));
    folders.push(folder);
    const open = async () =>
      openInstallation({ store: await openStore({ folder, durability: 'fsync' }) });
    const first = await open();
    await first.catalog.createTable(
      provisionedTable('Music', 7, {
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }, genreDefinition],
        GlobalSecondaryIndexes: [
          { ...byGenre, ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 2 } },
        ],
        Tags: [{ Key: 'env', Value: 'test' }],
        TableClass: 'STANDARD_INFREQUENT_ACCESS',
      }),
    );
    await untilActive(first.catalog, 'Music');
    await put(first.catalog.openTable('Music'), { pk: { S: 'a' }, genre: { S: 'x' } });
    await first.catalog.openTable('Music').indexesCaughtUp();
    const shown = first.catalog.describeTable('Music');
    const arn = String(shown.TableArn);
    await first.close();

    const second = await open();
    opened.push(second);
    expect(second.catalog.describeTable('Music')).toEqual(shown);
    expect(second.catalog.tagsOfResource(arn)).toEqual([{ Key: 'env', Value: 'test' }]);
    expect(await itemsOf(second.catalog.openTable('Music'), 'by-genre')).toHaveLength(1);
  });

  it('refuses a damaged record', async () => {
    const { catalog, store } = await active();
    await catalog.close();
    const key = Buffer.concat([Buffer.alloc(8), Buffer.of(0x07, 0x10), Buffer.from('Music')]);
    const value = store.get(key);
    const changed = Buffer.from(String(value).replace('ACTIVE', 'ALTIVE'));
    await store.commit([{ key, value: changed }]);
    await expect(openInstallation({ store })).rejects.toMatchObject({ code: 'damaged' });
  });
});

describe('listing', () => {
  it('pages names in byte order and ends without a last name', async () => {
    const { catalog } = await installation();
    for (const name of ['beta', 'Alpha', 'gamma']) await catalog.createTable(simpleTable(name));
    expect(catalog.listTables(undefined)).toEqual({
      names: ['Alpha', 'beta', 'gamma'],
      lastName: undefined,
    });
    expect(catalog.listTables(undefined, 2)).toEqual({
      names: ['Alpha', 'beta'],
      lastName: 'beta',
    });
    expect(catalog.listTables('beta', 2)).toEqual({ names: ['gamma'], lastName: undefined });
    expect(catalog.listTables('zzz')).toEqual({ names: [], lastName: undefined });
    for (const name of ['beta', 'Alpha', 'gamma']) await untilActive(catalog, name);
  });
});

describe('limits of the account', () => {
  it('refuses provisioned units beyond the quotas of a table and of the account', async () => {
    const { catalog } = await active(provisionedTable('one', 40_000));
    expect(await faultOf(() => catalog.createTable(provisionedTable('two', 40_001)))).toBe(
      'LimitExceededException: The requested ReadCapacityUnits, 40001, is above the per table ' +
        'maximum for the account in eu-test-1. Per table maximum: 40000. Refer to the Amazon ' +
        'DynamoDB Developer Guide for current limits and how to request higher limits.',
    );
    await catalog.createTable(provisionedTable('two', 40_000));
    await untilActive(catalog, 'two');
    expect(await faultOf(() => catalog.createTable(provisionedTable('three', 1)))).toBe(
      'LimitExceededException: This request would have caused the ReadCapacityUnits limit to be ' +
        'exceeded for the account in eu-test-1. Current ReadCapacityUnits reserved by the ' +
        'account: 80000. Limit: 80000. Requested: 1. Refer to the Amazon DynamoDB Developer Guide ' +
        'for current limits and how to request higher limits.',
    );
  });
});
