import type { ControlContext, JsonObject, Operation, ResponseBody } from './operation.ts';
import { boolean, compileShape, string, structure } from './shape/shape.ts';
import { tableName, tableNameStages } from './table-shapes.ts';

const input = structure(
  {
    TableName: tableName,
    TimeToLiveSpecification: structure(
      { Enabled: boolean(), AttributeName: string({ min: 1, max: 255 }) },
      { required: ['Enabled', 'AttributeName'], name: 'TimeToLiveSpecification' },
    ),
  },
  { required: ['TableName', 'TimeToLiveSpecification'] },
);

/** Types and constraints. @throws ClientFault */
export const checkUpdateTimeToLive = compileShape(input, { before: tableNameStages });

async function handle(body: JsonObject, { catalog }: ControlContext): Promise<ResponseBody> {
  const { TableName, TimeToLiveSpecification } = checkUpdateTimeToLive(body);
  await catalog.updateTimeToLive(TableName, TimeToLiveSpecification);
  const { Enabled, AttributeName } = TimeToLiveSpecification;
  return { TimeToLiveSpecification: { Enabled, AttributeName } };
}

/** Switches expiry of items on or off. */
export const updateTimeToLive: Operation<ControlContext> = { name: 'UpdateTimeToLive', handle };
