import type { Update } from '../expression/ast.ts';

/**
 * Such an update makes no item where there is none; one without any action does.
 * @see scylladb/scylladb test/alternator/test_item.py, test_returnvalues.py (assertions that hold on
 *   the service)
 */
export function onlyTakesAway(update: Update): boolean {
  return update.length > 0 && update.every(({ kind }) => kind === 'remove' || kind === 'delete');
}
