import type { ControlContext, JsonObject, Operation, ResponseBody } from './operation.ts';
import { compileShape, structure } from './shape/shape.ts';
import { tableName, tableNameStages } from './table-shapes.ts';

const input = structure({ TableName: tableName }, { required: ['TableName'] });

/** Types and constraints. @throws ClientFault */
export const checkDescribeTimeToLive = compileShape(input, { before: tableNameStages });

async function handle(body: JsonObject, { catalog }: ControlContext): Promise<ResponseBody> {
  const { status, attribute } = await catalog.describeTimeToLive(
    checkDescribeTimeToLive(body).TableName,
  );
  return { TimeToLiveDescription: { TimeToLiveStatus: status, AttributeName: attribute } };
}

export const describeTimeToLive: Operation<ControlContext> = { name: 'DescribeTimeToLive', handle };
