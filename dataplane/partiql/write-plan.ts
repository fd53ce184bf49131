import { partiqlFaults } from '../errors/partiql.ts';
import type { Condition } from '../expression/ast.ts';
import type { Item } from '../item/attribute-value.ts';
import type { WriteCommand } from '../partition/command.ts';
import { checkKey, checkKeyPaths, keyOfItem } from '../partition/key-check.ts';
import type { KeySchema, TableSchema } from '../partition/schema.ts';
import type { CheckCommand } from '../partition/transaction.ts';
import { checkItemKey, itemAccess } from './item-access.ts';
import { joined } from './key-access.ts';
import type { ExistsStatement, WriteStatement } from './statement.ts';

/**
 * The command of a statement that writes. INSERT needs that there is no item, UPDATE that there is
 * one; DELETE is content without one.
 * @throws ClientFault: the key, in the clause or the item; index keys
 */
export function planWrite(statement: WriteStatement, schema: TableSchema): WriteCommand {
  if (statement.kind === 'insert') {
    const { item, itemBytes } = statement;
    const key = keyOfItem(item, schema);
    return { kind: 'put', key, condition: itemExists(schema.key, false), item, itemBytes };
  }
  const { key, condition } = itemOfWrite(statement.where, schema);
  if (statement.kind === 'update') {
    const exists = itemExists(schema.key, true);
    return {
      kind: 'update',
      key,
      condition: joined('and', condition === undefined ? [exists] : [exists, condition]),
      update: statement.update,
    };
  }
  const absent = itemExists(schema.key, false);
  return {
    kind: 'delete',
    key,
    condition: condition && { kind: 'or', left: absent, right: condition },
  };
}

/**
 * EXISTS names one item of a table by its whole key, and says something else of it.
 * @throws ClientFault
 */
export function checkExists({ index, where }: ExistsStatement, schema: TableSchema): void {
  if (index !== undefined) throw partiqlFaults.existsOnIndex();
  const { key, condition } = itemAccess(where, schema.key);
  const attributesCount = schema.key.hash.length + schema.key.range.length;
  if (condition === undefined || Object.keys(key).length < attributesCount) {
    throw partiqlFaults.existsNeedsCondition();
  }
}

/**
 * The check of EXISTS: a condition on an item of a transaction, which an absent item may meet.
 * @throws ClientFault: the key
 */
export function planCheck({ where }: ExistsStatement, schema: TableSchema): CheckCommand {
  const { key, condition } = itemAccess(where, schema.key);
  checkItemKey(key, schema.key);
  checkKey(key, schema.key);
  if (condition === undefined) throw partiqlFaults.existsNeedsCondition();
  checkKeyPaths(condition, schema);
  return { kind: 'check', key, condition };
}

function itemOfWrite(
  where: Condition | undefined,
  schema: TableSchema,
): { readonly key: Item; readonly condition: Condition | undefined } {
  const { key, condition, contradicted } = itemAccess(where, schema.key);
  if (contradicted !== undefined) throw partiqlFaults.keyTwice(contradicted);
  checkItemKey(key, schema.key);
  checkKey(key, schema.key);
  checkKeyPaths(condition, schema);
  return { key, condition };
}

function itemExists({ hash: [hash] }: KeySchema, isThere: boolean): Condition {
  if (hash === undefined) throw new Error('every table has a hash attribute');
  return { kind: 'exists', path: [hash.name], negated: !isThere };
}
