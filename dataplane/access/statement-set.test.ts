// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables look like that
import { describe, expect, it } from 'vitest';
import { ACCOUNT, document, isAllowed, TABLE } from './policy.fixture.ts';
import { parsePolicy } from './policy-parser.ts';
import { StatementSet } from './statement-set.ts';

const allow = { Effect: 'Allow', Action: '*', Resource: '*' };
const deny = { ...allow, Effect: 'Deny' };

function of(...statements: object[]): object {
  return { Version: '2012-10-17', Statement: statements };
}

describe('statements', () => {
  it.each([
    ['nothing is allowed without an Allow', of({ ...deny, Action: 'a:b' }), false],
    ['an Allow allows', of(allow), true],
    ['an explicit Deny wins, before an Allow', of(deny, allow), false],
    ['an explicit Deny wins, behind an Allow', of(allow, deny), false],
    ['one Allow of several is enough', of({ ...allow, Action: 'a:b' }, allow), true],
  ])('%s', (_, statements, expected) => {
    expect(isAllowed(statements)).toBe(expected);
  });

  it('several documents of one subject are as one', () => {
    const request = {
      action: 'dynamodb:GetItem',
      resource: TABLE,
      values: new Map(),
      lookup: () => undefined,
    };
    const allowing = parsePolicy(of(allow));
    const denying = parsePolicy(of(deny));
    expect(new StatementSet([allowing]).isAllowed(request)).toBe(true);
    expect(new StatementSet([allowing, denying]).isAllowed(request)).toBe(false);
    expect(new StatementSet([]).isAllowed(request)).toBe(false);
  });
});

describe('actions', () => {
  it.each([
    ['*', 'dynamodb:GetItem', true],
    ['dynamodb:*', 'dynamodb:GetItem', true],
    ['dynamodb:GetItem', 'dynamodb:GetItem', true],
    ['DynamoDB:getitem', 'dynamodb:GetItem', true],
    ['dynamodb:*Item', 'dynamodb:BatchGetItem', true],
    ['dynamodb:?etItem', 'dynamodb:GetItem', true],
    ['dynamodb:?etItem', 'dynamodb:BatchGetItem', false],
    ['dax:*', 'dynamodb:GetItem', false],
    ['dynamodb:Get', 'dynamodb:GetItem', false],
  ])('%s is about %s: %j', (Action, action, expected) => {
    expect(isAllowed(document({ Action }), { action })).toBe(expected);
    expect(isAllowed(document({ Action: [Action, 'dynamodb:Other'] }), { action })).toBe(expected);
  });

  it('NotAction is about all others', () => {
    const { Action: _, ...rest } = { ...allow, NotAction: ['dynamodb:Delete*', 'dynamodb:Put*'] };
    expect(isAllowed(of(rest), { action: 'dynamodb:GetItem' })).toBe(true);
    expect(isAllowed(of(rest), { action: 'dynamodb:PutItem' })).toBe(false);
  });
});

describe('resources', () => {
  const index = `${TABLE}/index/ByScore`;
  const stream = `${TABLE}/stream/2026-11-21T02:45:00.123`;
  it.each([
    ['*', TABLE, true],
    ['*', '*', true],
    [TABLE, TABLE, true],
    [TABLE, index, false],
    [`${TABLE}/index/*`, index, true],
    [`${TABLE}/index/*`, TABLE, false],
    [`${TABLE}*`, index, true],
    [TABLE.toLowerCase(), TABLE, false],
    ['arn:aws:dynamodb:*:*:table/Game*', TABLE, true],
    ['arn:aws:dynamodb:us-east-?:*:table/GameScore?', TABLE, true],
    ['arn:aws:dynamodb:*:table/GameScores', TABLE, false],
    ['arn:aws:dynamodb', TABLE, true],
    ['arn:aws:dynamodb:us-*', TABLE, true],
    ['arn:aws:dax', TABLE, false],
    ['arn:*', TABLE, true],
    ['arn:aws:dynamodb:*', '*', false],
    [`${TABLE}/stream/*`, stream, true],
    [`${TABLE}/stream/2026-11-21T02:*`, stream, true],
    [`arn:aws:dynamodb:*:*:*`, stream, true],
  ])('%s is about %s: %j', (Resource, resource, expected) => {
    expect(isAllowed(document({ Resource }), { resource })).toBe(expected);
    expect(isAllowed(document({ Resource: [Resource, 'arn:x'] }), { resource })).toBe(expected);
  });

  it('NotResource is about all others', () => {
    const { Resource: _, ...rest } = { ...deny, NotResource: TABLE };
    expect(isAllowed(of(allow, rest), { resource: TABLE })).toBe(true);
    expect(isAllowed(of(allow, rest), { resource: index })).toBe(false);
  });
});

describe('policy variables', () => {
  const mine = 'arn:aws:dynamodb:*:*:table/${aws:username}-*';
  const tableOf = (name: string) => `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/${name}`;

  it.each([
    [mine, 'user/ann', 'ann-notes', true],
    [mine, 'user/bob', 'ann-notes', false],
    [mine, 'role/ann', 'ann-notes', false],
    ['arn:aws:dynamodb:*:*:table/${AWS:UserId}', 'role/reader', 'reader', true],
    ["arn:aws:dynamodb:*:*:table/${aws:username, 'all'}", 'role/reader', 'all', true],
    ["arn:aws:dynamodb:*:*:table/${aws:username,'all'}", 'user/ann', 'ann', true],
    ['arn:aws:dynamodb:*:*:table/${aws:PrincipalTag/team}', 'user/ann', '', false],
    ['arn:aws:dynamodb:*:*:table/${*}${?}${$}{x}', 'user/ann', '*?${x}', true],
    ['arn:aws:dynamodb:*:*:table/${*}', 'user/ann', 'Orders', false],
  ])('%s for %s is about %s: %j', (Resource, caller, table, expected) => {
    const asked = { caller, resource: tableOf(table) };
    expect(isAllowed(document({ Resource }), asked)).toBe(expected);
  });

  it('are plain text before the version of 2012, and wildcards are wildcards', () => {
    const Resource = 'arn:aws:dynamodb:*:*:table/${aws:username}*';
    const asked = (table: string) => ({ resource: tableOf(table) });
    const earlier = document({ Resource }, '2008-10-17');
    expect(isAllowed(earlier, asked('ann'))).toBe(false);
    expect(isAllowed(earlier, asked('${aws:username}1'))).toBe(true);
    expect(isAllowed({ Statement: { ...allow, Resource } }, asked('ann'))).toBe(false);
  });

  it('a variable stands for text, also where that has wildcards', () => {
    const Condition = { StringLike: { 'dynamodb:LeadingKeys': '${dax:Pattern}-?' } };
    const given = (key: string) => ({
      conditions: { 'dynamodb:leadingkeys': [key], 'dax:pattern': ['a*'] },
    });
    expect(isAllowed(document({ Condition }), given('a*-1'))).toBe(true);
    expect(isAllowed(document({ Condition }), given('abc-1'))).toBe(false);
  });

  it('a key with several values stands for none', () => {
    const Condition = { StringEquals: { 'aws:PrincipalArn': '${dax:Several}' } };
    const arn = `arn:aws:iam::${ACCOUNT}:user/ann`;
    expect(isAllowed(document({ Condition }), { conditions: { 'dax:several': [arn] } })).toBe(true);
    expect(isAllowed(document({ Condition }), { conditions: { 'dax:several': [arn, arn] } })).toBe(
      false,
    );
  });
});

describe('what depends on the table is asked for last', () => {
  /** Keys in the order in which they are looked up. */
  function lookedUp(statements: readonly object[]): readonly string[] {
    const keys: string[] = [];
    const values = {
      get: (key: string) => {
        keys.push(key);
        return ['ann'];
      },
    };
    const set = new StatementSet([parsePolicy(of(...statements))]);
    set.isAllowed({
      action: 'dynamodb:GetItem',
      resource: TABLE,
      values,
      lookup: () => undefined,
    });
    return keys;
  }

  const byKey = {
    Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': 'ann' } },
  };

  it.each([
    ['no Allow is about the action', [{ ...allow, ...byKey, Action: 'a:b' }], []],
    ['no Allow at all', [{ ...deny, ...byKey }], []],
    ['a Deny applies anyway', [{ ...allow, ...byKey }, deny], []],
    ['an Allow applies anyway', [{ ...allow, ...byKey }, allow], []],
    [
      'another condition fails',
      [{ ...allow, Condition: { ...byKey.Condition, StringEquals: { 'a:b': 'bob' } } }],
      ['a:b'],
    ],
    ['nothing else decides', [{ ...allow, ...byKey }], ['dynamodb:leadingkeys']],
    ['all but a Deny is settled', [allow, { ...deny, ...byKey }], ['dynamodb:leadingkeys']],
  ])('%s', (_, statements, expected) => {
    expect(lookedUp(statements)).toEqual(expected);
  });
});
