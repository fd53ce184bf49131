import { itemFaults } from '../errors/items.ts';
import { requestFaults } from '../errors/requests.ts';
import type { Update } from '../expression/ast.ts';
import { updateFromAttributeUpdates } from '../expression/legacy.ts';
import type { Substitutions } from '../expression/substitutions.ts';
import { parseUpdate } from '../expression/update-parser.ts';
import { updateBytes } from '../expression/update-size.ts';
import { ITEM_BYTES_MAX } from '../item/limits.ts';
import { validateItem } from '../item/validate.ts';
import { checkKey, checkKeyPaths } from '../partition/key-check.ts';
import { checkExpressionUse, substitutionsOf, valueFaultReports } from './expression-parameters.ts';
import {
  attributeUpdates,
  conditionalOperator,
  expected,
  expressionAttributeNames,
  expressionAttributeValues,
  returnConsumedCapacity,
  returnItemCollectionMetrics,
  returnValues,
  returnValuesEchoed,
  returnValuesOnConditionCheckFailure,
  text,
} from './item-shapes.ts';
import { prefixingFaults, writeItem } from './item-write.ts';
import { checkAttributeNames, validEntries } from './legacy-conditions.ts';
import type { JsonObject, Operation, OperationContext, ResponseBody } from './operation.ts';
import { updateAttributes } from './return-values.ts';
import {
  attributeMap,
  compileShape,
  stage,
  string,
  structure,
  type ValueOf,
} from './shape/shape.ts';
import { checkTableNameNotEmpty, tableNameOrArn } from './table-name.ts';
import { onlyTakesAway } from './update-effect.ts';
import { expectedCondition, expressionCondition } from './write-condition.ts';

const input = structure(
  {
    TableName: tableNameOrArn('all'),
    Key: attributeMap(),
    ReturnConsumedCapacity: returnConsumedCapacity,
    ReturnValues: returnValues,
    ReturnItemCollectionMetrics: returnItemCollectionMetrics,
    ReturnValuesOnConditionCheckFailure: returnValuesOnConditionCheckFailure,
    AttributeUpdates: attributeUpdates,
    Expected: expected,
    ConditionalOperator: conditionalOperator,
    UpdateExpression: text,
    ConditionExpression: text,
    ExpressionAttributeNames: expressionAttributeNames,
    ExpressionAttributeValues: expressionAttributeValues,
  },
  { required: ['TableName', 'Key'] },
);

/** Without a key, all enumerations are reported together, and a table name only when it is missing. */
const checkWithoutKey = stage(
  structure(
    {
      ReturnConsumedCapacity: returnConsumedCapacity,
      TableName: string(),
      ReturnValues: returnValuesEchoed,
      ReturnValuesOnConditionCheckFailure: returnValuesOnConditionCheckFailure,
      ReturnItemCollectionMetrics: returnItemCollectionMetrics,
      Key: attributeMap(),
    },
    { required: ['TableName', 'Key'] },
  ),
);

const checkWithoutTableName = stage(
  structure({ TableName: string(), ReturnValues: returnValuesEchoed }, { required: ['TableName'] }),
);

/** Otherwise one kind of member is reported at a time, two of them without the count before it. */
const check = compileShape(input, {
  before: [
    checkTableNameNotEmpty,
    (body) => body.Key === undefined && checkWithoutKey(body),
    (body) => body.TableName === undefined && checkWithoutTableName(body),
    stage(structure({ TableName: tableNameOrArn('all') })),
    stage(structure({ ReturnValues: returnValues })),
    stage(structure({ ReturnValuesOnConditionCheckFailure: returnValuesOnConditionCheckFailure }), {
      isBare: true,
    }),
    stage(structure({ ReturnItemCollectionMetrics: returnItemCollectionMetrics })),
    stage(structure({ ReturnConsumedCapacity: returnConsumedCapacity }), { isBare: true }),
  ],
});

const expressionUse = {
  expressions: ['UpdateExpression', 'ConditionExpression'],
  legacy: ['AttributeUpdates', 'Expected', 'ConditionalOperator'],
  valueExpressions: [],
};

/** All but the constraints. */
const plan = prefixingFaults((request: ValueOf<typeof input>) => {
  checkAttributeNames(request.AttributeUpdates);
  checkAttributeNames(request.Expected);
  checkExpressionUse(request, expressionUse);
  const { item: key } = validateItem(request.Key);
  const substitutions = substitutionsOf(request, valueFaultReports.updateItem);
  const legacyUpdate = attributeUpdate(request.AttributeUpdates);
  const legacyCondition = expectedCondition(request);
  const update = expressionUpdate(request.UpdateExpression, substitutions) ?? legacyUpdate;
  const condition = expressionCondition(request, substitutions) ?? legacyCondition;
  substitutions.assertAllUsed();
  return { key, update, condition, keepsAbsent: onlyTakesAway(update) };
});

/** Without an update the item's key is created. */
const noUpdate: Update = [];
const actions: ReadonlySet<string> = new Set(['ADD', 'DELETE', 'PUT']);

function attributeUpdate(updates: ValueOf<typeof attributeUpdates> | undefined): Update {
  if (updates === undefined) return noUpdate;
  const valid = validEntries(updates);
  for (const { Action = 'PUT' } of Object.values(valid)) {
    if (!actions.has(Action)) throw requestFaults.attributeUpdateAction();
  }
  return updateFromAttributeUpdates(valid);
}

function expressionUpdate(
  expression: string | undefined,
  substitutions: Substitutions,
): Update | undefined {
  return expression === undefined ? undefined : parseUpdate(expression, substitutions);
}

/** Everything about the request that can be said without the table. @throws ClientFault */
export function planUpdateItem(body: JsonObject) {
  const request = check(body);
  return { request, ...plan(request) };
}

function handle(body: JsonObject, context: OperationContext): Promise<ResponseBody> {
  const { request, key, update, condition, keepsAbsent } = planUpdateItem(body);
  const table = context.tables.openTable(request.TableName);
  checkKey(key, table.schema.key);
  checkKeyPaths(condition, table.schema);
  if (request.UpdateExpression !== undefined) checkSize(update);
  return writeItem(
    table,
    { kind: 'update', key, condition, update, keepsAbsent },
    request,
    (result) => updateAttributes(request.ReturnValues, result, update),
  );
}

/** AttributeUpdates, statements and transactions are measured by the item that they make. */
function checkSize(update: Update): void {
  if (updateBytes(update) > ITEM_BYTES_MAX) throw itemFaults.updatedItemTooLarge();
}

/** Changes attributes of an item, creating it where there is none. */
export const updateItem: Operation = { name: 'UpdateItem', handle };
