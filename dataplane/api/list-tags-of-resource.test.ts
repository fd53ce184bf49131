import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARN, type ControlPlane, musicTable, openControlPlane } from './control-plane.fixture.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await openControlPlane();
  await plane.create(musicTable);
});
afterAll(() => plane.close());

describe('ListTagsOfResource', () => {
  it('lists none for a table without tags, and ignores a token it did not give out', async () => {
    const request = { ResourceArn: `${ARN}/Music`, NextToken: 'x' };
    expect(await plane.call('ListTagsOfResource', request)).toEqual({ Tags: [] });
  });

  it('denies a resource of another account', async () => {
    const ResourceArn = 'arn:aws:dynamodb:eu-test-1:000000000000:table/nonexistent';
    expect(await plane.fault('ListTagsOfResource', { ResourceArn })).toBe(
      'AccessDeniedException: Access is denied',
    );
  });
});
