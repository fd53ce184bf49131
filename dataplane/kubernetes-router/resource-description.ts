import { type Place, tableArn } from '../catalog/arn.ts';
import { planCreateTable } from '../catalog/create-plan.ts';
import {
  describeCreatedTable,
  describeDeletedTable,
  describeTable,
  type TableDescription,
} from '../catalog/description.ts';
import type { TableDescriptor } from '../catalog/descriptor.ts';
import type { CreateTableRequest } from '../catalog/table-request.ts';
import { saysSomething } from '../catalog/throughput-rules.ts';
import { finishCreation } from '../catalog/transitions.ts';
import { createRequestOf, type TableResource } from '../kubernetes/table-resource.ts';
import type { TableStatistics } from '../routing/table.ts';

/** What a Table resource says of the table's life. */
export type ResourceState = 'CREATING' | 'ACTIVE' | 'UPDATING' | 'DELETING';

/**
 * The state of the table as its resource shows it. `UPDATING` is said of a spec that the operator has
 * not looked at yet, too: a client that has just changed it waits for the change.
 */
export function stateOf(resource: TableResource): ResourceState {
  if (resource.metadata.deletionTimestamp !== undefined) return 'DELETING';
  const tableStatus = resource.status?.tableStatus ?? 'CREATING';
  return tableStatus === 'ACTIVE' && !isObserved(resource) ? 'UPDATING' : tableStatus;
}

/** Whether the operator's status is about the newest spec. */
export function isObserved({ metadata, status }: TableResource): boolean {
  return metadata.generation === status?.observedGeneration;
}

/** The table's id and the time of its creation, as all answers show them, whoever describes it. */
export function identityMembers({ metadata }: TableResource): TableDescription {
  return { TableId: metadata.uid, CreationDateTime: createdAtMsOf({ metadata }) / 1000 };
}

/**
 * Without the ARN and label of a stream that is not there yet: they are made of the time when the
 * table's own catalog enables it, so nobody can tell them before.
 */
export function withoutNewStream(description: TableDescription): TableDescription {
  const { LatestStreamArn: _, LatestStreamLabel: __, ...rest } = description;
  return rest;
}

/** What is known of a table besides what it is to be. */
export interface Declaration {
  readonly place: Place;
  readonly tableName: string;
  readonly createdAtMs: number;
}

/**
 * The table that a request declares, as a catalog would keep it: CREATING, with nothing of its history.
 * Id, partitions and secret are none.
 * @throws ClientFault for what the API would refuse
 */
export function declaredTable(
  request: CreateTableRequest,
  { place, tableName, createdAtMs }: Declaration,
): TableDescriptor {
  return planCreateTable(request, {
    name: tableName,
    arn: tableArn(place, tableName),
    region: place.region,
    nowMs: createdAtMs,
    streamIdMin: 0,
    newTableId: () => '',
    newHashSecret: () => new Uint8Array(),
    nextPartitionId: () => 0n,
  });
}

/** As above, of a resource. @throws ClientFault for a spec that the API would refuse */
export function descriptorOf(resource: TableResource, place: Place): TableDescriptor {
  const { tableName } = resource.spec;
  const createdAtMs = createdAtMsOf(resource);
  const declared = declaredTable(requestOf(resource), { place, tableName, createdAtMs });
  return { ...declared, id: resource.metadata.uid ?? '' };
}

/** CreateTable's answer. @throws ClientFault */
export function describeNewResource(
  resource: TableResource,
  context: { readonly place: Place; readonly nowMs: number },
): TableDescription {
  const warmRequested = saysSomething(requestOf(resource).WarmThroughput);
  const parts = { nowMs: context.nowMs, statistics: undefined, warmRequested };
  return withoutNewStream(describeCreatedTable(descriptorOf(resource, context.place), parts));
}

/**
 * DescribeTable's answer when the table's own catalog cannot give it: what the spec declares and what
 * the operator has seen.
 * @throws ClientFault for a spec that the API would refuse
 */
export function describeResource(
  resource: TableResource,
  { place, nowMs }: { readonly place: Place; readonly nowMs: number },
): TableDescription {
  const declared = descriptorOf(resource, place);
  const parts = { nowMs, statistics: statisticsOf(resource) };
  const state = stateOf(resource);
  if (state === 'CREATING') return withoutNewStream(describeTable(declared, parts));
  const description = withoutNewStream(describeTable(finishCreation(declared), parts));
  return { ...description, ...streamMembers(resource), TableStatus: state };
}

/** As the operator has seen them. */
function streamMembers({ status }: TableResource): TableDescription {
  const { latestStreamARN: LatestStreamArn, latestStreamLabel: LatestStreamLabel } = status ?? {};
  return LatestStreamArn === undefined ? {} : { LatestStreamArn, LatestStreamLabel };
}

/** DeleteTable's answer under the same circumstances. @throws ClientFault */
export function describeDeletedResource(
  resource: TableResource,
  { place, nowMs }: { readonly place: Place; readonly nowMs: number },
): TableDescription {
  const declared: TableDescriptor = {
    ...finishCreation(descriptorOf(resource, place)),
    status: 'DELETING',
  };
  const statistics = statisticsOf(resource);
  return withoutNewStream(describeDeletedTable(declared, { nowMs, statistics }));
}

/** What CreateTable would have been asked for. */
export function requestOf(resource: TableResource): CreateTableRequest {
  // The resource's schema lets in what the request's shape lets in, and no more.
  return createRequestOf(resource) as unknown as CreateTableRequest;
}

function createdAtMsOf({ metadata }: Pick<TableResource, 'metadata'>): number {
  const ms = Date.parse(metadata.creationTimestamp ?? '');
  return Number.isNaN(ms) ? 0 : ms;
}

function statisticsOf({ status }: TableResource): TableStatistics {
  const indexes = (status?.globalSecondaryIndexes ?? []).map(
    ({ indexName, itemCount = 0, indexSizeBytes = 0 }) =>
      [indexName, { items: itemCount, bytes: indexSizeBytes }] as const,
  );
  return {
    items: status?.itemCount ?? 0,
    bytes: status?.tableSizeBytes ?? 0,
    indexes: new Map(indexes),
  };
}
