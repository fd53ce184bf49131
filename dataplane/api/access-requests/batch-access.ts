import { planBatchGetItem } from '../batch-get-item.ts';
import { planBatchWriteItem } from '../batch-write-item.ts';
import type { JsonObject } from '../operation.ts';
import { attributesOf, nothingUsed, partitionKeysOf } from './item-use.ts';
import type { AccessRule, ItemUse } from './needed-access.ts';
import { once } from './once.ts';
import { tableNamesIn } from './raw-members.ts';

/** Batches: once for each table that they name. */
export const batchGetItemAccess = onTables('BatchGetItem', planBatchGetItem, (plan, name) => {
  const { keys = [], projection } = plan.plans.find((each) => each.name === name) ?? {};
  return {
    partitionKeys: partitionKeysOf(keys),
    attributes: () => attributesOf(keys, [projection]),
    select: projection === undefined ? 'ALL_ATTRIBUTES' : 'SPECIFIC_ATTRIBUTES',
    returnConsumedCapacity: plan.request.ReturnConsumedCapacity ?? 'NONE',
  };
});

export const batchWriteItemAccess = onTables('BatchWriteItem', planBatchWriteItem, (plan, name) => {
  const { writes = [] } = plan.plans.find((each) => each.name === name) ?? {};
  const items = writes.map((write) => (write.kind === 'put' ? write.item : write.key));
  return {
    ...nothingUsed,
    partitionKeys: partitionKeysOf(items),
    attributes: () => attributesOf(items, []),
    returnConsumedCapacity: plan.request.ReturnConsumedCapacity ?? 'NONE',
  };
});

function onTables<Plan>(
  action: string,
  planOf: (body: JsonObject) => Plan,
  useOf: (plan: Plan, table: string) => ItemUse,
): AccessRule {
  return {
    read: (body) => {
      const plan = once(() => planOf(body));
      return tableNamesIn(body, 'RequestItems')?.map((table) => ({
        kind: 'items',
        action,
        table,
        use: () => useOf(plan(), table),
      }));
    },
    check: planOf,
  };
}
