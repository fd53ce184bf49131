import { expect, it } from 'vitest';
import { KnownTokens } from './known-tokens.ts';

const bytes = (number: number) => {
  const array = new Uint8Array(16);
  new DataView(array.buffer).setUint32(0, number);
  return array;
};

it('knows the newest meaning of a token for ten minutes', () => {
  const tokens = new KnownTokens();
  tokens.note(bytes(1), bytes(10), 0);
  expect(tokens.isOfOther(bytes(1), bytes(10), 1)).toBe(false);
  expect(tokens.isOfOther(bytes(1), bytes(11), 599_999)).toBe(true);
  expect(tokens.isOfOther(bytes(1), bytes(11), 600_000)).toBe(false);
  expect(tokens.isOfOther(bytes(2), bytes(11), 1)).toBe(false);
  tokens.note(bytes(1), bytes(11), 600_000);
  expect(tokens.isOfOther(bytes(1), bytes(10), 600_001)).toBe(true);
});

it('forgets the oldest ones beyond 20,000', () => {
  const tokens = new KnownTokens();
  for (let number = 0; number < 20_000; number++) tokens.note(bytes(number), bytes(1), 0);
  tokens.note(bytes(0), bytes(1), 0);
  tokens.note(bytes(20_000), bytes(1), 0);
  const known = [0, 1, 2, 20_000].map((number) => tokens.isOfOther(bytes(number), bytes(2), 1));
  expect(known).toEqual([true, false, true, true]);
});
