import type { UncheckedKeyCondition } from '../../expression/key-condition.ts';
import type { AttributeValue } from '../../item/attribute-value.ts';
import type { KeySchema, TableSchema } from '../../partition/schema.ts';
import { indexToRead } from '../index-choice.ts';
import type { JsonObject } from '../operation.ts';
import { planQuery } from '../query.ts';
import { planScan } from '../scan.ts';
import type { Select } from '../select.ts';
import { attributesOf } from './item-use.ts';
import type { AccessRule, ItemUse } from './needed-access.ts';
import { nameMember, tableNameIn } from './raw-members.ts';

/** Query and Scan: of an index, the index is the resource. */
export const queryAccess = onPage('Query', planQuery, ({ request, plan }) => ({
  partitionKeys: (schema) => queriedKeys(plan.keyConditions, keyOf(schema, request.IndexName)),
  attributes: () => {
    const names = new Set(plan.keyConditions.map(({ attribute }) => attribute));
    return names.union(attributesOf([plan.startKey], [plan.filter, plan.projection]));
  },
  select: selected(request, plan.projection !== undefined),
  returnConsumedCapacity: request.ReturnConsumedCapacity ?? 'NONE',
}));

export const scanAccess = onPage('Scan', planScan, ({ request, plan }) => ({
  partitionKeys: () => [],
  attributes: () => attributesOf([plan.startKey], [plan.filter, plan.projection]),
  select: selected(request, plan.projection !== undefined),
  returnConsumedCapacity: request.ReturnConsumedCapacity ?? 'NONE',
}));

function onPage<Plan>(
  action: string,
  planOf: (body: JsonObject) => Plan,
  useOf: (plan: Plan) => ItemUse,
): AccessRule {
  return {
    read: (body) => {
      const table = tableNameIn(body);
      const index = nameMember(body, 'IndexName');
      if (table === undefined || index.kind === 'unreadable') return undefined;
      const name = index.kind === 'given' ? index.value : undefined;
      return [{ kind: 'items', action, table, index: name, use: () => useOf(planOf(body)) }];
    },
    check: planOf,
  };
}

/** @throws ClientFault when there is no such index, or it cannot be read */
function keyOf(schema: TableSchema, indexName: string | undefined): KeySchema {
  return indexToRead(schema, indexName, { consistentRead: false })?.key ?? schema.key;
}

/** Without an equality on the partition key the operation refuses the request. */
function queriedKeys(
  conditions: readonly UncheckedKeyCondition[],
  { hash }: KeySchema,
): readonly AttributeValue[] {
  const isHash = (name: string) => hash.some((attribute) => attribute.name === name);
  return conditions.flatMap((condition) =>
    condition.operator === '=' && isHash(condition.attribute) ? [condition.value] : [],
  );
}

/** What is read where the request does not say. */
function selected(
  request: { readonly Select?: Select | undefined; readonly IndexName?: string | undefined },
  isProjected: boolean,
): Select {
  if (request.Select !== undefined) return request.Select;
  if (isProjected) return 'SPECIFIC_ATTRIBUTES';
  return request.IndexName === undefined ? 'ALL_ATTRIBUTES' : 'ALL_PROJECTED_ATTRIBUTES';
}
