import { tableRequestFaults, throughputRequestFaults } from '../errors/table-requests.ts';
import { tableFaults, tableLimitFaults } from '../errors/tables.ts';
import { newGlobalIndex } from './create-plan.ts';
import {
  type AttributeDefinition,
  type GlobalIndex,
  type KeySchemaElement,
  type TableDescriptor,
  withGlobalIndex,
} from './descriptor.ts';
import { checkGlobalIndex, checkProjectedTotal } from './index-rules.ts';
import { checkDefined, keyNames, usedDefinitions } from './key-schema-rules.ts';
import { GLOBAL_INDEXES_COUNT_MAX } from './limits.ts';
import type { NextPartitionId } from './partition-plan.ts';
import type {
  GlobalIndexRequest,
  GlobalIndexUpdate,
  IndexThroughputUpdate,
  UpdateTableRequest,
} from './table-request.ts';
import {
  changedProvisioned,
  checkOnDemand,
  checkProvisionedChange,
  checkUnitsBound,
  checkUnitsQuota,
  defaultWarm,
  initialProvisioned,
  initialWarm,
  isBeyondBound,
  mergedOnDemand,
  raisedWarm,
  saysSomething,
  whileUpdating,
} from './throughput-rules.ts';
import { updatedIndexName } from './update-request-rules.ts';

interface IndexContext {
  readonly region: string;
  readonly nowMs: number;
  readonly nextPartitionId: NextPartitionId;
  /** The table before the request: what it was busy with decides. */
  readonly before: TableDescriptor;
}

/**
 * GlobalSecondaryIndexUpdates of UpdateTable: at most one index is created or deleted at a time, any
 * number change their throughput. Two that are to be created or deleted are too many even if they
 * are not there.
 * @throws ClientFault
 * @see reference/dynamodb.md §8; scylladb/scylladb test_gsi_updatetable.py, dynalite
 *   test/updateTable.js (assertions that hold on the service): the order
 */
export function planIndexUpdates(
  table: TableDescriptor,
  request: UpdateTableRequest,
  context: IndexContext,
): TableDescriptor {
  const updates = request.GlobalSecondaryIndexUpdates ?? [];
  const changes = updates.filter(({ Update }) => Update === undefined);
  if (changes.length > 1) throw tableLimitFaults.oneIndexAtATime();
  for (const update of updates) checkExists(update, context.before);
  checkOneAtATime(changes[0], context.before);
  return updates.reduce((planned, update) => {
    if (update.Create !== undefined) {
      return planCreate(planned, { wanted: update.Create, request, context });
    }
    if (update.Update !== undefined) return planThroughput(planned, update.Update, context);
    return planDelete(planned, updatedIndexName(update), context);
  }, table);
}

function checkExists(update: GlobalIndexUpdate, table: TableDescriptor): void {
  const name = updatedIndexName(update);
  const isGlobal = table.globalIndexes.some((index) => index.name === name);
  const isLocal = table.localIndexes.some((index) => index.name === name);
  if (update.Create !== undefined) {
    if (isGlobal || isLocal) throw tableRequestFaults.indexExists();
    return;
  }
  if (isLocal) {
    throw tableRequestFaults.notGlobalIndex(
      update.Delete === undefined ? 'update' : 'delete',
      name,
    );
  }
  if (isGlobal) return;
  const units = update.Update?.ProvisionedThroughput;
  if (units !== undefined && isBeyondBound(units)) throw tableRequestFaults.indexUpdateBlocked();
  throw tableFaults.indexNotFound(name, table.name);
}

function checkOneAtATime(change: GlobalIndexUpdate | undefined, table: TableDescriptor): void {
  if (change === undefined) return;
  const deleted = change.Delete?.IndexName;
  const busy = table.globalIndexes.filter(
    ({ status }) => status === 'CREATING' || status === 'DELETING',
  );
  if (busy.some(({ name }) => name !== deleted)) throw tableLimitFaults.oneIndexAtATime();
  if (table.pending?.kind === 'throughput') {
    throw tableFaults.indexChangeDuringThroughput(table.name);
  }
  if (table.pending !== undefined) throw tableFaults.indexChangeDuringTableClass();
}

function planCreate(
  table: TableDescriptor,
  parts: {
    readonly wanted: GlobalIndexRequest;
    readonly request: UpdateTableRequest;
    readonly context: IndexContext;
  },
): TableDescriptor {
  const { wanted, request, context } = parts;
  const name = wanted.IndexName;
  if (request.AttributeDefinitions === undefined) throw tableRequestFaults.definitionsMissing(name);
  checkGlobalIndex(wanted);
  checkDefined(
    keyNames(wanted.KeySchema),
    request.AttributeDefinitions.map(({ AttributeName }) => AttributeName),
  );
  checkNotRedefined(table, wanted.KeySchema, request.AttributeDefinitions);
  checkNewIndexBilling(table, wanted);
  if (table.globalIndexes.length >= GLOBAL_INDEXES_COUNT_MAX) {
    throw tableLimitFaults.globalIndexes(GLOBAL_INDEXES_COUNT_MAX);
  }
  const others = [...table.localIndexes, ...table.globalIndexes];
  checkProjectedTotal([...others.map(({ projection }) => projection), wanted.Projection]);
  const index = newGlobalIndex(wanted, {
    id: table.indexIdNext,
    throughput: newIndexThroughput(table, wanted, context.region),
    nextPartitionId: context.nextPartitionId,
  });
  return {
    ...table,
    attributeDefinitions: usedDefinitions(
      merged(table.attributeDefinitions, request.AttributeDefinitions),
      [table, ...others, index].map(({ keySchema }) => keySchema),
    ),
    globalIndexes: [...table.globalIndexes, { ...index, backfilling: false }],
    indexIdNext: table.indexIdNext + 1,
  };
}

/**
 * An attribute of the new key keeps the type that keys of the table have given it.
 * @throws ClientFault
 * @see scylladb/scylladb test_gsi_updatetable.py (the service's text)
 */
function checkNotRedefined(
  table: TableDescriptor,
  keySchema: readonly KeySchemaElement[],
  definitions: readonly AttributeDefinition[],
): void {
  const current = typesOf(table.attributeDefinitions);
  const wanted = typesOf(definitions);
  const redefined = keyNames(keySchema).find((name) => {
    const type = current.get(name);
    return type !== undefined && type !== wanted.get(name);
  });
  if (redefined === undefined) return;
  const existing = [table, ...table.localIndexes, ...table.globalIndexes].find((each) =>
    keyNames(each.keySchema).includes(redefined),
  );
  throw tableRequestFaults.attributeRedefined(
    schemaText(existing?.keySchema ?? [], current),
    schemaText(keySchema, wanted),
  );
}

type AttributeTypes = ReadonlyMap<string, AttributeDefinition['AttributeType']>;

function typesOf(definitions: readonly AttributeDefinition[]): AttributeTypes {
  return new Map(
    definitions.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]),
  );
}

/** As the service prints it: `Schema:[SchemaElement: key{a:S:HASH}]`. */
function schemaText(keySchema: readonly KeySchemaElement[], types: AttributeTypes): string {
  const elements = keySchema.map(
    ({ AttributeName, KeyType }) =>
      `SchemaElement: key{${AttributeName}:${types.get(AttributeName)}:${KeyType}}`,
  );
  return `Schema:[${elements.join(', ')}]`;
}

/**
 * A redefinition of an attribute that no new key uses is ignored.
 * @see paritysuite/dynamodb-conformance issue 78 (the service, July 2026)
 */
function merged(
  current: readonly AttributeDefinition[],
  added: readonly AttributeDefinition[],
): readonly AttributeDefinition[] {
  const names = new Set(current.map(({ AttributeName }) => AttributeName));
  return [...current, ...added.filter(({ AttributeName }) => !names.has(AttributeName))];
}

function checkNewIndexBilling(table: TableDescriptor, wanted: GlobalIndexRequest): void {
  const units = wanted.ProvisionedThroughput;
  if (table.billingMode === 'PAY_PER_REQUEST') {
    if (units !== undefined) {
      throw throughputRequestFaults.newIndexUnitsNotAllowed(wanted.IndexName);
    }
    return;
  }
  if (units === undefined) throw throughputRequestFaults.newIndexUnitsRequired(wanted.IndexName);
  checkUnitsBound(units);
}

function newIndexThroughput(table: TableDescriptor, wanted: GlobalIndexRequest, region: string) {
  const subject = { index: wanted.IndexName, region };
  const mode = table.billingMode;
  checkOnDemand(wanted.OnDemandThroughput, { ...subject, mode, operation: 'update' });
  if (wanted.ProvisionedThroughput !== undefined) {
    checkUnitsQuota(wanted.ProvisionedThroughput, subject);
  }
  const provisioned = initialProvisioned(wanted.ProvisionedThroughput);
  const unlimited = { readUnits: undefined, writeUnits: undefined };
  return {
    provisioned,
    warm: initialWarm(wanted.WarmThroughput, defaultWarm(mode, provisioned), { ...subject, mode }),
    onDemand: mergedOnDemand(unlimited, wanted.OnDemandThroughput),
  };
}

function planThroughput(
  table: TableDescriptor,
  update: IndexThroughputUpdate,
  context: IndexContext,
): TableDescriptor {
  const index = indexNamed(table, update.IndexName);
  const before = indexNamed(context.before, update.IndexName);
  checkIdle(before, table.name);
  const mode = table.billingMode;
  const units = update.ProvisionedThroughput;
  const onDemand = saysSomething(update.OnDemandThroughput);
  const warm = saysSomething(update.WarmThroughput);
  if (mode === 'PAY_PER_REQUEST' && (units !== undefined || !(onDemand || warm))) {
    throw throughputRequestFaults.onDemandIndexUpdate(index.name);
  }
  if (mode === 'PROVISIONED' && units === undefined && !(onDemand || warm)) {
    throw throughputRequestFaults.indexThroughputRequired(index.name);
  }
  const subject = { index: index.name, region: context.region };
  checkOnDemand(update.OnDemandThroughput, { ...subject, mode, operation: 'update' });
  const changed: GlobalIndex = {
    ...index,
    status: onDemand ? 'UPDATING' : index.status,
    throughput: {
      ...index.throughput,
      onDemand: mergedOnDemand(index.throughput.onDemand, update.OnDemandThroughput),
    },
    warmPending: warm
      ? raisedWarm(update.WarmThroughput ?? {}, index.throughput.warm, subject)
      : index.warmPending,
  };
  const withUnits = units === undefined ? changed : withUnitsOf(changed, { units, context });
  return withGlobalIndex(table, index.name, withUnits);
}

/** In a switch of billing mode the units are shown at once, else when the index is ACTIVE again. */
function withUnitsOf(
  index: GlobalIndex,
  parts: {
    readonly units: NonNullable<IndexThroughputUpdate['ProvisionedThroughput']>;
    readonly context: IndexContext;
  },
): GlobalIndex {
  const { units, context } = parts;
  const current = index.throughput.provisioned;
  checkUnitsBound(units);
  checkUnitsQuota(units, { index: index.name, region: context.region });
  const isSwitch = context.before.billingMode === 'PAY_PER_REQUEST';
  if (!isSwitch)
    checkProvisionedChange(current, units, { index: index.name, nowMs: context.nowMs });
  const wanted = changedProvisioned(current, units, context.nowMs);
  const shown = isSwitch ? wanted : whileUpdating(current, wanted, context.nowMs);
  return {
    ...index,
    status: 'UPDATING',
    throughput: { ...index.throughput, provisioned: shown },
    provisionedPending: wanted,
  };
}

function checkIdle(index: GlobalIndex, table: string): void {
  if (index.status === 'UPDATING') throw tableFaults.indexBeingUpdated(table, index.name);
  if (index.status === 'DELETING') throw tableFaults.indexBeingDeleted(table, index.name);
  if (index.backfilling === false) throw tableFaults.indexNotBackfilling(table, index.name);
  if (index.backfilling === true) throw tableFaults.indexBeingUpdated(table, index.name);
}

/** A backfilling index can be deleted, one whose resources are being allocated cannot. */
function planDelete(table: TableDescriptor, name: string, context: IndexContext): TableDescriptor {
  const index = indexNamed(context.before, name);
  if (index.status === 'UPDATING') throw tableFaults.indexBeingUpdated(table.name, name);
  if (index.status === 'DELETING') throw tableFaults.indexBeingDeleted(table.name, name);
  if (index.backfilling === false) throw tableFaults.indexAllocating(table.name, name);
  return withGlobalIndex(table, name, {
    ...indexNamed(table, name),
    status: 'DELETING',
    backfilling: undefined,
  });
}

function indexNamed(table: TableDescriptor, name: string): GlobalIndex {
  const index = table.globalIndexes.find((candidate) => candidate.name === name);
  if (index === undefined) throw tableFaults.indexNotFound(name, table.name);
  return index;
}
