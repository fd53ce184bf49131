import { isDeepStrictEqual } from 'node:util';
import type { DescribedTable, IndexDescription, TableDescription } from './table-description.ts';
import { createIndexRequestOf, type JsonObject, type TableResource } from './table-resource.ts';
import type { GlobalSecondaryIndex, TableSpec } from './table-types.ts';
import {
  maximumsChange,
  type ThroughputStep,
  throughputStep,
  warmRaise,
} from './throughput-changes.ts';
import { triggersRequestOf } from './trigger-request.ts';

/** A request of the DynamoDB API that brings a table nearer to its spec. */
export interface TableChange {
  readonly operation:
    | 'UpdateTable'
    | 'UpdateTimeToLive'
    | 'TagResource'
    | 'UntagResource'
    | 'UpdateTriggers';
  readonly body: JsonObject;
}

/**
 * What can be asked of the table now to make it what the spec says, most urgent first.
 *
 * Each request is right by itself for the table as described, whether those before it were accepted
 * or not (tags are removed before others are added). So one that is refused for an hour, such as a
 * fifth decrease in a day, holds up no other. An accepted UpdateTable makes the table busy: look
 * again then, and what is still needed comes again. Nothing to do and `isSettled`: the table is what
 * the spec says.
 *
 * What the API server refuses to change (key, local indexes) is not compared. An index that is not
 * in the spec is removed; so is one of another definition with the same name, to be made again.
 * @see reference/dynamodb.md §8; catalog/update-request-rules.ts for what goes into one request
 */
export function changesOf(
  described: DescribedTable,
  { spec, metadata }: TableResource,
): TableChange[] {
  const { TableStatus: status } = described.table;
  if (status === 'CREATING' || status === 'DELETING') return [];
  return [
    ...protectionChange(described.table, spec),
    ...tagChanges(described, spec),
    ...(status === 'ACTIVE' ? tableUpdates(described.table, spec) : []),
    ...timeToLiveChange(described, spec),
    ...triggersChange(described, triggersRequestOf(spec, metadata.namespace ?? '')),
  ];
}

/** Whether nothing is under way in the table: what is described is what holds. */
export function isSettled({ table, timeToLive, tags }: DescribedTable): boolean {
  const ttl = timeToLive?.TimeToLiveStatus;
  return (
    table.TableStatus === 'ACTIVE' &&
    table.WarmThroughput?.Status !== 'UPDATING' &&
    (table.GlobalSecondaryIndexes ?? []).every(
      (index) => index.IndexStatus === 'ACTIVE' && index.WarmThroughput?.Status !== 'UPDATING',
    ) &&
    (ttl === 'ENABLED' || ttl === 'DISABLED') &&
    tags !== undefined
  );
}

/** An index that the table has and the spec wants as it is. */
interface KeptIndex {
  readonly current: IndexDescription;
  readonly wanted: GlobalSecondaryIndex;
}

/** A table at work, compared with its spec. */
interface Comparison {
  readonly table: TableDescription;
  readonly spec: TableSpec;
  readonly kept: readonly KeptIndex[];
  readonly surplus: readonly IndexDescription[];
  readonly missing: readonly GlobalSecondaryIndex[];
}

function tableUpdates(table: TableDescription, spec: TableSpec): readonly TableChange[] {
  const comparison = compared(table, spec);
  const isModeKept = billingModeOf(table) === spec.billingMode;
  return [
    ...indexRemoval(comparison),
    ...(isModeKept
      ? [
          ...unitsChange(comparison, 'raise'),
          ...unitsChange(comparison, 'lower'),
          ...onDemandChanges(comparison),
          ...indexAddition(comparison),
        ]
      : billingModeChange(comparison)),
    ...warmChanges(comparison),
    ...tableClassChange(comparison),
    ...streamChange(comparison),
  ];
}

function compared(table: TableDescription, spec: TableSpec): Comparison {
  const current = table.GlobalSecondaryIndexes ?? [];
  const wanted = spec.globalSecondaryIndexes ?? [];
  const kept = current.flatMap((index) => {
    const same = wanted.find(
      (candidate) =>
        candidate.indexName === index.IndexName &&
        wantedDefinition(candidate, spec) === currentDefinition(index, table),
    );
    return same === undefined ? [] : [{ current: index, wanted: same }];
  });
  return {
    table,
    spec,
    kept,
    surplus: current.filter((index) => !kept.some((pair) => pair.current === index)),
    missing: wanted.filter((index) => !kept.some((pair) => pair.wanted === index)),
  };
}

/** What cannot be changed of an index: key with types, projection. */
function wantedDefinition(index: GlobalSecondaryIndex, spec: TableSpec): string {
  const types = new Map(spec.attributeDefinitions.map((a) => [a.attributeName, a.attributeType]));
  const { projectionType, nonKeyAttributes = [] } = index.projection;
  const key = index.keySchema.map((k) => [k.attributeName, k.keyType, types.get(k.attributeName)]);
  return JSON.stringify([key, projectionType, nonKeyAttributes.toSorted()]);
}

function currentDefinition(index: IndexDescription, table: TableDescription): string {
  const types = new Map(
    (table.AttributeDefinitions ?? []).map((a) => [a.AttributeName, a.AttributeType]),
  );
  const { ProjectionType, NonKeyAttributes = [] } = index.Projection;
  const key = index.KeySchema.map((k) => [k.AttributeName, k.KeyType, types.get(k.AttributeName)]);
  return JSON.stringify([key, ProjectionType, NonKeyAttributes.toSorted()]);
}

/** One index a request, and one at a time; a backfilling one can be removed. */
function indexRemoval({ table, surplus }: Comparison): readonly TableChange[] {
  const removed = surplus.find(
    ({ IndexStatus: status, Backfilling: isBackfilling }) =>
      status === 'ACTIVE' || (status === 'CREATING' && isBackfilling === true),
  );
  if (removed === undefined || isAnyIndexChanging(table, removed.IndexName)) return [];
  return [indexUpdates(table, [{ Delete: { IndexName: removed.IndexName } }])];
}

/** After what is to go is gone: its name, or the type of its key, may be wanted. */
function indexAddition({ table, spec, surplus, missing }: Comparison): readonly TableChange[] {
  const [added] = missing;
  if (added === undefined || surplus.length > 0 || isAnyIndexChanging(table, undefined)) return [];
  const keys = new Set(added.keySchema.map(({ attributeName }) => attributeName));
  const definitions = spec.attributeDefinitions
    .filter(({ attributeName }) => keys.has(attributeName))
    .map(({ attributeName, attributeType }) => ({
      AttributeName: attributeName,
      AttributeType: attributeType,
    }));
  const { operation, body } = indexUpdates(table, [{ Create: createIndexRequestOf(added, spec) }]);
  return [{ operation, body: { ...body, AttributeDefinitions: definitions } }];
}

/** Whether an index besides this one is being created or deleted. */
function isAnyIndexChanging(table: TableDescription, besides: string | undefined): boolean {
  return (table.GlobalSecondaryIndexes ?? []).some(
    ({ IndexName: name, IndexStatus: status }) =>
      name !== besides && (status === 'CREATING' || status === 'DELETING'),
  );
}

/**
 * Provisioned units of the table and its indexes in one request: those that only rise, or the
 * others. Decreases are limited to a few a day, and no increase is to wait for that.
 */
function unitsChange(
  { table, spec, kept }: Comparison,
  step: ThroughputStep,
): readonly TableChange[] {
  const own = throughputStep(table.ProvisionedThroughput, spec.provisionedThroughput);
  const indexes = kept.flatMap(({ current, wanted }) => {
    const change = throughputStep(current.ProvisionedThroughput, wanted.provisionedThroughput);
    if (change?.step !== step || current.IndexStatus !== 'ACTIVE') return [];
    return [indexUpdate(current, { ProvisionedThroughput: change.units })];
  });
  const isOwn = own?.step === step;
  if (!isOwn && indexes.length === 0) return [];
  return [
    updateTable(table, {
      ...(isOwn ? { ProvisionedThroughput: own.units } : {}),
      ...(indexes.length > 0 ? { GlobalSecondaryIndexUpdates: indexes } : {}),
    }),
  ];
}

/** Maximums of the table have a request of their own; those of indexes share one. */
function onDemandChanges({ table, spec, kept }: Comparison): readonly TableChange[] {
  if (spec.billingMode !== 'PAY_PER_REQUEST') return [];
  const own = maximumsChange(table.OnDemandThroughput, spec.onDemandThroughput);
  const indexes = kept.flatMap(({ current, wanted }) => {
    const change = maximumsChange(current.OnDemandThroughput, wanted.onDemandThroughput);
    if (change === undefined || current.IndexStatus !== 'ACTIVE') return [];
    return [indexUpdate(current, { OnDemandThroughput: change })];
  });
  return [
    ...(own === undefined ? [] : [updateTable(table, { OnDemandThroughput: own })]),
    ...(indexes.length === 0 ? [] : [indexUpdates(table, indexes)]),
  ];
}

/**
 * To provisioned mode with units for every index the table has, so surplus ones go first; to
 * on-demand mode with the table's maximums, which then hold from the start.
 */
function billingModeChange({ table, spec, kept, surplus }: Comparison): readonly TableChange[] {
  const indexes = table.GlobalSecondaryIndexes ?? [];
  if (spec.billingMode === 'PAY_PER_REQUEST') {
    if (indexes.some(({ IndexStatus }) => IndexStatus === 'UPDATING')) return [];
    const maximums = maximumsChange(undefined, spec.onDemandThroughput);
    const more = maximums === undefined ? {} : { OnDemandThroughput: maximums };
    return [updateTable(table, { BillingMode: spec.billingMode, ...more })];
  }
  const isReady = surplus.length === 0 && indexes.every((index) => index.IndexStatus === 'ACTIVE');
  const own = throughputStep(undefined, spec.provisionedThroughput);
  if (!isReady || own === undefined) return [];
  const updates = kept.map(({ current, wanted }) => {
    const units = throughputStep(undefined, wanted.provisionedThroughput)?.units;
    return indexUpdate(current, { ProvisionedThroughput: units });
  });
  return [
    updateTable(table, {
      BillingMode: spec.billingMode,
      ProvisionedThroughput: own.units,
      ...(updates.length > 0 ? { GlobalSecondaryIndexUpdates: updates } : {}),
    }),
  ];
}

/** Warm throughput of the table is changed alone; that of indexes in one request. */
function warmChanges({ table, spec, kept }: Comparison): readonly TableChange[] {
  const own = warmRaise(table.WarmThroughput, spec.warmThroughput);
  const indexes = kept.flatMap(({ current, wanted }) => {
    const raise = warmRaise(current.WarmThroughput, wanted.warmThroughput);
    if (raise === undefined || current.IndexStatus !== 'ACTIVE') return [];
    return [indexUpdate(current, { WarmThroughput: raise })];
  });
  return [
    ...(own === undefined ? [] : [updateTable(table, { WarmThroughput: own })]),
    ...(indexes.length === 0 ? [] : [indexUpdates(table, indexes)]),
  ];
}

function tableClassChange({ table, spec }: Comparison): readonly TableChange[] {
  const current = table.TableClassSummary?.TableClass ?? 'STANDARD';
  if (current === spec.tableClass) return [];
  return [updateTable(table, { TableClass: spec.tableClass })];
}

/** A stream keeps its view type: another one takes two changes, off, then on. */
function streamChange({ table, spec }: Comparison): readonly TableChange[] {
  const { StreamSpecification: current } = table;
  const { streamSpecification: wanted } = spec;
  const currentView = current?.StreamEnabled === true ? current.StreamViewType : undefined;
  const wantedView = wanted?.streamEnabled === true ? wanted.streamViewType : undefined;
  if (currentView === wantedView) return [];
  const StreamSpecification =
    currentView === undefined
      ? { StreamEnabled: true, StreamViewType: wantedView }
      : { StreamEnabled: false };
  return [updateTable(table, { StreamSpecification })];
}

/** All triggers at once: those that stay go on where they are. */
function triggersChange(
  { table, triggers = [] }: DescribedTable,
  wanted: readonly JsonObject[],
): readonly TableChange[] {
  if (isDeepStrictEqual(triggers, wanted)) return [];
  const { TableName } = table;
  return [{ operation: 'UpdateTriggers', body: { TableName, Triggers: wanted } }];
}

function protectionChange(table: TableDescription, spec: TableSpec): readonly TableChange[] {
  const wanted = spec.deletionProtectionEnabled;
  if ((table.DeletionProtectionEnabled ?? false) === wanted) return [];
  return [updateTable(table, { DeletionProtectionEnabled: wanted })];
}

function tagChanges({ table, tags }: DescribedTable, spec: TableSpec): readonly TableChange[] {
  if (tags === undefined) return [];
  const wanted = new Map((spec.tags ?? []).map(({ key, value }) => [key, value]));
  const current = new Map(tags.map(({ Key, Value }) => [Key, Value]));
  const removed = [...current.keys()].filter((key) => !wanted.has(key));
  const set = [...wanted].filter(([key, value]) => current.get(key) !== value);
  const ResourceArn = table.TableArn;
  const untag: TableChange = {
    operation: 'UntagResource',
    body: { ResourceArn, TagKeys: removed },
  };
  const tag: TableChange = {
    operation: 'TagResource',
    body: { ResourceArn, Tags: set.map(([Key, Value]) => ({ Key, Value })) },
  };
  return [...(removed.length > 0 ? [untag] : []), ...(set.length > 0 ? [tag] : [])];
}

/** Another attribute takes two changes: off, then on. */
function timeToLiveChange(
  { table, timeToLive }: DescribedTable,
  spec: TableSpec,
): readonly TableChange[] {
  const wanted = spec.timeToLive?.enabled === true ? spec.timeToLive.attributeName : undefined;
  const current = timeToLive?.AttributeName;
  switch (timeToLive?.TimeToLiveStatus) {
    case 'ENABLED':
      return current === wanted ? [] : [timeToLiveUpdate(table, false, current)];
    case 'DISABLED':
      return wanted === undefined ? [] : [timeToLiveUpdate(table, true, wanted)];
    default:
      return [];
  }
}

function timeToLiveUpdate(
  { TableName }: TableDescription,
  isEnabled: boolean,
  attribute: string | undefined,
): TableChange {
  const TimeToLiveSpecification = { Enabled: isEnabled, AttributeName: attribute };
  return { operation: 'UpdateTimeToLive', body: { TableName, TimeToLiveSpecification } };
}

function billingModeOf(table: TableDescription): string {
  return table.BillingModeSummary?.BillingMode ?? 'PROVISIONED';
}

function updateTable({ TableName }: TableDescription, members: JsonObject): TableChange {
  return { operation: 'UpdateTable', body: { TableName, ...members } };
}

function indexUpdates(table: TableDescription, updates: readonly JsonObject[]): TableChange {
  return updateTable(table, { GlobalSecondaryIndexUpdates: updates });
}

function indexUpdate({ IndexName }: IndexDescription, members: JsonObject): JsonObject {
  return { Update: { IndexName, ...members } };
}
