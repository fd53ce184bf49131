import { isDeepStrictEqual } from 'node:util';
import type { TableConfiguration } from '../routing/table-configuration.ts';

/** References to tables that are gone are looked for when there are so many entries. */
const ENTRIES_MIN = 64;

/**
 * Each replica keeps the configuration of its table, with all ranges, in its state; the replicas on
 * one node share one copy in memory, as long as one of them has it.
 */
export class SharedTables {
  /** By table id: the newest that was seen. */
  readonly #tables = new Map<string, WeakRef<TableConfiguration>>();
  #entriesMax = ENTRIES_MIN;

  /** The same configuration: the copy that others have, if there is one. */
  share(table: TableConfiguration): TableConfiguration {
    const { tableId } = table.layout.schema;
    const known = this.#tables.get(tableId)?.deref();
    if (known?.version === table.version && isDeepStrictEqual(known, table)) return known;
    if (known === undefined || known.version <= table.version) {
      this.#tables.set(tableId, new WeakRef(table));
      if (this.#tables.size > this.#entriesMax) this.#dropGone();
    }
    return table;
  }

  #dropGone(): void {
    for (const [tableId, reference] of this.#tables) {
      if (reference.deref() === undefined) this.#tables.delete(tableId);
    }
    this.#entriesMax = Math.max(ENTRIES_MIN, 2 * this.#tables.size);
  }
}
