import type { JsonObject } from '../../dataplane/api/operation.ts';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { startKeyFaults } from '../../dataplane/errors/items.ts';
import { requestFaults } from '../../dataplane/errors/requests.ts';
import type { Condition, Projection } from '../../dataplane/expression/ast.ts';
import { printRequest } from '../../dataplane/expression/print.ts';
import type { AttributeValue, Item } from '../../dataplane/item/attribute-value.ts';
import { decodeCondition } from '../protocol/expressions.ts';
import { decodeIndexKey, decodeKey, encodeHashPart } from '../protocol/keys.ts';
import type { QueryRequest, RequestOptions, ScanRequest, Select } from '../protocol/requests.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import type { Caller } from './caller.ts';
import { projectionOf, tableProjection } from './requested-projection.ts';

/** A Query or Scan as it was sent, its expressions read. What they say of the table is not checked yet. */
export interface PageRequest {
  readonly operation: 'Query' | 'Scan';
  readonly options: RequestOptions;
  readonly select: Select | undefined;
  /** Else ALL_ATTRIBUTES may be what the client sends unasked. */
  readonly isSelectMeant: boolean;
  /** Of a Query; the table refuses one without. */
  readonly keyCondition: Condition | undefined;
  readonly filter: Condition | undefined;
  readonly projection: Projection | undefined;
}

/** @throws ClientFault of the expressions */
export function pageRequestOf(
  request: QueryRequest | ScanRequest,
  { selectForm }: Pick<Caller, 'selectForm'>,
): PageRequest {
  const { options } = request;
  const { filter, projection } = options;
  const keyCondition = request.method === 'query' ? request.keyCondition : undefined;
  return {
    operation: request.method === 'query' ? 'Query' : 'Scan',
    options,
    select: selectForm === 'inverted' ? uninverted(options.select) : options.select,
    isSelectMeant: selectForm !== 'unsure',
    keyCondition: keyCondition && decodeCondition(keyCondition, 'KeyConditionExpression'),
    filter: filter && decodeCondition(filter, 'FilterExpression'),
    projection: projection && projectionOf(projection),
  };
}

/** The request for the table, without ReturnConsumedCapacity and ConsistentRead. */
export function pageBody(request: PageRequest, table: TableInfo): JsonObject {
  const { options, projection } = request;
  const { indexName, limit, scanIndexForward, segment, totalSegments, exclusiveStartKey } = options;
  const select = selectOf(request, table);
  if (request.operation === 'Query' && request.keyCondition === undefined) {
    throw requestFaults.keyConditionMissing();
  }
  return {
    TableName: table.name,
    ...(indexName !== undefined && { IndexName: indexName }),
    ...printRequest({
      ...request,
      projection: projection && tableProjection(projection, table),
    }),
    ...(select !== undefined && { Select: select }),
    ...(limit !== undefined && { Limit: limit }),
    // True is what it is without.
    ...(scanIndexForward === false && { ScanIndexForward: false }),
    ...(segment !== undefined && { Segment: segment }),
    ...(totalSegments !== undefined && { TotalSegments: totalSegments }),
    ...(exclusiveStartKey !== undefined && {
      ExclusiveStartKey: startKeyOf(exclusiveStartKey, request, table),
    }),
  };
}

/** Whether it fits the index, the query or the segment is for the table to say. */
function startKeyOf(bytes: Buffer, { operation, options }: PageRequest, table: TableInfo): Item {
  try {
    return options.indexName === undefined ? decodeKey(table.key, bytes) : decodeIndexKey(bytes);
  } catch (error) {
    if (!(error instanceof ClientFault)) throw error;
    throw operation === 'Scan' ? startKeyFaults.because(error) : startKeyFaults.invalid();
  }
}

/**
 * What two requests have in common when they have the same answer. Bodies are put together here, so
 * that equal requests have equal texts, whatever client they came from.
 * @param projection the user's, whose ordinals the answer has; the body's may have lost them
 */
export function requestKeyOf(body: JsonObject, projection: Projection | undefined): string {
  return JSON.stringify(projection === undefined ? body : { ...body, paths: projection });
}

function uninverted(select: Select | undefined): Select | undefined {
  if (select === undefined) return 'ALL_ATTRIBUTES';
  return select === 'ALL_ATTRIBUTES' ? undefined : select;
}

/**
 * ALL_ATTRIBUTES of a table is what it is without. It changes something of a local index alone, whose items are then
 * completed from the table; with a projection, or of a global index that has not all attributes, the table refuses it.
 */
function selectOf(page: PageRequest, table: TableInfo): Select | undefined {
  const { options, projection, select, isSelectMeant } = page;
  const { indexName } = options;
  if (select !== 'ALL_ATTRIBUTES') return select;
  if (projection !== undefined) return isSelectMeant ? select : undefined;
  if (indexName === undefined) return undefined;
  return isSelectMeant || table.localIndexes.has(indexName) ? select : undefined;
}

/**
 * The first bytes of the keys of the item collection that a Query reads; undefined where it may be
 * another part of the table: of a Scan, a global index, a condition that the table refuses.
 */
export function collectionOf(request: PageRequest, table: TableInfo): Buffer | undefined {
  const { indexName } = request.options;
  if (request.keyCondition === undefined) return undefined;
  if (indexName !== undefined && !table.localIndexes.has(indexName)) return undefined;
  const hash = equalTo(request.keyCondition, table.key.hash.name);
  return hash && hashPartOf(hash, table);
}

/** The value that a condition demands of an attribute, among others or alone. */
function equalTo(condition: Condition, name: string): AttributeValue | undefined {
  if (condition.kind === 'and') {
    return equalTo(condition.left, name) ?? equalTo(condition.right, name);
  }
  if (condition.kind !== 'compare' || condition.comparator !== '=') return undefined;
  const { left, right } = condition;
  const [path, value] = left.kind === 'path' ? [left, right] : [right, left];
  const isOfName = path.kind === 'path' && path.path.length === 1 && path.path[0] === name;
  return isOfName && value.kind === 'value' ? value.value : undefined;
}

function hashPartOf(value: AttributeValue, { key }: TableInfo): Buffer | undefined {
  try {
    return encodeHashPart(key, value);
  } catch (error) {
    // A value that is no key: the table has the words for it.
    if (!(error instanceof ClientFault)) throw error;
    return undefined;
  }
}
