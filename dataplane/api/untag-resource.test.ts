import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ARN,
  type ControlPlane,
  musicTable,
  openControlPlane,
  violated,
} from './control-plane.fixture.ts';

let plane: ControlPlane;
const ResourceArn = `${ARN}/Music`;
beforeAll(async () => {
  plane = await openControlPlane();
  await plane.create({
    ...musicTable,
    Tags: [
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '2' },
    ],
  });
});
afterAll(() => plane.close());

describe('UntagResource', () => {
  it('removes tags; absent keys are no fault', async () => {
    const request = { ResourceArn, TagKeys: ['a', 'none'] };
    expect(await plane.call('UntagResource', request)).toEqual({});
    expect(await plane.call('ListTagsOfResource', { ResourceArn })).toEqual({
      Tags: [{ Key: 'b', Value: '2' }],
    });
  });

  it.each<[object, string]>([
    [{}, violated("Value null at 'tagKeys' failed to satisfy constraint: Member must not be null")],
    [{ TagKeys: [] }, 'ValidationException: Atleast one Tag Key needs to be provided as Input.'],
    [{ TagKeys: [''] }, 'ValidationException: The Tag Key provided is invalid, Key: '],
    [
      { TagKeys: Array.from({ length: 51 }, (_, i) => `k${i}`) },
      'ValidationException: Number of Tags exceed the current limit for the provided ResourceArn',
    ],
  ])('refuses %j', async (body, expected) => {
    expect(await plane.fault('UntagResource', { ResourceArn, ...body })).toBe(expected);
  });
});
