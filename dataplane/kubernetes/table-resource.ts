import { createHash } from 'node:crypto';
import type { KubeObject } from './object.ts';
import type {
  GlobalSecondaryIndex,
  TableSpec,
  TableStatus,
  WarmThroughput,
  WrittenTableSpec,
} from './table-types.ts';

/** A Table as the API server gives it: what has a default is there. */
export interface TableResource extends KubeObject {
  readonly spec: TableSpec;
  readonly status?: TableStatus;
}

export type JsonObject = { readonly [member: string]: unknown };

/** What a table or index in on-demand mode can take anyway, a second (catalog/limits.ts). */
export const ON_DEMAND_WARM_MIN = {
  readUnitsPerSecond: 12_000,
  writeUnitsPerSecond: 4000,
} as const;

/** Which members are taken over, by their names in a Table; others are dropped. */
type Shape = 'value' | readonly [Shape] | ObjectShape;

interface ObjectShape {
  readonly [member: string]: Shape;
}

const keySchema: Shape = [{ attributeName: 'value', keyType: 'value' }];
const provisionedThroughput: Shape = { readCapacityUnits: 'value', writeCapacityUnits: 'value' };
const onDemandThroughput: Shape = { maxReadRequestUnits: 'value', maxWriteRequestUnits: 'value' };
const warmThroughput: Shape = { readUnitsPerSecond: 'value', writeUnitsPerSecond: 'value' };
const localIndex = {
  indexName: 'value',
  keySchema,
  projection: { projectionType: 'value', nonKeyAttributes: 'value' },
} as const satisfies ObjectShape;

/** A global index: the same in CreateTable and in UpdateTable. */
const globalIndex: ObjectShape = {
  ...localIndex,
  provisionedThroughput,
  onDemandThroughput,
  warmThroughput,
};

/** What CreateTable takes, as far as a Table has it. */
const createTable: ObjectShape = {
  tableName: 'value',
  attributeDefinitions: [{ attributeName: 'value', attributeType: 'value' }],
  keySchema,
  billingMode: 'value',
  provisionedThroughput,
  onDemandThroughput,
  warmThroughput,
  globalSecondaryIndexes: [globalIndex],
  localSecondaryIndexes: [localIndex],
  streamSpecification: { streamEnabled: 'value', streamViewType: 'value' },
  tableClass: 'value',
  deletionProtectionEnabled: 'value',
  tags: [{ key: 'value', value: 'value' }],
};

/**
 * The body of CreateTable for a Table. Time to live is not part of it (`timeToLiveRequestOf`).
 *
 * Warm throughput is "at least" in a Table, while CreateTable refuses less than the table has
 * anyway: it is raised to that. The class STANDARD is left out, so that DescribeTable shows no
 * TableClassSummary where nobody asked for a class. A stream that is off is left out, too.
 */
export function createRequestOf({ spec }: TableResource): JsonObject {
  const { warmThroughput: warm, globalSecondaryIndexes: indexes, tableClass } = spec;
  const { streamSpecification: stream } = spec;
  return wireOf(createTable, {
    ...spec,
    warmThroughput: warmOf(warm, spec),
    globalSecondaryIndexes: indexes?.map((index) => newIndex(index, spec)),
    streamSpecification: stream?.streamEnabled === true ? stream : undefined,
    tableClass: tableClass === 'STANDARD' ? undefined : tableClass,
  });
}

/** The member `Create` of an index update, for an index of the spec that the table does not have. */
export function createIndexRequestOf(index: GlobalSecondaryIndex, spec: TableSpec): JsonObject {
  return wireOf(globalIndex, newIndex(index, spec));
}

/** The body of UpdateTimeToLive for a new table; undefined when time to live is off. */
export function timeToLiveRequestOf({ spec }: TableResource): JsonObject | undefined {
  const { tableName, timeToLive } = spec;
  if (timeToLive?.enabled !== true) return undefined;
  return {
    TableName: tableName,
    TimeToLiveSpecification: { Enabled: true, AttributeName: timeToLive.attributeName },
  };
}

/**
 * The spec of the Table that a CreateTable is to become: what the request says and no more, so that
 * its writer owns nothing that nobody asked for. Without deletionPolicy, volumes outlive the Table
 * unless DeleteTable is called, which sets it.
 * @param request that has passed the checks of CreateTable, with a plain TableName, no ARN. Members
 *   that a Table does not have ask for what holds anyway (`catalog/unsupported-members.ts`).
 */
export function specOfCreateRequest(request: JsonObject): WrittenTableSpec {
  // The checks of CreateTable are stricter than the schema of Table.
  const spec = manifestOf(createTable, request) as unknown as WrittenTableSpec;
  const { streamSpecification, ...withoutStream } = spec;
  return streamSpecification?.streamEnabled === true ? spec : withoutStream;
}

const NAME_LENGTH_MAX = 50;
const HASH_LENGTH = 5;
const LOOKS_HASHED = /-[0-9a-f]{5}$/;

/**
 * The metadata.name of the Table that is made for a TableName: a DNS label that begins with a
 * letter, at most 50 characters. When anything of the name had to be changed, it ends with 5 digits of
 * a hash, and so it does when the name could be taken for such a one. So two TableNames get one
 * name only by chance (1 in a million for names that look alike): whoever creates the Table finds
 * the other's tableName in it.
 */
export function resourceNameOf(tableName: string): string {
  const label = tableName.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-');
  const lettered = /^[a-z]/.test(label) ? label : `t-${label}`;
  const isKept =
    lettered === tableName &&
    lettered.length <= NAME_LENGTH_MAX &&
    !lettered.endsWith('-') &&
    !LOOKS_HASHED.test(lettered);
  if (isKept) return lettered;
  const hash = createHash('sha256').update(tableName, 'utf8').digest('hex').slice(0, HASH_LENGTH);
  const stem = lettered.slice(0, NAME_LENGTH_MAX - HASH_LENGTH - 1).replace(/-+$/, '');
  return `${stem}-${hash}`;
}

function newIndex(index: GlobalSecondaryIndex, spec: TableSpec): object {
  const warm = warmOf(index.warmThroughput, { ...spec, ...index });
  return { ...index, warmThroughput: warm };
}

/** The warm throughput to ask for, not below what there is anyway. */
function warmOf(
  wanted: WarmThroughput | undefined,
  {
    billingMode,
    provisionedThroughput: units,
  }: Pick<TableSpec, 'billingMode' | 'provisionedThroughput'>,
): WarmThroughput | undefined {
  if (wanted === undefined) return undefined;
  const isProvisioned = billingMode === 'PROVISIONED';
  const least = {
    readUnitsPerSecond: isProvisioned
      ? (units?.readCapacityUnits ?? 0)
      : ON_DEMAND_WARM_MIN.readUnitsPerSecond,
    writeUnitsPerSecond: isProvisioned
      ? (units?.writeCapacityUnits ?? 0)
      : ON_DEMAND_WARM_MIN.writeUnitsPerSecond,
  };
  return Object.fromEntries(
    (['readUnitsPerSecond', 'writeUnitsPerSecond'] as const).flatMap((member) => {
      const value = wanted[member];
      return value === undefined ? [] : [[member, Math.max(value, least[member])]];
    }),
  );
}

/** A part of a Table with the names of the DynamoDB API. */
function wireOf(shape: ObjectShape, value: object): JsonObject {
  return convertedObject(shape, value as JsonObject, { from: (name) => name, to: capitalised });
}

/** A part of a request with the names of a Table. */
function manifestOf(shape: ObjectShape, value: JsonObject): JsonObject {
  return convertedObject(shape, value, { from: capitalised, to: (name) => name });
}

interface Naming {
  readonly from: (member: string) => string;
  readonly to: (member: string) => string;
}

/** Undefined members, empty objects and empty lists say nothing: they are left out. */
function convertedObject(shape: ObjectShape, value: JsonObject, naming: Naming): JsonObject {
  const members = Object.entries(shape).flatMap(([member, part]) => {
    const found = converted(part, value[naming.from(member)], naming);
    return found === undefined ? [] : [[naming.to(member), found]];
  });
  return Object.fromEntries(members);
}

function converted(shape: Shape, value: unknown, naming: Naming): unknown {
  if (value === undefined || value === null || shape === 'value') return value ?? undefined;
  if (isListShape(shape)) {
    // Request and manifest have passed their checks: a list is where the shape has one.
    const list = (value as readonly unknown[]).map((each) => converted(shape[0], each, naming));
    return list.length === 0 ? undefined : list;
  }
  const object = convertedObject(shape, value as JsonObject, naming);
  return Object.keys(object).length === 0 ? undefined : object;
}

function isListShape(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function capitalised(member: string): string {
  return `${member.slice(0, 1).toUpperCase()}${member.slice(1)}`;
}
