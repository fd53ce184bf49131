import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestKeyOf } from './request-key.ts';

/** The same value with the members of all objects the other way round. */
function reversed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(reversed);
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reversed(member)]),
  );
}

function nested(levels: number): unknown {
  return JSON.parse('['.repeat(levels) + ']'.repeat(levels));
}

describe('key of a request', () => {
  it('is its JSON with members in order', () => {
    const body = { b: [{ d: 1, c: 'x' }, null], a: true };
    expect(requestKeyOf(body)).toBe('{"a":true,"b":[{"c":"x","d":1},null]}');
  });

  it('is the same whatever the order of members', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(requestKeyOf(reversed(value))).toBe(requestKeyOf(value));
      }),
    );
  });

  it('holds the whole request, so that another one has another key', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const key = requestKeyOf(value) ?? '';
        fc.pre(!key.startsWith('sha256:'));
        expect(JSON.parse(key)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('of a long request is short, and tells requests apart', () => {
    const long = { a: 'x'.repeat(100_000), b: 1 };
    expect(requestKeyOf(long)).toMatch(/^sha256:.{44}$/);
    expect(requestKeyOf(reversed(long))).toBe(requestKeyOf(long));
    expect(requestKeyOf({ ...long, b: 2 })).not.toBe(requestKeyOf(long));
  });

  it('is not there for what is nested too deeply', () => {
    expect(requestKeyOf(nested(100))).toBe('['.repeat(100) + ']'.repeat(100));
    expect(requestKeyOf(nested(101))).toBeUndefined();
    expect(requestKeyOf(nested(100_000))).toBeUndefined();
  });

  it('keeps a member called __proto__', () => {
    expect(requestKeyOf(JSON.parse('{"b":1,"__proto__":2}'))).toBe('{"__proto__":2,"b":1}');
  });
});
