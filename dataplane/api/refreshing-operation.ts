import { ClientFault } from '../errors/client-fault.ts';
import { partiqlFaults } from '../errors/partiql.ts';
import { requestFaults } from '../errors/requests.ts';
import { operatingTexts, transportFaults } from '../errors/transport.ts';
import { targetNamed } from '../partiql/statement.ts';
import { UnknownTableFault } from '../routing/remote-table.ts';
import type { Eventually } from '../routing/table.ts';
import type { ItemContext, JsonObject, Operation, ResponseBody } from './operation.ts';

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
 * and a read may be repeated. A transaction that has begun does not end with them.
 */
export function refreshingOperation(
  operation: Operation<ItemContext>,
  { refresh, hasTable }: TableKnowledge,
): Operation<ItemContext> {
  const { name, handle } = operation;
  /** Does it again, and gives back the fault of a table that is still not known. */
  const handled = async (
    body: JsonObject,
    context: ItemContext,
  ): Promise<ResponseBody | UnknownTableFault> => {
    try {
      // What was authorised was so on tables as they were known then.
      const refusedParts = await context.authorizeAgain?.();
      return await handle(
        body,
        refusedParts === undefined ? context : { ...context, refusedParts },
      );
    } catch (fault) {
      if (fault instanceof UnknownTableFault) return fault;
      throw fault;
    }
  };
  const refreshed = async (
    body: JsonObject,
    context: ItemContext,
  ): Promise<ResponseBody | UnknownTableFault> => {
    await refresh(requestedTables(body));
    return handled(body, context);
  };
  const again = async (
    fault: unknown,
    body: JsonObject,
    context: ItemContext,
  ): Promise<ResponseBody> => {
    if (!mayBeStale(fault, body)) throw fault;
    let second = await refreshed(body, context);
    const absentTables = new Set<string>();
    for (;;) {
      if (!(second instanceof UnknownTableFault)) return second;
      // Each table is told of once, so this ends with the request's last one.
      if (absentTables.has(second.table)) throw second;
      if (await hasTable(second.table)) break;
      if (operation.isToldOfAbsentTables !== true) throw second;
      absentTables.add(second.table);
      second = await handled(body, { ...context, absentTables });
    }
    const third = await refreshed(body, { ...context, absentTables });
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
function requestedTables(body: JsonObject): readonly string[] {
  const { TableName, RequestItems, TransactItems } = body;
  if (typeof TableName === 'string') return [TableName];
  const statements = statementsOf(body);
  if (statements.length > 0) {
    const tables = statements.map((statement) => targetNamed(statement)?.table);
    return [...new Set(tables.filter((table) => table !== undefined))];
  }
  if (Array.isArray(TransactItems)) return [...new Set(TransactItems.flatMap(tablesOfAction))];
  const isMap = typeof RequestItems === 'object' && RequestItems !== null;
  return isMap ? Object.keys(RequestItems) : [];
}

/** Texts of the PartiQL statements of a request. */
function statementsOf({ Statement, Statements, TransactStatements }: JsonObject): string[] {
  if (typeof Statement === 'string') return [Statement];
  const members: unknown = Statements ?? TransactStatements;
  if (!Array.isArray(members)) return [];
  return members.flatMap((member: unknown) => {
    const isStatement = typeof member === 'object' && member !== null && 'Statement' in member;
    return isStatement && typeof member.Statement === 'string' ? [member.Statement] : [];
  });
}

/** Of an element of TransactItems, whatever its one member is called. */
function tablesOfAction(action: unknown): readonly string[] {
  return Object.values(action ?? {}).flatMap((member: unknown) => {
    const isNamed = typeof member === 'object' && member !== null && 'TableName' in member;
    return isNamed && typeof member.TableName === 'string' ? [member.TableName] : [];
  });
}

/** Whether the fault may come of a map that is behind. */
function mayBeStale(fault: unknown, { IndexName, Statement }: JsonObject): boolean {
  if (fault instanceof UnknownTableFault) return true;
  if (!(fault instanceof ClientFault)) return false;
  const index = typeof Statement === 'string' ? targetNamed(Statement)?.index : IndexName;
  if (typeof index !== 'string') return false;
  // The catalogue's own texts; no other fault of an operation that names an index has them.
  return (
    fault.message === requestFaults.indexAbsent(index).message ||
    fault.message === requestFaults.indexBackfilling(index).message ||
    fault.message === partiqlFaults.indexAbsent().message
  );
}
