import { ClientFault } from '../errors/client-fault.ts';
import { UnknownTableFault } from '../routing/remote-table.ts';
import type { Table } from '../routing/table.ts';
import type { OperationContext } from './operation.ts';

/**
 * The table of a name or ARN, or the fault that there is none: for requests about several tables that
 * tell so of each part.
 * @throws ClientFault when it is not certain that there is none (see `refreshingOperation`)
 */
export function tableOrFault(nameOrArn: string, context: OperationContext): Table | ClientFault {
  try {
    return context.tables.openTable(nameOrArn);
  } catch (thrown) {
    if (!(thrown instanceof ClientFault) || thrown.type !== 'ResourceNotFoundException') {
      throw thrown;
    }
    const isCertain =
      !(thrown instanceof UnknownTableFault) || context.absentTables?.has(thrown.table) === true;
    if (isCertain) return thrown;
    throw thrown;
  }
}
