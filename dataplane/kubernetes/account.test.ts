import fc from 'fast-check';
import { expect, test } from 'vitest';
import { accountIdOf } from './account.ts';

test.each([
  { namespace: 'default', account: '984327297149' },
  { namespace: 'trestle', account: '180722464653' },
])('account: that of $namespace never changes', ({ namespace, account }) => {
  expect(accountIdOf(namespace)).toBe(account);
});

test('account: 12 digits whatever the namespace', () => {
  fc.assert(fc.property(fc.string(), (namespace) => /^\d{12}$/.test(accountIdOf(namespace))));
});
