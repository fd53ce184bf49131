import type { JsonObject, ResponseBody } from '../../dataplane/api/operation.ts';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import type { CachedTables } from '../cache/cached-tables.ts';
import type { Eventually } from '../tables/eventually.ts';
import type { TableCalls } from '../tables/table-calls.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import type { StoredItems } from './stored-items.ts';

/** What this door needs of the tables behind the cache. */
export type DoorTables = Pick<
  CachedTables,
  | 'describe'
  | 'getItem'
  | 'batchGetItem'
  | 'page'
  | 'write'
  | 'batchWriteItem'
  | 'transactGetItems'
  | 'transactWriteItems'
  | 'dropTable'
>;

/** What the operations of this folder work with. */
export interface Door {
  readonly tables: DoorTables;
  /** For what is none of the cache's business: bodies go to the tables as they are. */
  readonly calls: TableCalls;
  readonly items: Pick<StoredItems, 'item'>;
}

/** One operation of the API: a parsed body to an answer. Throws as `CachedTables`. */
export type Handle = (door: Door, body: JsonObject) => Eventually<ResponseBody>;

/**
 * The table that a body names.
 * @returns undefined when it names none that the tables have: they have the words for it
 */
export function tableNamed({ tables }: Door, name: unknown): Eventually<TableInfo | undefined> {
  if (typeof name !== 'string' || name === '') return undefined;
  try {
    const table = tables.describe(name);
    return table instanceof Promise ? table.catch(noneIfRefused) : table;
  } catch (error) {
    return noneIfRefused(error);
  }
}

/** All of several, or undefined. */
export function tablesNamed(
  door: Door,
  names: readonly string[],
): Eventually<readonly TableInfo[] | undefined> {
  const found = names.map((name) => tableNamed(door, name));
  const whole = (tables: readonly (TableInfo | undefined)[]) => {
    const known = tables.filter((table) => table !== undefined);
    return known.length === tables.length ? known : undefined;
  };
  return isAtHand(found) ? whole(found) : Promise.all(found).then(whole);
}

function isAtHand<T>(values: readonly Eventually<T>[]): values is readonly T[] {
  return values.every((value) => !(value instanceof Promise));
}

function noneIfRefused(error: unknown): undefined {
  if (!(error instanceof ClientFault)) throw error;
}
