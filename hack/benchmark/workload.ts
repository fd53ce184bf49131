import { COLLECTION_ITEMS, itemAt, keyAt, partitionKeyAt, tables } from './dataset.ts';

/** Items of one batch operation: DynamoDB's limit of BatchWriteItem. */
export const BATCH_ITEMS = 25;
/** Items of one transaction. */
export const TRANSACTION_ITEMS = 4;

export const operationNames = [
  'get',
  'get-strong',
  'query',
  'batch-get',
  'put',
  'update',
  'batch-write',
  'transact-write',
] as const;
export type OperationName = (typeof operationNames)[number];

/** Numbers of the stored items to work on; `next` draws one at random. */
export interface Draw {
  readonly itemCount: number;
  readonly itemBytes: number;
  next(bound: number): number;
}

/** One kind of request, with random keys, and what it must answer. */
export interface Workload {
  readonly title: string;
  /** Operation of the API, as X-Amz-Target names it. */
  readonly target: string;
  readonly isWrite: boolean;
  body(draw: Draw): object;
  /** An answer of the right size for the bare server, which knows no tables. */
  answer(itemBytes: number): object;
  /** Whether the first answer of an endpoint is a true one; the others must have its length. */
  isRight(answer: Record<string, unknown>): boolean;
}

const get = (isStrong: boolean): Workload => ({
  title: isStrong ? 'GetItem, strong' : 'GetItem',
  target: 'GetItem',
  isWrite: false,
  body: (draw) => ({
    TableName: tables.reads,
    Key: keyAt(draw.next(draw.itemCount)),
    ...(isStrong ? { ConsistentRead: true } : {}),
  }),
  answer: (bytes) => ({ Item: itemAt(0, bytes) }),
  isRight: (answer) => typeof answer.Item === 'object',
});

const query: Workload = {
  title: `Query, ${COLLECTION_ITEMS} items`,
  target: 'Query',
  isWrite: false,
  body: (draw) => ({
    TableName: tables.reads,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: {
      ':pk': { S: partitionKeyAt(draw.next(Math.floor(draw.itemCount / COLLECTION_ITEMS))) },
    },
  }),
  answer: (bytes) => ({
    Count: COLLECTION_ITEMS,
    Items: range(COLLECTION_ITEMS, (index) => itemAt(index, bytes)),
    ScannedCount: COLLECTION_ITEMS,
  }),
  isRight: (answer) => answer.Count === COLLECTION_ITEMS,
};

const batchGet: Workload = {
  title: `BatchGetItem, ${BATCH_ITEMS}`,
  target: 'BatchGetItem',
  isWrite: false,
  body: (draw) => ({ RequestItems: { [tables.reads]: { Keys: distinct(draw).map(keyAt) } } }),
  answer: (bytes) => ({
    Responses: { [tables.reads]: range(BATCH_ITEMS, (index) => itemAt(index, bytes)) },
    UnprocessedKeys: {},
  }),
  isRight: (answer) => JSON.stringify(answer.Responses).split('"pk"').length === BATCH_ITEMS + 1,
};

const put: Workload = {
  title: 'PutItem',
  target: 'PutItem',
  isWrite: true,
  body: (draw) => ({
    TableName: tables.writes,
    Item: itemAt(draw.next(draw.itemCount), draw.itemBytes),
  }),
  answer: () => ({}),
  isRight: (answer) => Object.keys(answer).length === 0,
};

const update: Workload = {
  title: 'UpdateItem ADD',
  target: 'UpdateItem',
  isWrite: true,
  body: (draw) => ({
    TableName: tables.writes,
    Key: keyAt(draw.next(draw.itemCount)),
    UpdateExpression: 'ADD balance :one',
    ExpressionAttributeValues: { ':one': { N: '1' } },
  }),
  answer: () => ({}),
  isRight: (answer) => Object.keys(answer).length === 0,
};

const batchWrite: Workload = {
  title: `BatchWriteItem, ${BATCH_ITEMS}`,
  target: 'BatchWriteItem',
  isWrite: true,
  body: (draw) => batchWriteRequest(tables.writes, distinct(draw), draw.itemBytes),
  answer: () => ({ UnprocessedItems: {} }),
  isRight: (answer) => JSON.stringify(answer.UnprocessedItems) === '{}',
};

/**
 * Without a token: requests are made beforehand and sent several times, and a repeat would do nothing.
 * Of more items than are stored: where transactions exclude each other, few shall meet.
 */
const transactWrite: Workload = {
  title: `TransactWriteItems, ${TRANSACTION_ITEMS}`,
  target: 'TransactWriteItems',
  isWrite: true,
  body: (draw) => ({
    TransactItems: distinct(spread(draw), TRANSACTION_ITEMS).map((index) => ({
      Put: { TableName: tables.writes, Item: itemAt(index, draw.itemBytes) },
    })),
  }),
  answer: () => ({}),
  isRight: (answer) => Object.keys(answer).length === 0,
};

export const workloads: Readonly<Record<OperationName, Workload>> = {
  get: get(false),
  'get-strong': get(true),
  query,
  'batch-get': batchGet,
  put,
  update,
  'batch-write': batchWrite,
  'transact-write': transactWrite,
};

/** BatchWriteItem's body that puts these items of the data set. */
export function batchWriteRequest(
  table: string,
  indexes: readonly number[],
  bytes: number,
): object {
  const puts = indexes.map((index) => ({ PutRequest: { Item: itemAt(index, bytes) } }));
  return { RequestItems: { [table]: puts } };
}

function spread(draw: Draw): Draw {
  return { ...draw, itemCount: draw.itemCount * 1_000, next: (bound) => draw.next(bound) };
}

/** Batches and transactions refuse the same key twice. */
function distinct(draw: Draw, count = BATCH_ITEMS): number[] {
  const indexes = new Set<number>();
  while (indexes.size < count) indexes.add(draw.next(draw.itemCount));
  return [...indexes];
}

function range<Value>(length: number, make: (index: number) => Value): Value[] {
  return Array.from({ length }, (_, index) => make(index));
}
