import { describe, expect, it } from 'vitest';
import { parseCondition } from './condition-parser.ts';
import { Substitutions } from './substitutions.ts';

const one = { N: '1' } as const;

function messageOf(run: () => unknown): unknown {
  try {
    run();
  } catch (fault) {
    return (fault as { message: unknown }).message;
  }
  return 'no fault';
}

function check(text: string, names: Record<string, string>, values: Record<string, typeof one>) {
  const substitutions = new Substitutions(names, values);
  parseCondition(text, 'ConditionExpression', substitutions);
  return messageOf(() => substitutions.assertAllUsed());
}

describe('Substitutions', () => {
  it('is content when every name and value was used, however often', () => {
    expect(check('#a = :v OR #a.#b > :v', { '#a': 'a', '#b': 'b' }, { ':v': one })).toBe(
      'no fault',
    );
    expect(messageOf(() => new Substitutions(undefined, undefined).assertAllUsed())).toBe(
      'no fault',
    );
  });

  it('names what was not used: names first, then values', () => {
    const unused = 'unused in expressions: keys:';
    const names = { '#b': 'x', '#c': 'y', '#a': 'z' };
    expect(check('#c = :v', names, { ':v': one, ':w': one })).toBe(
      `Value provided in ExpressionAttributeNames ${unused} {#a, #b}`,
    );
    expect(check('a = :v', {}, { ':v': one, ':x': one, ':w': one })).toBe(
      `Value provided in ExpressionAttributeValues ${unused} {:w, :x}`,
    );
  });

  it('counts a use that evaluation may never come to', () => {
    expect(check('a = :v OR #a = :w', { '#a': 'a' }, { ':v': one, ':w': one })).toBe('no fault');
  });

  it('255 bytes are the most for a token', () => {
    const token = (sign: string, bytes: number) => sign + 'x'.repeat(bytes - 1);
    expect(messageOf(() => new Substitutions({ [token('#', 255)]: 'a' }, undefined))).toBe(
      'no fault',
    );
    expect(messageOf(() => new Substitutions({ [token('#', 256)]: 'a' }, undefined))).toBe(
      'ExpressionAttributeNames contains invalid key: The expression attribute map contains a key that is too long; size of key: 256',
    );
    expect(messageOf(() => new Substitutions(undefined, { [token(':', 256)]: one }))).toBe(
      'ExpressionAttributeValues contains invalid key: The expression attribute map contains a key that is too long; size of key: 256',
    );
  });

  it('2 MB are the most for all values', () => {
    const values = (count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [`:${index}`, { S: 'x'.repeat(400_000) }]),
      );
    expect(messageOf(() => new Substitutions(undefined, values(5)))).toBe('no fault');
    expect(messageOf(() => new Substitutions(undefined, values(6)))).toBe(
      'ExpressionAttributeValues exceeds max size',
    );
  });
});
