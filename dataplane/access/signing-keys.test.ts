import { describe, expect, it } from 'vitest';
import { SigningKeys } from './signing-keys.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

describe('signing keys', () => {
  it('derives the key of the published example', () => {
    const key = new SigningKeys(SECRET).keyFor('20150830/us-east-1/iam/aws4_request');
    expect(key.export().toString('hex')).toBe(
      'c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9',
    );
  });

  it('derives once per scope', () => {
    const keys = new SigningKeys(SECRET);
    const scope = '20150830/us-east-1/dynamodb/aws4_request';
    expect(keys.keyFor(scope)).toBe(keys.keyFor(scope));
    expect(keys.keyFor(scope).equals(keys.keyFor(scope.replace('30/', '31/')))).toBe(false);
  });

  it('forgets the oldest of many scopes and derives it alike again', () => {
    const keys = new SigningKeys(SECRET);
    const scopeOf = (day: number) => `${20_150_000 + day}/us-east-1/dynamodb/aws4_request`;
    const first = keys.keyFor(scopeOf(0));
    for (let day = 1; day <= 16; day += 1) keys.keyFor(scopeOf(day));
    const again = keys.keyFor(scopeOf(0));
    expect(again).not.toBe(first);
    expect(again.equals(first)).toBe(true);
  });
});
