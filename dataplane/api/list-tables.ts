import type { ControlContext, JsonObject, Operation, ResponseBody } from './operation.ts';
import { compileShape, integer, structure } from './shape/shape.ts';
import { indexName } from './table-shapes.ts';

/** A name, not an ARN; it need not exist. Names of tables and indexes are alike. */
const startName = indexName;

const input = structure({
  ExclusiveStartTableName: startName,
  Limit: integer({ min: 1, max: 100 }),
});

const check = compileShape(input);

function handle(body: JsonObject, { catalog }: ControlContext): ResponseBody {
  const request = check(body);
  const { names, lastName } = catalog.listTables(request.ExclusiveStartTableName, request.Limit);
  return { TableNames: names, LastEvaluatedTableName: lastName };
}

/** Names of tables in alphabetical (byte) order, at most 100 a page. */
export const listTables: Operation<ControlContext> = { name: 'ListTables', handle };
