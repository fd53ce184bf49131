import { ClientFault, validationFault } from './client-fault.ts';

/**
 * Faults of tables, indexes, time to live and tags: existence, state, limits, and the rules of the
 * control plane's requests.
 *
 * Texts: reference/dynamodb.md sections 4, 6 and 8, and the public lab notes behind its tag L
 * (live probes of October 2026). Texts of our own are marked `Differs:`.
 */
const INVALID = 'One or more parameter values were invalid: ';
const IN_USE = 'Attempt to change a resource which is still in use: ';
const LIMIT = 'Subscriber limit exceeded: ';
const NOT_FOUND = 'Requested resource not found';
const GUIDE =
  'Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.';
const ON_DEMAND_GUIDE =
  'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html#on-demand-capacity-mode-initial';

function invalid(text: string): ClientFault {
  return validationFault(INVALID + text);
}

function inUse(text: string): ClientFault {
  return new ClientFault('ResourceInUseException', IN_USE + text);
}

function limit(text: string): ClientFault {
  return new ClientFault('LimitExceededException', text);
}

function notFound(text: string): ClientFault {
  return new ClientFault('ResourceNotFoundException', text);
}

/** Faults that depend on which tables and indexes exist, and what they are doing. */
export const tableFaults = {
  /** The data plane's answer for a table that is absent or not readable yet. */
  notReadable: () => notFound(NOT_FOUND),
  notFound: (table: string) => notFound(`${NOT_FOUND}: Table: ${table} not found`),
  indexNotFound: (index: string, table: string) =>
    notFound(`${NOT_FOUND}: Index ${index} for table ${table}`),
  alreadyExists: (table: string) =>
    new ClientFault('ResourceInUseException', `Table already exists: ${table}`),
  beingCreated: (table: string) => inUse(`Table is being created: ${table}`),
  beingDeleted: (table: string) => inUse(`Table is being deleted: ${table}`),
  beingUpdated: (table: string) => inUse(`Table: ${table} is in the process of being updated.`),
  throughputUpdating: (table: string) =>
    inUse(`Table IOPS are currently being updated. Table: ${table}`),
  billingModeUpdating: () =>
    inUse('OnDemandThroughput cannot be updated while BillingMode update is in progress'),
  indexChangeDuringThroughput: (table: string) =>
    inUse(`Can't create or delete indexes while table IOPS are being updated. Table: ${table}`),
  indexChangeDuringTableClass: () =>
    inUse("Can't create or delete an index when a table class update is in progress."),
  tableClassUpdating: (table: string, tableClass: string) =>
    inUse(
      `Can't update table class when a table class update is in progress. Table: ${table} ` +
        `TableClassUpdateInProgress: ${tableClass}`,
    ),
  throughputDuringIndex: (
    table: string,
    change: 'created' | 'deleted',
    indexes: readonly string[],
  ) =>
    inUse(
      `Can't change table IOPS when an index is being ${change}. Table: ${table} ` +
        `Indexes: [${indexes.join(', ')}]`,
    ),
  onDemandDuringIndex: (change: 'creation' | 'deletion', indexes: readonly string[]) =>
    inUse(
      `OnDemandThroughput cannot be updated while index ${change} is in progress for indexes: ` +
        `[${indexes.join(', ')}]`,
    ),
  deleteDuringIndexes: () =>
    inUse('Cannot delete table while indexes are being created, updated, or deleted.'),
  indexAllocating: (table: string, index: string) =>
    inUse(
      'Index creation is in resource allocation phase. Retry deletion during backfilling phase or ' +
        `when the index is active. Table: ${table} Index: ${index}`,
    ),
  indexNotBackfilling: (table: string, index: string) =>
    inUse(`Index is being created but is not backfilling yet.  Table: ${table} Index: ${index}`),
  indexBeingDeleted: (table: string, index: string) =>
    inUse(`Index is being deleted. Table: ${table} Index: ${index}`),
  indexBeingUpdated: (table: string, index: string) =>
    inUse(`Index is being updated. Table: ${table} Index: ${index}`),
  resourceDenied: () => new ClientFault('AccessDeniedException', 'Access is denied'),
  deletionProtected: () =>
    validationFault(
      'Resource cannot be deleted as it is currently protected against deletion. ' +
        'Disable deletion protection first.',
    ),
  deletionProtectionCooldown: (table: string, cooldownMs: number, untilMs: number) =>
    new ClientFault(
      'ThrottlingException',
      `Deletion protection setting for table ${table} modified within the previous ${cooldownMs} ` +
        `milliseconds. Please try again after ${new Date(untilMs).toISOString().slice(0, -1)}`,
    ),
} as const;

/** Faults of quotas. */
export const tableLimitFaults = {
  /** Differs: the service's text names its own quota; the form is from older captures. */
  tables: (max: number) => limit(`${LIMIT}There is a limit of ${max} tables per subscriber`),
  concurrentOperations: (max: number) =>
    limit(`${LIMIT}Only ${max} tables can be created, updated, or deleted simultaneously`),
  oneIndexAtATime: () =>
    limit(`${LIMIT}Only 1 online index can be created or deleted simultaneously per table`),
  globalIndexes: (max: number) =>
    limit(`${LIMIT}Number of global secondary indexes exceeds per-table limit of ${max}`),
  tableClassChanges: () =>
    limit(`${LIMIT}Updates to TableClass are limited to 2 times in 30 day(s).`),
  decreases: (count: number, lastMs: number, nextMs: number) =>
    limit(
      `${LIMIT}Provisioned throughput decreases are limited within a given UTC day. After the ` +
        'first 4 decreases, each subsequent decrease in the same UTC day can be performed at most ' +
        `once every 3600 seconds. Number of decreases today: ${count}. ` +
        `Last decrease at ${longDate(lastMs)}. Next decrease can be made at ${longDate(nextMs)}`,
    ),
  tableUnits: (unit: CapacityUnit, requested: number, region: string, max: number) =>
    limit(
      `The requested ${unit}, ${requested}, is above the per table maximum for the account in ` +
        `${region}. Per table maximum: ${max}. ${GUIDE}`,
    ),
  indexUnits: (
    unit: CapacityUnit,
    requested: number,
    place: { index: string; region: string; max: number },
  ) =>
    limit(
      `The requested ${unit} for index ${place.index}, ${requested}, is above the per index maximum ` +
        `for the account in ${place.region}. Per index maximum: ${place.max}. ${GUIDE}`,
    ),
  accountUnits: (
    unit: CapacityUnit,
    units: { region: string; reserved: number; max: number; requested: number },
  ) =>
    limit(
      `This request would have caused the ${unit} limit to be exceeded for the account in ` +
        `${units.region}. Current ${unit} reserved by the account: ${units.reserved}. ` +
        `Limit: ${units.max}. Requested: ${units.requested}. ${GUIDE}`,
    ),
  onDemandMaximum: (
    member: string,
    quota: string,
    place: { index?: string | undefined; region: string },
  ) =>
    limit(
      `${LIMIT}Requested ${member} for OnDemandThroughput for ` +
        `${place.index === undefined ? 'table' : `index : ${place.index}`} exceeds ${quota} of the ` +
        `account in region ${place.region}`,
    ),
  warmMaximum: (
    member: string,
    quota: string,
    place: { index?: string | undefined; region: string },
  ) =>
    limit(
      `${LIMIT}Requested ${member} for WarmThroughput for ` +
        `${place.index === undefined ? 'table' : `index ${place.index}`} exceeds ${quota} of the ` +
        `account in region ${place.region}`,
    ),
} as const;

export type CapacityUnit = 'ReadCapacityUnits' | 'WriteCapacityUnits';

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

export const timeToLiveFaults = {
  alreadyEnabled: () => validationFault('TimeToLive is already enabled'),
  alreadyDisabled: () => validationFault('TimeToLive is already disabled'),
  otherAttribute: (attribute: string) =>
    validationFault(
      `TimeToLive is active on a different AttributeName: current AttributeName is ${attribute}`,
    ),
  tooOften: () =>
    validationFault('Time to live has been modified multiple times within a fixed interval'),
  notReadable: (status: string) =>
    validationFault(
      `Cannot describe time to live while table is in ${status} state: ` +
        `Current table state is ${status}`,
    ),
} as const;

export const tagFaults = {
  none: () => validationFault('Atleast one Tag needs to be provided as Input.'),
  noKeys: () => validationFault('Atleast one Tag Key needs to be provided as Input.'),
  key: (key: string | undefined) =>
    validationFault(`The Tag Key provided is invalid, Key: ${key ?? 'null'}`),
  value: (value: string | undefined) =>
    validationFault(`The Tag Value provided is invalid, Value: ${value ?? 'null'}`),
  reservedKey: (key: string) =>
    validationFault(`Tag Key cannot be prefixed with aws:, Key: ${key}`),
  duplicateKey: (key: string) =>
    validationFault(`Duplicate Tag Keys provided as input: Duplicate Tag Key found ${key}`),
  tooMany: () =>
    validationFault('Number of Tags exceed the current limit for the provided ResourceArn'),
} as const;

/** Faults of ARNs: `ResourceArn` members first, then ARNs given as `TableName`. */
export const arnFaults = {
  missing: () => validationFault('Invalid TableArn'),
  notAnArn: (text: string) => invalid(`ARNs must start with 'arn:': ${text}`),
  otherService: (arn: string) => invalid(`Provided Arn is not a DynamoDB resource arn: ${arn}`),
  otherResource: (arn: string) =>
    invalid(
      `Invalid resource arn provided, only table or stream is accepted. Provided resource arn: ${arn}`,
    ),
  otherPlace: (arn: string) =>
    validationFault(`Invalid TableArn: Invalid ResourceArn provided as input ${arn}`),
  notFound: (arn: string) => notFound(`${NOT_FOUND}: ResourceArn: ${arn} not found`),

  region: (arn: string) =>
    validationFault(`1 validation error detected: Invalid AWS region in '${arn}'`),
  partition: (arn: string) =>
    validationFault(`1 validation error detected: Invalid AWS partition in '${arn}'`),
  resourceType: (arn: string) =>
    validationFault(`1 validation error detected: Invalid resource type in '${arn}'`),
  /** Differs: only the beginning of the service's text is known. */
  form: () =>
    validationFault(
      '1 validation error detected: Valid ARN format is ' +
        'arn:<partition>:dynamodb:<region>:<account>:table/<table name>',
    ),
} as const;

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** Thursday, October 8, 2026 at 11:20:48 PM Coordinated Universal Time */
function longDate(ms: number): string {
  const date = new Date(ms);
  const hours = date.getUTCHours();
  const clock = [
    String(hours % 12 === 0 ? 12 : hours % 12),
    String(date.getUTCMinutes()).padStart(2, '0'),
    String(date.getUTCSeconds()).padStart(2, '0'),
  ].join(':');
  return (
    `${WEEKDAYS[date.getUTCDay()]}, ${MONTHS[date.getUTCMonth()]} ${date.getUTCDate()}, ` +
    `${date.getUTCFullYear()} at ${clock} ${hours < 12 ? 'AM' : 'PM'} Coordinated Universal Time`
  );
}
