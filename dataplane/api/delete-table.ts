import { answerWhenSettled } from './answer-when-settled.ts';
import type { ControlContext, JsonObject, Operation, ResponseBody } from './operation.ts';
import { compileShape, structure } from './shape/shape.ts';
import { tableName, tableNameStages } from './table-shapes.ts';

const input = structure({ TableName: tableName }, { required: ['TableName'] });

/** Types and constraints. @throws ClientFault */
export const checkDeleteTable = compileShape(input, { before: tableNameStages });

async function handle(body: JsonObject, { catalog }: ControlContext): Promise<ResponseBody> {
  return answerWhenSettled(catalog, await catalog.deleteTable(checkDeleteTable(body).TableName));
}

/** Deletes a table; it is DELETING in the answer and gone soon after. */
export const deleteTable: Operation<ControlContext> = { name: 'DeleteTable', handle };
