import { ClientFault } from '../errors/client-fault.ts';
import { requestFaults } from '../errors/requests.ts';
import { operatingTexts, transportFaults } from '../errors/transport.ts';
import { UnknownTableFault } from '../routing/remote-table.ts';
import type { Eventually } from '../routing/table.ts';
import type { JsonObject, Operation, OperationContext, ResponseBody } from './operation.ts';

/** What a router can find out about tables that it does not know. */
export interface TableKnowledge {
  /**
   * Resolves when the map was learned anew; calls at the same time share the work.
   * @param tables - names or ARNs that the request is about
   */
  readonly refresh: (tables: readonly string[]) => Promise<void>;
  /** Whether there is such a table, as the catalog says. @throws ClientFault when it cannot be asked */
  readonly hasTable: (nameOrArn: string) => Promise<boolean>;
}

/**
 * The same operation at a router, whose map of tables may be behind: a request that fails because a
 * table or index is not known is done again once the map was learned anew. If the table is still
 * not known, the catalog is asked: a client is only told that there is none if that is certain,
 * since it does not try again then.
 *
 * It is done again on the same body. `handle` owns its body, but all it does to it is bring it into
 * normal form, and what is in normal form stays as it is; so a second run sees what the first one saw
 * (tested for every operation). A request that succeeds costs nothing but a look at its result.
 *
 * Both faults come before anything was done: tables are opened before the first item is written,
 * and a read may be repeated.
 */
export function refreshingOperation(
  operation: Operation,
  { refresh, hasTable }: TableKnowledge,
): Operation {
  const { name, handle } = operation;
  /** Does it again, and gives back the fault of a table that is still not known. */
  const refreshed = async (
    body: JsonObject,
    context: OperationContext,
  ): Promise<ResponseBody | UnknownTableFault> => {
    await refresh(requestedTables(body));
    try {
      return await handle(body, context);
    } catch (fault) {
      if (fault instanceof UnknownTableFault) return fault;
      throw fault;
    }
  };
  const again = async (
    fault: unknown,
    body: JsonObject,
    context: OperationContext,
  ): Promise<ResponseBody> => {
    if (!mayBeStale(fault, body)) throw fault;
    const second = await refreshed(body, context);
    if (!(second instanceof UnknownTableFault)) return second;
    if (!(await hasTable(second.table))) throw second;
    const third = await refreshed(body, context);
    if (!(third instanceof UnknownTableFault)) return third;
    throw transportFaults.internal(operatingTexts.unavailable);
  };
  return {
    name,
    handle: (body, context): Eventually<ResponseBody> => {
      try {
        const result = handle(body, context);
        return result instanceof Promise
          ? result.catch((fault: unknown) => again(fault, body, context))
          : result;
      } catch (fault) {
        return again(fault, body, context);
      }
    },
  };
}

/** Names or ARNs of the tables that a request for items is about, in its order. */
function requestedTables({ TableName, RequestItems }: JsonObject): readonly string[] {
  if (typeof TableName === 'string') return [TableName];
  const isMap = typeof RequestItems === 'object' && RequestItems !== null;
  return isMap ? Object.keys(RequestItems) : [];
}

/** Whether the fault may come of a map that is behind. */
function mayBeStale(fault: unknown, { IndexName }: JsonObject): boolean {
  if (fault instanceof UnknownTableFault) return true;
  if (!(fault instanceof ClientFault) || typeof IndexName !== 'string') return false;
  // The catalogue's own texts; no other fault of an operation that names an index has them.
  return (
    fault.message === requestFaults.indexAbsent(IndexName).message ||
    fault.message === requestFaults.indexBackfilling(IndexName).message
  );
}
