import { expressionFaults } from '../errors/expressions.ts';
import { requestFaults } from '../errors/requests.ts';
import type { Condition, Projection } from '../expression/ast.ts';
import { filterFromConditions } from '../expression/legacy.ts';
import { EXPRESSION_BYTES_MAX } from '../expression/limits.ts';
import type { Item } from '../item/attribute-value.ts';
import { utf8Bytes } from '../item/size.ts';
import type { ScanRequest } from '../partition/command.ts';
import { needsTable } from '../partition/index-reads.ts';
import { checkKeyPaths, checkStartKey } from '../partition/key-check.ts';
import type { TableSchema } from '../partition/schema.ts';
import type { Eventually } from '../routing/table.ts';
import {
  checkConditionalOperator,
  checkExpressionUse,
  substitutionsOf,
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
    ScanFilter: conditions,
    ConditionalOperator: conditionalOperator,
    Select: selectCheckedLater,
    Limit: pagingNumbers.Limit,
    Segment: pagingNumbers.Segment,
    TotalSegments: pagingNumbers.TotalSegments,
    ConsistentRead: boolean(),
    ExclusiveStartKey: attributeMap(),
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
      TotalSegments: pagingNumbersEchoed.TotalSegments,
      ReturnConsumedCapacity: returnConsumedCapacity,
      TableName: string(),
      ConditionalOperator: string({ enum: ['OR', 'AND'] }),
      ScanFilter: conditions,
      Segment: pagingNumbersEchoed.Segment,
      Limit: pagingNumbersEchoed.Limit,
    },
    { required: ['TableName'] },
  ),
);

const check = compileShape(input, {
  before: [
    (body) => body.TableName === undefined && checkWithoutTableName(body),
    stage(structure({ ...pagingNumbers, TableName: nonEmptyTableName })),
  ],
});
const checkSelectValue = stage(structure({ Select: select }));

const expressionUse = {
  expressions: ['ProjectionExpression', 'FilterExpression'],
  legacy: ['AttributesToGet', 'ScanFilter', 'ConditionalOperator'],
  valueExpressions: ['FilterExpression'],
};

type ScanInput = ValueOf<typeof input>;

interface ScanPlan {
  readonly filter: Condition | undefined;
  readonly projection: Projection | undefined;
  readonly startKey: Item | undefined;
  readonly segment: number;
  readonly totalSegments: number;
}

/** All but the constraints. */
function planOf(request: ScanInput): ScanPlan {
  checkExpressionUse(request, expressionUse);
  const { ScanFilter, ConditionalOperator } = request;
  const operator = checkConditionalOperator(ConditionalOperator, ScanFilter);
  const legacyFilter = ScanFilter && filterFromConditions(validEntries(ScanFilter), operator);
  const legacyNames = legacyProjection(request.AttributesToGet);
  const startKey = validStartKey(request.ExclusiveStartKey, 'scan');
  const substitutions = substitutionsOf(request);
  checkFilterBytes(request.FilterExpression);
  const filter = expressionFilter(request.FilterExpression, substitutions) ?? legacyFilter;
  const projection =
    expressionProjection(request.ProjectionExpression, substitutions) ?? legacyNames;
  checkSelectValue(request);
  checkSelect(request);
  const segments = segmentsOf(request);
  substitutions.assertAllUsed();
  return { filter, projection, startKey, ...segments };
}

/** Here alone the fault tells the size. */
function checkFilterBytes(expression: string | undefined): void {
  if (expression === undefined || expression.length * 3 <= EXPRESSION_BYTES_MAX) return;
  const bytes = utf8Bytes(expression);
  if (bytes > EXPRESSION_BYTES_MAX) throw expressionFaults.tooLargeInScan(bytes);
}

/** A plain scan is segment 0 of 1. */
function segmentsOf({ Segment, TotalSegments }: ScanInput): {
  readonly segment: number;
  readonly totalSegments: number;
} {
  if (Segment === undefined && TotalSegments === undefined) return { segment: 0, totalSegments: 1 };
  if (TotalSegments === undefined) throw requestFaults.totalSegmentsMissing();
  if (Segment === undefined) throw requestFaults.segmentMissing();
  if (Segment >= TotalSegments) throw requestFaults.segmentNotBelowTotal();
  return { segment: Segment, totalSegments: TotalSegments };
}

/** The same request against the table's schema. */
function scanOf(request: ScanInput, plan: ScanPlan, schema: TableSchema): ScanRequest {
  const { filter, projection, startKey, segment, totalSegments } = plan;
  const consistentRead = request.ConsistentRead ?? false;
  const index = indexToRead(schema, request.IndexName, { consistentRead });
  const fetchFromTable = needsTable(index, schema, {
    isWhole: request.Select === 'ALL_ATTRIBUTES',
    projection,
  });
  if (startKey !== undefined) checkStartKey(startKey, schema, index, 'scan');
  checkKeyPaths(projection, schema);
  checkKeyPaths(filter, schema);
  return {
    indexName: index?.name,
    consistentRead,
    filter,
    projection,
    output: request.Select === 'COUNT' ? 'count' : 'items',
    fetchFromTable,
    limit: request.Limit,
    exclusiveStartKey: startKey,
    segment,
    totalSegments,
  };
}

/** Everything about the request that can be said without the table. @throws ClientFault */
export function planScan(body: JsonObject) {
  const request = check(body);
  return { request, plan: planOf(request) };
}

function handle(body: JsonObject, context: OperationContext): Eventually<ResponseBody> {
  const { request, plan } = planScan(body);
  const table = context.tables.openTable(request.TableName);
  const scan = scanOf(request, plan, table.schema);
  const report = {
    output: scan.output,
    tableName: request.TableName,
    capacityMode: request.ReturnConsumedCapacity,
  };
  const result = table.scan(scan);
  return result instanceof Promise
    ? result.then((page) => pageResponse(page, report))
    : pageResponse(result, report);
}

/** Reads a page of a table or index, or of one of its parallel segments. */
export const scan: Operation = { name: 'Scan', handle };
