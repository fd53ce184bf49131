import { ClientFault } from '../errors/client-fault.ts';
import { requestFaults } from '../errors/requests.ts';
import { UnknownTableFault } from '../routing/remote-table.ts';
import type { Eventually } from '../routing/table.ts';
import type { JsonObject, Operation, OperationContext, ResponseBody } from './operation.ts';

/**
 * The same operation at a router, whose map of tables may be behind: a request that fails because a
 * table or index is not known is done again once the map was learned anew.
 *
 * It is done again on the same body. `handle` owns its body, but all it does to it is bring it into
 * normal form, and what is in normal form stays as it is; so a second run sees what the first one saw
 * (tested for every operation). A request that succeeds costs nothing but a look at its result.
 *
 * Both faults come before anything was done: tables are opened before the first item is written,
 * and a read may be repeated.
 * @param refresh - resolves when the map was learned anew; calls at the same time share the work
 */
export function refreshingOperation(operation: Operation, refresh: () => Promise<void>): Operation {
  const { name, handle } = operation;
  const again = async (
    fault: unknown,
    body: JsonObject,
    context: OperationContext,
  ): Promise<ResponseBody> => {
    if (!mayBeStale(fault, body)) throw fault;
    await refresh();
    return handle(body, context);
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
