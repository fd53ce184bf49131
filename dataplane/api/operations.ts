import { batchExecuteStatement } from './batch-execute-statement.ts';
import { batchGetItem } from './batch-get-item.ts';
import { batchWriteItem } from './batch-write-item.ts';
import { createTable } from './create-table.ts';
import { deleteItem } from './delete-item.ts';
import { deleteTable } from './delete-table.ts';
import { describeEndpoints } from './describe-endpoints.ts';
import { describeLimits } from './describe-limits.ts';
import { describeStream } from './describe-stream.ts';
import { describeTable } from './describe-table.ts';
import { describeTimeToLive } from './describe-time-to-live.ts';
import { executeStatement } from './execute-statement.ts';
import { executeTransaction } from './execute-transaction.ts';
import { getItem } from './get-item.ts';
import { getRecords } from './get-records.ts';
import { getShardIterator } from './get-shard-iterator.ts';
import { listStreams } from './list-streams.ts';
import { listTables } from './list-tables.ts';
import { listTagsOfResource } from './list-tags-of-resource.ts';
import type {
  ControlContext,
  ItemContext,
  Operation,
  ServerContext,
  StreamContext,
} from './operation.ts';
import { putItem } from './put-item.ts';
import { query } from './query.ts';
import { scan } from './scan.ts';
import { tagResource } from './tag-resource.ts';
import { transactGetItems } from './transact-get-items.ts';
import { transactWriteItems } from './transact-write-items.ts';
import { untagResource } from './untag-resource.ts';
import { updateItem } from './update-item.ts';
import { updateTable } from './update-table.ts';
import { updateTimeToLive } from './update-time-to-live.ts';

/** Reads and writes of items. */
const ofItems: readonly Operation<ItemContext>[] = [
  batchExecuteStatement,
  batchGetItem,
  batchWriteItem,
  deleteItem,
  describeEndpoints,
  executeStatement,
  executeTransaction,
  getItem,
  putItem,
  query,
  scan,
  transactGetItems,
  transactWriteItems,
  updateItem,
];

/** The control plane's: they run where the catalog is. */
const ofTables: readonly Operation<ControlContext>[] = [
  createTable,
  deleteTable,
  describeLimits,
  describeTable,
  describeTimeToLive,
  listTables,
  listTagsOfResource,
  tagResource,
  untagResource,
  updateTable,
  updateTimeToLive,
];

/** Those of DynamoDBStreams; no operation of the other service has one of their names. */
const ofStreams: readonly Operation<StreamContext>[] = [
  describeStream,
  getRecords,
  getShardIterator,
  listStreams,
];

/** By the name in `X-Amz-Target`. */
export const itemOperations = byName(ofItems);
export const tableOperations = byName(ofTables);
export const streamOperations = byName(ofStreams);

/** Every operation that a server with a catalog of its own knows. */
export const operations: ReadonlyMap<string, Operation<ServerContext>> = new Map<
  string,
  Operation<ServerContext>
>([...itemOperations, ...tableOperations, ...streamOperations]);

function byName<T extends { readonly name: string }>(all: readonly T[]): ReadonlyMap<string, T> {
  return new Map(all.map((operation) => [operation.name, operation]));
}
