import { ClientFault, type FaultType } from '../errors/client-fault.ts';
import { partiqlFaults } from '../errors/partiql.ts';
import { validParameters } from '../partiql/parameters.ts';
import { gottenItem, planRead, type ReadPlan } from '../partiql/read-plan.ts';
import {
  bindStatement,
  type SelectStatement,
  targetNamed,
  type WriteStatement,
} from '../partiql/statement.ts';
import { planWrite } from '../partiql/write-plan.ts';
import { writeUnits } from '../partition/capacity.ts';
import type { Capacity } from '../partition/command.ts';
import { UnknownTableFault } from '../routing/remote-table.ts';
import type { Table } from '../routing/table.ts';
import { BatchKeys } from './batch-keys.ts';
import {
  consumedCapacity,
  type ReturnConsumedCapacity,
  sumOfCapacities,
  totalUnits,
} from './consumed-capacity.ts';
import { returnConsumedCapacity, returnValuesOnConditionCheckFailure } from './item-shapes.ts';
import type { JsonObject, Operation, OperationContext, ResponseBody } from './operation.ts';
import { boolean, compileShape, list, structure, type ValueOf } from './shape/shape.ts';
import { readPage } from './statement-page.ts';
import { statementParameters, statementText } from './statement-shapes.ts';
import { returnedRow, type StatementWrite, write } from './statement-write.ts';
import { tableOrFault } from './table-presence.ts';

const STATEMENTS_COUNT_MAX = 25;

const batchStatement = structure(
  {
    Statement: statementText,
    Parameters: statementParameters,
    ConsistentRead: boolean(),
    ReturnValuesOnConditionCheckFailure: returnValuesOnConditionCheckFailure,
  },
  { name: 'BatchStatementRequest', required: ['Statement'] },
);

const input = structure(
  {
    Statements: list(batchStatement, { min: 1, max: STATEMENTS_COUNT_MAX }),
    ReturnConsumedCapacity: returnConsumedCapacity,
  },
  { required: ['Statements'] },
);

const check = compileShape(input);

type Member = ValueOf<typeof batchStatement>;
type BatchStatement = SelectStatement | WriteStatement;

/** One statement of a batch, ready to run. */
type Planned = { readonly table: Table } & (
  | { readonly kind: 'read'; readonly plan: ReadPlan; readonly consistentRead: boolean }
  | { readonly kind: 'write'; readonly write: StatementWrite }
);

/** A statement that does not run; the table is named where it is missing, or denied to the caller. */
interface Refused {
  readonly kind: 'refused';
  readonly fault: ClientFault;
  readonly tableName: string | undefined;
}

function refused(fault: ClientFault, tableName?: string): Refused {
  return { kind: 'refused', fault, tableName };
}

/** What is wrong with one statement is told with it alone. */
function statementOf({ Statement, Parameters }: Member): BatchStatement | ClientFault {
  return faultOr(() => {
    const statement = bindStatement(Statement, validParameters(Parameters));
    if (statement.kind === 'exists') throw partiqlFaults.existsOutsideTransaction();
    return statement;
  });
}

function faultOr<T>(make: () => T): T | ClientFault {
  try {
    return make();
  } catch (thrown) {
    if (thrown instanceof ClientFault) return thrown;
    throw thrown;
  }
}

/** @throws ClientFault when reads and writes are together */
function checkKinds(statements: readonly (BatchStatement | ClientFault)[]): void {
  let reads = 0;
  let writes = 0;
  for (const statement of statements) {
    if (statement instanceof ClientFault) continue;
    if (statement.kind === 'select') reads++;
    else writes++;
  }
  if (reads > 0 && writes > 0) throw partiqlFaults.batchMixed();
}

function plannedOf(
  member: Member,
  statement: BatchStatement | ClientFault,
  {
    refusal,
    context,
  }: { readonly refusal: ClientFault | undefined; readonly context: OperationContext },
): Planned | Refused {
  if (refusal !== undefined) return refused(refusal, targetNamed(member.Statement)?.table);
  if (statement instanceof ClientFault) return refused(statement);
  const table = tableOrFault(statement.table, context);
  if (table instanceof ClientFault) return refused(table, statement.table);
  const planned = faultOr(() =>
    statement.kind === 'select'
      ? readOf(member, statement, table)
      : writeOf(member, statement, table),
  );
  return planned instanceof ClientFault ? refused(planned) : planned;
}

/** @throws ClientFault of what is no read of one item by its key */
function readOf(
  { ConsistentRead: consistentRead = false }: Member,
  statement: SelectStatement,
  table: Table,
): Planned {
  const plan = planRead(statement, table.schema, { consistentRead });
  if (gottenItem(plan) === undefined) throw partiqlFaults.batchReadNeedsKey();
  return { kind: 'read', table, plan, consistentRead };
}

/** @throws ClientFault of the key */
function writeOf(member: Member, statement: WriteStatement, table: Table): Planned {
  const command = planWrite(statement, table.schema);
  const returnsItemOnFailure = member.ReturnValuesOnConditionCheckFailure === 'ALL_OLD';
  return { kind: 'write', table, write: { statement, command, returnsItemOnFailure } };
}

/** @throws ClientFault when two statements are about one item */
function checkDistinctItems(members: readonly (Planned | Refused)[]): void {
  const keysByTable = new Map<string, BatchKeys>();
  for (const member of members) {
    if (member.kind === 'refused') continue;
    const key = member.kind === 'write' ? member.write.command.key : gottenItem(member.plan)?.key;
    const { tableId } = member.table.schema;
    const keys = keysByTable.get(tableId) ?? new BatchKeys();
    keysByTable.set(tableId, keys);
    if (key !== undefined) keys.add(key);
  }
}

/** What became of one statement. */
interface Outcome {
  readonly response: JsonObject;
  readonly tableName: string | undefined;
  /** Undefined where it failed. */
  readonly capacity: Capacity | undefined;
  /** Units of a write that failed: they count in the table's total alone. */
  readonly failedUnits: number;
}

async function run(member: Planned | Refused): Promise<Outcome> {
  if (member.kind === 'refused') return failure(member.fault, member.tableName, 0);
  const { tableName } = member.table.schema;
  try {
    return member.kind === 'read' ? await runRead(member) : await runWrite(member);
  } catch (thrown) {
    // Throttled, or refused by the item that is there; an unknown table may be known soon.
    if (!(thrown instanceof ClientFault) || thrown instanceof UnknownTableFault) throw thrown;
    return failure(thrown, tableName, 0);
  }
}

async function runRead({
  table,
  plan,
  consistentRead,
}: Extract<Planned, { kind: 'read' }>): Promise<Outcome> {
  const position = { readIndex: 0, startKey: undefined };
  const page = await readPage(table, plan, { limit: undefined, position, consistentRead });
  const { tableName } = table.schema;
  const [row] = page.rows;
  const Item: unknown = row && JSON.parse(Buffer.from(row).toString('utf8'));
  const { capacity } = page;
  return { response: { Item, TableName: tableName }, tableName, capacity, failedUnits: 0 };
}

async function runWrite(member: Extract<Planned, { kind: 'write' }>): Promise<Outcome> {
  const { tableName } = member.table.schema;
  const result = await write(member.table, member.write);
  const { capacity } = result;
  const row = faultOr(() => returnedRow(member.write, result));
  if (row instanceof ClientFault) {
    const { command } = member.write;
    const itemBytes = command.kind === 'put' ? command.itemBytes : 0;
    return failure(row, tableName, Math.max(capacity.table, writeUnits(itemBytes)));
  }
  return { response: { Item: row, TableName: tableName }, tableName, capacity, failedUnits: 0 };
}

/** Of a statement that did not run the table is not told, but where there is none or it is denied. */
function failure(fault: ClientFault, tableName: string | undefined, failedUnits: number): Outcome {
  const Code = codes[fault.type] ?? 'InternalServerError';
  const { Item } = fault.members ?? {};
  const response = { Error: { Code, Message: fault.message, Item }, TableName: tableName };
  return { response, tableName, capacity: undefined, failedUnits };
}

/** @see service model dynamodb 2012-08-10, BatchStatementErrorCodeEnum */
const codes: Readonly<Partial<Record<FaultType, string>>> = {
  AccessDeniedException: 'AccessDenied',
  ConditionalCheckFailedException: 'ConditionalCheckFailed',
  DuplicateItemException: 'DuplicateItem',
  ItemCollectionSizeLimitExceededException: 'ItemCollectionSizeLimitExceeded',
  ProvisionedThroughputExceededException: 'ProvisionedThroughputExceeded',
  RequestLimitExceeded: 'RequestLimitExceeded',
  ResourceNotFoundException: 'ResourceNotFound',
  ThrottlingException: 'ThrottlingError',
  TransactionConflictException: 'TransactionConflict',
  ValidationException: 'ValidationError',
};

/**
 * Everything about the request that can be said without the tables: its statements, or what is wrong
 * with each.
 * @throws ClientFault of the whole
 */
export function planBatchExecuteStatement(body: JsonObject) {
  const request = check(body);
  const statements = request.Statements.map(statementOf);
  checkKinds(statements);
  return { request, statements };
}

async function handle(body: JsonObject, context: OperationContext): Promise<ResponseBody> {
  const { request, statements } = planBatchExecuteStatement(body);
  const members = request.Statements.map((member, index) => {
    const statement = statements[index];
    if (statement === undefined) throw new Error('every member has been read');
    const refusal = context.refusedParts?.get(index);
    return plannedOf(member, statement, { refusal, context });
  });
  checkDistinctItems(members);
  // Issued together, so that writes share a group commit; all are waited for, whatever fails.
  const settled = await Promise.allSettled(members.map(run));
  const outcomes = settled.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value;
  });
  return {
    Responses: outcomes.map(({ response }) => response),
    ConsumedCapacity: consumedCapacities(outcomes, request.ReturnConsumedCapacity),
  };
}

/** By table, of those where a statement succeeded; absent when none did. */
function consumedCapacities(
  outcomes: readonly Outcome[],
  mode: ReturnConsumedCapacity | undefined,
): readonly JsonObject[] | undefined {
  if (mode === undefined || mode === 'NONE') return undefined;
  const shown: JsonObject[] = [];
  for (const [tableName, group] of Map.groupBy(outcomes, (outcome) => outcome.tableName)) {
    const capacities = group.flatMap(({ capacity }) => (capacity === undefined ? [] : [capacity]));
    if (tableName === undefined || capacities.length === 0) continue;
    const capacity = sumOfCapacities(capacities);
    const failedUnits = group.reduce((sum, each) => sum + each.failedUnits, 0);
    const consumed = consumedCapacity(mode, tableName, capacity);
    shown.push({ ...consumed, CapacityUnits: totalUnits(capacity) + failedUnits });
  }
  return shown.length === 0 ? undefined : shown;
}

/** Runs up to 25 PartiQL statements, each on its own: all reads of single items, or all writes. */
export const batchExecuteStatement: Operation = {
  name: 'BatchExecuteStatement',
  handle,
  isToldOfAbsentTables: true,
};
