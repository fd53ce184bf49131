import { tableRequestFaults } from '../errors/table-requests.ts';
import type { KeySchemaElement, Projection } from './descriptor.ts';
import { checkGlobalKeySchema, checkKeySchema } from './key-schema-rules.ts';
import {
  GLOBAL_INDEXES_COUNT_MAX,
  LOCAL_INDEXES_COUNT_MAX,
  PROJECTED_NAMES_COUNT_MAX,
} from './limits.ts';
import type { GlobalIndexRequest, LocalIndexRequest, ProjectionRequest } from './table-request.ts';

interface IndexedRequest {
  readonly KeySchema: readonly KeySchemaElement[];
  readonly LocalSecondaryIndexes?: readonly LocalIndexRequest[] | undefined;
  readonly GlobalSecondaryIndexes?: readonly GlobalIndexRequest[] | undefined;
}

/**
 * The indexes of CreateTable: keys, projections, names, counts. Attribute definitions and
 * throughput have their own rules.
 * @throws ClientFault ValidationException
 * @see reference/dynamodb.md §6 (CreateTable)
 */
export function checkIndexes(request: IndexedRequest): void {
  const names = new Set<string>();
  const local = request.LocalSecondaryIndexes ?? [];
  const global = request.GlobalSecondaryIndexes ?? [];
  if (local.length > 0 && request.KeySchema.length < 2) {
    throw tableRequestFaults.localIndexNeedsRange();
  }
  for (const index of local) {
    checkLocalIndex(index, request.KeySchema);
    addName(names, index.IndexName);
  }
  if (local.length > LOCAL_INDEXES_COUNT_MAX) {
    throw tableRequestFaults.localIndexes(LOCAL_INDEXES_COUNT_MAX);
  }
  for (const index of global) {
    checkGlobalIndex(index);
    addName(names, index.IndexName);
  }
  if (global.length > GLOBAL_INDEXES_COUNT_MAX) {
    throw tableRequestFaults.globalIndexes(GLOBAL_INDEXES_COUNT_MAX);
  }
  checkProjectedTotal([...local, ...global].map((index) => index.Projection));
}

/** Key and projection of a global index. @throws ClientFault */
export function checkGlobalIndex(index: GlobalIndexRequest): void {
  checkGlobalKeySchema(index.KeySchema);
  checkProjection(index.Projection);
}

/** @throws ClientFault when INCLUDE projections name too many attributes together. */
export function checkProjectedTotal(projections: readonly ProjectionRequest[]): void {
  const total = projections.reduce(
    (sum, { NonKeyAttributes: names }) => sum + (names?.length ?? 0),
    0,
  );
  if (total > PROJECTED_NAMES_COUNT_MAX) {
    throw tableRequestFaults.projectedNamesTotal(PROJECTED_NAMES_COUNT_MAX);
  }
}

/** The projection as it is kept and shown: names sorted. `requested` has been checked. */
export function projectionOf(requested: ProjectionRequest): Projection {
  const { ProjectionType: type, NonKeyAttributes: names } = requested;
  if (type === undefined) throw tableRequestFaults.projectionType();
  return names === undefined
    ? { ProjectionType: type }
    : { ProjectionType: type, NonKeyAttributes: names.toSorted() };
}

function checkLocalIndex(index: LocalIndexRequest, tableKey: readonly KeySchemaElement[]): void {
  checkKeySchema(index.KeySchema);
  if (index.KeySchema.length < 2) throw tableRequestFaults.indexWithoutRange(index.IndexName);
  const hash = index.KeySchema[0]?.AttributeName ?? '';
  const tableHash = tableKey[0]?.AttributeName ?? '';
  if (hash !== tableHash) {
    throw tableRequestFaults.otherHashKey(index.IndexName, hash, tableHash);
  }
  checkProjection(index.Projection);
}

function checkProjection({
  ProjectionType: type,
  NonKeyAttributes: names,
}: ProjectionRequest): void {
  if (type === undefined) throw tableRequestFaults.projectionType();
  if (type !== 'INCLUDE') {
    if (names !== undefined) throw tableRequestFaults.projectedNames(type);
    return;
  }
  if (names === undefined) throw tableRequestFaults.projectedNamesMissing();
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw tableRequestFaults.projectedNameDuplicated(name);
    seen.add(name);
  }
}

function addName(names: Set<string>, name: string): void {
  if (names.has(name)) throw tableRequestFaults.duplicateIndex(name);
  names.add(name);
}
