import type { Projection } from '../expression/ast.ts';
import { validateItem } from '../item/validate.ts';
import type { ReadResult } from '../partition/command.ts';
import { checkKey, checkKeyPaths } from '../partition/key-check.ts';
import type { Eventually } from '../routing/table.ts';
import { consumedCapacity, type ReturnConsumedCapacity } from './consumed-capacity.ts';
import { checkExpressionUse, nameSubstitutionsOf } from './expression-parameters.ts';
import {
  attributesToGet,
  expressionAttributeNames,
  returnConsumedCapacity,
  text,
} from './item-shapes.ts';
import type { JsonObject, Operation, OperationContext, ResponseBody } from './operation.ts';
import { expressionProjection, legacyProjection } from './requested-projection.ts';
import { attributeMap, boolean, compileShape, structure, type ValueOf } from './shape/shape.ts';
import { checkTableNameNotEmpty, tableNameOrArn } from './table-name.ts';

const input = structure(
  {
    Key: attributeMap(),
    TableName: tableNameOrArn(),
    ReturnConsumedCapacity: returnConsumedCapacity,
    AttributesToGet: attributesToGet,
    ConsistentRead: boolean(),
    ProjectionExpression: text,
    ExpressionAttributeNames: expressionAttributeNames,
  },
  { required: ['Key', 'TableName'] },
);

const check = compileShape(input, { before: [checkTableNameNotEmpty] });

const expressionUse = {
  expressions: ['ProjectionExpression'],
  legacy: ['AttributesToGet'],
  valueExpressions: undefined,
};

/** Everything about the request that can be said without the table. @throws ClientFault */
export function planGetItem(body: JsonObject) {
  const request = check(body);
  checkExpressionUse(request, expressionUse);
  const { item: key } = validateItem(request.Key);
  return { request, key, projection: projectionOf(request) };
}

function handle(body: JsonObject, context: OperationContext): Eventually<ResponseBody> {
  const { request, key, projection } = planGetItem(body);
  const table = context.tables.openTable(request.TableName);
  checkKey(key, table.schema.key);
  checkKeyPaths(projection, table.schema);
  const result = table.get(key, { consistentRead: request.ConsistentRead ?? false, projection });
  const { TableName: tableName, ReturnConsumedCapacity: mode } = request;
  return result instanceof Promise
    ? result.then((read) => response(read, mode, tableName))
    : response(result, mode, tableName);
}

function projectionOf(request: ValueOf<typeof input>): Projection | undefined {
  const legacy = legacyProjection(request.AttributesToGet);
  const substitutions = nameSubstitutionsOf(request.ExpressionAttributeNames);
  const projection = expressionProjection(request.ProjectionExpression, substitutions) ?? legacy;
  substitutions.assertAllUsed();
  return projection;
}

const itemPrefix = Buffer.from('{"Item":');
const nothing = Buffer.from('{}');
const CLOSING_BRACE = 0x7d;

/** The item's bytes are copied once, into the response. */
function response(
  { json, capacity }: ReadResult,
  mode: ReturnConsumedCapacity | undefined,
  tableName: string,
): Uint8Array {
  const consumed = consumedCapacity(mode, tableName, capacity);
  if (consumed !== undefined) {
    const shown = JSON.stringify(consumed);
    if (json === undefined) return Buffer.from(`{"ConsumedCapacity":${shown}}`);
    return concatenated(json, Buffer.from(`,"ConsumedCapacity":${shown}}`));
  }
  return json === undefined ? nothing : concatenated(json, closing);
}

const closing = Buffer.of(CLOSING_BRACE);

function concatenated(json: Uint8Array, suffix: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(itemPrefix.length + json.length + suffix.length);
  bytes.set(itemPrefix);
  bytes.set(json, itemPrefix.length);
  bytes.set(suffix, itemPrefix.length + json.length);
  return bytes;
}

/** Reads one item by its key. */
export const getItem: Operation = { name: 'GetItem', handle };
