import { itemFaults } from '../errors/items.ts';
import { transactionFaults } from '../errors/transactions.ts';
import type { Condition, Update } from '../expression/ast.ts';
import { parseUpdate } from '../expression/update-parser.ts';
import type { Item } from '../item/attribute-value.ts';
import { ITEM_BYTES_MAX } from '../item/limits.ts';
import { validateItem } from '../item/validate.ts';
import { checkKey, checkKeyPaths, checkUpdatedPaths, keyOfItem } from '../partition/key-check.ts';
import type { TransactionCommand } from '../partition/transaction.ts';
import type { Table } from '../routing/table.ts';
import type { TransactionAction } from '../transaction/requests.ts';
import { substitutionsOf, valueFaultReports } from './expression-parameters.ts';
import type { TransactWriteItem } from './transact-write-shape.ts';
import { TRANSACTION_BYTES_MAX } from './transaction-items.ts';
import { onlyTakesAway } from './update-effect.ts';
import { expressionCondition } from './write-condition.ts';

interface PlanCommon {
  /** The table as the request names it. */
  readonly name: string;
  readonly condition: Condition | undefined;
  readonly returnsItemOnFailure: boolean;
  /** What the action brings along, for the limit of the whole: item or key, and values. */
  readonly bytes: number;
}

/** One action before its table is known. */
export type ActionPlan = PlanCommon &
  (
    | { readonly kind: 'put'; readonly item: Item }
    | { readonly kind: 'update'; readonly key: Item; readonly update: Update }
    | { readonly kind: 'delete'; readonly key: Item }
    | { readonly kind: 'check'; readonly key: Item; readonly condition: Condition }
  );

export interface OpenAction {
  readonly plan: ActionPlan;
  readonly table: Table;
}

/**
 * Everything about one action that can be said without its table; all of it is a fault of the whole
 * request, and comes before any fault about tables and keys. Names and values beside no expression are
 * none, unlike in operations on single items.
 * @throws ClientFault
 * @see nubo-db/dynamodb-conformance, validation ordering (captures of October 2026);
 *   ExtendDB/extenddb pull request 169 (the service, June 2026): names and values
 */
export function planOf(element: TransactWriteItem): ActionPlan {
  const { ConditionCheck, Delete, Put, Update } = element;
  const given = [ConditionCheck, Delete, Put, Update].filter((member) => member !== undefined);
  if (given.length > 1) throw transactionFaults.severalActions();
  if (Put !== undefined) return putPlan(Put);
  if (Update !== undefined) return updatePlan(Update);
  if (Delete !== undefined) return deletePlan(Delete);
  if (ConditionCheck !== undefined) return checkPlan(ConditionCheck);
  throw transactionFaults.noAction();
}

type Member<Name extends keyof TransactWriteItem> = NonNullable<TransactWriteItem[Name]>;

function putPlan(put: Member<'Put'>): ActionPlan {
  const { item, bytes } = validateItem(put.Item);
  return { kind: 'put', item, ...conditionPlan(put), bytes };
}

function updatePlan(wire: Member<'Update'>): ActionPlan {
  const { item: key, bytes } = validateItem(wire.Key);
  const substitutions = substitutionsOf(wire, valueFaultReports.transaction);
  const update = parseUpdate(wire.UpdateExpression, substitutions);
  const condition = expressionCondition(wire, substitutions);
  substitutions.assertAllUsed();
  return {
    kind: 'update',
    key,
    update,
    condition,
    ...commonOf(wire),
    bytes: bytes + valuesBytes(wire),
  };
}

function deletePlan(wire: Member<'Delete'>): ActionPlan {
  const { item: key, bytes } = validateItem(wire.Key);
  return { kind: 'delete', key, ...conditionPlan(wire), bytes };
}

function checkPlan(wire: Member<'ConditionCheck'>): ActionPlan {
  const { item: key, bytes } = validateItem(wire.Key);
  const { condition, ...common } = conditionPlan(wire);
  // The member is required.
  if (condition === undefined) throw transactionFaults.noAction();
  return { kind: 'check', key, ...common, condition, bytes };
}

type Common = Pick<
  Member<'Delete'>,
  | 'TableName'
  | 'ConditionExpression'
  | 'ExpressionAttributeNames'
  | 'ExpressionAttributeValues'
  | 'ReturnValuesOnConditionCheckFailure'
>;

function conditionPlan(wire: Common) {
  const substitutions = substitutionsOf(wire, valueFaultReports.transaction);
  const condition = expressionCondition(wire, substitutions);
  if (condition !== undefined) substitutions.assertAllUsed();
  return { condition, ...commonOf(wire) };
}

function commonOf({ TableName, ReturnValuesOnConditionCheckFailure }: Common) {
  return {
    name: TableName,
    returnsItemOnFailure: ReturnValuesOnConditionCheckFailure === 'ALL_OLD',
  };
}

function valuesBytes({ ExpressionAttributeValues }: Common): number {
  return ExpressionAttributeValues === undefined
    ? 0
    : validateItem(ExpressionAttributeValues).bytes;
}

/**
 * The action with its key, checked against the table.
 * @throws ClientFault
 */
export function commandOf({ plan, table }: OpenAction): TransactionAction {
  const { returnsItemOnFailure } = plan;
  return { table, command: command(plan, table), returnsItemOnFailure };
}

function command(plan: ActionPlan, { schema }: Table): TransactionCommand {
  const { kind, condition } = plan;
  if (kind === 'put') {
    const { item, bytes: itemBytes } = plan;
    return { kind, key: keyOfItem(item, schema), condition, item, itemBytes };
  }
  const { key } = plan;
  checkKey(key, schema.key);
  if (kind === 'check') return { kind, key, condition: plan.condition };
  if (kind === 'delete') return { kind, key, condition };
  const { update } = plan;
  return { kind, key, condition, update, keepsAbsent: onlyTakesAway(update) };
}

/** What else the schema says of an action. @throws ClientFault */
export function checkWithTable({ table, command }: TransactionAction): void {
  checkKeyPaths(command.condition, table.schema);
  if (command.kind === 'update') checkUpdatedPaths(command.update, table.schema);
}

/**
 * An item that is too large is a fault of the whole request; after an update it is the action's.
 * @throws ClientFault
 * @see nubo-db/dynoxide CHANGELOG, 2026 (captures)
 */
export function checkSizes(plans: readonly ActionPlan[]): void {
  let sum = 0;
  for (const { kind, bytes } of plans) {
    if (kind === 'put' && bytes > ITEM_BYTES_MAX) throw itemFaults.itemTooLarge();
    sum += bytes;
  }
  if (sum > TRANSACTION_BYTES_MAX) throw transactionFaults.tooLarge(sum);
}
