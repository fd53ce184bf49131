import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { positionOf, type TokenScope, tokenOf } from './next-token.ts';

const scope: TokenScope = {
  statement: 'SELECT * FROM Tab WHERE p = ?',
  parameters: [{ S: 'a' }],
  secret: new Uint8Array(32).fill(7),
};
const position = { readIndex: 3, startKey: { p: { S: 'a' }, __proto__: { N: '1' } } };

function faultOf(token: string, of: TokenScope = scope): string | undefined {
  try {
    positionOf(token, of);
  } catch (thrown) {
    if (thrown instanceof ClientFault) return `${thrown.type}: ${thrown.message}`;
    throw thrown;
  }
  return undefined;
}

const INVALID = 'ValidationException: Invalid NextToken';
const OTHER = 'ValidationException: NextToken does not match request';

describe('NextToken', () => {
  it('gives back the position', () => {
    expect(positionOf(tokenOf(position, scope), scope)).toEqual(position);
    const start = { readIndex: 1, startKey: undefined };
    expect(positionOf(tokenOf(start, scope), scope)).toEqual(start);
  });

  it('belongs to a statement and its parameters', () => {
    const token = tokenOf(position, scope);
    expect(faultOf(token, { ...scope, statement: `${scope.statement} ` })).toBe(OTHER);
    expect(faultOf(token, { ...scope, parameters: [{ S: 'b' }] })).toBe(OTHER);
    expect(faultOf(token, { ...scope, parameters: [] })).toBe(OTHER);
  });

  it('of the same statement about another table is none', () => {
    const secret = new Uint8Array(32).fill(8);
    expect(faultOf(tokenOf(position, { ...scope, secret }))).toBe(INVALID);
  });

  it.each(['garbage', 'AQ', '!', 'e30=', 'a b', '\u0000', 'A'.repeat(32_768)])(
    'is not %j',
    (token) => {
      expect(faultOf(token)).toBe(INVALID);
    },
  );

  it('is refused when any of it is changed', () => {
    const bytes = Buffer.from(tokenOf(position, scope), 'base64url');
    for (let index = 0; index < bytes.length; index++) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      const isDigest = index >= 1 && index < 17;
      expect(faultOf(changed.toString('base64url'))).toBe(isDigest ? OTHER : INVALID);
    }
  });

  it('is never anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (token) => {
        expect([INVALID, OTHER]).toContain(faultOf(token));
      }),
    );
  });
});
