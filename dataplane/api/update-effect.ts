import type { Update } from '../expression/ast.ts';

/**
 * Such an update makes no item where there is none, and its paths need no parents there; one without
 * any action makes one.
 * @see scylladb/scylladb test/alternator/test_item.py, test_returnvalues.py, test_update_expression.py
 *   (assertions that hold on the service; the last says it of REMOVE alone)
 */
export function onlyTakesAway(update: Update): boolean {
  return update.length > 0 && update.every(({ kind }) => kind === 'remove' || kind === 'delete');
}
