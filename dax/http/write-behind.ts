import type { JsonObject } from '../../dataplane/api/operation.ts';
import { TableCallError } from '../tables/table-calls.ts';
import { type Door, tableNamed } from './door.ts';

/** A write whose keys could not be read. */
export interface UnreadWrite {
  readonly operation: string;
  readonly body: JsonObject;
  /** Of all tables that it may write to. */
  readonly tableNames: readonly unknown[];
}

/**
 * Has the tables judge a write that this door cannot read: they have the words for what is wrong with
 * it. If they do it nevertheless, or nobody knows whether they did, nothing of the tables that it names
 * stays in the cache.
 * @throws ClientFault, TableCallError
 */
export async function writeBehind(door: Door, write: UnreadWrite): Promise<JsonObject> {
  let answer: JsonObject;
  try {
    answer = await door.calls.call(write.operation, write.body);
  } catch (error) {
    if (error instanceof TableCallError && error.isUncertain) await drop(door, write, true);
    throw error;
  }
  await drop(door, write, false);
  return answer;
}

async function drop(door: Door, { tableNames }: UnreadWrite, isUncertain: boolean): Promise<void> {
  for (const name of tableNames) {
    const table = await tableNamed(door, name);
    if (table !== undefined) await door.tables.dropTable(table, isUncertain);
  }
}
