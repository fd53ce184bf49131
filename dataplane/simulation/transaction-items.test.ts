import { describe, expect, it } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import { stateOf, transactionItems, writeCommand } from './transaction-items.ts';

const [, second] = transactionItems(1, 1);
if (second === undefined) throw new Error('there are no items');
const document = second;

/** What a put of that version leaves. */
function itemOf(version: number): Item {
  const effect = { kind: 'put', version } as const;
  const command = writeCommand({ item: document, effect, condition: undefined });
  if (command.kind !== 'put') throw new Error('no put');
  return command.item;
}

describe('items of transactions', () => {
  it('are in two tables, half of each kind in either', () => {
    const items = transactionItems(4, 3);
    const tablesOf = (isAccount: boolean) =>
      items.filter((item) => item.isAccount === isAccount).map(({ tableName }) => tableName);
    expect(tablesOf(true)).toEqual(['registers', 'accounts', 'registers', 'accounts']);
    expect(tablesOf(false)).toEqual(['registers', 'accounts', 'registers']);
  });

  it('tell the version that put them', () => {
    expect(stateOf(itemOf(7))).toEqual([7]);
    expect(stateOf(undefined)).toEqual([]);
  });

  it('give away attributes of two writes', () => {
    const { label = { S: '' } } = itemOf(8);
    expect(() => stateOf({ ...itemOf(7), label })).toThrow('attributes of different writes');
    expect(() => stateOf({ ...itemOf(7), versions: { L: [{ N: '7' }, { N: '8' }] } })).toThrow();
  });
});
