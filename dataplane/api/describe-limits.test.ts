import { expect, it } from 'vitest';
import { openControlPlane } from './control-plane.fixture.ts';

it('DescribeLimits: reports the quotas that are enforced', async () => {
  const plane = await openControlPlane();
  expect(await plane.call('DescribeLimits', {})).toEqual({
    AccountMaxReadCapacityUnits: 80_000,
    AccountMaxWriteCapacityUnits: 80_000,
    TableMaxReadCapacityUnits: 40_000,
    TableMaxWriteCapacityUnits: 40_000,
  });
  await plane.close();
});
