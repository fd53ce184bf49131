import { setTimeout as delay } from 'node:timers/promises';
import { type Coherence, CoherenceError, type Invalidation } from '../cluster/coherence.ts';
import type { Eventually } from '../tables/eventually.ts';
import type { TableDescriptions, TableInfo } from '../tables/table-descriptions.ts';
import { TABLE_TOLD_MS_MAX } from './limits.ts';
import { isTableAbsent } from './table-faults.ts';
import type { TableSpace, TableSpaces } from './table-spaces.ts';

export interface TableIdentityOptions {
  readonly descriptions: Pick<TableDescriptions, 'describe' | 'forget' | 'forgetAll' | 'isCurrent'>;
  readonly spaces: TableSpaces;
  readonly coherence: Pick<Coherence, 'mayServe' | 'invalidate'>;
  /** As `CachedTables.dropTable`. */
  readonly dropTable: (table: TableInfo, isUncertain: boolean) => Promise<void>;
}

/**
 * Which table goes by a name. One that was deleted and made anew past the cluster has another id, and for
 * some seconds a node may go on under the old one, whose keys are others. A write under the old id would leave what
 * other nodes have cached under the new one, so:
 *
 * - A node that sees a table for the first time tells the others, and keeps nothing of what it read or wrote before they
 *   have answered (`seen`). Who hears of a table that is not the one known by the name asks for its
 *   description again (`heard`).
 * - A write looks, when the table has answered, whether its description still holds (`confirm`).
 */
export class TableIdentities {
  readonly #options: TableIdentityOptions;
  /** Others are being told of these, and how long one waits for it. */
  readonly #telling = new Map<TableSpace, Promise<void>>();

  constructor(options: TableIdentityOptions) {
    this.#options = options;
  }

  /** At each use of a description; waits only where the table is seen for the first time. */
  seen(table: TableInfo): Eventually<TableInfo> {
    const { spaces, coherence } = this.#options;
    const space = spaces.of(table.id);
    if (space.info === undefined) space.mayKeep = false;
    space.info = table;
    // While it may not serve, a node keeps nothing; and it may be that nobody listens.
    if (space.mayKeep || !coherence.mayServe) return table;
    return this.#told(space).then(() => table);
  }

  /** Another node goes by this table. Done in the turn in which that is heard. */
  heard({ tableId, keys }: Invalidation): void {
    const { spaces, descriptions } = this.#options;
    const space = spaces.of(tableId);
    if (space.info === undefined) {
      // It may go by any name.
      if (!space.isHeardOf) descriptions.forgetAll();
      space.isHeardOf = true;
    } else if (keys === 'all' || !descriptions.isCurrent(space.info)) {
      this.forget(space.info);
    }
  }

  /** Its description is to be asked for again, by whichever name. */
  forget({ name, arn }: TableInfo): void {
    const { descriptions } = this.#options;
    descriptions.forget(name);
    descriptions.forget(arn);
  }

  /**
   * After a write of these tables, and before it is acknowledged: what is cached of another table by one of their names
   * is dropped on all nodes.
   *
   * @param isUncertain the write may still be done
   * @returns why that is not known, or not done, if so
   */
  async confirm(tables: readonly TableInfo[], isUncertain: boolean): Promise<unknown> {
    const { descriptions, dropTable } = this.#options;
    for (const table of new Map(tables.map((each) => [each.id, each])).values()) {
      if (descriptions.isCurrent(table)) continue;
      try {
        const current = await this.seen(await descriptions.describe(table.name));
        if (current.id !== table.id) await dropTable(current, isUncertain);
      } catch (error) {
        // Nobody has anything of it.
        if (!isTableAbsent(error)) return error;
      }
    }
    return undefined;
  }

  #told(space: TableSpace): Promise<void> {
    const known = this.#telling.get(space);
    if (known !== undefined) return known;
    const waited = new AbortController();
    const tooLong = delay(TABLE_TOLD_MS_MAX, undefined, { signal: waited.signal, ref: false });
    const telling = Promise.race([this.#tell(space), tooLong]).finally(() => waited.abort());
    tooLong.catch(() => undefined); // aborted
    this.#telling.set(space, telling);
    return telling;
  }

  async #tell(space: TableSpace): Promise<void> {
    try {
      const message = { tableId: space.tableId, keys: [], isUncertain: false };
      await this.#options.coherence.invalidate(message);
      space.mayKeep = true;
    } catch (error) {
      // The next one who uses the table tries again.
      if (!(error instanceof CoherenceError)) throw error;
    } finally {
      this.#telling.delete(space);
    }
  }
}
