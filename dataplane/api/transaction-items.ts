import { ClientFault } from '../errors/client-fault.ts';
import { transactionFaults } from '../errors/transactions.ts';
import type { Item } from '../item/attribute-value.ts';
import type { Table } from '../routing/table.ts';
import { noReason, reasonOfFault } from '../transaction/reasons.ts';
import type { CancellationReason } from '../transaction/requests.ts';
import { keyText } from './batch-keys.ts';

/** Of the items of one transaction, in the service's count. */
export const TRANSACTION_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Checks each action against its table. What is wrong there is the action's reason to cancel, where
 * single operations answer with a fault. Only the first such action has a reason.
 * @returns undefined when nothing is wrong
 * @throws ClientFault that is of the request as a whole
 * @see scylladb/scylladb test_transact.py (assertions that hold on the service)
 */
export function reasonsOf<Action>(
  actions: readonly Action[],
  check: (action: Action) => void,
): readonly CancellationReason[] | undefined {
  let reasons: readonly CancellationReason[] | undefined;
  for (const [index, action] of actions.entries()) {
    const reason = reasonOf(() => check(action));
    if (reason !== undefined) reasons ??= actions.map(() => noReason).with(index, reason);
  }
  return reasons;
}

function reasonOf(check: () => void): CancellationReason | undefined {
  try {
    check();
    return undefined;
  } catch (thrown) {
    const reason = thrown instanceof ClientFault ? reasonOfFault(thrown) : undefined;
    if (reason === undefined) throw thrown;
    return reason;
  }
}

/**
 * No two actions may be about one item.
 * @param actions - keys validated, so that equal values have equal text
 * @throws ClientFault
 */
export function checkDistinctItems(
  actions: readonly { readonly table: Table; readonly key: Item }[],
): void {
  const seen = new Set<string>();
  for (const { table, key } of actions) {
    const { size } = seen;
    // Ids have no space.
    seen.add(`${table.schema.tableId} ${keyText(key)}`);
    if (seen.size === size) throw transactionFaults.severalOnOneItem();
  }
}
