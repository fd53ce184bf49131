import type { Item } from '../../dataplane/item/attribute-value.ts';
import { validateItem } from '../../dataplane/item/validate.ts';
import type { AttributeLists } from '../cluster/attribute-lists.ts';
import { attributeNames, encodeItemValues } from '../protocol/items.ts';
import { andThen, type Eventually } from '../tables/eventually.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import type { Clock } from './clock.ts';
import { type Entry, entryOf } from './entry.ts';

/** Items of the tables' JSON as they lie in the cache. */
export class StoredItems {
  readonly #lists: Pick<AttributeLists, 'idOf'>;
  readonly #clock: Clock;

  constructor(lists: Pick<AttributeLists, 'idOf'>, clock: Clock) {
    this.#lists = lists;
    this.#clock = clock;
  }

  /**
   * @param item canonical, as tables answer; its key attributes are left out. Undefined: there is none.
   * @throws what `AttributeLists.idOf` throws
   */
  entryOf(table: TableInfo, item: Item | undefined): Eventually<Entry> {
    const readAtMs = this.#clock.nowMs();
    if (item === undefined) return entryOf(readAtMs, undefined);
    const names = attributeNames(table.key, item);
    return andThen(this.#lists.idOf(names), (id) =>
      entryOf(readAtMs, encodeItemValues(id, names, item)),
    );
  }

  /** Of an item as a caller put it: brought into the form in which the table has it now. */
  entryOfPut(table: TableInfo, item: unknown): Eventually<Entry> {
    return this.entryOf(table, validateItem(item).item);
  }
}
