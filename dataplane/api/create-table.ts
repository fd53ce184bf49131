import { tableRequestFaults } from '../errors/table-requests.ts';
import { answerWhenSettled } from './answer-when-settled.ts';
import type { ControlContext, JsonObject, Operation, ResponseBody } from './operation.ts';
import { boolean, compileShape, list, string, structure } from './shape/shape.ts';
import {
  anyText,
  attributeDefinitions,
  billingMode,
  globalIndex,
  keySchema,
  listOf,
  localIndex,
  onDemandThroughput,
  provisionedThroughput,
  replicationMode,
  sseSpecification,
  streamSpecification,
  tableName,
  tableNameStages,
  tags,
  warmThroughput,
} from './table-shapes.ts';

const input = structure(
  {
    AttributeDefinitions: attributeDefinitions,
    TableName: tableName,
    BillingMode: billingMode,
    ProvisionedThroughput: provisionedThroughput,
    KeySchema: keySchema,
    LocalSecondaryIndexes: list(localIndex),
    GlobalSecondaryIndexes: list(globalIndex),
    StreamSpecification: streamSpecification,
    SSESpecification: sseSpecification,
    Tags: tags,
    TableClass: anyText,
    DeletionProtectionEnabled: boolean(),
    WarmThroughput: warmThroughput,
    OnDemandThroughput: onDemandThroughput,
    ResourcePolicy: anyText,
    GlobalTableSourceArn: string({ min: 1, max: 1024 }),
    GlobalTableSettingsReplicationMode: replicationMode,
    VectorIndexes: listOf('VectorIndex'),
  },
  { required: ['AttributeDefinitions', 'TableName', 'KeySchema'] },
);

/** Types and constraints. @throws ClientFault */
export const checkCreateTable = compileShape(input, {
  before: [checkTableNamePresent, ...tableNameStages],
});

function checkTableNamePresent(body: JsonObject): void {
  if (body.TableName === undefined) throw tableRequestFaults.tableNameRequired();
}

async function handle(body: JsonObject, { catalog }: ControlContext): Promise<ResponseBody> {
  return answerWhenSettled(catalog, await catalog.createTable(checkCreateTable(body)));
}

/** Creates a table; it is CREATING in the answer and ACTIVE soon after. */
export const createTable: Operation<ControlContext> = { name: 'CreateTable', handle };
