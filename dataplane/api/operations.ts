import { batchGetItem } from './batch-get-item.ts';
import { batchWriteItem } from './batch-write-item.ts';
import { createTable } from './create-table.ts';
import { deleteItem } from './delete-item.ts';
import { deleteTable } from './delete-table.ts';
import { describeEndpoints } from './describe-endpoints.ts';
import { describeLimits } from './describe-limits.ts';
import { describeTable } from './describe-table.ts';
import { describeTimeToLive } from './describe-time-to-live.ts';
import { getItem } from './get-item.ts';
import { listTables } from './list-tables.ts';
import { listTagsOfResource } from './list-tags-of-resource.ts';
import type { ControlContext, Operation } from './operation.ts';
import { putItem } from './put-item.ts';
import { query } from './query.ts';
import { scan } from './scan.ts';
import { tagResource } from './tag-resource.ts';
import { untagResource } from './untag-resource.ts';
import { updateItem } from './update-item.ts';
import { updateTable } from './update-table.ts';
import { updateTimeToLive } from './update-time-to-live.ts';

/** Reads and writes of items: they need tables only. */
const ofItems: readonly Operation[] = [
  batchGetItem,
  batchWriteItem,
  deleteItem,
  describeEndpoints,
  getItem,
  putItem,
  query,
  scan,
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

/** By the name in `X-Amz-Target`. */
export const itemOperations = byName(ofItems);
export const tableOperations = byName(ofTables);

/** Every operation that a server with a catalog of its own knows. */
export const operations: ReadonlyMap<string, Operation<ControlContext>> = new Map([
  ...itemOperations,
  ...tableOperations,
]);

function byName<T extends { readonly name: string }>(all: readonly T[]): ReadonlyMap<string, T> {
  return new Map(all.map((operation) => [operation.name, operation]));
}
