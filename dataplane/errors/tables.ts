import { ClientFault, validationFault } from './client-fault.ts';

/**
 * Faults of tables, indexes, time to live and tags: existence, state, limits and names. What
 * CreateTable and UpdateTable may ask for is in table-requests.ts.
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

/** Fields of a Table resource that the caller cannot change. */
export interface OwnedField {
  /** `spec.tags[key="team"].value`. */
  readonly field: string;
  readonly owners: readonly string[];
}

/**
 * Differs: where tables are Table resources of Kubernetes, a manifest may own what a request would
 * change, and the API server may refuse what the service would take.
 */
export const resourceFaults = {
  owned: (resource: string, fields: readonly OwnedField[]) => {
    const list = fields.map(({ field, owners }) => `${field} (${owners.join(', ')})`).join('; ');
    return invalid(
      `fields of the Table ${resource} are owned by others: ${list}. Change them there`,
    );
  },
  refused: (resource: string, reasons: readonly string[]) =>
    invalid(`the Table ${resource} would be invalid: ${reasons.join('; ')}`),
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
