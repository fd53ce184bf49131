import { type ClientFault, validationFault } from './client-fault.ts';
import type { CapacityUnit } from './tables.ts';

/**
 * Faults of what CreateTable and UpdateTable ask for, in itself or compared with the table.
 *
 * Texts: reference/dynamodb.md sections 6 and 8, and the public lab notes behind its tag L (live
 * probes of October 2026). Texts of our own are marked `Differs:`.
 */
const INVALID = 'One or more parameter values were invalid: ';
const GUIDE =
  'Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.';
const ON_DEMAND_GUIDE =
  'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html#on-demand-capacity-mode-initial';

function invalid(text: string): ClientFault {
  return validationFault(INVALID + text);
}

/** Faults of what CreateTable and UpdateTable ask for, in itself. */
export const tableRequestFaults = {
  tableNameRequired: () =>
    validationFault("The parameter 'TableName' is required but was not present in the request"),
  /**
   * Differs: the service supports these; here a later version will. Refused, since nothing would act
   * on them.
   */
  notSupported: (what: string) => invalid(`${what} is not supported yet`),
  tableClass: () =>
    validationFault(
      'Invalid table-class parameter provided. Please try again with a valid table-class value: ' +
        '[STANDARD, STANDARD_INFREQUENT_ACCESS].',
    ),

  // Encryption and streams, as far as their own members contradict each other.
  sseMemberWhileDisabled: (member: 'SSEType' | 'KMSMasterKeyId') =>
    invalid(`${member} can not be specified if Enabled is false`),
  encryptedByDefault: () => invalid('Table is already encrypted by default'),
  createStreamNeedsView: () =>
    invalid('Table is being created with a stream enabled, UpdateViewType is required'),
  createStreamViewWhileDisabled: () =>
    invalid(
      'Table is being created with a stream disabled, UpdateViewType should not be specified',
    ),
  streamNeedsView: () => invalid('If stream is being enabled then UpdateViewType is required'),
  streamViewWhileDisabled: () =>
    invalid('If stream is being disabled, then UpdateViewType must not be specified'),
  streamEnabled: (table: string) =>
    validationFault(`Table already has an enabled stream: TableName: ${table}`),
  noStream: (table: string) =>
    validationFault(`Table has no stream to disable: TableName: ${table}`),

  // Keys and attribute definitions.
  attributeDuplicated: (name: string) => validationFault(`Attribute Name is duplicated: ${name}`),
  keyWithoutDefinition: () =>
    validationFault('Invalid KeySchema: Some index key attribute have no definition'),
  undefinedKeys: (keys: readonly string[], definitions: readonly string[]) =>
    invalid(
      'Some index key attributes are not defined in AttributeDefinitions. ' +
        `Keys: [${keys.join(', ')}], AttributeDefinitions: [${definitions.join(', ')}]`,
    ),
  unusedDefinitions: (definitions: readonly string[], keys: readonly string[]) =>
    invalid(
      `Some AttributeDefinitions are not used. AttributeDefinitions: [${definitions.join(', ')}], ` +
        `keys used: [${keys.join(', ')}]`,
    ),
  definitionsMismatch: () =>
    invalid(
      'Number of attributes in KeySchema does not exactly match number of attributes defined in ' +
        'AttributeDefinitions',
    ),
  sameKeyNames: () =>
    validationFault(
      'Both the Hash Key and the Range Key element in the KeySchema have the same name',
    ),
  repeatedKeyNames: () =>
    validationFault('The KeySchema contains multiple key attributes with the same name'),
  firstKeyNotHash: () =>
    validationFault('Invalid KeySchema: The first KeySchemaElement is not a HASH key type'),
  secondKeyNotRange: () =>
    validationFault('Invalid KeySchema: The second KeySchemaElement is not a RANGE key type'),
  hashAfterRange: () =>
    invalid('All HASH key attributes must precede RANGE key attributes in the KeySchema'),
  tooManyKeys: (type: 'HASH' | 'RANGE') =>
    invalid(`The KeySchema exceeds the maximum allowed number of ${type} key attributes`),

  // Indexes.
  emptyIndexList: (
    list: 'LocalSecondaryIndexes' | 'GlobalSecondaryIndexes' | 'GlobalSecondaryIndexUpdates',
  ) => invalid(`List of ${list} is empty`),
  localIndexNeedsRange: () =>
    invalid(
      'Table KeySchema does not have a range key, which is required when specifying a ' +
        'LocalSecondaryIndex',
    ),
  indexWithoutRange: (index: string) =>
    invalid(`Index KeySchema does not have a range key for index: ${index}`),
  otherHashKey: (index: string, indexHash: string, tableHash: string) =>
    invalid(
      'Index KeySchema does not have the same leading hash key as table KeySchema for index: ' +
        `${index}. index hash key: ${indexHash}, table hash key: ${tableHash}`,
    ),
  duplicateIndex: (index: string) => invalid(`Duplicate index name: ${index}`),
  localIndexes: (max: number) =>
    invalid(`Number of LocalSecondaryIndexes exceeds per-table limit of ${max}`),
  globalIndexes: (max: number) =>
    invalid(`GlobalSecondaryIndex count exceeds the per-table limit of ${max}`),
  projectionType: () => invalid('Unknown ProjectionType: null'),
  projectedNames: (type: string) =>
    invalid(`ProjectionType is ${type}, but NonKeyAttributes is specified`),
  projectedNamesMissing: () =>
    invalid('ProjectionType is INCLUDE, but NonKeyAttributes is not specified'),
  projectedNameDuplicated: (name: string) =>
    invalid(`Duplicate element in NonKeyAttributes: ${name}`),
  /** Differs: the service's text for this limit is not known. */
  projectedNamesTotal: (max: number) =>
    invalid(`Number of NonKeyAttributes over all indexes exceeds per-table limit of ${max}`),

  // UpdateTable: which changes go together.
  nothingToUpdate: () =>
    validationFault(
      'At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, ' +
        'GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ' +
        'ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, ' +
        'OnDemandThroughput, WarmThroughput or TableClass is required',
    ),
  onlyOperation: (what: string) => invalid(`${what} must be the only operation in the request`),
  onDemandOnlyWithBillingMode: () =>
    invalid('OnDemandThroughput can only be combined with BillingMode in an UpdateTable request'),
  indexCreateWithWarm: () =>
    invalid('Create global secondary index cannot be specified when updating WarmThroughput'),
  streamWithThroughput: () => invalid('You cannot modify stream status while updating table IOPS'),
  indexWithThroughput: () => invalid('You cannot create or delete index while updating table IOPS'),
  indexWithStream: () => invalid('You cannot create or delete index while changing stream status'),
  indexActionMissing: () =>
    invalid(
      'One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, ' +
        'GlobalSecondaryIndexUpdate.Delete must not be null',
    ),
  indexActionsSeveral: () =>
    invalid(
      'Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object',
    ),
  indexUpdatedTwice: (index: string) =>
    invalid(
      `Only one global secondary index update per index is allowed simultaneously. Index: ${index}`,
    ),
  indexExists: () => validationFault('Attempting to create an index which already exists'),
  notGlobalIndex: (action: 'delete' | 'update', index: string) =>
    validationFault(`Cannot ${action} an index that is not a GlobalSecondaryIndex: ${index}`),
  definitionsMissing: (index: string) =>
    invalid(`AttributeDefinitions is not specified for index: ${index}`),
  /** Key schemas as `Schema:[SchemaElement: key{a:S:HASH}]`. */
  attributeRedefined: (existing: string, wanted: string) =>
    invalid(
      'Attributes cannot be redefined. Please check that your attribute has the same type as ' +
        `previously defined. Existing schema: ${existing} New schema: ${wanted}`,
    ),
  /** Units beyond any bound, for an index that is not there (dynalite's captures). */
  indexUpdateBlocked: () =>
    validationFault(
      'This operation cannot be performed with given input values. Please contact DynamoDB ' +
        'service team for more info: Action Blocked: IndexUpdate',
    ),
} as const;

/** Faults of billing modes and throughput settings. */
export const throughputRequestFaults = {
  unitsOutOfBounds: (unit: CapacityUnit, value: number) =>
    validationFault(`Given value ${value} for ${unit} is out of bounds`),
  unitsRequired: () =>
    invalid(
      'ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED',
    ),
  throughputRequired: () =>
    invalid('ProvisionedThroughput must be specified when BillingMode is PROVISIONED'),
  unitsNotAllowed: () =>
    invalid(
      'Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is ' +
        'PAY_PER_REQUEST',
    ),
  /** CreateTable. */
  indexThroughputMissing: (index: string) =>
    invalid(`ProvisionedThroughput is not specified for index: ${index}`),
  /** CreateTable. */
  indexThroughputNotAllowed: (index: string) =>
    invalid(
      `ProvisionedThroughput should not be specified for index: ${index} when BillingMode is ` +
        'PAY_PER_REQUEST',
    ),
  /** UpdateTable: a switch to provisioned mode, or an index update without values. */
  indexThroughputRequired: (index: string) =>
    invalid(`ProvisionedThroughput must be specified for index: ${index}`),
  /** UpdateTable: a new index in provisioned mode. */
  newIndexUnitsRequired: (index: string) =>
    invalid(`Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: ${index}`),
  /** UpdateTable: a new index in on-demand mode. */
  newIndexUnitsNotAllowed: (index: string) =>
    invalid(
      `Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: ${index} when ` +
        'BillingMode is PAY_PER_REQUEST',
    ),
  onDemandIndexUpdate: (index: string) =>
    invalid(
      `The only Updates for index: ${index} when TableThroughputMode is PAY_PER_REQUEST can be to ` +
        'OnDemandThroughput, WarmThroughput',
    ),
  unchanged: (current: Units, requested: Units) =>
    validationFault(
      `The provisioned throughput for the table will not change. ${same(current, requested, 'the table')}`,
    ),
  indexUnchanged: (index: string, current: Units, requested: Units) =>
    validationFault(
      `The provisioned throughput for the index ${index} will not change. ` +
        same(current, requested, `index ${index}`),
    ),
  /** `place` is `CreateTable`'s or `UpdateTable`'s wording; they differ by an article and a full stop. */
  onDemandWhileProvisioned: (
    member: string,
    place: { operation: 'create' | 'update'; index?: string | undefined },
  ) => {
    const index = place.index === undefined ? '' : ` for index: ${place.index}`;
    return place.operation === 'create'
      ? invalid(
          `${member} for OnDemandThroughput${index} cannot be specified when table BillingMode is PROVISIONED.`,
        )
      : invalid(
          `${member} for OnDemandThroughput${index} cannot be specified when the table BillingMode is PROVISIONED`,
        );
  },
  onDemandRange: (member: string, index?: string) =>
    invalid(
      `Requested ${member} for OnDemandThroughput for ` +
        `${index === undefined ? 'table' : `index : ${index}`} is outside of valid range`,
    ),
  warmBelowInitial: (member: string, index?: string) =>
    invalid(
      `Requested ${member} for WarmThroughput for ${tableOrIndex(index)} is lower than initial ` +
        `throughput for OnDemand. See: ${ON_DEMAND_GUIDE}`,
    ),
  warmBelowProvisioned: (member: string, unit: CapacityUnit, index?: string) =>
    invalid(
      `Requested ${member} for WarmThroughput for ${tableOrIndex(index)} is lower than ${unit} of ` +
        'ProvisionedThroughput',
    ),
  warmDecrease: (member: string, index?: string) =>
    invalid(
      `Requested ${member} for WarmThroughput for ${tableOrIndex(index)} is lower than current ` +
        'WarmThroughput, decreasing WarmThroughput is not supported',
    ),
  warmEmpty: (index: string) =>
    invalid(
      'WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond ' +
        `specified for index: ${index}`,
    ),
} as const;

interface Units {
  readonly readUnits: number;
  readonly writeUnits: number;
}

function same(current: Units, requested: Units, place: string): string {
  return (
    'The requested value equals the current value. ' +
    `Current ReadCapacityUnits provisioned for ${place}: ${current.readUnits}. ` +
    `Requested ReadCapacityUnits: ${requested.readUnits}. ` +
    `Current WriteCapacityUnits provisioned for ${place}: ${current.writeUnits}. ` +
    `Requested WriteCapacityUnits: ${requested.writeUnits}. ${GUIDE}`
  );
}

function tableOrIndex(index: string | undefined): string {
  return index === undefined ? 'table' : `index ${index}`;
}
