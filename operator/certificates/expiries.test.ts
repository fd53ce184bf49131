import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { newAuthority } from './authority.ts';
import { earliestExpiries, earliestExpiryMs } from './expiries.ts';

test('of all certificates of a component in a namespace, the first that ends counts', () => {
  const of = (namespace: string, component: 'storage' | 'dax', notAfterMs: number) => ({
    ...{ namespace, component, notAfterMs },
  });
  const all = [of('shop', 'storage', 3), of('shop', 'storage', 2), of('shop', 'dax', 9)];
  const none = of('empty', 'storage', Number.POSITIVE_INFINITY);
  expect(earliestExpiries([...all, of('bank', 'storage', 5), none])).toEqual([
    of('shop', 'storage', 2),
    of('shop', 'dax', 9),
    of('bank', 'storage', 5),
  ]);
});

test('what is no certificate has no end', async () => {
  const nowMs = Date.parse('2026-11-27T00:00:00Z');
  const { certificate } = await newAuthority('shop', { nowMs, randomBytes });
  expect(earliestExpiryMs([certificate, undefined, 'x'])).toBe(nowMs + 1_825 * 86_400_000);
  expect(earliestExpiryMs([undefined])).toBe(Number.POSITIVE_INFINITY);
});
