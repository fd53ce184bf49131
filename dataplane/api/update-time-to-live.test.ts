import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { simpleTable } from '../catalog/installation.fixture.ts';
import {
  type ControlPlane,
  musicTable,
  openControlPlane,
  violated,
} from './control-plane.fixture.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await openControlPlane();
  await plane.create(musicTable);
});
afterAll(() => plane.close());

describe('UpdateTimeToLive', () => {
  it('echoes the specification', async () => {
    const TimeToLiveSpecification = { Enabled: true, AttributeName: 'ttl' };
    const request = { TableName: 'Music', TimeToLiveSpecification };
    expect(await plane.call('UpdateTimeToLive', request)).toEqual({ TimeToLiveSpecification });
  });

  it('refuses an empty attribute name and a missing specification', async () => {
    const empty = {
      TableName: 'Music',
      TimeToLiveSpecification: { Enabled: true, AttributeName: '' },
    };
    expect(await plane.fault('UpdateTimeToLive', empty)).toBe(
      violated(
        "Value '' at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ),
    );
    expect(await plane.fault('UpdateTimeToLive', { TableName: 'Music' })).toBe(
      violated(
        "Value null at 'timeToLiveSpecification' failed to satisfy constraint: Member must not be null",
      ),
    );
  });

  it('finds no table that is absent or still being created', async () => {
    const TimeToLiveSpecification = { Enabled: true, AttributeName: 'ttl' };
    await plane.catalog.createTable(simpleTable('fresh'));
    for (const TableName of ['fresh', 'absent']) {
      expect(await plane.fault('UpdateTimeToLive', { TableName, TimeToLiveSpecification })).toBe(
        `ResourceNotFoundException: Requested resource not found: Table: ${TableName} not found`,
      );
    }
  });
});
