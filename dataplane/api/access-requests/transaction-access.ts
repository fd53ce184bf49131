import type { JsonObject } from '../operation.ts';
import { planTransactGetItems } from '../transact-get-items.ts';
import { planTransactWriteItems } from '../transact-write-items.ts';
import type { ActionPlan } from '../transaction-write-plan.ts';
import { attributesOf, partitionKeysOf, toldValues } from './item-use.ts';
import type { AccessRule, ItemUse } from './needed-access.ts';
import { once } from './once.ts';
import { objectIn, objectsIn, tableNameIn } from './raw-members.ts';

/** Transactions: each part is allowed as the operation that it is. */
export const transactGetItemsAccess = onParts({
  enclosingOperation: 'TransactGetItems',
  actions: { Get: 'GetItem' },
  planOf: planTransactGetItems,
  useOf: ({ request, plans }, index) => {
    const { key, projection } = partAt(plans, index);
    return {
      partitionKeys: partitionKeysOf([key]),
      attributes: () => attributesOf([key], [projection]),
      select: projection === undefined ? 'ALL_ATTRIBUTES' : 'SPECIFIC_ATTRIBUTES',
      returnConsumedCapacity: request.ReturnConsumedCapacity ?? 'NONE',
    };
  },
});

export const transactWriteItemsAccess = onParts({
  enclosingOperation: 'TransactWriteItems',
  actions: {
    ConditionCheck: 'ConditionCheckItem',
    Delete: 'DeleteItem',
    Put: 'PutItem',
    Update: 'UpdateItem',
  },
  planOf: planTransactWriteItems,
  useOf: ({ request, plans }, index) => {
    const part = partAt(plans, index);
    const item = part.kind === 'put' ? part.item : part.key;
    const told = part.returnsItemOnFailure ? 'ALL_OLD' : 'NONE';
    return {
      partitionKeys: partitionKeysOf([item]),
      attributes: () => attributesOf([item], [updateOf(part), part.condition]),
      returnValues: toldValues(undefined, told),
      returnConsumedCapacity: request.ReturnConsumedCapacity ?? 'NONE',
    };
  },
});

interface PartsRule<Plan> {
  readonly enclosingOperation: string;
  /** By the member that an element of TransactItems has. */
  readonly actions: { readonly [member: string]: string };
  readonly planOf: (body: JsonObject) => Plan;
  readonly useOf: (plan: Plan, index: number) => ItemUse;
}

function onParts<Plan>({
  enclosingOperation,
  actions,
  planOf,
  useOf,
}: PartsRule<Plan>): AccessRule {
  return {
    read: (body) => {
      const plan = once(() => planOf(body));
      const elements = objectsIn(body, 'TransactItems')?.map((element, index) =>
        // An element of several members is refused by the operation; all of them are looked at here.
        Object.entries(actions).flatMap(([member, action]) => {
          const part = objectIn(element, member);
          const table = part && tableNameIn(part);
          if (table === undefined) return [];
          const use = () => useOf(plan(), index);
          return [{ kind: 'items', action, table, enclosingOperation, use } as const];
        }),
      );
      return elements?.every((parts) => parts.length > 0) ? elements.flat() : undefined;
    },
    check: planOf,
  };
}

function partAt<Part>(plans: readonly Part[], index: number): Part {
  const part = plans[index];
  if (part === undefined) throw new Error('every element of a transaction has its plan');
  return part;
}

function updateOf(part: ActionPlan) {
  return part.kind === 'update' ? part.update : undefined;
}
