import type {
  AttributeDefinition,
  BillingMode,
  KeySchemaElement,
  Projection,
} from './descriptor.ts';
import type { TagInput } from './tag-rules.ts';

/**
 * CreateTable and UpdateTable as they arrive, after the check of JSON types and constraints.
 * Members that nothing acts on yet are only looked at to refuse them.
 */
export interface CreateTableRequest extends SharedMembers {
  readonly KeySchema: readonly KeySchemaElement[];
  readonly AttributeDefinitions: readonly AttributeDefinition[];
  readonly LocalSecondaryIndexes?: readonly LocalIndexRequest[] | undefined;
  readonly GlobalSecondaryIndexes?: readonly GlobalIndexRequest[] | undefined;
  readonly Tags?: readonly TagInput[] | undefined;
  readonly ResourcePolicy?: string | undefined;
  readonly VectorIndexes?: readonly unknown[] | undefined;
  readonly GlobalTableSourceArn?: string | undefined;
}

export interface UpdateTableRequest extends SharedMembers {
  readonly AttributeDefinitions?: readonly AttributeDefinition[] | undefined;
  readonly GlobalSecondaryIndexUpdates?: readonly GlobalIndexUpdate[] | undefined;
  readonly ReplicaUpdates?: readonly unknown[] | undefined;
  readonly GlobalTableWitnessUpdates?: readonly unknown[] | undefined;
  readonly MultiRegionConsistency?: string | undefined;
  readonly DisassociationProtectionEnabled?: boolean | undefined;
  readonly VectorIndexUpdates?: readonly unknown[] | undefined;
}

interface SharedMembers {
  readonly TableName: string;
  readonly BillingMode?: BillingMode | undefined;
  readonly ProvisionedThroughput?: ProvisionedThroughput | undefined;
  readonly OnDemandThroughput?: OnDemandThroughput | undefined;
  readonly WarmThroughput?: WarmThroughput | undefined;
  readonly TableClass?: string | undefined;
  readonly DeletionProtectionEnabled?: boolean | undefined;
  readonly StreamSpecification?: StreamSpecification | undefined;
  readonly SSESpecification?: SseSpecification | undefined;
  readonly GlobalTableSettingsReplicationMode?: string | undefined;
}

export interface ProvisionedThroughput {
  readonly ReadCapacityUnits: number;
  readonly WriteCapacityUnits: number;
}

export interface OnDemandThroughput {
  readonly MaxReadRequestUnits?: number | undefined;
  readonly MaxWriteRequestUnits?: number | undefined;
}

export interface WarmThroughput {
  readonly ReadUnitsPerSecond?: number | undefined;
  readonly WriteUnitsPerSecond?: number | undefined;
}

export interface StreamSpecification {
  readonly StreamEnabled: boolean;
  readonly StreamViewType?: string | undefined;
}

export interface SseSpecification {
  readonly Enabled?: boolean | undefined;
  readonly SSEType?: string | undefined;
  readonly KMSMasterKeyId?: string | undefined;
}

export interface ProjectionRequest {
  readonly ProjectionType?: Projection['ProjectionType'] | undefined;
  readonly NonKeyAttributes?: readonly string[] | undefined;
}

export interface LocalIndexRequest {
  readonly IndexName: string;
  readonly KeySchema: readonly KeySchemaElement[];
  readonly Projection: ProjectionRequest;
}

export interface IndexThroughput {
  readonly ProvisionedThroughput?: ProvisionedThroughput | undefined;
  readonly OnDemandThroughput?: OnDemandThroughput | undefined;
  readonly WarmThroughput?: WarmThroughput | undefined;
}

export interface GlobalIndexRequest extends LocalIndexRequest, IndexThroughput {}

export interface IndexThroughputUpdate extends IndexThroughput {
  readonly IndexName: string;
}

export interface GlobalIndexUpdate {
  readonly Create?: GlobalIndexRequest | undefined;
  readonly Update?: IndexThroughputUpdate | undefined;
  readonly Delete?: { readonly IndexName: string } | undefined;
}
