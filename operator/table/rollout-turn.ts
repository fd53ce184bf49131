import { keyOf } from '../../dataplane/kubernetes/object.ts';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import type { RolloutPhase } from './rollout.ts';

const AT_IT: ReadonlySet<string | undefined> = new Set<RolloutPhase>([
  'Draining',
  'Restarting',
  'Soaking',
]);

/** Tables of this installation. */
export interface RollingTables {
  /** Those whose status tells of a rollout. */
  rollingTables(): Iterable<TableResource>;
  /** Whether pods of the table run another image of the data plane than they are to. */
  isUpgrading(table: TableResource): boolean;
}

/**
 * Whose turn it is to restart pods: one table of the installation at a time, so that what is wrong with a
 * new image shows at one pod. An upgrade that has stopped at its first pod holds the upgrades of all
 * other tables; a rollout that has stopped for what its own Table says holds nobody.
 *
 * Kept in the tables' status; in memory for as long as that is not seen.
 */
export class RolloutTurn {
  readonly #tables: RollingTables;
  #holder: string | undefined;

  constructor(tables: RollingTables) {
    this.#tables = tables;
  }

  /** Name of another table that is to be waited for. */
  rollingBesides(table: TableResource): string | undefined {
    const own = keyOf(table.metadata);
    if (this.#holder !== undefined && this.#holder !== own) return this.#holder;
    for (const other of this.#tables.rollingTables()) {
      const key = keyOf(other.metadata);
      const phase = other.status?.rollout?.phase;
      if (key === own) continue;
      if (AT_IT.has(phase)) return key;
      const isWarning = phase === 'Stopped' && this.#tables.isUpgrading(other);
      if (isWarning && this.#tables.isUpgrading(table)) return key;
    }
    return undefined;
  }

  /** The pass of the table has come to this. */
  planned(table: TableResource, phase: RolloutPhase | undefined): void {
    const own = keyOf(table.metadata);
    if (AT_IT.has(phase)) this.#holder ??= own;
    else if (this.#holder === own) this.#holder = undefined;
  }

  /** The table is gone. */
  forget(key: string): void {
    if (this.#holder === key) this.#holder = undefined;
  }
}
