import { expect, it } from 'vitest';
import { inHashOrder } from './hash-order.ts';

/** As `new HashSet<>(List.of(...))` of Java gives them out. */
it.each([
  [
    ['b', 'a'],
    ['a', 'b'],
  ],
  [
    ['zz', 'aa', 'mm'],
    ['zz', 'aa', 'mm'],
  ],
  [
    ['p', 'o', 'a'],
    ['p', 'a', 'o'],
  ],
  [['nonproj'], ['nonproj']],
  // With 13 names there are 32 buckets: `p` comes behind `o`.
  [[...'ponmlkjihgfed'], [...'defghijklmnop']],
])('%j comes as %j', (names, expected) => {
  expect(inHashOrder(names)).toEqual(expected);
});
