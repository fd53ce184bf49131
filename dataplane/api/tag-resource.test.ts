import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ARN,
  type ControlPlane,
  invalid,
  musicTable,
  openControlPlane,
  violated,
} from './control-plane.fixture.ts';

let plane: ControlPlane;
const ResourceArn = `${ARN}/Music`;
beforeAll(async () => {
  plane = await openControlPlane();
  await plane.create({ ...musicTable, Tags: [{ Key: 'env', Value: 'test' }] });
});
afterAll(() => plane.close());

const tag = (Key: string, Value = '') => ({ Key, Value });

describe('TagResource', () => {
  it('adds tags and replaces values', async () => {
    const Tags = [tag('team', 'a+b-c=d.e_f:g/h@i'), tag('env', 'ключ 表')];
    expect(await plane.call('TagResource', { ResourceArn, Tags })).toEqual({});
    const listed = await plane.call('ListTagsOfResource', { ResourceArn });
    expect(listed).toEqual({ Tags: [Tags[1], Tags[0]] });
  });

  it.each<[string, object, string]>([
    [
      'no list',
      {},
      violated("Value null at 'tags' failed to satisfy constraint: Member must not be null"),
    ],
    [
      'an empty list',
      { Tags: [] },
      'ValidationException: Atleast one Tag needs to be provided as Input.',
    ],
    [
      'no key',
      { Tags: [{ Value: 'x' }] },
      'ValidationException: The Tag Key provided is invalid, Key: null',
    ],
    [
      'no value',
      { Tags: [{ Key: 'x' }] },
      'ValidationException: The Tag Value provided is invalid, Value: null',
    ],
    [
      'a reserved key',
      { Tags: [tag('ok'), tag('aws:x')] },
      'ValidationException: Tag Key cannot be prefixed with aws:, Key: aws:x',
    ],
    [
      'a long key',
      { Tags: [tag('k'.repeat(129))] },
      `ValidationException: The Tag Key provided is invalid, Key: ${'k'.repeat(129)}`,
    ],
    [
      'a bad character in a value',
      { Tags: [tag('ok', '100%')] },
      'ValidationException: The Tag Value provided is invalid, Value: 100%',
    ],
    [
      'a key twice',
      { Tags: [tag('x'), tag('x')] },
      'ValidationException: Duplicate Tag Keys provided as input: Duplicate Tag Key found x',
    ],
    [
      'more than 50 in sum',
      { Tags: Array.from({ length: 50 }, (_, i) => tag(`many${i}`)) },
      'ValidationException: Number of Tags exceed the current limit for the provided ResourceArn',
    ],
  ])('refuses %s, and sets none', async (_name, body, expected) => {
    expect(await plane.fault('TagResource', { ResourceArn, ...body })).toBe(expected);
    const { Tags } = await plane.call('ListTagsOfResource', { ResourceArn });
    expect(Tags).toHaveLength(2);
  });

  it.each<[string | undefined, string]>([
    [undefined, 'ValidationException: Invalid TableArn'],
    ['Music', invalid("ARNs must start with 'arn:': Music")],
    [
      'arn:aws:s3:eu-test-1:123456789012:bucket/x',
      invalid(
        'Provided Arn is not a DynamoDB resource arn: arn:aws:s3:eu-test-1:123456789012:bucket/x',
      ),
    ],
    [
      `${ARN}/Music/index/i-1`,
      invalid(
        `Invalid resource arn provided, only table or stream is accepted. Provided resource arn: ${ARN}/Music/index/i-1`,
      ),
    ],
    [
      'arn:aws:dynamodb:us-east-1:123456789012:table/Music',
      'ValidationException: Invalid TableArn: Invalid ResourceArn provided as input arn:aws:dynamodb:us-east-1:123456789012:table/Music',
    ],
    [
      'arn:aws:dynamodb:eu-test-1:000000000000:table/Music',
      'AccessDeniedException: Access is denied',
    ],
    [
      `${ARN}/absent`,
      `ResourceNotFoundException: Requested resource not found: ResourceArn: ${ARN}/absent not found`,
    ],
  ])('refuses the resource %s', async (arn, expected) => {
    expect(await plane.fault('TagResource', { ResourceArn: arn, Tags: [tag('x')] })).toBe(expected);
  });
});
