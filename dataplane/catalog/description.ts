import type { TableStatistics } from '../routing/table.ts';
import { streamArn, streamLabel } from '../stream/stream-arn.ts';
import { indexArn } from './arn.ts';
import {
  decreasesToday,
  type GlobalIndex,
  type LocalIndex,
  type OnDemandMaximums,
  type ProvisionedSetting,
  type TableDescriptor,
  type TableStatus,
  tableStatus,
  type WarmUnits,
} from './descriptor.ts';
import { latestStream } from './stream-rules.ts';

/** A TableDescription as it goes on the wire. */
export type TableDescription = { readonly [member: string]: unknown };

/** What a description is made from besides the descriptor. */
export interface DescriptionParts {
  /** Undefined while the table is not open (CREATING, DELETING): counts are 0. */
  readonly statistics: TableStatistics | undefined;
  readonly nowMs: number;
}

/**
 * All that DescribeTable shows. Members appear exactly when the service shows them; undefined ones
 * are left out by JSON.stringify.
 * @see reference/dynamodb.md §8
 */
export function describeTable(table: TableDescriptor, parts: DescriptionParts): TableDescription {
  const status = tableStatus(table);
  return {
    AttributeDefinitions: table.attributeDefinitions,
    ...identity(table, status, parts),
    KeySchema: table.keySchema,
    LocalSecondaryIndexes: nonEmpty(
      table.localIndexes.map((index) => describeLocalIndex(table, index, parts)),
    ),
    GlobalSecondaryIndexes: nonEmpty(
      table.globalIndexes.map((index) => describeGlobalIndex(table, index, parts)),
    ),
    ...streamMembers(table),
    OnDemandThroughput: onDemandMembers(table.throughput.onDemand),
    WarmThroughput: warmMembers(
      table.throughput.warm,
      table.warmPending !== undefined || status === 'CREATING' ? 'UPDATING' : 'ACTIVE',
    ),
    TableClassSummary:
      table.tableClass === undefined
        ? undefined
        : {
            TableClass: table.tableClass.tableClass,
            LastUpdateDateTime: seconds(table.tableClass.changedAtMs),
          },
  };
}

/** CreateTable's answer: warm throughput is shown only where it was asked for. */
export function describeCreatedTable(
  table: TableDescriptor,
  parts: DescriptionParts & { readonly warmRequested: boolean },
): TableDescription {
  const description = describeTable(table, parts);
  const indexes = table.globalIndexes.map((index) => {
    const { WarmThroughput: _, ...shown } = describeGlobalIndex(table, index, parts);
    return shown;
  });
  return {
    ...description,
    GlobalSecondaryIndexes: nonEmpty(indexes),
    WarmThroughput: parts.warmRequested ? description.WarmThroughput : undefined,
  };
}

/**
 * DeleteTable's answer: no date of creation, no schema, no indexes; its streams, as they were.
 * @see localstack/localstack test_dynamodb.snapshot.json, scylladb/scylladb test_table.py (the
 *   service's answers)
 */
export function describeDeletedTable(
  table: TableDescriptor,
  parts: DescriptionParts,
): TableDescription {
  const { CreationDateTime: _, ...shown } = identity(table, tableStatus(table), parts);
  return { ...shown, ...streamMembers(table) };
}

export function onDemandMembers({ readUnits, writeUnits }: OnDemandMaximums) {
  return readUnits === undefined && writeUnits === undefined
    ? undefined
    : { MaxReadRequestUnits: readUnits, MaxWriteRequestUnits: writeUnits };
}

function identity(table: TableDescriptor, status: TableStatus, parts: DescriptionParts) {
  return {
    TableName: table.name,
    TableStatus: status,
    CreationDateTime: seconds(table.createdAtMs),
    ProvisionedThroughput: provisionedMembers(table.throughput.provisioned, parts.nowMs),
    TableSizeBytes: parts.statistics?.bytes ?? 0,
    ItemCount: parts.statistics?.items ?? 0,
    TableArn: table.arn,
    TableId: table.id,
    BillingModeSummary: billingMembers(table),
    DeletionProtectionEnabled: table.deletionProtection.enabled,
  };
}

/** The last stream is told of also when it was disabled. */
function streamMembers(table: TableDescriptor) {
  const { stream } = table;
  const latest = latestStream(table);
  return {
    StreamSpecification:
      stream === undefined ? undefined : { StreamEnabled: true, StreamViewType: stream.viewType },
    LatestStreamLabel: latest === undefined ? undefined : streamLabel(latest.id),
    LatestStreamArn: latest === undefined ? undefined : streamArn(table.arn, latest.id),
  };
}

/** Shown once on-demand mode was ever set. */
function billingMembers(table: TableDescriptor) {
  if (table.billingMode === 'PROVISIONED' && table.onDemandSinceMs === undefined) return undefined;
  return {
    BillingMode: table.billingMode,
    LastUpdateToPayPerRequestDateTime: seconds(table.onDemandSinceMs),
  };
}

function describeLocalIndex(
  table: TableDescriptor,
  index: LocalIndex,
  { statistics }: DescriptionParts,
) {
  const counts = statistics?.indexes.get(index.name);
  return {
    IndexName: index.name,
    KeySchema: index.keySchema,
    Projection: index.projection,
    IndexSizeBytes: counts?.bytes ?? 0,
    ItemCount: counts?.items ?? 0,
    IndexArn: indexArn(table.arn, index.name),
  };
}

function describeGlobalIndex(table: TableDescriptor, index: GlobalIndex, parts: DescriptionParts) {
  return {
    ...describeLocalIndex(table, index, parts),
    IndexStatus: index.status,
    Backfilling: index.backfilling,
    ProvisionedThroughput: provisionedMembers(index.throughput.provisioned, parts.nowMs),
    OnDemandThroughput: onDemandMembers(index.throughput.onDemand),
    WarmThroughput: warmMembers(
      index.throughput.warm,
      index.warmPending !== undefined || index.status === 'CREATING' ? 'UPDATING' : 'ACTIVE',
    ),
  };
}

function provisionedMembers(setting: ProvisionedSetting, nowMs: number) {
  return {
    LastIncreaseDateTime: seconds(setting.lastIncreaseAtMs),
    LastDecreaseDateTime: seconds(setting.lastDecreaseAtMs),
    NumberOfDecreasesToday: decreasesToday(setting, nowMs),
    ReadCapacityUnits: setting.readUnits,
    WriteCapacityUnits: setting.writeUnits,
  };
}

function warmMembers({ readUnits, writeUnits }: WarmUnits, status: 'ACTIVE' | 'UPDATING') {
  return { ReadUnitsPerSecond: readUnits, WriteUnitsPerSecond: writeUnits, Status: status };
}

function nonEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
