import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARN, type ControlPlane, musicTable, openControlPlane } from './control-plane.fixture.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await openControlPlane();
});
afterAll(() => plane.close());

describe('DeleteTable', () => {
  it('answers DELETING without date, schema and indexes; the table is not found soon after', async () => {
    await plane.create(musicTable);
    const { TableDescription } = await plane.call('DeleteTable', { TableName: `${ARN}/Music` });
    expect(TableDescription).toEqual({
      TableName: 'Music',
      TableStatus: 'DELETING',
      ProvisionedThroughput: {
        NumberOfDecreasesToday: 0,
        ReadCapacityUnits: 0,
        WriteCapacityUnits: 0,
      },
      TableSizeBytes: 0,
      ItemCount: 0,
      TableArn: `${ARN}/Music`,
      TableId: expect.any(String),
      BillingModeSummary: {
        BillingMode: 'PAY_PER_REQUEST',
        LastUpdateToPayPerRequestDateTime: plane.clock.nowMs() / 1000,
      },
      DeletionProtectionEnabled: false,
    });
    const notFound =
      'ResourceNotFoundException: Requested resource not found: Table: Music not found';
    for (let turn = 0; turn < 1000; turn++) {
      if ((await plane.fault('DescribeTable', { TableName: 'Music' })) === notFound) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await plane.fault('DescribeTable', { TableName: 'Music' })).toBe(notFound);
    expect(await plane.fault('DeleteTable', { TableName: 'Music' })).toBe(notFound);
  });
});
