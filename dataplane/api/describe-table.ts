import type { ControlContext, JsonObject, Operation, ResponseBody } from './operation.ts';
import { compileShape, structure } from './shape/shape.ts';
import { tableName, tableNameStages } from './table-shapes.ts';

const input = structure({ TableName: tableName }, { required: ['TableName'] });

/** Types and constraints. @throws ClientFault */
export const checkDescribeTable = compileShape(input, { before: tableNameStages });

async function handle(body: JsonObject, { catalog }: ControlContext): Promise<ResponseBody> {
  return { Table: await catalog.describeTable(checkDescribeTable(body).TableName) };
}

export const describeTable: Operation<ControlContext> = { name: 'DescribeTable', handle };
