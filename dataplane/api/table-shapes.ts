import { boolean, list, long, type Shape, stage, string, structure } from './shape/shape.ts';
import { NAME_LENGTH_MAX, NAME_LENGTH_MIN, NAME_PATTERN, tableNameOrArn } from './table-name.ts';

/**
 * Shapes that the operations on tables share: service model 2012-08-10 (botocore 1.44.5). Members
 * are in the order in which the service reports their failures (captures of dynalite).
 */
export const tableName = tableNameOrArn('all');

/** A bad table name is reported alone, the empty one by its length only. */
export const tableNameStages = [
  stage(structure({ TableName: string({ min: 1 }) })),
  stage(structure({ TableName: tableName })),
];

export const indexName = string({
  min: NAME_LENGTH_MIN,
  max: NAME_LENGTH_MAX,
  pattern: NAME_PATTERN,
});

const attributeName = string({ min: 1, max: 255 });

/** Any text: refused or explained elsewhere. */
export const anyText = string();

export const attributeDefinitions = list(
  structure(
    { AttributeName: attributeName, AttributeType: string({ enum: ['B', 'N', 'S'] }) },
    { required: ['AttributeName', 'AttributeType'], name: 'AttributeDefinition' },
  ),
);

const keySchemaElement = structure(
  { AttributeName: attributeName, KeyType: string({ enum: ['HASH', 'RANGE'] }) },
  { required: ['AttributeName', 'KeyType'], name: 'KeySchemaElement' },
);

/** Keys of tables and local indexes. */
export const keySchema = list(keySchemaElement, { min: 1, max: 2 });

/** Keys of global indexes: their limits have messages of their own. */
const globalKeySchema = list(keySchemaElement, { min: 1 });

export const billingMode = string({ enum: ['PROVISIONED', 'PAY_PER_REQUEST'] });

export const provisionedThroughput = structure(
  { WriteCapacityUnits: long({ min: 1 }), ReadCapacityUnits: long({ min: 1 }) },
  { required: ['WriteCapacityUnits', 'ReadCapacityUnits'], name: 'ProvisionedThroughput' },
);

export const onDemandThroughput = structure(
  { MaxReadRequestUnits: long(), MaxWriteRequestUnits: long() },
  { name: 'OnDemandThroughput' },
);

export const warmThroughput = structure(
  { ReadUnitsPerSecond: long(), WriteUnitsPerSecond: long() },
  { name: 'WarmThroughput' },
);

export const streamSpecification = structure(
  {
    StreamEnabled: boolean(),
    StreamViewType: string({
      enum: ['NEW_IMAGE', 'OLD_IMAGE', 'NEW_AND_OLD_IMAGES', 'KEYS_ONLY'],
    }),
  },
  { required: ['StreamEnabled'], name: 'StreamSpecification' },
);

export const sseSpecification = structure(
  {
    Enabled: boolean(),
    SSEType: string({ enum: ['AES256', 'KMS'] }),
    KMSMasterKeyId: anyText,
  },
  { name: 'SSESpecification' },
);

const projection = structure(
  {
    ProjectionType: string({ enum: ['ALL', 'INCLUDE', 'KEYS_ONLY'] }),
    NonKeyAttributes: list(attributeName, { min: 1, max: 20 }),
  },
  { name: 'Projection' },
);

export const localIndex = structure(
  { IndexName: indexName, KeySchema: keySchema, Projection: projection },
  { required: ['IndexName', 'KeySchema', 'Projection'], name: 'LocalSecondaryIndex' },
);

export const globalIndex = structure(
  {
    KeySchema: globalKeySchema,
    Projection: projection,
    IndexName: indexName,
    ProvisionedThroughput: provisionedThroughput,
    OnDemandThroughput: onDemandThroughput,
    WarmThroughput: warmThroughput,
  },
  { required: ['KeySchema', 'Projection', 'IndexName'], name: 'GlobalSecondaryIndex' },
);

export const globalIndexUpdate = structure(
  {
    Update: structure(
      {
        IndexName: indexName,
        ProvisionedThroughput: provisionedThroughput,
        OnDemandThroughput: onDemandThroughput,
        WarmThroughput: warmThroughput,
      },
      { required: ['IndexName'], name: 'UpdateGlobalSecondaryIndexAction' },
    ),
    Create: globalIndex,
    Delete: structure(
      { IndexName: indexName },
      { required: ['IndexName'], name: 'DeleteGlobalSecondaryIndexAction' },
    ),
  },
  { name: 'GlobalSecondaryIndexUpdate' },
);

/** Tags have messages of their own for what is missing or too long. */
export const tags = list(structure({ Key: anyText, Value: anyText }, { name: 'Tag' }));

export const replicationMode = string({ enum: ['ENABLED', 'DISABLED', 'ENABLED_WITH_OVERRIDES'] });

/** Members of which only the presence matters so far: a list of structures, or nothing at all. */
export function listOf(
  name: string,
  options: { readonly min?: number } = {},
): Shape<readonly object[]> {
  return list(structure({}, { name }), options);
}
