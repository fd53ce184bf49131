import type { Condition, Projection, Update } from '../../expression/ast.ts';
import { topLevelAttributes } from '../../expression/paths.ts';
import { type AttributeValue, attributeOf, type Item } from '../../item/attribute-value.ts';
import type { KeySchema, TableSchema } from '../../partition/schema.ts';
import type { ReturnValues } from '../return-values.ts';
import type { ItemUse } from './needed-access.ts';

/** What items are named by: keys, or items to be put. */
export function partitionKeysOf(
  items: readonly Item[],
): (schema: TableSchema) => readonly AttributeValue[] {
  return ({ key }) => items.flatMap((item) => hashValues(item, key));
}

/** Those that are there. A key that lacks one is refused by the operation. */
export function hashValues(item: Item, { hash }: KeySchema): readonly AttributeValue[] {
  return hash.flatMap(({ name }) => attributeOf(item, name) ?? []);
}

/** Names of attributes, wherever a request has them. */
export function attributesOf(
  items: readonly (Item | undefined)[],
  expressions: readonly (Condition | Projection | Update | undefined)[],
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const item of items) for (const name of Object.keys(item ?? {})) names.add(name);
  for (const expression of expressions) {
    if (expression === undefined) continue;
    for (const name of topLevelAttributes(expression)) names.add(name);
  }
  return names;
}

/**
 * What a write tells of the item. An item that is told only when the condition fails counts as
 * `ALL_OLD`: a policy that keeps items from being told would be evaded otherwise.
 */
export function toldValues(
  returnValues: ReturnValues | undefined,
  onConditionCheckFailure: 'ALL_OLD' | 'NONE' | undefined,
): ReturnValues {
  if (onConditionCheckFailure === 'ALL_OLD' && returnValues !== 'ALL_NEW') return 'ALL_OLD';
  return returnValues ?? 'NONE';
}

/** What a faulty part of a batch uses, which is not run. */
export const nothingUsed: ItemUse = {
  partitionKeys: () => [],
  attributes: () => new Set(),
  returnConsumedCapacity: 'NONE',
};
