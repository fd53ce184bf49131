import type { ControlPlane } from '../catalog/control-plane.ts';
import type { TableDescription } from '../catalog/description.ts';
import type { JsonObject } from './operation.ts';

/** The longest that an answer is held back: the groups of a cluster's new table elect their leaders. */
const HOLD_MS_MAX = 1_000;

/**
 * The answer of CreateTable or DeleteTable: it says CREATING or DELETING, but comes only once the
 * table is there, or gone, if that takes no long work. The SDKs' waiters look at once, and then not
 * again for 20 seconds.
 */
export async function answerWhenSettled(
  catalog: ControlPlane,
  description: TableDescription,
): Promise<JsonObject> {
  await catalog.settled(String(description.TableName), HOLD_MS_MAX);
  return { TableDescription: description };
}
