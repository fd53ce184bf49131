import type { Logger } from 'pino';
import type { CallContext, Operation, ResponseBody } from '../../dataplane/api/operation.ts';
import type { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { transportFaults } from '../../dataplane/errors/transport.ts';
import { CoherenceError } from '../cluster/coherence.ts';
import { RegistryError } from '../cluster/registry-store.ts';
import type { Eventually } from '../tables/eventually.ts';
import { TableCallError } from '../tables/table-calls.ts';
import { batchGetItem } from './batch-get-item.ts';
import { batchWriteItem } from './batch-write-item.ts';
import { describeEndpoints, FORGETTING, FORWARDED, forgetting, forwarded } from './control.ts';
import type { Door, Handle } from './door.ts';
import { getItem } from './get-item.ts';
import { query, scan } from './page.ts';
import { transactGetItems, transactWriteItems } from './transaction.ts';
import { deleteItem, putItem, updateItem } from './write.ts';

/** Reads and writes of items, which the cache has a part in. */
const ITEM_OPERATIONS: Readonly<Record<string, Handle>> = {
  BatchGetItem: batchGetItem,
  BatchWriteItem: batchWriteItem,
  DeleteItem: deleteItem,
  GetItem: getItem,
  PutItem: putItem,
  Query: query,
  Scan: scan,
  TransactGetItems: transactGetItems,
  TransactWriteItems: transactWriteItems,
  UpdateItem: updateItem,
};

/** What a caller is told then; the log says more. */
const NO_ANSWER = 'The tables behind the cache, or its other nodes, gave no answer; try again.';

/** The operations of the JSON door by name; all others are unknown to it. */
export function doorOperations(
  door: Door,
  log: Logger,
): ReadonlyMap<string, Operation<CallContext>> {
  const handles: readonly (readonly [name: string, handle: Handle])[] = [
    ...Object.entries(ITEM_OPERATIONS),
    ...FORWARDED.map((name) => [name, forwarded(name)] as const),
    ...FORGETTING.map((name) => [name, forgetting(name)] as const),
  ];
  const operations = handles.map(
    ([name, handle]): Operation<CallContext> => ({
      name,
      handle: (body) =>
        answered(
          () => handle(door, body),
          (error) => log.warn({ err: error, operation: name }, 'httpRequestNotAnswered'),
        ),
    }),
  );
  operations.push({
    name: 'DescribeEndpoints',
    handle: (_body, { host }) => describeEndpoints(host),
  });
  return new Map(operations.map((operation) => [operation.name, operation]));
}

/**
 * That the tables or other nodes gave no answer is no defect of this process: it is told in the tables' own
 * words, or else in general terms, and SDKs try again after a status of 500.
 */
function answered(
  operate: () => Eventually<ResponseBody>,
  onUnanswered: (error: Error) => void,
): Eventually<ResponseBody> {
  const fail = (error: unknown): never => {
    if (!isUnanswered(error)) throw error;
    onUnanswered(error);
    throw toldOf(error) ?? transportFaults.internal(NO_ANSWER);
  };
  try {
    const result = operate();
    return result instanceof Promise ? result.catch(fail) : result;
  } catch (error) {
    return fail(error);
  }
}

/** What the tables themselves said of their failure. */
function toldOf(error: Error): ClientFault | undefined {
  return error instanceof TableCallError ? error.fault : undefined;
}

function isUnanswered(error: unknown): error is Error {
  return (
    error instanceof TableCallError ||
    error instanceof CoherenceError ||
    error instanceof RegistryError
  );
}
