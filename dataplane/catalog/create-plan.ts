import { tableRequestFaults, throughputRequestFaults } from '../errors/table-requests.ts';
import type { GlobalIndex, TableClass, TableDescriptor, ThroughputSettings } from './descriptor.ts';
import { checkIndexes, projectionOf } from './index-rules.ts';
import { checkKeysAndDefinitions, usedDefinitions } from './key-schema-rules.ts';
import { evenPartitions, initialPartitionsCount, type NextPartitionId } from './partition-plan.ts';
import { checkCreateStream, createdStream } from './stream-rules.ts';
import type { CreateTableRequest, GlobalIndexRequest, IndexThroughput } from './table-request.ts';
import { checkTags } from './tag-rules.ts';
import {
  checkOnDemand,
  checkUnitsBound,
  checkUnitsQuota,
  defaultWarm,
  initialProvisioned,
  initialWarm,
  mergedOnDemand,
  type Subject,
} from './throughput-rules.ts';
import { refuseUnsupportedOnCreate } from './unsupported-members.ts';

/** What a plan takes from outside: time, place, and what only exists once. */
export interface CreateContext {
  readonly name: string;
  readonly arn: string;
  readonly region: string;
  readonly nowMs: number;
  /** No stream of this name has this id or a higher one. */
  readonly streamIdMin: number;
  readonly newTableId: () => string;
  readonly newHashSecret: () => Uint8Array;
  readonly nextPartitionId: NextPartitionId;
}

/**
 * The rules of CreateTable that need no look at other tables.
 * @throws ClientFault
 * @see reference/dynamodb.md §6 (CreateTable)
 */
export function checkCreateTable(request: CreateTableRequest, region: string): void {
  checkCreateStream(request.StreamSpecification);
  refuseUnsupportedOnCreate(request);
  checkBilling(request);
  checkKeysAndDefinitions(request);
  checkIndexes(request);
  for (const index of request.GlobalSecondaryIndexes ?? []) checkIndexBilling(index, request);
  checkTableClass(request.TableClass);
  checkTags(request.Tags ?? []);
  const table = { index: undefined, region };
  settingsOf(request, { request, subject: table });
  if (request.ProvisionedThroughput !== undefined) {
    checkUnitsQuota(request.ProvisionedThroughput, table);
  }
  for (const index of request.GlobalSecondaryIndexes ?? []) {
    const subject = { index: index.IndexName, region };
    settingsOf(index, { request, subject });
    if (index.ProvisionedThroughput !== undefined) {
      checkUnitsQuota(index.ProvisionedThroughput, subject);
    }
  }
}

/** The descriptor of a new table, CREATING. `request` has passed `checkCreateTable`. */
export function planCreateTable(
  request: CreateTableRequest,
  context: CreateContext,
): TableDescriptor {
  const local = request.LocalSecondaryIndexes ?? [];
  const global = request.GlobalSecondaryIndexes ?? [];
  const throughput = settingsOf(request, {
    request,
    subject: { index: undefined, region: context.region },
  });
  return {
    name: context.name,
    id: context.newTableId(),
    arn: context.arn,
    createdAtMs: context.nowMs,
    status: 'CREATING',
    hashSecret: context.newHashSecret(),
    partitions: evenPartitions(initialPartitionsCount(throughput.warm), context.nextPartitionId),
    keySchema: request.KeySchema.map(({ AttributeName, KeyType }) => ({ AttributeName, KeyType })),
    attributeDefinitions: usedDefinitions(
      request.AttributeDefinitions,
      [request, ...local, ...global].map(({ KeySchema }) => KeySchema),
    ),
    localIndexes: local.map((index, position) => ({
      id: position + 1,
      name: index.IndexName,
      keySchema: index.KeySchema.map(({ AttributeName, KeyType }) => ({ AttributeName, KeyType })),
      projection: projectionOf(index.Projection),
    })),
    globalIndexes: global.map((index, position) =>
      newGlobalIndex(index, {
        id: local.length + position + 1,
        throughput: settingsOf(index, {
          request,
          subject: { index: index.IndexName, region: context.region },
        }),
        nextPartitionId: context.nextPartitionId,
      }),
    ),
    indexIdNext: local.length + global.length + 1,
    billingMode: modeOf(request),
    onDemandSinceMs: undefined,
    throughput,
    pending: undefined,
    warmPending: undefined,
    tableClass:
      request.TableClass === undefined
        ? undefined
        : { tableClass: checkTableClass(request.TableClass), changedAtMs: undefined },
    tableClassChangesMs: [],
    deletionProtection: {
      enabled: request.DeletionProtectionEnabled ?? false,
      changedAtMs: undefined,
    },
    timeToLive: { status: 'DISABLED', attribute: undefined, changedAtMs: undefined },
    stream: createdStream(request, context),
    endedStreams: [],
    streamPending: false,
    tags: checkTags(request.Tags ?? []),
  };
}

/** A global index, CREATING with empty partitions of its own. */
export function newGlobalIndex(
  index: GlobalIndexRequest,
  parts: {
    readonly id: number;
    readonly throughput: ThroughputSettings;
    readonly nextPartitionId: NextPartitionId;
  },
): GlobalIndex {
  const count = initialPartitionsCount(parts.throughput.warm);
  return {
    id: parts.id,
    name: index.IndexName,
    keySchema: index.KeySchema.map(({ AttributeName, KeyType }) => ({ AttributeName, KeyType })),
    projection: projectionOf(index.Projection),
    partitions: evenPartitions(count, parts.nextPartitionId),
    status: 'CREATING',
    backfilling: undefined,
    throughput: parts.throughput,
    provisionedPending: undefined,
    warmPending: undefined,
  };
}

/** @throws ClientFault ValidationException */
export function checkTableClass(value: string | undefined): TableClass {
  if (value === undefined || value === 'STANDARD') return 'STANDARD';
  if (value === 'STANDARD_INFREQUENT_ACCESS') return value;
  throw tableRequestFaults.tableClass();
}

function modeOf(request: Pick<CreateTableRequest, 'BillingMode'>) {
  return request.BillingMode ?? 'PROVISIONED';
}

/** Throughput of the new table or one of its indexes. @throws ClientFault */
function settingsOf(
  wanted: IndexThroughput,
  { request, subject }: { readonly request: CreateTableRequest; readonly subject: Subject },
): ThroughputSettings {
  const mode = modeOf(request);
  checkOnDemand(wanted.OnDemandThroughput, { ...subject, mode, operation: 'create' });
  const provisioned = initialProvisioned(wanted.ProvisionedThroughput);
  return {
    provisioned,
    warm: initialWarm(wanted.WarmThroughput, defaultWarm(mode, provisioned), { ...subject, mode }),
    onDemand: mergedOnDemand(
      { readUnits: undefined, writeUnits: undefined },
      wanted.OnDemandThroughput,
    ),
  };
}

function checkBilling(request: CreateTableRequest): void {
  const units = request.ProvisionedThroughput;
  if (modeOf(request) === 'PAY_PER_REQUEST') {
    if (units !== undefined) throw throughputRequestFaults.unitsNotAllowed();
    return;
  }
  if (units === undefined) throw throughputRequestFaults.unitsRequired();
  checkUnitsBound(units);
}

function checkIndexBilling(index: GlobalIndexRequest, request: CreateTableRequest): void {
  const units = index.ProvisionedThroughput;
  if (modeOf(request) === 'PAY_PER_REQUEST') {
    if (units !== undefined) {
      throw throughputRequestFaults.indexThroughputNotAllowed(index.IndexName);
    }
    return;
  }
  if (units === undefined) throw throughputRequestFaults.indexThroughputMissing(index.IndexName);
  checkUnitsBound(units);
}
