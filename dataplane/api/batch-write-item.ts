import { ClientFault, inOlderWords } from '../errors/client-fault.ts';
import { itemFaults } from '../errors/items.ts';
import { constraintTexts, requestFaults } from '../errors/requests.ts';
import type { Item } from '../item/attribute-value.ts';
import { ITEM_BYTES_MAX } from '../item/limits.ts';
import { validateItem } from '../item/validate.ts';
import type { Capacity, WriteCommand, WriteResult } from '../partition/command.ts';
import { checkKey, keyOfItem } from '../partition/key-check.ts';
import type { KeySchema } from '../partition/schema.ts';
import type { Table } from '../routing/table.ts';
import { BatchKeys } from './batch-keys.ts';
import {
  consumedCapacity,
  type ReturnConsumedCapacity,
  sumOfCapacities,
} from './consumed-capacity.ts';
import { itemCollectionMetricsByTable } from './item-collection-metrics.ts';
import { returnConsumedCapacity, returnItemCollectionMetrics } from './item-shapes.ts';
import type { JsonObject, Operation, OperationContext, ResponseBody } from './operation.ts';
import {
  attributeMap,
  compileShape,
  list,
  map,
  type Shape,
  stage,
  structure,
  type ValueOf,
} from './shape/shape.ts';
import { tableNameKey } from './table-name.ts';
import { isConflict, isThrottling } from './throttling.ts';

/** Writes over all tables of one request. Their items (25 of 400 KB) cannot exceed 16 MB. */
const WRITES_COUNT_MAX = 25;

const writeRequest = structure(
  {
    PutRequest: structure({ Item: attributeMap() }, { name: 'PutRequest', required: ['Item'] }),
    DeleteRequest: structure({ Key: attributeMap() }, { name: 'DeleteRequest', required: ['Key'] }),
  },
  { name: 'WriteRequest' },
);

const requestItems = map(list(writeRequest));

/** The number of writes counts over all tables, though the message speaks of each one's list. */
const countedRequestItems: Shape<ValueOf<typeof requestItems>> = {
  ...requestItems,
  holds: (tables) => requestItems.holds(tables) && isCountRight(tables),
  violated: (tables) => (isCountRight(tables) ? [] : [countText]),
};

const countText = constraintTexts.mapValues([
  constraintTexts.lengthMax(WRITES_COUNT_MAX),
  constraintTexts.lengthMin(1),
]);

function isCountRight(tables: { readonly [name: string]: readonly unknown[] }): boolean {
  let count = 0;
  for (const writes of Object.values(tables)) {
    if (writes.length === 0) return false;
    count += writes.length;
  }
  return count <= WRITES_COUNT_MAX;
}

const input = structure(
  {
    RequestItems: countedRequestItems,
    ReturnConsumedCapacity: returnConsumedCapacity,
    ReturnItemCollectionMetrics: returnItemCollectionMetrics,
  },
  { required: ['RequestItems'] },
);

const check = compileShape(input, {
  before: [
    (body) => {
      const { RequestItems } = body;
      const isEmpty = RequestItems !== undefined && Object.keys(RequestItems ?? {}).length === 0;
      if (isEmpty) throw requestFaults.requestItemsMissing('BatchWriteItem');
    },
  ],
});
/** Table names are looked at last. */
const checkNames = stage(
  structure({ RequestItems: map(list(writeRequest), { keys: tableNameKey() }) }),
);

type WriteRequest = ValueOf<typeof writeRequest>;

/** One write of the batch before its table is known. */
type WritePlan =
  | { readonly kind: 'put'; readonly item: Item; readonly itemBytes: number }
  | { readonly kind: 'delete'; readonly key: Item };

function writePlan({ PutRequest, DeleteRequest }: WriteRequest): WritePlan {
  if (PutRequest !== undefined && DeleteRequest === undefined) {
    const { item, bytes: itemBytes } = validItem(PutRequest.Item);
    if (itemBytes > ITEM_BYTES_MAX) throw itemFaults.itemTooLarge();
    return { kind: 'put', item, itemBytes };
  }
  if (DeleteRequest !== undefined && PutRequest === undefined) {
    return { kind: 'delete', key: validItem(DeleteRequest.Key).item };
  }
  throw requestFaults.writeRequestAmbiguous();
}

/** The service reads the values of this operation by its older layer. */
function validItem(wire: unknown): { item: Item; bytes: number } {
  try {
    return validateItem(wire);
  } catch (thrown) {
    throw thrown instanceof ClientFault ? inOlderWords(thrown) : thrown;
  }
}

/** One write, ready to be issued. */
interface Write {
  readonly table: Table;
  /** The table as the request names it. */
  readonly name: string;
  readonly command: WriteCommand;
}

function commandOf(plan: WritePlan, { schema }: Table): WriteCommand {
  const condition = undefined;
  if (plan.kind === 'put') {
    checkKeyPresent(plan.item, schema.key);
    const key = keyOfItem(plan.item, schema, { isBatch: true });
    return { ...plan, key, condition };
  }
  checkKey(plan.key, schema.key);
  return { ...plan, condition };
}

/** Unlike PutItem, a batch does not say which key attribute is missing. */
function checkKeyPresent(item: Item, { hash, range }: KeySchema): void {
  for (const { name } of [...hash, ...range]) {
    if (!Object.hasOwn(item, name)) throw itemFaults.keySchemaMismatch();
  }
}

/** The writes to one table. */
interface TablePlan {
  /** As the request has it: a name or an ARN. */
  readonly name: string;
  readonly writes: readonly WritePlan[];
}

/** Everything about the request that can be said without the tables. @throws ClientFault */
export function planBatchWriteItem(body: JsonObject) {
  const request = check(body);
  checkNames(body);
  const plans = Object.entries(request.RequestItems).map(
    ([name, requests]): TablePlan => ({ name, writes: requests.map(writePlan) }),
  );
  return { request, plans };
}

/** All writes of the request, in its order; two of one key are refused. */
function writesOf(plans: readonly TablePlan[], context: OperationContext): readonly Write[] {
  const keysByTable = new Map<string, BatchKeys>();
  return plans.flatMap(({ name, writes }) => {
    const table = context.tables.openTable(name);
    const { tableId } = table.schema;
    const keys = keysByTable.get(tableId) ?? new BatchKeys();
    keysByTable.set(tableId, keys);
    return writes.map((plan) => {
      const command = commandOf(plan, table);
      keys.add(command.key);
      return { table, name, command };
    });
  });
}

/** What became of one write; a fault: throttled, or met by a transaction, to be sent again. */
type Outcome = WriteResult | ClientFault;

const nothing = { before: false, after: false };

async function issue({ table, command }: Write): Promise<Outcome> {
  try {
    return await table.write(command, nothing);
  } catch (thrown) {
    if (isThrottling(thrown) || isConflict(thrown)) return thrown;
    throw thrown;
  }
}

async function handle(body: JsonObject, context: OperationContext): Promise<ResponseBody> {
  const { request, plans } = planBatchWriteItem(body);
  const writes = writesOf(plans, context);
  // Issued together, so that they share a group commit; all are waited for, whatever fails.
  const settled = await Promise.allSettled(writes.map(issue));
  const outcomes = settled.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value;
  });
  const [first] = outcomes;
  // The service's model has no TransactionConflictException for batches.
  if (isThrottling(first) && outcomes.every(isThrottling)) throw first;
  return {
    UnprocessedItems: unprocessedItems(writes, outcomes),
    ConsumedCapacity: consumedCapacities(writes, outcomes, request.ReturnConsumedCapacity),
    ItemCollectionMetrics:
      request.ReturnItemCollectionMetrics === 'SIZE'
        ? collectionMetrics(writes, outcomes)
        : undefined,
  };
}

function unprocessedItems(writes: readonly Write[], outcomes: readonly Outcome[]): JsonObject {
  const byName = new Map<string, WriteRequest[]>();
  for (const [index, { name, command }] of writes.entries()) {
    if (!(outcomes[index] instanceof ClientFault)) continue;
    const list = byName.get(name) ?? [];
    list.push(
      command.kind === 'put'
        ? { PutRequest: { Item: command.item } }
        : { DeleteRequest: { Key: command.key } },
    );
    byName.set(name, list);
  }
  return Object.fromEntries(byName);
}

function consumedCapacities(
  writes: readonly Write[],
  outcomes: readonly Outcome[],
  mode: ReturnConsumedCapacity | undefined,
): readonly JsonObject[] | undefined {
  if (mode === undefined || mode === 'NONE') return undefined;
  const byTable = new Map<string, Capacity[]>();
  for (const [index, { name }] of writes.entries()) {
    const outcome = outcomes[index];
    const capacities = byTable.get(name) ?? [];
    if (outcome !== undefined && !(outcome instanceof ClientFault)) {
      capacities.push(outcome.capacity);
    }
    byTable.set(name, capacities);
  }
  return Array.from(byTable, ([tableName, capacities]) =>
    consumedCapacity(mode, tableName, sumOfCapacities(capacities)),
  ).filter((shown) => shown !== undefined);
}

/** By table; one entry for each item collection written to. Undefined without local indexes. */
function collectionMetrics(
  writes: readonly Write[],
  outcomes: readonly Outcome[],
): JsonObject | undefined {
  return itemCollectionMetricsByTable(
    writes.flatMap(({ table: { schema }, command: { key } }, index) => {
      const outcome = outcomes[index];
      const isApplied =
        outcome !== undefined && !(outcome instanceof ClientFault) && outcome.kind === 'applied';
      return isApplied ? [{ schema, key, collectionBytes: outcome.collectionBytes }] : [];
    }),
  );
}

/** Puts and deletes up to 25 items, of several tables; each on its own. */
export const batchWriteItem: Operation = { name: 'BatchWriteItem', handle };
