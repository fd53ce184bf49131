import { expect, test } from 'vitest';
import { bytesOf } from './quantity.ts';

test.each([
  ['10Gi', 10 * 2 ** 30],
  ['512Mi', 512 * 2 ** 20],
  ['1e9', 1e9],
  ['5G', 5e9],
  ['1.5Ti', 1.5 * 2 ** 40],
  ['1000', 1000],
  [4096, 4096],
  ['100m', 0.1],
])('%s is %d bytes', (quantity, bytes) => {
  expect(bytesOf(quantity)).toBe(bytes);
});

test.each(['', 'Gi', '10 Gi', 'ten', '10Xi', undefined])('%s is no quantity', (quantity) => {
  expect(bytesOf(quantity)).toBeUndefined();
});
