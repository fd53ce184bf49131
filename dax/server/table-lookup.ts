import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { tableFaults } from '../../dataplane/errors/tables.ts';
import type { Eventually } from '../tables/eventually.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import type { DoorTables } from './door-tables.ts';

/**
 * The table that a request names.
 * @throws ClientFault ResourceNotFoundException, in the words of the operations on items
 */
export function tableNamed(tables: DoorTables, nameOrArn: string): Eventually<TableInfo> {
  const table = tables.describe(nameOrArn);
  return table instanceof Promise ? table.catch(inWordsOfItems) : table;
}

/** The cache describes tables, and that operation says more. */
function inWordsOfItems(error: unknown): never {
  const isAbsent = error instanceof ClientFault && error.type === 'ResourceNotFoundException';
  throw isAbsent ? tableFaults.notReadable() : error;
}
