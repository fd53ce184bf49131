import { requestFaults } from '../errors/requests.ts';
import type { Condition, Projection } from '../expression/ast.ts';
import { parseCondition } from '../expression/condition-parser.ts';
import {
  assignKeyConditions,
  checkKeyValueTypes,
  keyConditionsIn,
  type UncheckedKeyCondition,
} from '../expression/key-condition.ts';
import { filterFromConditions, keyConditionsFromLegacy } from '../expression/legacy.ts';
import { topLevelAttributes } from '../expression/paths.ts';
import type { Substitutions } from '../expression/substitutions.ts';
import type { Item } from '../item/attribute-value.ts';
import type { QueryRequest } from '../partition/command.ts';
import { checkFilterProjected, keyNames, needsTable } from '../partition/index-reads.ts';
import { checkKeyConditionValues, checkKeyPaths, checkStartKey } from '../partition/key-check.ts';
import type { KeyAttribute, TableSchema } from '../partition/schema.ts';
import type { Eventually } from '../routing/table.ts';
import {
  checkConditionalOperator,
  checkExpressionUse,
  substitutionsOf,
  valueFaultReports,
} from './expression-parameters.ts';
import { expressionFilter } from './filter.ts';
import { indexToRead } from './index-choice.ts';
import {
  attributesToGet,
  conditionalOperator,
  conditions,
  expressionAttributeNames,
  expressionAttributeValues,
  indexName,
  pagingNumbers,
  pagingNumbersEchoed,
  returnConsumedCapacity,
  select,
  selectCheckedLater,
  text,
} from './item-shapes.ts';
import { validEntries } from './legacy-conditions.ts';
import type { JsonObject, Operation, OperationContext, ResponseBody } from './operation.ts';
import { pageResponse } from './page-response.ts';
import { expressionProjection, legacyProjection } from './requested-projection.ts';
import { checkSelect } from './select.ts';
import {
  attributeMap,
  boolean,
  compileShape,
  stage,
  string,
  structure,
  type ValueOf,
} from './shape/shape.ts';
import { validStartKey } from './start-key.ts';
import { nonEmptyTableName, tableNameOrArn } from './table-name.ts';

const input = structure(
  {
    TableName: tableNameOrArn(),
    ReturnConsumedCapacity: returnConsumedCapacity,
    IndexName: indexName,
    AttributesToGet: attributesToGet,
    KeyConditions: conditions,
    QueryFilter: conditions,
    ConditionalOperator: conditionalOperator,
    Select: selectCheckedLater,
    Limit: pagingNumbers.Limit,
    ConsistentRead: boolean(),
    ScanIndexForward: boolean(),
    ExclusiveStartKey: attributeMap(),
    KeyConditionExpression: text,
    FilterExpression: text,
    ProjectionExpression: text,
    ExpressionAttributeNames: expressionAttributeNames,
    ExpressionAttributeValues: expressionAttributeValues,
  },
  { required: ['TableName'] },
);

const checkWithoutTableName = stage(
  structure(
    {
      Select: select,
      ReturnConsumedCapacity: returnConsumedCapacity,
      TableName: string(),
      KeyConditions: conditions,
      QueryFilter: conditions,
      Limit: pagingNumbersEchoed.Limit,
    },
    { required: ['TableName'] },
  ),
);

const check = compileShape(input, {
  before: [
    (body) => body.TableName === undefined && checkWithoutTableName(body),
    stage(structure({ Limit: pagingNumbers.Limit, TableName: nonEmptyTableName })),
  ],
});
const checkSelectValue = stage(structure({ Select: select }));

const expressionUse = {
  expressions: ['ProjectionExpression', 'FilterExpression', 'KeyConditionExpression'],
  legacy: ['AttributesToGet', 'QueryFilter', 'ConditionalOperator', 'KeyConditions'],
  valueExpressions: ['FilterExpression', 'KeyConditionExpression'],
};

/** KeyConditions go with expressions, as long as none of these is about the key. */
const expressionUseWithKeyConditions = {
  ...expressionUse,
  legacy: ['AttributesToGet', 'QueryFilter', 'ConditionalOperator'],
};

type QueryInput = ValueOf<typeof input>;

interface QueryPlan {
  readonly keyConditions: readonly UncheckedKeyCondition[];
  readonly filter: Condition | undefined;
  readonly projection: Projection | undefined;
  readonly startKey: Item | undefined;
}

/**
 * All but the constraints. What a key condition cannot be is looked at when all expressions are
 * parsed and all names and values found used.
 * @see getmoto/moto test_query_with_empty_filter_expression, test_query_unused_attribute_name
 * (verified on the service)
 */
function planOf(request: QueryInput): QueryPlan {
  checkExpressionUse(
    request,
    request.KeyConditionExpression === undefined ? expressionUseWithKeyConditions : expressionUse,
  );
  checkSelectValue(request);
  const { KeyConditions, QueryFilter, ConditionalOperator } = request;
  const operator = checkConditionalOperator(ConditionalOperator, QueryFilter);
  const legacyFilter = QueryFilter && filterFromConditions(validEntries(QueryFilter), operator);
  const legacyConditions = KeyConditions && keyConditionsFromLegacy(validEntries(KeyConditions));
  const legacyNames = legacyProjection(request.AttributesToGet);
  const startKey = validStartKey(request.ExclusiveStartKey, 'query');
  const substitutions = substitutionsOf(request, valueFaultReports.query);
  const keyCondition = keyConditionOf(request, substitutions);
  if (keyCondition === undefined && !legacyConditions?.length) {
    throw requestFaults.keyConditionMissing();
  }
  const filter = expressionFilter(request.FilterExpression, substitutions) ?? legacyFilter;
  const projection =
    expressionProjection(request.ProjectionExpression, substitutions) ?? legacyNames;
  checkSelect(request);
  substitutions.assertAllUsed();
  const keyConditions =
    keyCondition === undefined ? (legacyConditions ?? []) : keyConditionsIn(keyCondition);
  return { keyConditions, filter, projection, startKey };
}

function keyConditionOf(
  { KeyConditionExpression }: QueryInput,
  substitutions: Substitutions,
): Condition | undefined {
  if (KeyConditionExpression === undefined) return undefined;
  return parseCondition(KeyConditionExpression, 'KeyConditionExpression', substitutions);
}

/** The same request against the table's schema. */
function queryOf(request: QueryInput, plan: QueryPlan, schema: TableSchema): QueryRequest {
  const { keyConditions, filter, projection, startKey } = plan;
  const consistentRead = request.ConsistentRead ?? false;
  const index = indexToRead(schema, request.IndexName, { consistentRead });
  const key = index?.key ?? schema.key;
  if (startKey !== undefined) checkStartKey(startKey, schema, index, 'query');
  if (request.KeyConditions !== undefined) checkKeyValueTypes(keyConditions, keyAttributes(schema));
  const { hashConditions, rangeConditions } = assignKeyConditions(keyConditions, key);
  checkKeyConditionValues([...hashConditions, ...rangeConditions], index);
  checkKeyPaths(projection, schema);
  checkFilterNames(request, filter, keyNames(key));
  const fetchFromTable = needsTable(index, schema, {
    isWhole: request.Select === 'ALL_ATTRIBUTES',
    projection,
  });
  checkKeyPaths(filter, schema);
  checkFilterProjected(index, schema, filter);
  return {
    indexName: index?.name,
    consistentRead,
    filter,
    projection,
    output: request.Select === 'COUNT' ? 'count' : 'items',
    fetchFromTable,
    limit: request.Limit,
    exclusiveStartKey: startKey,
    hashConditions,
    rangeConditions,
    scanIndexForward: request.ScanIndexForward ?? true,
  };
}

/** Of the table and all its indexes. */
function keyAttributes({ key, localIndexes, globalIndexes }: TableSchema): readonly KeyAttribute[] {
  return [key, ...[...localIndexes, ...globalIndexes].map((index) => index.key)].flatMap(
    ({ hash, range }) => [...hash, ...range],
  );
}

/** A Query's filter cannot be on the key that it queries. */
function checkFilterNames(
  { QueryFilter }: QueryInput,
  filter: Condition | undefined,
  keys: readonly string[],
): void {
  if (filter === undefined) return;
  const filtered = topLevelAttributes(filter);
  for (const name of keys) {
    if (!filtered.has(name)) continue;
    throw requestFaults.filterOnKey(
      QueryFilter === undefined ? 'Filter Expression' : 'QueryFilter',
      name,
    );
  }
}

/** Everything about the request that can be said without the table. @throws ClientFault */
export function planQuery(body: JsonObject) {
  const request = check(body);
  return { request, plan: planOf(request) };
}

function handle(body: JsonObject, context: OperationContext): Eventually<ResponseBody> {
  const { request, plan } = planQuery(body);
  const table = context.tables.openTable(request.TableName);
  const query = queryOf(request, plan, table.schema);
  const report = {
    output: query.output,
    tableName: request.TableName,
    capacityMode: request.ReturnConsumedCapacity,
  };
  const result = table.query(query);
  return result instanceof Promise
    ? result.then((page) => pageResponse(page, report))
    : pageResponse(result, report);
}

/** Reads a page of one item collection, in the order of its sort key. */
export const query: Operation = { name: 'Query', handle };
