import type { ControlContext, JsonObject, Operation, ResponseBody } from './operation.ts';
import { boolean, compileShape, list, string, structure } from './shape/shape.ts';
import {
  anyText,
  attributeDefinitions,
  billingMode,
  globalIndexUpdate,
  listOf,
  onDemandThroughput,
  provisionedThroughput,
  replicationMode,
  sseSpecification,
  streamSpecification,
  tableName,
  tableNameStages,
  warmThroughput,
} from './table-shapes.ts';

const input = structure(
  {
    AttributeDefinitions: attributeDefinitions,
    TableName: tableName,
    BillingMode: billingMode,
    ProvisionedThroughput: provisionedThroughput,
    GlobalSecondaryIndexUpdates: list(globalIndexUpdate),
    StreamSpecification: streamSpecification,
    SSESpecification: sseSpecification,
    ReplicaUpdates: listOf('ReplicationGroupUpdate', { min: 1 }),
    TableClass: anyText,
    DeletionProtectionEnabled: boolean(),
    MultiRegionConsistency: string({ enum: ['EVENTUAL', 'STRONG'] }),
    GlobalTableWitnessUpdates: listOf('GlobalTableWitnessGroupUpdate', { min: 1 }),
    OnDemandThroughput: onDemandThroughput,
    WarmThroughput: warmThroughput,
    GlobalTableSettingsReplicationMode: replicationMode,
    DisassociationProtectionEnabled: boolean(),
    VectorIndexUpdates: listOf('VectorIndexUpdate'),
  },
  { required: ['TableName'] },
);

/** Types and constraints. @throws ClientFault */
export const checkUpdateTable = compileShape(input, { before: tableNameStages });

async function handle(body: JsonObject, { catalog }: ControlContext): Promise<ResponseBody> {
  return { TableDescription: await catalog.updateTable(checkUpdateTable(body)) };
}

/** Accepts one change of a table, which is finished soon after; the answer shows the old values. */
export const updateTable: Operation<ControlContext> = { name: 'UpdateTable', handle };
