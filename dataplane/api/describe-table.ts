import type { JsonObject, Operation, OperationContext, ResponseBody } from './operation.ts';
import { compileShape, structure } from './shape/shape.ts';
import { tableName, tableNameStages } from './table-shapes.ts';

const input = structure({ TableName: tableName }, { required: ['TableName'] });

const check = compileShape(input, { before: tableNameStages });

function handle(body: JsonObject, { catalog }: OperationContext): ResponseBody {
  return { Table: catalog.describeTable(check(body).TableName) };
}

export const describeTable: Operation = { name: 'DescribeTable', handle };
