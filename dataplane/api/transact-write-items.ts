import { ClientFault, inOlderWords, validationFault } from '../errors/client-fault.ts';
import { isEmptyKeyText } from '../errors/items.ts';
import { requestDigest } from '../transaction/digest.ts';
import {
  type CancellationReason,
  type CommittedAction,
  TRANSACTION_ACTIONS_MAX,
  type TransactionAction,
  type TransactionWriteResult,
} from '../transaction/requests.ts';
import { transactionCanceled } from './cancellation.ts';
import { itemCollectionMetricsByTable } from './item-collection-metrics.ts';
import { returnConsumedCapacity, returnItemCollectionMetrics } from './item-shapes.ts';
import type { ItemContext, JsonObject, Operation, ResponseBody } from './operation.ts';
import { compileShape, list, string, structure, type ValueOf } from './shape/shape.ts';
import { transactWriteItem } from './transact-write-shape.ts';
import { type ActionCapacity, transactionCapacity } from './transaction-capacity.ts';
import { checkDistinctItems, reasonsOf } from './transaction-items.ts';
import {
  type ActionPlan,
  checkSizes,
  checkWithTable,
  commandOf,
  type OpenAction,
  planOf,
} from './transaction-write-plan.ts';

const TOKEN_LENGTH_MAX = 36;

/** Members in the order in which their failures are listed. */
const input = structure(
  {
    ClientRequestToken: string({ min: 1, max: TOKEN_LENGTH_MAX }),
    ReturnConsumedCapacity: returnConsumedCapacity,
    ReturnItemCollectionMetrics: returnItemCollectionMetrics,
    TransactItems: list(transactWriteItem, { min: 1, max: TRANSACTION_ACTIONS_MAX }),
  },
  { required: ['TransactItems'] },
);

const check = compileShape(input);
/** Nobody compares it. */
const noDigest = new Uint8Array(0);

type Request = ValueOf<typeof input>;

/**
 * Everything about the request that can be said without the tables. The service reads transactions by
 * its older layer.
 * @throws ClientFault
 */
export function planTransactWriteItems(body: JsonObject): {
  readonly request: Request;
  readonly plans: readonly ActionPlan[];
} {
  const request = check(body);
  try {
    return { request, plans: request.TransactItems.map(planOf) };
  } catch (thrown) {
    throw thrown instanceof ClientFault ? inOlderWords(thrown) : thrown;
  }
}

/**
 * The actions of a request.
 * @throws ClientFault TransactionCanceledException for what is wrong with single actions
 */
function actionsOf(
  plans: readonly ActionPlan[],
  context: ItemContext,
): readonly TransactionAction[] {
  const opened: readonly OpenAction[] = plans.map((plan) => ({
    plan,
    table: context.tables.openTable(plan.name),
  }));
  const placed: TransactionAction[] = [];
  const reasons = reasonsOf(opened, (action) => {
    placed.push(commandOf(action));
  });
  checkDistinctItems(placed.map(({ table, command: { key } }) => ({ table, key })));
  checkSizes(plans);
  const faulty = reasons ?? reasonsOf(placed, checkWithTable);
  if (faulty !== undefined) throw canceled(faulty);
  return placed;
}

/**
 * Empty values for keys are faults of the whole request, unlike keys of the wrong type.
 * @see nubo-db/dynamodb-conformance, transactWriteItems.test.ts (captures of June 2026)
 */
function canceled(reasons: readonly CancellationReason[]): ClientFault {
  for (const reason of reasons) {
    if (reason.kind === 'validation' && isEmptyKeyText(reason.message)) {
      return validationFault(reason.message);
    }
  }
  return transactionCanceled(reasons);
}

async function handle(body: JsonObject, context: ItemContext): Promise<ResponseBody> {
  const { request, plans } = planTransactWriteItems(body);
  const actions = actionsOf(plans, context);
  const token = request.ClientRequestToken;
  const result = await context.transactions.write({
    actions,
    token,
    digest: token === undefined ? noDigest : requestDigest(transactWriteItems.name, actions),
  });
  return response({ request, plans, actions }, result);
}

interface Asked {
  readonly request: Request;
  readonly plans: readonly ActionPlan[];
  /** In step with `plans`. */
  readonly actions: readonly TransactionAction[];
}

function response(
  { request, plans, actions }: Asked,
  result: TransactionWriteResult,
): ResponseBody {
  const { ReturnConsumedCapacity, ReturnItemCollectionMetrics } = request;
  switch (result.kind) {
    case 'cancelled':
      throw canceled(result.reasons);
    case 'repeated': {
      const read = capacitiesOf(plans, result.capacities);
      return { ConsumedCapacity: transactionCapacity(ReturnConsumedCapacity, 'Read', read) };
    }
    case 'committed': {
      const capacities = result.actions.map(({ capacity }) => capacity);
      const written = capacitiesOf(plans, capacities);
      return {
        ConsumedCapacity: transactionCapacity(ReturnConsumedCapacity, 'Write', written),
        ItemCollectionMetrics:
          ReturnItemCollectionMetrics === 'SIZE'
            ? collectionMetrics(actions, result.actions)
            : undefined,
      };
    }
  }
}

function capacitiesOf(
  plans: readonly ActionPlan[],
  capacities: readonly ActionCapacity['capacity'][],
): readonly ActionCapacity[] {
  return plans.flatMap(({ name }, index) => {
    const capacity = capacities[index];
    return capacity === undefined ? [] : [{ name, capacity }];
  });
}

/** By table; one entry for each item collection written to. Undefined without local indexes. */
function collectionMetrics(
  actions: readonly TransactionAction[],
  done: readonly CommittedAction[],
): JsonObject | undefined {
  return itemCollectionMetricsByTable(
    actions.map(({ table: { schema }, command: { key } }, index) => {
      return { schema, key, collectionBytes: done[index]?.collectionBytes };
    }),
  );
}

/** Does up to 100 writes and checks, on items of several tables: all of them or none. */
export const transactWriteItems: Operation<ItemContext> = { name: 'TransactWriteItems', handle };
