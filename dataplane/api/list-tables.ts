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

async function handle(body: JsonObject, { catalog }: ControlContext): Promise<ResponseBody> {
  const { ExclusiveStartTableName, Limit } = check(body);
  const { names, lastName } = await catalog.listTables(ExclusiveStartTableName, Limit);
  return { TableNames: names, LastEvaluatedTableName: lastName };
}

/** Names of tables in alphabetical (byte) order, at most 100 a page. */
export const listTables: Operation<ControlContext> = { name: 'ListTables', handle };
