import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import type { CancellationReason } from '../protocol/errors.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import type { ItemTranslation } from './item-translation.ts';
import type { ReasonAnswer } from './table-answers.ts';

/**
 * The fault of a transaction that was not done, with its reasons as they travel: items without names,
 * for which attribute lists had to be asked.
 */
export class CancelledTransaction {
  readonly fault: ClientFault;
  /** One for each part of the transaction, in order. */
  readonly reasons: readonly CancellationReason[];

  private constructor(fault: ClientFault, reasons: readonly CancellationReason[]) {
    this.fault = fault;
    this.reasons = reasons;
  }

  /**
   * The answer of a transaction.
   * @param tables of its parts, in order
   * @throws CancelledTransaction in place of TransactionCanceledException; else what `answer` rejects with
   */
  static async wrap<Answer>(
    answer: Promise<Answer>,
    tables: readonly TableInfo[],
    items: ItemTranslation,
  ): Promise<Answer> {
    try {
      return await answer;
    } catch (error) {
      const isCancelled =
        error instanceof ClientFault && error.type === 'TransactionCanceledException';
      throw isCancelled
        ? new CancelledTransaction(error, await reasonsOf(error, tables, items))
        : error;
    }
  }
}

function reasonsOf(
  { members }: ClientFault,
  tables: readonly TableInfo[],
  items: ItemTranslation,
): Promise<readonly CancellationReason[]> {
  // The tables' own: a list with an entry for each part.
  const answers = (members?.CancellationReasons ?? []) as readonly ReasonAnswer[];
  return Promise.all(
    tables.map(async (table, index): Promise<CancellationReason> => {
      const { Code = 'None', Message, Item } = answers[index] ?? {};
      const values = Item && (await items.valuesOf(table, Item));
      return { code: Code, message: Message, values };
    }),
  );
}
