import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { CatalogStore } from './catalog-store.ts';
import type { ControlPlane } from './control-plane.ts';
import {
  type Installation,
  openInstallation,
  provisionedTable,
  simpleTable,
  untilActive,
} from './installation.fixture.ts';
import { CatalogRehearsal } from './rehearsal.ts';

let installation: Installation;
let rehearsal: CatalogRehearsal;
beforeEach(async () => {
  installation = await openInstallation();
  rehearsal = new CatalogRehearsal(installation.catalog);
});
afterEach(() => installation.close());

/** What is kept, to the byte. */
async function records(): Promise<readonly string[]> {
  const iterator = installation.store.iterate({
    start: Buffer.alloc(0),
    end: Buffer.alloc(9, 0xff),
    reverse: false,
    limit: undefined,
  });
  try {
    const pairs = await iterator.next(1_000);
    return pairs.map(([key, value]) => `${key.toString('hex')} ${value.toString('hex')}`);
  } finally {
    await iterator.close();
  }
}

async function active(request = provisionedTable('Music', 5)): Promise<string> {
  await installation.catalog.createTable(request);
  await untilActive(installation.catalog, request.TableName);
  installation.clock.advance(1_000);
  return String(installation.catalog.describeTable(request.TableName).TableArn);
}

/** The answer or the fault. */
async function outcomeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ClientFault) return `${error.type}: ${error.message}`;
    throw error;
  }
}

const byGenre = {
  IndexName: 'by-genre',
  KeySchema: [{ AttributeName: 'genre', KeyType: 'HASH' as const }],
  Projection: { ProjectionType: 'ALL' as const },
  ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 },
};

type Change = (plane: ControlPlane, arn: string) => Promise<unknown>;

const changes: readonly (readonly [string, Change])[] = [
  [
    'units',
    (plane) =>
      plane.updateTable({
        TableName: 'Music',
        ProvisionedThroughput: { ReadCapacityUnits: 3, WriteCapacityUnits: 7 },
      }),
  ],
  [
    'a new index',
    (plane) =>
      plane.updateTable({
        TableName: 'Music',
        AttributeDefinitions: [{ AttributeName: 'genre', AttributeType: 'S' }],
        GlobalSecondaryIndexUpdates: [{ Create: byGenre }],
      }),
  ],
  [
    'protection',
    (plane) => plane.updateTable({ TableName: 'Music', DeletionProtectionEnabled: true }),
  ],
  [
    'the mode',
    (plane) => plane.updateTable({ TableName: 'Music', BillingMode: 'PAY_PER_REQUEST' }),
  ],
  [
    'what is so already',
    (plane) =>
      plane.updateTable({
        TableName: 'Music',
        ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 5 },
      }),
  ],
  [
    'units beyond the quota',
    (plane) =>
      plane.updateTable({
        TableName: 'Music',
        ProvisionedThroughput: { ReadCapacityUnits: 50_000, WriteCapacityUnits: 1 },
      }),
  ],
  [
    'an index that is not there',
    (plane) =>
      plane.updateTable({
        TableName: 'Music',
        GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'absent' } }],
      }),
  ],
  ['another table', (plane) => plane.updateTable({ TableName: 'Absent' })],
  [
    'time to live',
    (plane) => plane.updateTimeToLive('Music', { Enabled: true, AttributeName: 'x' }),
  ],
  [
    'time to live that is off',
    (plane) => plane.updateTimeToLive('Music', { Enabled: false, AttributeName: 'x' }),
  ],
  ['tags', (plane, arn) => plane.tagResource(arn, [{ Key: 'k', Value: 'v' }])],
  ['no tags', (plane, arn) => plane.tagResource(arn, [])],
  ['tags taken away', (plane, arn) => plane.untagResource(arn, ['k'])],
  ['a table of that name', (plane) => plane.createTable(simpleTable('Music'))],
  ['deletion', (plane) => plane.deleteTable('Music')],
  ['deletion of what is not there', (plane) => plane.deleteTable('Absent')],
];

describe('a rehearsal of a change', () => {
  it.each(changes)('%s: the same answer, and nothing changes', async (_what, change) => {
    const arn = await active();
    const [before, shown] = [await records(), installation.catalog.describeTable('Music')];
    const rehearsed = await outcomeOf(change(rehearsal, arn));
    expect(await records()).toEqual(before);
    expect(installation.catalog.describeTable('Music')).toEqual(shown);
    expect(installation.catalog.tagsOfResource(arn)).toEqual([]);
    expect(installation.catalog.describeTimeToLive('Music').status).toBe('DISABLED');
    expect(rehearsed).toEqual(await outcomeOf(change(installation.catalog, arn)));
  });

  it('of a new table: all but what makes it like no other', async () => {
    const rehearsed = await rehearsal.createTable(simpleTable('Music'));
    expect(installation.catalog.listTables(undefined).names).toEqual([]);
    const created = await installation.catalog.createTable(simpleTable('Music'));
    expect({ ...rehearsed, TableId: '' }).toEqual({ ...created, TableId: '' });
  });

  it('uses up no id of a partition', async () => {
    await rehearsal.createTable(simpleTable('Other'));
    const untouched = await openInstallation();
    const idNext = async ({ catalog, store }: Installation) => {
      await catalog.createTable(simpleTable('Music'));
      return (await new CatalogStore(store).read()).partitionIdNext;
    };
    expect(await idNext(installation)).toBe(await idNext(untouched));
    await untouched.close();
  });

  it('reads as the catalog does', async () => {
    const arn = await active();
    await installation.catalog.tagResource(arn, [{ Key: 'k', Value: 'v' }]);
    expect(rehearsal.describeTable('Music')).toEqual(installation.catalog.describeTable('Music'));
    expect(rehearsal.listTables(undefined)).toEqual(installation.catalog.listTables(undefined));
    expect(rehearsal.tagsOfResource(arn)).toEqual([{ Key: 'k', Value: 'v' }]);
    expect(rehearsal.describeTimeToLive('Music').status).toBe('DISABLED');
    await rehearsal.settled();
  });
});
