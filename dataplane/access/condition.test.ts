// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables look like that
import { describe, expect, it } from 'vitest';
import { document, isAllowed } from './policy.fixture.ts';

const KEY = 'test:Key';

/** Whether a condition on a key holds for a request with these values of it; undefined: without the key. */
function holds(operator: string, wanted: unknown, actual: readonly string[] | undefined): boolean {
  const Condition = { [operator]: { [KEY]: wanted } };
  const conditions = actual === undefined ? {} : { 'test:key': actual };
  return isAllowed(document({ Condition }), { conditions });
}

describe('condition operators', () => {
  it.each([
    ['StringEquals', 'a', 'a', true],
    ['StringEquals', 'a', 'A', false],
    ['StringEquals', ['b', 'a'], 'a', true],
    ['StringEquals', 'a*', 'ab', false],
    ['StringEquals', 'a*', 'a*', true],
    ['StringNotEquals', 'a', 'a', false],
    ['StringNotEquals', ['b', 'c'], 'a', true],
    ['StringNotEquals', ['b', 'a'], 'a', false],
    ['StringEqualsIgnoreCase', 'aB', 'Ab', true],
    ['StringEqualsIgnoreCase', '${aws:username}', 'ANN', true],
    ['StringNotEqualsIgnoreCase', 'aB', 'Ab', false],
    ['StringLike', 'a*c?', 'abbcd', true],
    ['StringLike', 'a*c?', 'abbc', false],
    ['StringNotLike', 'a*', 'b', true],
    ['StringNotLike', 'a*', 'ab', false],
    ['NumericEquals', 10, '10.0', true],
    ['NumericEquals', '9007199254740992', '9007199254740993', false],
    ['NumericNotEquals', 10, '11', true],
    ['NumericLessThan', 10, '9', true],
    ['NumericLessThan', 10, '10', false],
    ['NumericLessThanEquals', 10, '10', true],
    ['NumericGreaterThan', 10, '100', true],
    ['NumericGreaterThan', 10, 'x', false],
    ['NumericGreaterThanEquals', 10, '1e1', true],
    ['DateEquals', '2026-11-21T06:00:00Z', '2026-11-21T07:00:00+01:00', true],
    ['DateEquals', '1795240800', '2026-11-21T06:00:00Z', true],
    ['DateNotEquals', '2026-11-21', '2026-11-22', true],
    ['DateLessThan', '2026-11-21', '2026-11-20T23:59:59.999Z', true],
    ['DateLessThanEquals', '2026-11-21', '2026-11-21T00:00:00Z', true],
    ['DateGreaterThan', '2026-11-21', '2026-11-21T00:00:00Z', false],
    ['DateGreaterThanEquals', 0, '1', true],
    ['DateGreaterThan', '2026-11-21', 'tomorrow', false],
    ['Bool', true, 'true', true],
    ['Bool', 'True', 'true', true],
    ['Bool', 'false', 'true', false],
    ['BinaryEquals', 'AQID', 'AQID', true],
    ['BinaryEquals', 'AQID', 'AQIE', false],
    ['IpAddress', '203.0.113.0/24', '203.0.113.77', true],
    ['IpAddress', '203.0.113.0/24', '203.0.114.1', false],
    ['IpAddress', '203.0.113.7', '203.0.113.7', true],
    ['IpAddress', '2001:db8::/32', '2001:DB8:1::1', true],
    ['IpAddress', '2001:db8::/32', '203.0.113.7', false],
    ['IpAddress', '0.0.0.0/0', 'nowhere', false],
    ['NotIpAddress', ['203.0.113.0/24', '198.51.100.0/24'], '198.51.100.9', false],
    ['NotIpAddress', '203.0.113.0/24', '198.51.100.9', true],
    ['ArnEquals', 'arn:aws:iam::*:user/*', 'arn:aws:iam::123456789012:user/ann', true],
    ['ArnLike', 'arn:aws:iam::*:user/an?', 'arn:aws:iam::123456789012:user/ann', true],
    ['ArnLike', 'arn:aws:iam::*:user/*', 'arn:aws:iam::123456789012:role/ann', false],
    ['ArnLike', 'arn:aws:*:user/*', 'arn:aws:iam::123456789012:user/ann', false],
    ['ArnLike', 'arn:aws:iam::*:user/*', 'ann', false],
    ['ArnNotEquals', 'arn:aws:iam::*:user/*', 'arn:aws:iam::123456789012:role/ann', true],
    ['ArnNotLike', 'arn:aws:iam::*:user/*', 'arn:aws:iam::123456789012:user/ann', false],
  ])('%s %j, given %s: %j', (operator, wanted, actual, expected) => {
    expect(holds(operator, wanted, [actual])).toBe(expected);
  });

  it.each([
    ['StringEquals', 'a', false],
    ['StringNotEquals', 'a', true],
    ['StringNotLike', 'a', true],
    ['NumericLessThan', 1, false],
    ['NumericNotEquals', 1, true],
    ['DateNotEquals', 1, true],
    ['Bool', false, false],
    ['NotIpAddress', '10.0.0.0/8', true],
    ['ArnNotLike', 'arn:aws', true],
    ['StringEqualsIfExists', 'a', true],
    ['BoolIfExists', 'true', true],
    ['ForAllValues:StringEquals', 'a', true],
    ['ForAllValues:StringNotEquals', 'a', true],
    ['ForAnyValue:StringEquals', 'a', false],
    ['ForAnyValue:StringNotEquals', 'a', false],
    ['ForAnyValue:StringEqualsIfExists', 'a', true],
    ['Null', true, true],
    ['Null', 'false', false],
  ])('%s %j of a key that is absent: %j', (operator, wanted, expected) => {
    expect(holds(operator, wanted, undefined)).toBe(expected);
    expect(holds(operator, wanted, [])).toBe(expected);
  });

  it.each([
    ['Null', 'true', ['a'], false],
    ['Null', false, ['a'], true],
    ['StringEqualsIfExists', 'a', ['b'], false],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b', 'a'], true],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'c'], false],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['c', 'b'], true],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['c'], false],
    ['ForAllValues:StringNotEquals', ['a'], ['b', 'c'], true],
    ['ForAllValues:StringNotEquals', ['a'], ['b', 'a'], false],
    ['ForAnyValue:StringNotEquals', ['a'], ['a', 'b'], true],
    ['ForAnyValue:StringNotEquals', ['a'], ['a'], false],
    ['ForAllValues:StringLikeIfExists', ['a*'], ['ab', 'b'], false],
  ])('%s %j of the values %j: %j', (operator, wanted, actual, expected) => {
    expect(holds(operator, wanted, actual)).toBe(expected);
  });

  it('several values without a quantifier are decided against the caller', () => {
    const decision = (effect: string, operator: string, actual: readonly string[]) =>
      isAllowed(
        {
          Statement: [
            { Effect: 'Allow', Action: 'x:y', Resource: '*' },
            {
              Effect: effect,
              Action: '*',
              Resource: '*',
              Condition: { [operator]: { [KEY]: 'a' } },
            },
            ...(effect === 'Deny' ? [{ Effect: 'Allow', Action: '*', Resource: '*' }] : []),
          ],
        },
        { conditions: { 'test:key': actual } },
      );
    expect(decision('Allow', 'StringEquals', ['a', 'a'])).toBe(true);
    expect(decision('Allow', 'StringEquals', ['a', 'b'])).toBe(false);
    expect(decision('Allow', 'StringNotEquals', ['b', 'a'])).toBe(false);
    expect(decision('Deny', 'StringEquals', ['b', 'a'])).toBe(false);
    expect(decision('Deny', 'StringNotEquals', ['a', 'b'])).toBe(false);
    expect(decision('Deny', 'StringNotEquals', ['a'])).toBe(true);
  });

  it('all conditions have to hold, whatever their operator', () => {
    const Condition = {
      StringEquals: { 'test:A': 'a', 'test:B': 'b' },
      Bool: { 'test:C': true },
    };
    const all = { 'test:a': ['a'], 'test:b': ['b'], 'test:c': ['true'] };
    expect(isAllowed(document({ Condition }), { conditions: all })).toBe(true);
    for (const key of Object.keys(all)) {
      const others = Object.entries(all).filter(([name]) => name !== key);
      const conditions = Object.fromEntries(others);
      expect(isAllowed(document({ Condition }), { conditions })).toBe(false);
    }
  });

  it('a variable that stands for nothing equals nothing', () => {
    const of = (operator: string) =>
      document({ Condition: { [operator]: { [KEY]: '${aws:username}' } } });
    const asked = { caller: 'role/reader', conditions: { 'test:key': ['${aws:username}'] } };
    expect(isAllowed(of('StringEquals'), asked)).toBe(false);
    expect(isAllowed(of('StringNotEquals'), asked)).toBe(true);
  });
});

describe('keys that say who calls and when', () => {
  it.each([
    ['StringEquals', 'aws:username', 'ann', 'user/ann', true],
    ['StringEquals', 'AWS:UserName', 'ann', 'user/ann', true],
    ['Null', 'aws:username', 'true', 'role/ann', true],
    ['StringEquals', 'aws:userid', 'cache', 'dax/cache', true],
    ['ArnEquals', 'aws:PrincipalArn', 'arn:aws:iam::123456789012:dax/*', 'dax/cache', true],
    ['DateGreaterThan', 'aws:CurrentTime', '2026-11-21T05:59:59Z', 'user/ann', true],
    ['DateGreaterThan', 'aws:CurrentTime', '2026-11-21T06:00:00Z', 'user/ann', false],
    ['NumericEquals', 'aws:EpochTime', 1795240800, 'user/ann', true],
  ])('%s %s %j for %s: %j', (operator, key, wanted, caller, expected) => {
    const Condition = { [operator]: { [key]: wanted } };
    expect(isAllowed(document({ Condition }), { caller })).toBe(expected);
  });

  it('no request says otherwise', () => {
    const Condition = { StringEquals: { 'aws:username': 'ann' } };
    const conditions = { 'aws:username': ['ann'] };
    expect(isAllowed(document({ Condition }), { caller: 'user/bob', conditions })).toBe(false);
  });
});
