import { describe, expect, it } from 'vitest';
import { POLICIES_BYTES_MAX, parsePolicies } from './policies.ts';
import { PolicyError } from './policy-error.ts';

const document = { Statement: { Effect: 'Allow', Action: 'dynamodb:*', Resource: '*' } };
const readers = { name: 'readers', subjects: ['user/ann', 'dax/cache'], document };
const request = {
  action: 'dynamodb:GetItem',
  resource: 'arn:aws:dynamodb:us-east-1:123456789012:table/T',
  values: new Map(),
  lookup: () => undefined,
};

function parse(value: unknown) {
  return parsePolicies(JSON.stringify(value), 'the policies file f');
}

describe('a file of policies', () => {
  it('says of each subject what it may do, by all policies that are for it', () => {
    const denial = { Statement: { Effect: 'Deny', Action: '*', Resource: '*' } };
    const policies = parse({
      policies: [readers, { name: 'none', subjects: ['user/bob', 'dax/cache'], document: denial }],
    });
    expect([...policies.keys()]).toEqual(['user/ann', 'dax/cache', 'user/bob']);
    expect(policies.get('user/ann')?.isAllowed(request)).toBe(true);
    expect(policies.get('dax/cache')?.isAllowed(request)).toBe(false);
    expect(policies.get('user/bob')?.isAllowed(request)).toBe(false);
  });

  it('may have no policies, and policies for nobody', () => {
    expect(parse({ policies: [] }).size).toBe(0);
    expect(parse({ policies: [{ ...readers, subjects: [] }] }).size).toBe(0);
  });

  it.each([
    [[], 'the policies file f must be an object, not a list'],
    [{}, 'the policies file f must be {"policies": [{"name", "subjects", "document"}]}'],
    [{ policies: [], more: 1 }, 'the policies file f has an unknown member "more"'],
    [{ policies: [7] }, 'policies[0] of the policies file f must be an object, not 7'],
    [
      { policies: [readers, { ...readers, name: '' }] },
      'policies[1] of the policies file f needs a name of 1 to 253 letters, digits or +=,.@/-',
    ],
    [{ policies: [readers, readers] }, 'the policies file f has two policies called "readers"'],
    [
      { policies: [{ ...readers, subjects: 'user/ann' }] },
      'policy "readers" of the policies file f: subjects must be a list of at most 1000',
    ],
    [
      { policies: [{ ...readers, subjects: ['user/ann', 'user/*'] }] },
      'policy "readers" of the policies file f: a subject is user/NAME, role/NAME or dax/NAME, not "user/*"',
    ],
    [
      { policies: [{ ...readers, document: { Statement: [] } }] },
      'policy "readers" of the policies file f: Statement must have one statement at least',
    ],
  ])('%j is refused', (value, message) => {
    expect(() => parse(value)).toThrow(new PolicyError(message));
  });

  it('is refused when it is no JSON, or too large', () => {
    expect(() => parsePolicies('{', 'f')).toThrow(new PolicyError('f is not JSON'));
    expect(() => parsePolicies(' '.repeat(POLICIES_BYTES_MAX + 1), 'f')).toThrow(
      new PolicyError(`f has more than ${POLICIES_BYTES_MAX} bytes`),
    );
  });
});
