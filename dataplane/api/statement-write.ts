import { itemFaults } from '../errors/items.ts';
import { partiqlFaults } from '../errors/partiql.ts';
import type { Item } from '../item/attribute-value.ts';
import type { WriteStatement } from '../partiql/statement.ts';
import type { WriteCommand, WriteResult } from '../partition/command.ts';
import type { Table } from '../routing/table.ts';
import { itemsOf, updateAttributes } from './return-values.ts';

/** A write of one statement, done or not. */
export interface StatementWrite {
  readonly statement: WriteStatement;
  readonly command: WriteCommand;
  /** The fault of a failed condition has the item. */
  readonly returnsItemOnFailure: boolean;
}

/** @throws ClientFault throttling, evaluation faults; StoreError */
export function write(
  table: Table,
  { statement, command, returnsItemOnFailure }: StatementWrite,
): Promise<WriteResult> {
  const { before, after } = itemsOf(returningOf(statement));
  return table.write(command, { before: before || returnsItemOnFailure, after });
}

/**
 * The row that RETURNING shows; undefined where it shows none.
 * @throws ClientFault of a condition that failed: for an INSERT, the item that is there
 */
export function returnedRow(
  { statement, returnsItemOnFailure }: StatementWrite,
  result: WriteResult,
): Item | undefined {
  if (result.kind === 'conditionFailed') {
    if (statement.kind === 'insert') throw partiqlFaults.duplicateItem();
    throw returnsItemOnFailure && result.before !== undefined
      ? partiqlFaults.conditionFailed(result.before)
      : itemFaults.conditionFailed();
  }
  const update = statement.kind === 'update' ? statement.update : [];
  return updateAttributes(returningOf(statement), result, update);
}

function returningOf(statement: WriteStatement) {
  return statement.kind === 'insert' ? undefined : statement.returning;
}
