import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANY_CHARACTER, ANY_TEXT, Wildcard, type WildcardToken } from './wildcard.ts';

/** `*` and `?` as in policies. */
function wildcard(pattern: string): Wildcard {
  return new Wildcard(tokensOf(pattern));
}

function tokensOf(pattern: string): WildcardToken[] {
  return Array.from(pattern, (character) =>
    character === '*' ? ANY_TEXT : character === '?' ? ANY_CHARACTER : character,
  );
}

/** By definition: tries everything. */
function isMatch(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern.startsWith('*')) {
    return isMatch(pattern.slice(1), text) || (text !== '' && isMatch(pattern, text.slice(1)));
  }
  if (text === '' || (pattern[0] !== '?' && pattern[0] !== text[0])) return false;
  return isMatch(pattern.slice(1), text.slice(1));
}

describe('a text with wildcards', () => {
  it.each([
    ['', '', true],
    ['', 'a', false],
    ['abc', 'abc', true],
    ['abc', 'abcd', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['a*', 'a', true],
    ['*a', 'ba', true],
    ['a*a', 'a', false],
    ['ab*ba', 'aba', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['?*', '', false],
    ['*?b?*', 'aabb', true],
    ['**', '', true],
    ['a**b', 'ab', true],
  ])('%j and %j: %j', (pattern, text, expected) => {
    expect(wildcard(pattern).matches(text)).toBe(expected);
  });

  it('matches exactly what the definition says', () => {
    let matched = 0;
    const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 9 });
    const texts = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 9 });
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        const expected = isMatch(pattern, text);
        if (expected) matched++;
        expect(wildcard(pattern).matches(text)).toBe(expected);
      }),
      { numRuns: 20_000 },
    );
    expect(matched).toBeGreaterThan(0);
  });

  it('a literal wildcard character is a character', () => {
    const literal = new Wildcard(['a*', ANY_TEXT, '?']);
    expect(literal.matches('a*bc?')).toBe(true);
    expect(literal.matches('abbc?')).toBe(false);
    expect(literal.matches('a*bcd')).toBe(false);
  });

  it('no pattern makes it try the same again and again', () => {
    const text = 'a'.repeat(2_000);
    const patterns = ['a*'.repeat(1_000), `${'a?*'.repeat(600)}b`, `*${'a'.repeat(900)}?b*`];
    const before = process.cpuUsage();
    for (const pattern of patterns) expect(wildcard(`${pattern}b`).matches(text)).toBe(false);
    // Of the processor's time. A matcher that goes back on each star would need longer than the world
    // has stood.
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(5_000);
  });
});
