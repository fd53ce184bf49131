// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables look like that
import { describe, expect, it } from 'vitest';
import { PolicyError } from './policy-error.ts';
import { DOCUMENT_CHARACTERS_MAX, parsePolicy } from './policy-parser.ts';

const statement = { Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: '*' };

function without(member: string): object {
  return Object.fromEntries(Object.entries(statement).filter(([name]) => name !== member));
}

describe('a policy document', () => {
  it('may have all that the grammar has', () => {
    const policy = parsePolicy({
      Version: '2012-10-17',
      Id: 'cd3ad3d9-2776-4ef1-a904-4c229d1642ee',
      Statement: [
        { ...statement, Sid: 'First1', Condition: { Bool: { 'aws:SecureTransport': true } } },
        { Effect: 'Deny', NotAction: ['dynamodb:*'], NotResource: ['arn:aws:dynamodb'] },
      ],
    });
    expect(policy.id).toBe('cd3ad3d9-2776-4ef1-a904-4c229d1642ee');
    expect(policy.statements.map(({ sid, effect }) => [sid, effect])).toEqual([
      ['First1', 'Allow'],
      [undefined, 'Deny'],
    ]);
    expect(Object.isFrozen(policy) && policy.statements.every(Object.isFrozen)).toBe(true);
  });

  it.each([
    [null, 'the document must be an object, not null'],
    ['{}', 'the document must be an object, not "{}"'],
    [[], 'the document must be an object, not a list'],
    [{}, 'Statement must be an object, not nothing'],
    [{ Statement: [] }, 'Statement must have one statement at least'],
    [{ Statement: statement, Statements: [] }, 'the document has an unknown member "Statements"'],
    [
      { Version: '2012-10-18', Statement: statement },
      'Version must be "2012-10-17" or "2008-10-17", not "2012-10-18"',
    ],
    [{ Id: 7, Statement: statement }, 'Id must be a text, not 7'],
    [{ Statement: ['x'] }, 'Statement[0] must be an object, not "x"'],
    [
      {
        Statement: [
          { ...statement, Sid: 'a' },
          { ...statement, Sid: 'a' },
        ],
      },
      'the document has two statements with the Sid "a"',
    ],
    [
      { Statement: { ...statement, Id: 'x'.repeat(DOCUMENT_CHARACTERS_MAX) } },
      `the document has more than ${DOCUMENT_CHARACTERS_MAX} characters`,
    ],
  ])('%j is refused', (document, message) => {
    expect(() => parsePolicy(document)).toThrow(new PolicyError(message));
  });

  it.each([
    [without('Effect'), 'Statement[1].Effect must be "Allow" or "Deny", not nothing'],
    [
      { ...statement, Effect: 'allow' },
      'Statement[1].Effect must be "Allow" or "Deny", not "allow"',
    ],
    [without('Action'), 'Statement[1] needs Action or NotAction'],
    [{ ...statement, NotAction: 'a:b' }, 'Statement[1] has both Action and NotAction'],
    [{ ...statement, Action: [] }, 'Statement[1].Action must not be an empty list'],
    [{ ...statement, Action: 7 }, 'Statement[1].Action must be a text, not 7'],
    [
      { ...statement, Action: ['dynamodb:GetItem', 'GetItem'] },
      'Statement[1].Action[1] must be "*" or an action like "dynamodb:GetItem", not "GetItem"',
    ],
    [without('Resource'), 'Statement[1] needs Resource or NotResource'],
    [{ ...statement, NotResource: '*' }, 'Statement[1] has both Resource and NotResource'],
    [
      { ...statement, Resource: 'table/Orders' },
      'Statement[1].Resource must be "*" or an ARN, not "table/Orders"',
    ],
    [
      { ...statement, Resource: ['*', 'arn:aws:dynamodb:::table/${aws:username'] },
      'Statement[1].Resource[1] has a policy variable that is not well formed: "${aws:username"',
    ],
    [
      { ...statement, Resource: ['*', `arn:aws:dynamodb:::table/${'x'.repeat(2_048)}`] },
      'Statement[1].Resource[1] has more than 2048 characters',
    ],
    [
      { ...statement, Resource: 'arn:aws:dynamodb:::table/${user}' },
      'Statement[1].Resource has a policy variable that is not well formed: "${user"',
    ],
    [{ ...statement, Sid: 'a b' }, 'Statement[1].Sid must be of letters and digits, not "a b"'],
    [{ ...statement, Foo: 1 }, 'Statement[1] has an unknown member "Foo"'],
    [
      { ...statement, Principal: '*' },
      'Statement[1].Principal cannot stand in a policy of identities: its subjects are given beside the document',
    ],
    [
      { ...statement, NotPrincipal: { AWS: '*' } },
      'Statement[1].NotPrincipal cannot stand in a policy of identities: its subjects are given beside the document',
    ],
    [{ ...statement, Condition: [] }, 'Statement[1].Condition must be an object, not a list'],
    [
      { ...statement, Condition: { StringIs: { 'a:b': 'c' } } },
      'Statement[1].Condition.StringIs is no condition operator',
    ],
    [
      { ...statement, Condition: { NullIfExists: { 'a:b': 'true' } } },
      'Statement[1].Condition.NullIfExists is no condition operator',
    ],
    [
      { ...statement, Condition: { 'ForSomeValues:StringEquals': { 'a:b': 'c' } } },
      'Statement[1].Condition.ForSomeValues:StringEquals is no condition operator',
    ],
    [
      { ...statement, Condition: { StringEquals: 'a' } },
      'Statement[1].Condition.StringEquals must be an object, not "a"',
    ],
    [
      { ...statement, Condition: { StringEquals: { LeadingKeys: 'a' } } },
      'Statement[1].Condition.StringEquals must be about a condition key like dynamodb:LeadingKeys, not "LeadingKeys"',
    ],
    [
      { ...statement, Condition: { StringEquals: { 'a:b': ['c', null] } } },
      'Statement[1].Condition.StringEquals["a:b"][1] must be a text, a number or a boolean, not null',
    ],
    [
      { ...statement, Condition: { StringEquals: { 'a:b': [] } } },
      'Statement[1].Condition.StringEquals["a:b"] must not be an empty list',
    ],
    [
      { ...statement, Condition: { NumericEquals: { 'a:b': 'ten' } } },
      'Statement[1].Condition.NumericEquals["a:b"] must be a number, not "ten"',
    ],
    [
      { ...statement, Condition: { DateLessThan: { 'a:b': ['2026-13-01'] } } },
      'Statement[1].Condition.DateLessThan["a:b"][0] must be a date like 2026-11-21T06:00:00Z, not "2026-13-01"',
    ],
    [
      { ...statement, Condition: { Bool: { 'a:b': 'yes' } } },
      'Statement[1].Condition.Bool["a:b"] must be true or false, not "yes"',
    ],
    [
      { ...statement, Condition: { Null: { 'a:b': ['true', 'false'] } } },
      'Statement[1].Condition.Null["a:b"] must be true or false',
    ],
    [
      { ...statement, Condition: { BinaryEquals: { 'a:b': '***' } } },
      'Statement[1].Condition.BinaryEquals["a:b"] must be base64, not "***"',
    ],
    [
      { ...statement, Condition: { IpAddress: { 'a:b': '10.0.0.0/33' } } },
      'Statement[1].Condition.IpAddress["a:b"] must be an address or a range like 203.0.113.0/24, not "10.0.0.0/33"',
    ],
    [
      { ...statement, Condition: { ArnLike: { 'a:b': 'user/ann' } } },
      'Statement[1].Condition.ArnLike["a:b"] must be "*" or an ARN, not "user/ann"',
    ],
  ])('%j is refused as a statement', (wrong, message) => {
    const document = { Version: '2012-10-17', Statement: [statement, wrong] };
    expect(() => parsePolicy(document)).toThrow(new PolicyError(message));
  });
});
