import type { Condition, UpdateAction } from '../expression/ast.ts';
import type { AttributeValue, Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import type { WriteCommand } from '../partition/command.ts';
import type { TransactionCommand } from '../partition/transaction.ts';
import type { ItemEffect, ItemState, Version } from './transaction-history.ts';
import { TABLE_NAME } from './workload.ts';

/** The second table, without indexes. Before the other one in name order: it has the ledgers. */
export const ACCOUNTS_TABLE_NAME = 'accounts';
export const BALANCE_AT_FIRST = 100;

/**
 * An item that transactions touch. Accounts have a balance, are made once and never deleted; the
 * sum of all balances stays. Documents come and go.
 */
export interface TransactionItem {
  /** In histories. */
  readonly name: string;
  readonly tableName: string;
  readonly key: Item;
  readonly isAccount: boolean;
}

/** Half of each kind in either table. */
export function transactionItems(accountsCount: number, documentsCount: number): TransactionItem[] {
  const itemsOf = (letter: string, count: number) =>
    Array.from({ length: count }, (_, index): TransactionItem => {
      const name = `${letter}${index}`;
      return {
        name,
        tableName: index % 2 === 0 ? TABLE_NAME : ACCOUNTS_TABLE_NAME,
        // Some share a hash, and with it an item collection.
        key: { pk: { S: `t${index % 5}` }, sk: { S: name } },
        isAccount: letter === 'a',
      };
    });
  return [...itemsOf('a', accountsCount), ...itemsOf('d', documentsCount)];
}

/** What is asked of one item, beside the write of its version. */
export interface ItemChange {
  readonly item: TransactionItem;
  readonly effect: ItemEffect;
  readonly condition: Condition | undefined;
  /** Added to the balance by an append; the balance itself by a put. */
  readonly amount?: number;
  /** Bytes that a put is padded with. */
  readonly padding?: number;
}

export function transactionCommand(change: ItemChange): TransactionCommand {
  const { item, effect, condition } = change;
  if (effect.kind !== 'none') return writeCommand(change);
  return { kind: 'check', key: item.key, condition: condition ?? anyCondition };
}

/** @throws RangeError for a change that writes nothing */
export function writeCommand(change: ItemChange): WriteCommand {
  const { item, effect, condition, amount } = change;
  const { key } = item;
  switch (effect.kind) {
    case 'none':
      throw new RangeError('nothing is written');
    case 'delete':
      return { kind: 'delete', key, condition };
    case 'put': {
      const put = itemOf(change, effect.version);
      return { kind: 'put', key, item: put, itemBytes: itemBytes(put), condition };
    }
    case 'append':
      return { kind: 'update', key, update: appending(effect.version, amount), condition };
  }
}

/** Whether the version is the newest; 0: whether there is no item. */
export function versionCondition(version: Version): Condition {
  if (version === 0) return { kind: 'exists', path: ['version'], negated: true };
  return {
    kind: 'compare',
    comparator: '=',
    left: { kind: 'path', path: ['version'] },
    right: { kind: 'value', value: numberOf(version) },
  };
}

export const existsCondition: Condition = { kind: 'exists', path: ['version'], negated: false };

/** There is that much on the account. */
export function balanceCondition(amount: number): Condition {
  return {
    kind: 'compare',
    comparator: '>=',
    left: { kind: 'path', path: ['balance'] },
    right: { kind: 'value', value: numberOf(amount) },
  };
}

/** Holds of every item, there or not. */
const anyCondition: Condition = {
  kind: 'or',
  left: existsCondition,
  right: versionCondition(0),
};

/** What an item tells. @throws Error for one that no write can have made */
export function stateOf(item: Item | undefined): ItemState {
  if (item === undefined) return [];
  const { versions, version, group, label } = item;
  if (versions === undefined || !('L' in versions)) throw new Error(torn(item));
  const state = versions.L.map((each) => ('N' in each ? Number(each.N) : Number.NaN));
  const newest = state.at(-1) ?? Number.NaN;
  const expected = attributesOf(newest);
  const isWhole =
    isSame(version, expected.version) &&
    isSame(group, expected.group) &&
    isSame(label, expected.label);
  if (!isWhole) throw new Error(torn(item));
  return state;
}

export function balanceOf(item: Item): number {
  const { balance } = item;
  return balance !== undefined && 'N' in balance ? Number(balance.N) : Number.NaN;
}

function torn(item: Item): string {
  return `attributes of different writes: ${JSON.stringify(item)}`;
}

function isSame(one: AttributeValue | undefined, other: AttributeValue | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function itemOf({ item, amount, padding = 0 }: ItemChange, version: Version): Item {
  return {
    ...item.key,
    ...attributesOf(version),
    versions: { L: [numberOf(version)] },
    ...(amount === undefined ? {} : { balance: numberOf(amount) }),
    ...(padding === 0 ? {} : { padding: { S: '.'.repeat(padding) } }),
  };
}

/** Attributes that follow from the version: both indexes move the item with every write. */
function attributesOf(version: Version) {
  return {
    version: numberOf(version),
    group: { S: `t${version % 3}` },
    label: { S: `t${version % 7}` },
  };
}

function appending(version: Version, amount: number | undefined): readonly UpdateAction[] {
  const own = { L: [numberOf(version)] };
  const attributes = Object.entries(attributesOf(version));
  return [
    ...attributes.map(
      ([name, value]): UpdateAction => ({
        kind: 'set',
        path: [name],
        term: { kind: 'value', value },
      }),
    ),
    {
      kind: 'set',
      path: ['versions'],
      term: {
        kind: 'listAppend',
        left: {
          kind: 'ifNotExists',
          path: ['versions'],
          otherwise: { kind: 'value', value: { L: [] } },
        },
        right: { kind: 'value', value: own },
      },
    },
    ...(amount === undefined
      ? []
      : [{ kind: 'add', path: ['balance'], value: numberOf(amount), legacy: false } as const]),
  ];
}

function numberOf(value: number): { readonly N: string } {
  return { N: String(value) };
}
