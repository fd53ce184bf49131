import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { simpleTable } from '../catalog/installation.fixture.ts';
import { type ControlPlane, musicTable, openControlPlane } from './control-plane.fixture.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await openControlPlane();
  await plane.create(musicTable);
});
afterAll(() => plane.close());

describe('DescribeTimeToLive', () => {
  it('is DISABLED without an attribute, then ENABLED with it', async () => {
    const describeIt = () => plane.call('DescribeTimeToLive', { TableName: 'Music' });
    expect(await describeIt()).toEqual({ TimeToLiveDescription: { TimeToLiveStatus: 'DISABLED' } });
    await plane.call('UpdateTimeToLive', {
      TableName: 'Music',
      TimeToLiveSpecification: { Enabled: true, AttributeName: 'ttl' },
    });
    const enabled = {
      TimeToLiveDescription: { TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' },
    };
    for (let turn = 0; turn < 1000; turn++) {
      if (JSON.stringify(await describeIt()) === JSON.stringify(enabled)) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await describeIt()).toEqual(enabled);
  });

  it('does not describe a table that is being created', async () => {
    await plane.catalog.createTable(simpleTable('fresh'));
    expect(await plane.fault('DescribeTimeToLive', { TableName: 'fresh' })).toBe(
      'ValidationException: Cannot describe time to live while table is in CREATING state: Current table state is CREATING',
    );
  });
});
