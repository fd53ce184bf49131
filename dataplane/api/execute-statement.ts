import { partiqlFaults } from '../errors/partiql.ts';
import type { AttributeValue } from '../item/attribute-value.ts';
import { positionOf, type TokenScope, tokenOf } from '../partiql/next-token.ts';
import { validParameters } from '../partiql/parameters.ts';
import { planRead } from '../partiql/read-plan.ts';
import { bindStatement, type SelectStatement, type WriteStatement } from '../partiql/statement.ts';
import { planWrite } from '../partiql/write-plan.ts';
import type { Eventually, Table } from '../routing/table.ts';
import { consumedCapacity } from './consumed-capacity.ts';
import { returnConsumedCapacity, returnValuesOnConditionCheckFailure } from './item-shapes.ts';
import type { JsonObject, Operation, OperationContext, ResponseBody } from './operation.ts';
import { ResponseJson } from './response-json.ts';
import { boolean, compileShape, integer, string, structure, type ValueOf } from './shape/shape.ts';
import { readPage, type StatementPage } from './statement-page.ts';
import { statementParameters, statementText } from './statement-shapes.ts';
import { returnedRow, type StatementWrite, write } from './statement-write.ts';

const NEXT_TOKEN_CHARS_MAX = 32_768;

const input = structure(
  {
    Statement: statementText,
    Parameters: statementParameters,
    ConsistentRead: boolean(),
    NextToken: string({ min: 1, max: NEXT_TOKEN_CHARS_MAX }),
    ReturnConsumedCapacity: returnConsumedCapacity,
    Limit: integer({ min: 1 }),
    ReturnValuesOnConditionCheckFailure: returnValuesOnConditionCheckFailure,
  },
  { required: ['Statement'] },
);

const check = compileShape(input);

type Request = ValueOf<typeof input>;

/** Everything about the request that can be said without the table. @throws ClientFault */
export function planExecuteStatement(body: JsonObject) {
  const request = check(body);
  const parameters = validParameters(request.Parameters);
  const statement = bindStatement(request.Statement, parameters);
  if (statement.kind === 'exists') throw partiqlFaults.existsOutsideTransaction();
  return { request, parameters, statement };
}

function handle(body: JsonObject, context: OperationContext): Eventually<ResponseBody> {
  const { request, parameters, statement } = planExecuteStatement(body);
  const table = context.tables.openTable(statement.table);
  return statement.kind === 'select'
    ? select(request, { statement, parameters, table })
    : change(request, statement, table);
}

interface Selection {
  readonly statement: SelectStatement;
  readonly parameters: readonly AttributeValue[];
  readonly table: Table;
}

function select(
  request: Request,
  { statement, parameters, table }: Selection,
): Eventually<ResponseBody> {
  const { schema } = table;
  const { ConsistentRead: consistentRead = false, Limit: limit, NextToken } = request;
  const plan = planRead(statement, schema, { consistentRead });
  const scope = { statement: request.Statement, parameters, secret: schema.hashSecret };
  const position =
    NextToken === undefined ? { readIndex: 0, startKey: undefined } : positionOf(NextToken, scope);
  const result = readPage(table, plan, { limit, position, consistentRead });
  return result instanceof Promise
    ? result.then((page) => pageResponse(request, { page, scope, table }))
    : pageResponse(request, { page: result, scope, table });
}

/** The rows' bytes are copied once, into the response. */
function pageResponse(
  { ReturnConsumedCapacity }: Request,
  {
    page: { rows, next, capacity },
    scope,
    table,
  }: { readonly page: StatementPage; readonly scope: TokenScope; readonly table: Table },
): Uint8Array {
  const { tableName } = table.schema;
  return new ResponseJson()
    .text('{"Items":')
    .items(rows)
    .member('NextToken', next && tokenOf(next, scope))
    .member('LastEvaluatedKey', next?.startKey)
    .member('ConsumedCapacity', consumedCapacity(ReturnConsumedCapacity, tableName, capacity))
    .text('}')
    .toBuffer();
}

async function change(
  request: Request,
  statement: WriteStatement,
  table: Table,
): Promise<ResponseBody> {
  if (request.NextToken !== undefined) throw partiqlFaults.tokenOfOther();
  const { schema } = table;
  const done: StatementWrite = {
    statement,
    command: planWrite(statement, schema),
    returnsItemOnFailure: request.ReturnValuesOnConditionCheckFailure === 'ALL_OLD',
  };
  const result = await write(table, done);
  const row = returnedRow(done, result);
  return {
    Items: row === undefined ? [] : [row],
    ConsumedCapacity: consumedCapacity(
      request.ReturnConsumedCapacity,
      schema.tableName,
      result.capacity,
    ),
  };
}

/** Runs one PartiQL statement. */
export const executeStatement: Operation = { name: 'ExecuteStatement', handle };
