import { ClientFault } from '../errors/client-fault.ts';
import { constraintTexts, requestFaults } from '../errors/requests.ts';
import type { Projection } from '../expression/ast.ts';
import type { Item } from '../item/attribute-value.ts';
import { validateItem } from '../item/validate.ts';
import type { Capacity, ReadResult } from '../partition/command.ts';
import { checkKey, checkKeyPaths } from '../partition/key-check.ts';
import type { Eventually, Table } from '../routing/table.ts';
import { BatchKeys } from './batch-keys.ts';
import {
  consumedCapacity,
  type ReturnConsumedCapacity,
  sumOfCapacities,
} from './consumed-capacity.ts';
import { checkExpressionUse, nameSubstitutionsOf } from './expression-parameters.ts';
import {
  attributesToGet,
  expressionAttributeNames,
  returnConsumedCapacity,
  text,
} from './item-shapes.ts';
import type { JsonObject, Operation, OperationContext, ResponseBody } from './operation.ts';
import { expressionProjection, legacyProjection } from './requested-projection.ts';
import { ResponseJson } from './response-json.ts';
import { jsonDump } from './shape/dump.ts';
import {
  attributeMap,
  boolean,
  compileShape,
  list,
  map,
  stage,
  structure,
  type ValueOf,
} from './shape/shape.ts';
import { tableNameKey } from './table-name.ts';
import { isThrottling } from './throttling.ts';

/** Keys over all tables of one request. */
const KEYS_COUNT_MAX = 100;
/** JSON of the items of one response; what does not fit comes back as UnprocessedKeys. */
const RESPONSE_BYTES_MAX = 16 * 1024 * 1024;

const keysAndAttributes = structure(
  {
    Keys: list(attributeMap()),
    AttributesToGet: attributesToGet,
    ConsistentRead: boolean(),
    ProjectionExpression: text,
    ExpressionAttributeNames: expressionAttributeNames,
  },
  { name: 'KeysAndAttributes', required: ['Keys'] },
);

const nameShape = tableNameKey();
const requestItems = map(keysAndAttributes, { keys: nameShape });
const input = structure(
  {
    // The service shows this map as JSON.
    RequestItems: { ...requestItems, dump: (value) => jsonDump(value) },
    ReturnConsumedCapacity: returnConsumedCapacity,
  },
  { required: ['RequestItems'] },
);

const unchecked = structure({});

const check = compileShape(input, {
  before: [
    stage(
      structure({
        RequestItems: map(unchecked, {
          min: 1,
          report: { kind: 'member', path: 'RequestItems' },
        }),
      }),
    ),
    (body) => checkKeyCounts(body),
  ],
});

type RequestItems = ValueOf<typeof requestItems>;
type KeysAndAttributes = ValueOf<typeof keysAndAttributes>;

/** The numbers of keys are looked at before other members; too many only where all names are well-formed. */
function checkKeyCounts(body: JsonObject): void {
  // JSON types have been checked, required members not.
  const tables = (body.RequestItems ?? {}) as { [name: string]: Partial<KeysAndAttributes> };
  let keysCount = 0;
  let largest = '';
  let largestCount = 0;
  for (const [name, { Keys }] of Object.entries(tables)) {
    if (Keys === undefined) continue;
    if (Keys.length === 0) throw keysFault(name, constraintTexts.lengthMin(1));
    keysCount += Keys.length;
    if (Keys.length > largestCount) {
      largest = name;
      largestCount = Keys.length;
    }
  }
  if (keysCount > KEYS_COUNT_MAX && Object.keys(tables).every(nameShape.holds)) {
    throw keysFault(largest, constraintTexts.lengthMax(KEYS_COUNT_MAX));
  }
}

function keysFault(table: string, text: string): ClientFault {
  const path = `RequestItems.${table}.member.Keys`;
  return requestFaults.constraints([{ kind: 'member', path, text }]);
}

const expressionUse = {
  expressions: ['ProjectionExpression'],
  legacy: ['AttributesToGet'],
  valueExpressions: undefined,
};

/** The part of a request that is about one table. */
interface TablePlan {
  /** As the request has it: a name or an ARN. */
  readonly name: string;
  readonly wire: KeysAndAttributes;
  readonly keys: readonly Item[];
  readonly projection: Projection | undefined;
}

/** All but the constraints. */
function planOf(items: RequestItems): readonly TablePlan[] {
  checkNoMixing(Object.values(items));
  return Object.entries(items).map(([name, wire]) => {
    checkExpressionUse(wire, expressionUse);
    const legacy = legacyProjection(wire.AttributesToGet);
    const substitutions = nameSubstitutionsOf(wire.ExpressionAttributeNames);
    const projection = expressionProjection(wire.ProjectionExpression, substitutions) ?? legacy;
    substitutions.assertAllUsed();
    const distinct = new BatchKeys();
    const keys = wire.Keys.map((wireKey) => {
      const { item: key } = validateItem(wireKey);
      distinct.add(key);
      return key;
    });
    return { name, wire, keys, projection };
  });
}

/** One table's expression and another's legacy parameter do not go together either. */
function checkNoMixing(tables: readonly KeysAndAttributes[]): void {
  const hasLegacy = tables.some(({ AttributesToGet }) => AttributesToGet !== undefined);
  const hasExpression = tables.some(
    ({ ProjectionExpression }) => ProjectionExpression !== undefined,
  );
  if (hasLegacy && hasExpression) {
    throw requestFaults.expressionsMixed(['AttributesToGet'], ['ProjectionExpression']);
  }
}

interface TableRead extends TablePlan {
  readonly table: Table;
}

/** What became of one key; a fault: throttled, to be asked for again. */
type Outcome = ReadResult | ClientFault;

function openRead(plan: TablePlan, context: OperationContext): TableRead {
  const table = context.tables.openTable(plan.name);
  for (const key of plan.keys) checkKey(key, table.schema.key);
  checkKeyPaths(plan.projection, table.schema);
  return { ...plan, table };
}

function readKey({ table, wire, projection }: TableRead, key: Item): Eventually<Outcome> {
  const options = { consistentRead: wire.ConsistentRead ?? false, projection };
  try {
    const result = table.get(key, options);
    return result instanceof Promise ? result.catch(throttledOrThrow) : result;
  } catch (thrown) {
    return throttledOrThrow(thrown);
  }
}

function throttledOrThrow(thrown: unknown): ClientFault {
  if (isThrottling(thrown)) return thrown;
  throw thrown;
}

/** Everything about the request that can be said without the tables. @throws ClientFault */
export function planBatchGetItem(body: JsonObject) {
  const request = check(body);
  return { request, plans: planOf(request.RequestItems) };
}

function handle(body: JsonObject, context: OperationContext): Eventually<ResponseBody> {
  const { request, plans } = planBatchGetItem(body);
  const reads = plans.map((plan) => openRead(plan, context));
  const mode = request.ReturnConsumedCapacity;
  const outcomes = reads.map((read) => read.keys.map((key) => readKey(read, key)));
  if (isAtHand(outcomes)) return response(reads, outcomes, mode);
  return Promise.all(outcomes.map((table) => Promise.all(table))).then((settled) =>
    response(reads, settled, mode),
  );
}

function isAtHand(outcomes: Eventually<Outcome>[][]): outcomes is Outcome[][] {
  return outcomes.every((table) => table.every((outcome) => !(outcome instanceof Promise)));
}

/**
 * Gathers what the response says, table by table, each under the name or ARN that the request has.
 * @see getmoto/moto test_batch_write_using_arn (verified on the service); botocore, BatchGetItemOutput
 */
class BatchResponse {
  readonly #items: [name: string, Uint8Array[]][] = [];
  readonly #capacities: [name: string, Capacity[]][] = [];
  readonly #unprocessed: [name: string, JsonObject][] = [];
  #itemsBytes = 0;
  #isFull = false;
  #throttled: ClientFault | undefined;

  /** `outcomes`: one per key. */
  add(read: TableRead, outcomes: readonly Outcome[]): void {
    const items: Uint8Array[] = [];
    const capacities: Capacity[] = [];
    this.#items.push([read.name, items]);
    this.#capacities.push([read.name, capacities]);
    const left: Item[] = [];
    for (const [index, key] of read.keys.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) continue;
      if (outcome instanceof ClientFault) this.#throttled = outcome;
      if (outcome instanceof ClientFault || !this.#fits(outcome)) {
        left.push(key);
        continue;
      }
      capacities.push(outcome.capacity);
      if (outcome.json !== undefined) items.push(outcome.json);
    }
    if (left.length > 0) this.#unprocessed.push([read.name, unprocessed(read.wire, left)]);
  }

  /** Once an item does not fit, none after it is shown. */
  #fits({ json }: ReadResult): boolean {
    this.#itemsBytes += json?.length ?? 0;
    this.#isFull ||= this.#itemsBytes > RESPONSE_BYTES_MAX;
    return !this.#isFull;
  }

  /** @throws ClientFault when every key was throttled */
  toBuffer(mode: ReturnConsumedCapacity | undefined): Uint8Array {
    const isAllLeft = this.#capacities.every(([, list]) => list.length === 0);
    if (this.#throttled !== undefined && isAllLeft) throw this.#throttled;
    const json = new ResponseJson().text('{"Responses":{');
    let separator = '';
    for (const [name, items] of this.#items) {
      json.text(`${separator}${JSON.stringify(name)}:`).items(items);
      separator = ',';
    }
    return json
      .text('}')
      .member('UnprocessedKeys', Object.fromEntries(this.#unprocessed))
      .member('ConsumedCapacity', this.#consumedCapacities(mode))
      .text('}')
      .toBuffer();
  }

  #consumedCapacities(mode: ReturnConsumedCapacity | undefined): JsonObject[] | undefined {
    if (mode === undefined || mode === 'NONE') return undefined;
    return this.#capacities
      .map(([name, capacities]) => consumedCapacity(mode, name, sumOfCapacities(capacities)))
      .filter((shown) => shown !== undefined);
  }
}

/** What the client has to send again; members that no one knows are not sent back. */
function unprocessed(wire: KeysAndAttributes, Keys: readonly Item[]): JsonObject {
  const { AttributesToGet, ConsistentRead, ProjectionExpression, ExpressionAttributeNames } = wire;
  return { Keys, AttributesToGet, ConsistentRead, ProjectionExpression, ExpressionAttributeNames };
}

function response(
  reads: readonly TableRead[],
  outcomes: readonly (readonly Outcome[])[],
  mode: ReturnConsumedCapacity | undefined,
): Uint8Array {
  const batch = new BatchResponse();
  for (const [index, read] of reads.entries()) batch.add(read, outcomes[index] ?? []);
  return batch.toBuffer(mode);
}

/** Reads up to 100 items by their keys, of several tables. */
export const batchGetItem: Operation = { name: 'BatchGetItem', handle };
