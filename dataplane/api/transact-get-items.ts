import { ClientFault, inOlderWords } from '../errors/client-fault.ts';
import { transactionFaults } from '../errors/transactions.ts';
import type { Projection } from '../expression/ast.ts';
import type { Item } from '../item/attribute-value.ts';
import { validateItem } from '../item/validate.ts';
import { checkKey, checkKeyPaths } from '../partition/key-check.ts';
import {
  TRANSACTION_ACTIONS_MAX,
  type TransactionGet,
  type TransactionReadItem,
} from '../transaction/requests.ts';
import { transactionCanceled } from './cancellation.ts';
import type { ReturnConsumedCapacity } from './consumed-capacity.ts';
import { nameSubstitutionsOf } from './expression-parameters.ts';
import { expressionAttributeNames, returnConsumedCapacity, text } from './item-shapes.ts';
import type { ItemContext, JsonObject, Operation, ResponseBody } from './operation.ts';
import { expressionProjection } from './requested-projection.ts';
import { ResponseJson } from './response-json.ts';
import { attributeMap, compileShape, list, structure, type ValueOf } from './shape/shape.ts';
import { tableNameOrArn } from './table-name.ts';
import { transactionCapacity } from './transaction-capacity.ts';
import { checkDistinctItems, reasonsOf, TRANSACTION_BYTES_MAX } from './transaction-items.ts';

const get = structure(
  {
    Key: attributeMap(),
    TableName: tableNameOrArn(),
    ProjectionExpression: text,
    ExpressionAttributeNames: expressionAttributeNames,
  },
  { name: 'Get', required: ['Key', 'TableName'] },
);

const input = structure(
  {
    ReturnConsumedCapacity: returnConsumedCapacity,
    TransactItems: list(structure({ Get: get }, { name: 'TransactGetItem', required: ['Get'] }), {
      min: 1,
      max: TRANSACTION_ACTIONS_MAX,
    }),
  },
  { required: ['TransactItems'] },
);

const check = compileShape(input);

interface GetPlan {
  readonly name: string;
  readonly key: Item;
  readonly projection: Projection | undefined;
}

/**
 * Everything about one get that can be said without its table. Names beside no expression are no fault
 * (ExtendDB/extenddb pull request 169: the service, June 2026).
 */
function planOf({ Get }: ValueOf<typeof input>['TransactItems'][number]): GetPlan {
  const { item: key } = validateItem(Get.Key);
  const substitutions = nameSubstitutionsOf(Get.ExpressionAttributeNames);
  const projection = expressionProjection(Get.ProjectionExpression, substitutions);
  if (projection !== undefined) substitutions.assertAllUsed();
  return { name: Get.TableName, key, projection };
}

/**
 * Everything about the request that can be said without the tables. The service reads the values of
 * transactions by its older layer.
 * @throws ClientFault
 */
export function planTransactGetItems(body: JsonObject): {
  readonly request: ValueOf<typeof input>;
  readonly plans: readonly GetPlan[];
} {
  const request = check(body);
  try {
    return { request, plans: request.TransactItems.map(planOf) };
  } catch (thrown) {
    throw thrown instanceof ClientFault ? inOlderWords(thrown) : thrown;
  }
}

/** A key that does not fit is its action's reason, unlike what is wrong without the table. */
function checkGet({ table, key, projection }: TransactionGet): void {
  checkKey(key, table.schema.key);
  checkKeyPaths(projection, table.schema);
}

async function handle(body: JsonObject, context: ItemContext): Promise<ResponseBody> {
  const { request, plans } = planTransactGetItems(body);
  const gets = plans.map((plan) => ({ ...plan, table: context.tables.openTable(plan.name) }));
  const reasons = reasonsOf(gets, checkGet);
  if (reasons !== undefined) throw transactionCanceled(reasons);
  checkDistinctItems(gets);
  const result = await context.transactions.read(gets);
  if (result.kind === 'cancelled') throw transactionCanceled(result.reasons);
  return response(plans, result.items, request.ReturnConsumedCapacity);
}

/** Items are copied once, into the response. @throws ClientFault when they are too large in sum */
function response(
  plans: readonly GetPlan[],
  items: readonly TransactionReadItem[],
  mode: ReturnConsumedCapacity | undefined,
): Uint8Array {
  const json = new ResponseJson().text('{"Responses":[');
  let bytes = 0;
  for (const [index, item] of items.entries()) {
    if (index > 0) json.text(',');
    bytes += item.bytes;
    if (item.json === undefined) json.text('{}');
    else json.text('{"Item":').bytes(item.json).text('}');
  }
  if (bytes > TRANSACTION_BYTES_MAX) throw transactionFaults.tooLarge(bytes);
  const capacities = plans.flatMap(({ name }, index) => {
    const capacity = items[index]?.capacity;
    return capacity === undefined ? [] : [{ name, capacity }];
  });
  return json
    .text(']')
    .member('ConsumedCapacity', transactionCapacity(mode, 'Read', capacities))
    .text('}')
    .toBuffer();
}

/** Reads up to 100 items of several tables, as they were at one moment. */
export const transactGetItems: Operation<ItemContext> = { name: 'TransactGetItems', handle };
