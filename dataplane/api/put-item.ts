import { itemFaults } from '../errors/items.ts';
import { requestFaults } from '../errors/requests.ts';
import { ITEM_BYTES_MAX } from '../item/limits.ts';
import { validateItem } from '../item/validate.ts';
import { checkKeyPaths, keyOfItem } from '../partition/key-check.ts';
import { checkExpressionUse, substitutionsOf } from './expression-parameters.ts';
import {
  conditionalOperator,
  expected,
  expressionAttributeNames,
  expressionAttributeValues,
  returnConsumedCapacity,
  returnItemCollectionMetrics,
  returnValues,
  returnValuesOnConditionCheckFailure,
  text,
} from './item-shapes.ts';
import { prefixingFaults, writeItem } from './item-write.ts';
import { checkAttributeNames } from './legacy-conditions.ts';
import type { JsonObject, Operation, OperationContext, ResponseBody } from './operation.ts';
import { oldAttributes } from './return-values.ts';
import { attributeMap, compileShape, structure, type ValueOf } from './shape/shape.ts';
import { checkTableNameNotEmpty, tableNameOrArn } from './table-name.ts';
import { expectedCondition, expressionCondition } from './write-condition.ts';

const input = structure(
  {
    TableName: tableNameOrArn(),
    Item: attributeMap(),
    ReturnConsumedCapacity: returnConsumedCapacity,
    ReturnValues: returnValues,
    ReturnItemCollectionMetrics: returnItemCollectionMetrics,
    ReturnValuesOnConditionCheckFailure: returnValuesOnConditionCheckFailure,
    Expected: expected,
    ConditionalOperator: conditionalOperator,
    ConditionExpression: text,
    ExpressionAttributeNames: expressionAttributeNames,
    ExpressionAttributeValues: expressionAttributeValues,
  },
  { required: ['TableName', 'Item'] },
);

const check = compileShape(input, { before: [checkTableNameNotEmpty] });

const expressionUse = {
  expressions: ['ConditionExpression'],
  legacy: ['Expected', 'ConditionalOperator'],
  valueExpressions: [],
};

/** All but the constraints. */
const plan = prefixingFaults((request: ValueOf<typeof input>) => {
  checkAttributeNames(request.Expected);
  checkExpressionUse(request, expressionUse);
  const { item, bytes } = validateItem(request.Item);
  const substitutions = substitutionsOf(request);
  const legacyCondition = expectedCondition(request);
  const condition = expressionCondition(request, substitutions) ?? legacyCondition;
  substitutions.assertAllUsed();
  const { ReturnValues = 'NONE' } = request;
  if (ReturnValues !== 'NONE' && ReturnValues !== 'ALL_OLD') {
    throw requestFaults.returnValuesUnsupported();
  }
  if (bytes > ITEM_BYTES_MAX) throw itemFaults.itemTooLarge();
  return { item, bytes, condition };
});

/** Everything about the request that can be said without the table. @throws ClientFault */
export function planPutItem(body: JsonObject) {
  const request = check(body);
  return { request, ...plan(request) };
}

function handle(body: JsonObject, context: OperationContext): Promise<ResponseBody> {
  const { request, item, bytes, condition } = planPutItem(body);
  const table = context.tables.openTable(request.TableName);
  const key = keyOfItem(item, table.schema);
  checkKeyPaths(condition, table.schema);
  return writeItem(
    table,
    { kind: 'put', key, condition, item, itemBytes: bytes },
    request,
    (result) => oldAttributes(request.ReturnValues, result),
  );
}

/** Creates an item or replaces it as a whole. */
export const putItem: Operation = { name: 'PutItem', handle };
