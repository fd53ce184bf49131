import { requestFaults } from '../errors/requests.ts';
import { validateItem } from '../item/validate.ts';
import { checkKey, checkKeyPaths } from '../partition/key-check.ts';
import { checkExpressionUse, substitutionsOf, valueFaultReports } from './expression-parameters.ts';
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
    Key: attributeMap(),
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
  { required: ['TableName', 'Key'] },
);

const check = compileShape(input, { before: [checkTableNameNotEmpty] });

const expressionUse = {
  expressions: ['ConditionExpression'],
  legacy: ['Expected', 'ConditionalOperator'],
  valueExpressions: [],
};

/** All but the constraints. */
const plan = prefixingFaults((request: ValueOf<typeof input>) => {
  const { ReturnValues = 'NONE' } = request;
  if (ReturnValues !== 'NONE' && ReturnValues !== 'ALL_OLD') {
    throw requestFaults.returnValuesUnsupported();
  }
  checkAttributeNames(request.Expected);
  checkExpressionUse(request, expressionUse);
  const { item: key } = validateItem(request.Key);
  const substitutions = substitutionsOf(request, valueFaultReports.deleteItem);
  const legacyCondition = expectedCondition(request);
  const condition = expressionCondition(request, substitutions) ?? legacyCondition;
  substitutions.assertAllUsed();
  return { key, condition };
});

/** Everything about the request that can be said without the table. @throws ClientFault */
export function planDeleteItem(body: JsonObject) {
  const request = check(body);
  return { request, ...plan(request) };
}

function handle(body: JsonObject, context: OperationContext): Promise<ResponseBody> {
  const { request, key, condition } = planDeleteItem(body);
  const table = context.tables.openTable(request.TableName);
  checkKey(key, table.schema.key);
  checkKeyPaths(condition, table.schema);
  return writeItem(table, { kind: 'delete', key, condition }, request, (result) =>
    oldAttributes(request.ReturnValues, result),
  );
}

/** Deletes an item; deleting what is not there succeeds. */
export const deleteItem: Operation = { name: 'DeleteItem', handle };
