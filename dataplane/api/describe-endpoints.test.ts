import { expect, it } from 'vitest';
import { openControlPlane } from './control-plane.fixture.ts';

it('DescribeEndpoints: names the endpoint that was called', async () => {
  const plane = await openControlPlane();
  expect(await plane.call('DescribeEndpoints', {})).toEqual({
    Endpoints: [{ Address: 'localhost:8000', CachePeriodInMinutes: 1440 }],
  });
  await plane.close();
});
