import { planDeleteItem } from '../delete-item.ts';
import { planGetItem } from '../get-item.ts';
import type { WriteReport } from '../item-write.ts';
import type { JsonObject } from '../operation.ts';
import { planPutItem } from '../put-item.ts';
import { planUpdateItem } from '../update-item.ts';
import { attributesOf, partitionKeysOf, toldValues } from './item-use.ts';
import type { AccessRule, ItemUse } from './needed-access.ts';
import { tableNameIn } from './raw-members.ts';

/** Operations on one item. */
export const getItemAccess = onItem('GetItem', planGetItem, ({ request, key, projection }) => ({
  partitionKeys: partitionKeysOf([key]),
  attributes: () => attributesOf([key], [projection]),
  select: projection === undefined ? 'ALL_ATTRIBUTES' : 'SPECIFIC_ATTRIBUTES',
  returnConsumedCapacity: request.ReturnConsumedCapacity ?? 'NONE',
}));

export const putItemAccess = onItem('PutItem', planPutItem, ({ request, item, condition }) => ({
  partitionKeys: partitionKeysOf([item]),
  attributes: () => attributesOf([item], [condition]),
  ...reportOf(request),
}));

export const updateItemAccess = onItem('UpdateItem', planUpdateItem, (plan) => ({
  partitionKeys: partitionKeysOf([plan.key]),
  attributes: () => attributesOf([plan.key], [plan.update, plan.condition]),
  ...reportOf(plan.request),
}));

export const deleteItemAccess = onItem('DeleteItem', planDeleteItem, (plan) => ({
  partitionKeys: partitionKeysOf([plan.key]),
  attributes: () => attributesOf([plan.key], [plan.condition]),
  ...reportOf(plan.request),
}));

function onItem<Plan>(
  action: string,
  planOf: (body: JsonObject) => Plan,
  useOf: (plan: Plan) => ItemUse,
): AccessRule {
  return {
    read: (body) => {
      const table = tableNameIn(body);
      if (table === undefined) return undefined;
      return [{ kind: 'items', action, table, use: () => useOf(planOf(body)) }];
    },
    check: planOf,
  };
}

function reportOf({
  ReturnValues,
  ReturnValuesOnConditionCheckFailure,
  ReturnConsumedCapacity,
}: WriteReport) {
  return {
    returnValues: toldValues(ReturnValues, ReturnValuesOnConditionCheckFailure),
    returnConsumedCapacity: ReturnConsumedCapacity ?? 'NONE',
  } as const;
}
