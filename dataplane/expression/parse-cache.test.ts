import { describe, expect, it } from 'vitest';
import { PARSED_EXPRESSION_CHARS_MAX, PARSED_EXPRESSIONS_MAX } from './limits.ts';
import { ParseCache } from './parse-cache.ts';

describe('ParseCache', () => {
  it('parses a text once', () => {
    const cache = new ParseCache<object>();
    const first = cache.get('a', () => ({}));
    expect(cache.get('a', () => expect.unreachable())).toBe(first);
  });

  it('does not keep what fails', () => {
    const cache = new ParseCache<string>();
    const fail = () => {
      throw new RangeError('no parse');
    };
    expect(() => cache.get('a', fail)).toThrow(RangeError);
    expect(cache.get('a', (text) => text)).toBe('a');
  });

  it('does not keep long texts', () => {
    const cache = new ParseCache<string>();
    cache.get('x'.repeat(PARSED_EXPRESSION_CHARS_MAX + 1), (text) => text);
    expect(cache.size).toBe(0);
  });

  it('holds a bounded number, and drops the oldest', () => {
    const cache = new ParseCache<string>();
    for (let index = 0; index <= PARSED_EXPRESSIONS_MAX; index++) cache.get(`${index}`, String);
    expect(cache.size).toBe(PARSED_EXPRESSIONS_MAX);
    expect(cache.get('1', () => 'again')).toBe('1');
    expect(cache.get('0', () => 'again')).toBe('again');
  });
});
