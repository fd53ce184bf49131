import { expect, it } from 'vitest';
import { CrashLedger, type Item } from './crash-ledger.ts';

const old: Item = { pk: { S: 'a' }, v: { N: '1' } };
const next: Item = { pk: { S: 'a' }, v: { N: '2' } };

function ledgerOf(acknowledged: Item, begun?: Item | null): CrashLedger {
  const ledger = new CrashLedger();
  ledger.begin([{ key: 'a', item: acknowledged }]);
  ledger.acknowledge([{ key: 'a', item: acknowledged }]);
  if (begun !== undefined) ledger.begin([{ key: 'a', item: begun ?? undefined }]);
  return ledger;
}

it('crash ledger: an acknowledged write must be there, and nothing else', () => {
  expect(ledgerOf(old).reconcile(new Map([['a', old]]))).toEqual([]);
  expect(ledgerOf(old).reconcile(new Map([['a', next]]))).toHaveLength(1);
  expect(ledgerOf(old).reconcile(new Map())).toHaveLength(1);
});

it('crash ledger: a write without answer may be there or not, but whole', () => {
  expect(ledgerOf(old, next).reconcile(new Map([['a', old]]))).toEqual([]);
  expect(ledgerOf(old, next).reconcile(new Map([['a', next]]))).toEqual([]);
  expect(
    ledgerOf(old, next).reconcile(new Map([['a', { ...next, half: { S: '' } }]])),
  ).toHaveLength(1);
  expect(ledgerOf(old, null).reconcile(new Map())).toEqual([]);
});

it('crash ledger: an item that nobody wrote is wrong, and what was seen holds from then on', () => {
  const ledger = ledgerOf(old, next);
  expect(
    ledger.reconcile(
      new Map([
        ['a', next],
        ['b', old],
      ]),
    ),
  ).toEqual(['b was never written']);
  expect(ledger.reconcile(new Map([['a', old]]))).toHaveLength(1);
});
