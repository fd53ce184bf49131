import { ClientFault } from '../errors/client-fault.ts';
import { itemFaults } from '../errors/items.ts';
import { partiqlFaults, StatementKeyFault } from '../errors/partiql.ts';
import { transactionFaults } from '../errors/transactions.ts';
import type { AttributeValue } from '../item/attribute-value.ts';
import { valueBytes } from '../item/size.ts';
import type { Column } from '../partiql/columns.ts';
import { validParameters } from '../partiql/parameters.ts';
import { gottenItem, planRead } from '../partiql/read-plan.ts';
import {
  bindStatement,
  type ExistsStatement,
  type SelectStatement,
  type Statement,
  type WriteStatement,
} from '../partiql/statement.ts';
import { checkExists, planCheck, planWrite } from '../partiql/write-plan.ts';
import type { Table } from '../routing/table.ts';
import { requestDigest } from '../transaction/digest.ts';
import { noReason, reasonOfFault } from '../transaction/reasons.ts';
import {
  type CancellationReason,
  TRANSACTION_ACTIONS_MAX,
  type TransactionAction,
  type TransactionGet,
  type TransactionReadItem,
} from '../transaction/requests.ts';
import { transactionCanceled } from './cancellation.ts';
import type { ReturnConsumedCapacity } from './consumed-capacity.ts';
import { returnConsumedCapacity, returnValuesOnConditionCheckFailure } from './item-shapes.ts';
import type { ItemContext, JsonObject, Operation, ResponseBody } from './operation.ts';
import { ResponseJson } from './response-json.ts';
import { compileShape, list, string, structure, type ValueOf } from './shape/shape.ts';
import { rowsOf } from './statement-page.ts';
import { statementParameters, statementText } from './statement-shapes.ts';
import { tableOrFault } from './table-presence.ts';
import { type ActionCapacity, transactionCapacity } from './transaction-capacity.ts';
import { checkDistinctItems, TRANSACTION_BYTES_MAX } from './transaction-items.ts';
import { checkWithTable } from './transaction-write-plan.ts';

const TOKEN_LENGTH_MAX = 36;

const transactStatement = structure(
  {
    Statement: statementText,
    Parameters: statementParameters,
    ReturnValuesOnConditionCheckFailure: returnValuesOnConditionCheckFailure,
  },
  { name: 'ParameterizedStatement', required: ['Statement'] },
);

const input = structure(
  {
    TransactStatements: list(transactStatement, { min: 1, max: TRANSACTION_ACTIONS_MAX }),
    ClientRequestToken: string({ min: 1, max: TOKEN_LENGTH_MAX }),
    ReturnConsumedCapacity: returnConsumedCapacity,
  },
  { required: ['TransactStatements'] },
);

const check = compileShape(input);

type Request = ValueOf<typeof input>;

/** A statement that reads one item by its key. */
interface Get extends TransactionGet {
  readonly columns: readonly Column[] | undefined;
}

/** All parameters are looked at before any statement is read. */
function statementsOf({ TransactStatements }: Request): readonly Statement[] {
  const parameters = TransactStatements.map(({ Parameters }) => validParameters(Parameters));
  const statements = TransactStatements.map(({ Statement }, index) =>
    inStatement(index, () => bindStatement(Statement, parameters[index] ?? [])),
  );
  const reads = statements.filter(({ kind }) => kind === 'select').length;
  if (reads > 0 && reads < statements.length) throw partiqlFaults.transactionMixed();
  checkSize(statements, parameters);
  return statements;
}

/** @throws ClientFault of the statement, with its place in the request */
function inStatement<T>(index: number, make: () => T): T {
  try {
    return make();
  } catch (thrown) {
    throw thrown instanceof ClientFault && thrown.type === 'ValidationException'
      ? partiqlFaults.inTransaction(index, thrown)
      : thrown;
  }
}

/** What is brought along: an item, or parameters. @throws ClientFault */
function checkSize(
  statements: readonly Statement[],
  parameters: readonly (readonly AttributeValue[])[],
): void {
  let bytes = 0;
  for (const [index, statement] of statements.entries()) {
    const given = (parameters[index] ?? []).reduce((sum, value) => sum + valueBytes(value), 0);
    bytes += statement.kind === 'insert' ? statement.itemBytes : given;
  }
  if (bytes > TRANSACTION_BYTES_MAX) throw transactionFaults.tooLarge(bytes);
}

/** A statement with its table, or the fault that there is none. */
interface Opened<S extends Statement> {
  readonly statement: S;
  readonly index: number;
  readonly table: Table | ClientFault;
}

function opened<S extends Statement>(
  statements: readonly S[],
  context: ItemContext,
): readonly Opened<S>[] {
  return statements.map((statement, index) => ({
    statement,
    index,
    table: tableOrFault(statement.table, context),
  }));
}

/** A statement with its table, or why it cancels the transaction. */
type Planned<Plan> =
  | { readonly plan: Plan; readonly reason?: never }
  | { readonly plan?: never; readonly reason: CancellationReason };

/**
 * Plans every statement. What is wrong with a statement itself is a fault of the request, also where
 * the tables of others are missing.
 * @throws ClientFault
 */
function planned<S extends Statement, Plan>(
  members: readonly Opened<S>[],
  planOf: (statement: S, table: Table, index: number) => Planned<Plan>,
): readonly Plan[] {
  const outcomes = members.map(({ statement, index, table }): Planned<Plan> => {
    if (table instanceof ClientFault) return { reason: noReason };
    return inStatement(index, () => planOf(statement, table, index));
  });
  if (members.some(({ table }) => table instanceof ClientFault)) throw withoutTables(members);
  if (outcomes.some(({ reason }) => reason !== undefined)) {
    throw transactionCanceled(outcomes.map(({ reason }) => reason ?? noReason));
  }
  return outcomes.flatMap(({ plan }) => (plan === undefined ? [] : [plan]));
}

/** @throws ClientFault that is not the reason of one action */
function reasonOfPlan(thrown: unknown): CancellationReason {
  // The service looks at keys as it does in the native operation.
  if (thrown instanceof StatementKeyFault) return { kind: 'validation', message: MISMATCH };
  const reason = thrown instanceof ClientFault ? reasonOfFault(thrown) : undefined;
  if (reason === undefined) throw thrown;
  return reason;
}

const MISMATCH = itemFaults.keySchemaMismatch().message ?? '';

/** @see floci-io/floci, PartiQL edge cases (captures of September 2026) */
function withoutTables(members: readonly Opened<Statement>[]): ClientFault {
  return transactionFaults.canceled(
    members.map(({ table }) =>
      table instanceof ClientFault
        ? { Code: 'ResourceNotFound', Message: table.message }
        : { Code: 'None' },
    ),
  );
}

/** Everything about the request that can be said without the tables. @throws ClientFault */
export function planExecuteTransaction(body: JsonObject) {
  const request = check(body);
  return { request, statements: statementsOf(request) };
}

async function handle(body: JsonObject, context: ItemContext): Promise<ResponseBody> {
  const { request, statements } = planExecuteTransaction(body);
  const selects = statements.filter((statement) => statement.kind === 'select');
  if (selects.length > 0) return read(request, selects, context);
  return write(
    request,
    statements.filter((statement) => statement.kind !== 'select'),
    context,
  );
}

async function read(
  { ReturnConsumedCapacity }: Request,
  statements: readonly SelectStatement[],
  context: ItemContext,
): Promise<ResponseBody> {
  const gets = planned(opened(statements, context), getOf);
  checkDistinctItems(gets);
  const result = await context.transactions.read(gets);
  if (result.kind === 'cancelled') throw transactionCanceled(result.reasons);
  return rowsResponse(gets, result.items, ReturnConsumedCapacity);
}

/** @throws ClientFault of what is no read of one item by its key */
function getOf(statement: SelectStatement, table: Table): Planned<Get> {
  if (statement.index !== undefined) throw partiqlFaults.indexInTransaction();
  try {
    const plan = planRead(statement, table.schema, { consistentRead: true });
    const get = gottenItem(plan);
    if (get === undefined) throw partiqlFaults.transactionReadNeedsKey();
    const { key, projection } = get;
    return { plan: { table, key, projection, columns: plan.columns } };
  } catch (thrown) {
    if (thrown instanceof StatementKeyFault) return { reason: reasonOfPlan(thrown) };
    throw thrown;
  }
}

/** Items are copied once, into the response. @throws ClientFault when they are too large in sum */
function rowsResponse(
  gets: readonly Get[],
  items: readonly TransactionReadItem[],
  mode: ReturnConsumedCapacity | undefined,
): Uint8Array {
  const json = new ResponseJson().text('{"Responses":[');
  const capacities: ActionCapacity[] = [];
  let bytes = 0;
  for (const [index, { table, columns }] of gets.entries()) {
    const item = items[index];
    if (item === undefined) throw new Error('every get has its item');
    if (index > 0) json.text(',');
    bytes += item.bytes;
    const [row] = rowsOf(item.json === undefined ? [] : [item.json], columns);
    if (row === undefined) json.text('{}');
    else json.text('{"Item":').bytes(row).text('}');
    capacities.push({ name: table.schema.tableName, capacity: item.capacity });
  }
  if (bytes > TRANSACTION_BYTES_MAX) throw transactionFaults.tooLarge(bytes);
  return json
    .text(']')
    .member('ConsumedCapacity', transactionCapacity(mode, 'Read', capacities))
    .text('}')
    .toBuffer();
}

type ActionStatement = WriteStatement | ExistsStatement;

async function write(
  request: Request,
  statements: readonly ActionStatement[],
  context: ItemContext,
): Promise<ResponseBody> {
  const { ClientRequestToken, TransactStatements, ReturnConsumedCapacity: mode } = request;
  const actions = planned(opened(statements, context), (statement, table, index) =>
    actionOf(statement, table, {
      returnsItemOnFailure:
        TransactStatements[index]?.ReturnValuesOnConditionCheckFailure === 'ALL_OLD',
    }),
  );
  checkDistinctItems(actions.map(({ table, command: { key } }) => ({ table, key })));
  const result = await context.transactions.write({
    actions,
    token: ClientRequestToken && tokenOf(ClientRequestToken),
    digest: requestDigest(executeTransaction.name, actions),
  });
  if (result.kind === 'cancelled') {
    throw transactionCanceled(
      result.reasons.map((reason, index) => reasonOf(reason, statements[index])),
    );
  }
  const capacities =
    result.kind === 'repeated' ? result.capacities : result.actions.map(({ capacity }) => capacity);
  const consumed = actions.flatMap(({ table }, index): ActionCapacity[] => {
    const capacity = capacities[index];
    return capacity === undefined ? [] : [{ name: table.schema.tableName, capacity }];
  });
  const direction = result.kind === 'repeated' ? 'Read' : 'Write';
  return { Responses: [], ConsumedCapacity: transactionCapacity(mode, direction, consumed) };
}

/** A token means something else in each operation that takes one. */
function tokenOf(clientToken: string): string {
  return `${executeTransaction.name} ${clientToken}`;
}

/** @throws ClientFault of what no statement of a transaction may be */
function actionOf(
  statement: ActionStatement,
  table: Table,
  { returnsItemOnFailure }: { readonly returnsItemOnFailure: boolean },
): Planned<TransactionAction> {
  if (statement.kind === 'exists') checkExists(statement, table.schema);
  const isReturning = statement.kind === 'update' || statement.kind === 'delete';
  if (isReturning && statement.returning !== undefined) {
    throw partiqlFaults.returningInTransaction();
  }
  try {
    const command =
      statement.kind === 'exists'
        ? planCheck(statement, table.schema)
        : planWrite(statement, table.schema);
    const plan = { table, command, returnsItemOnFailure };
    checkWithTable(plan);
    return { plan };
  } catch (thrown) {
    return { reason: reasonOfPlan(thrown) };
  }
}

/** An INSERT fails for one reason only. */
function reasonOf(
  reason: CancellationReason,
  statement: ActionStatement | undefined,
): CancellationReason {
  return reason.kind === 'conditionFailed' && statement?.kind === 'insert'
    ? { kind: 'duplicateItem', item: reason.item }
    : reason;
}

/** Runs up to 100 PartiQL statements as one transaction: all reads, or all writes and checks. */
export const executeTransaction: Operation<ItemContext> = {
  name: 'ExecuteTransaction',
  handle,
  isToldOfAbsentTables: true,
};
