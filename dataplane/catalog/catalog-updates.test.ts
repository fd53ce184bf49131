import { afterEach, describe, expect, it } from 'vitest';
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
} from './installation.fixture.ts';

const opened: Installation[] = [];

async function installation(
  options: Parameters<typeof openInstallation>[0] = {},
): Promise<Installation> {
  const it = await openInstallation(options);
  opened.push(it);
  return it;
}

afterEach(async () => {
  for (const it of opened.splice(0)) await it.close();
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

describe('updates', () => {
  it('shows old units while UPDATING, then the new ones with dates and counts', async () => {
    const { catalog, clock } = await active(provisionedTable('Music', 5));
    clock.advance(1000);
    const answer = await catalog.updateTable({
      TableName: 'Music',
      ProvisionedThroughput: { ReadCapacityUnits: 3, WriteCapacityUnits: 5 },
    });
    const seconds = clock.nowMs() / 1000;
    expect(answer).toMatchObject({
      TableStatus: 'UPDATING',
      ProvisionedThroughput: {
        ReadCapacityUnits: 5,
        WriteCapacityUnits: 5,
        NumberOfDecreasesToday: 0,
        LastDecreaseDateTime: seconds,
      },
    });
    await untilActive(catalog, 'Music');
    expect(catalog.describeTable('Music')).toMatchObject({
      ProvisionedThroughput: {
        ReadCapacityUnits: 3,
        WriteCapacityUnits: 5,
        NumberOfDecreasesToday: 1,
        LastDecreaseDateTime: seconds,
        LastIncreaseDateTime: undefined,
      },
      WarmThroughput: { ReadUnitsPerSecond: 5, WriteUnitsPerSecond: 5, Status: 'ACTIVE' },
    });
  });

  it('refuses a second change, and deletion, while one is under way', async () => {
    const { catalog } = await active(provisionedTable('Music', 5));
    const to = (units: number) => ({
      TableName: 'Music',
      ProvisionedThroughput: { ReadCapacityUnits: units, WriteCapacityUnits: units },
    });
    const first = catalog.updateTable(to(6));
    const second = faultOf(() => catalog.updateTable(to(7)));
    const third = faultOf(() => catalog.deleteTable('Music'));
    await first;
    const inUse = 'ResourceInUseException: Attempt to change a resource which is still in use: ';
    expect(await second).toBe(`${inUse}Table IOPS are currently being updated. Table: Music`);
    expect(await third).toBe(`${inUse}Table: Music is in the process of being updated.`);
  });

  it('limits decreases: four a day, then one an hour, until midnight UTC', async () => {
    const { catalog, clock } = await active(provisionedTable('Music', 20));
    let units = 20;
    const decrease = async () => {
      units -= 1;
      await catalog.updateTable({
        TableName: 'Music',
        ProvisionedThroughput: { ReadCapacityUnits: units, WriteCapacityUnits: units },
      });
      await untilActive(catalog, 'Music');
    };
    for (let count = 0; count < 4; count++) await decrease();
    const limited = await faultOf(decrease);
    expect(limited).toBe(
      'LimitExceededException: Subscriber limit exceeded: Provisioned throughput decreases are ' +
        'limited within a given UTC day. After the first 4 decreases, each subsequent decrease in ' +
        'the same UTC day can be performed at most once every 3600 seconds. Number of decreases ' +
        'today: 4. Last decrease at Thursday, October 8, 2026 at 11:00:00 PM Coordinated Universal ' +
        'Time. Next decrease can be made at Friday, October 9, 2026 at 12:00:00 AM Coordinated ' +
        'Universal Time',
    );
    units += 1;
    clock.advance(3_600_000);
    expect(catalog.describeTable('Music')).toMatchObject({
      ProvisionedThroughput: { NumberOfDecreasesToday: 0 },
    });
    for (let count = 0; count < 4; count++) await decrease();
    clock.advance(3_599_999);
    expect(await faultOf(decrease)).toContain('Number of decreases today: 4');
    units += 1;
    clock.advance(1);
    await decrease();
    expect(await faultOf(decrease)).toContain('Number of decreases today: 5');
  });

  it('switches to on-demand: mode and zero units at once, date and warm throughput when done', async () => {
    const { catalog, clock } = await active(provisionedTable('Music', 5));
    expect(catalog.describeTable('Music').BillingModeSummary).toBeUndefined();
    const answer = await catalog.updateTable({
      TableName: 'Music',
      BillingMode: 'PAY_PER_REQUEST',
    });
    expect(answer).toMatchObject({
      TableStatus: 'UPDATING',
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      ProvisionedThroughput: { ReadCapacityUnits: 0, WriteCapacityUnits: 0 },
    });
    await untilActive(catalog, 'Music');
    expect(catalog.describeTable('Music')).toMatchObject({
      BillingModeSummary: { LastUpdateToPayPerRequestDateTime: clock.nowMs() / 1000 },
      WarmThroughput: { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4000 },
    });
    await catalog.updateTable({
      TableName: 'Music',
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: { ReadCapacityUnits: 2, WriteCapacityUnits: 1 },
    });
    await untilActive(catalog, 'Music');
    expect(catalog.describeTable('Music')).toMatchObject({
      BillingModeSummary: { BillingMode: 'PROVISIONED' },
      ProvisionedThroughput: { ReadCapacityUnits: 2, WriteCapacityUnits: 1 },
      WarmThroughput: { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4000 },
    });
  });

  it('drops units of an index that have not come yet when the table switches to on-demand', async () => {
    const { catalog } = await active({
      ...provisionedTable('Music', 5),
      AttributeDefinitions: [...provisionedTable('Music', 5).AttributeDefinitions, genreDefinition],
      GlobalSecondaryIndexes: [
        { ...byGenre, ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 } },
      ],
    });
    const units = { ReadCapacityUnits: 7, WriteCapacityUnits: 7 };
    const Update = { IndexName: 'by-genre', ProvisionedThroughput: units };
    await Promise.all([
      catalog.updateTable({ TableName: 'Music', GlobalSecondaryIndexUpdates: [{ Update }] }),
      catalog.updateTable({ TableName: 'Music', BillingMode: 'PAY_PER_REQUEST' }),
    ]);
    await untilActive(catalog, 'Music');
    expect(catalog.describeTable('Music').GlobalSecondaryIndexes).toMatchObject([
      { ProvisionedThroughput: { ReadCapacityUnits: 0, WriteCapacityUnits: 0 } },
    ]);
  });

  it('answers a setting that holds already with UPDATING, though nothing changes', async () => {
    const { catalog } = await active();
    const request = { TableName: 'Music', BillingMode: 'PAY_PER_REQUEST' as const };
    expect(await catalog.updateTable(request)).toMatchObject({ TableStatus: 'UPDATING' });
    expect(catalog.describeTable('Music')).toMatchObject({ TableStatus: 'ACTIVE' });
  });

  it('keeps a cooldown of 15 s on deletion protection', async () => {
    const { catalog, clock } = await active();
    const set = (DeletionProtectionEnabled: boolean) =>
      catalog.updateTable({ TableName: 'Music', DeletionProtectionEnabled });
    expect(await set(true)).toMatchObject({
      TableStatus: 'ACTIVE',
      DeletionProtectionEnabled: true,
    });
    expect(await faultOf(() => set(false))).toBe(
      'ThrottlingException: Deletion protection setting for table Music modified within the ' +
        'previous 15000 milliseconds. Please try again after 2026-10-08T23:00:15.000',
    );
    clock.advance(15_000);
    expect(await set(false)).toMatchObject({ DeletionProtectionEnabled: false });
  });

  it('allows two changes of table class in 30 days', async () => {
    const { catalog, clock } = await active();
    const set = async (TableClass: string) => {
      const answer = await catalog.updateTable({ TableName: 'Music', TableClass });
      await untilActive(catalog, 'Music');
      return answer;
    };
    await set('STANDARD');
    expect(catalog.describeTable('Music').TableClassSummary).toBeUndefined();
    expect((await set('STANDARD_INFREQUENT_ACCESS')).TableClassSummary).toBeUndefined();
    expect(catalog.describeTable('Music').TableClassSummary).toEqual({
      TableClass: 'STANDARD_INFREQUENT_ACCESS',
      LastUpdateDateTime: clock.nowMs() / 1000,
    });
    await set('STANDARD');
    expect(await faultOf(() => set('STANDARD_INFREQUENT_ACCESS'))).toBe(
      'LimitExceededException: Subscriber limit exceeded: Updates to TableClass are limited to 2 ' +
        'times in 30 day(s).',
    );
    clock.advance(30 * 86_400_000);
    await set('STANDARD_INFREQUENT_ACCESS');
  });

  it('raises warm throughput, never lowers it, with the table ACTIVE throughout', async () => {
    const { catalog } = await active();
    const set = (units: number) =>
      catalog.updateTable({ TableName: 'Music', WarmThroughput: { ReadUnitsPerSecond: units } });
    expect(await set(13_000)).toMatchObject({
      TableStatus: 'ACTIVE',
      WarmThroughput: { ReadUnitsPerSecond: 12_000, Status: 'UPDATING' },
    });
    await until(() => JSON.stringify(catalog.describeTable('Music')).includes('13000'));
    expect(await faultOf(() => set(12_000))).toBe(
      'ValidationException: One or more parameter values were invalid: Requested ' +
        'ReadUnitsPerSecond for WarmThroughput for table is lower than current WarmThroughput, ' +
        'decreasing WarmThroughput is not supported',
    );
  });

  it('merges on-demand maximums member by member; -1 lifts one and is echoed', async () => {
    const { catalog } = await active();
    const set = (OnDemandThroughput: object) =>
      catalog.updateTable({ TableName: 'Music', OnDemandThroughput });
    await set({ MaxReadRequestUnits: 10 });
    await set({ MaxWriteRequestUnits: 20 });
    expect(catalog.describeTable('Music').OnDemandThroughput).toEqual({
      MaxReadRequestUnits: 10,
      MaxWriteRequestUnits: 20,
    });
    const answer = await set({ MaxReadRequestUnits: -1 });
    expect(answer).toMatchObject({
      TableStatus: 'ACTIVE',
      OnDemandThroughput: { MaxReadRequestUnits: -1, MaxWriteRequestUnits: 20 },
    });
    await set({ MaxWriteRequestUnits: -1 });
    expect(catalog.describeTable('Music').OnDemandThroughput).toBeUndefined();
  });
});

describe('global indexes added later', () => {
  it('is built from existing items while writes go on, and is ACTIVE with all of them', async () => {
    const { catalog } = await active();
    const table = catalog.openTable('Music');
    for (let i = 0; i < 500; i++) await put(table, { pk: { S: `old${i}` }, genre: { S: 'x' } });
    const answer = await catalog.updateTable({
      TableName: 'Music',
      AttributeDefinitions: [genreDefinition],
      GlobalSecondaryIndexUpdates: [{ Create: byGenre }],
    });
    expect(answer).toMatchObject({
      TableStatus: 'UPDATING',
      GlobalSecondaryIndexes: [
        { IndexName: 'by-genre', IndexStatus: 'CREATING', Backfilling: false },
      ],
    });
    const seen = new Set<string>();
    for (let i = 0; i < 200; i++) {
      await put(table, { pk: { S: `new${i}` }, genre: { S: 'x' } });
      seen.add(JSON.stringify(catalog.describeTable('Music').GlobalSecondaryIndexes));
    }
    await untilActive(catalog, 'Music');
    await table.indexesCaughtUp();
    const items = await itemsOf(table, 'by-genre');
    expect(items).toHaveLength(700);
    expect([...seen].some((shown) => shown.includes('"Backfilling":true'))).toBe(true);
    const [index] = catalog.describeTable('Music').GlobalSecondaryIndexes as [object];
    expect(index).toMatchObject({ IndexStatus: 'ACTIVE', Backfilling: undefined, ItemCount: 700 });
    expect(catalog.describeTable('Music').AttributeDefinitions).toEqual([
      genreDefinition,
      { AttributeName: 'pk', AttributeType: 'S' },
    ]);
  });

  it('allows one index to be created or deleted at a time, and no deletion meanwhile', async () => {
    const { catalog } = await active();
    const create = (IndexName: string) => ({
      TableName: 'Music',
      AttributeDefinitions: [genreDefinition],
      GlobalSecondaryIndexUpdates: [{ Create: { ...byGenre, IndexName } }],
    });
    const first = catalog.updateTable(create('one'));
    const second = faultOf(() => catalog.updateTable(create('two')));
    const third = faultOf(() => catalog.deleteTable('Music'));
    await first;
    expect(await second).toBe(
      'LimitExceededException: Subscriber limit exceeded: Only 1 online index can be created or ' +
        'deleted simultaneously per table',
    );
    expect(await third).toBe(
      'ResourceInUseException: Attempt to change a resource which is still in use: Cannot delete ' +
        'table while indexes are being created, updated, or deleted.',
    );
  });

  it('is deleted with its data and the definitions that only it used', async () => {
    const { catalog } = await active(
      simpleTable('Music', {
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }, genreDefinition],
        GlobalSecondaryIndexes: [byGenre],
      }),
    );
    await put(catalog.openTable('Music'), { pk: { S: 'a' }, genre: { S: 'x' } });
    const answer = await catalog.updateTable({
      TableName: 'Music',
      GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'by-genre' } }],
    });
    expect(answer).toMatchObject({
      TableStatus: 'UPDATING',
      GlobalSecondaryIndexes: [{ IndexStatus: 'DELETING' }],
    });
    await until(() => catalog.describeTable('Music').GlobalSecondaryIndexes === undefined);
    expect(catalog.describeTable('Music')).toMatchObject({
      TableStatus: 'ACTIVE',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    });
    await put(catalog.openTable('Music'), { pk: { S: 'b' }, genre: { N: '1' } });
    expect(await itemsOf(catalog.openTable('Music'))).toHaveLength(2);
  });
});
