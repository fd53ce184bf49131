import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import type { Item } from '../../dataplane/item/attribute-value.ts';
import { RegistryError } from '../cluster/registry-store.ts';
import type { Eventually } from '../tables/eventually.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import type { KeyWrite } from './calls.ts';
import type { Entry } from './entry.ts';
import type { WriteOutcome } from './item-cache.ts';
import type { StoredItems } from './stored-items.ts';
import { DROPPED } from './write-through.ts';

/** What the cache may keep of writes that the table has done. */
export class WriteOutcomes {
  readonly #items: StoredItems;

  constructor(items: StoredItems) {
    this.#items = items;
  }

  /** @param item as the caller put it */
  ofPut(table: TableInfo, item: unknown): Promise<WriteOutcome> {
    return written(() => this.#items.entryOfPut(table, item));
  }

  /** @param item as the table has it now */
  ofItem(table: TableInfo, item: Item): Promise<WriteOutcome> {
    return written(() => this.#items.entryOf(table, item));
  }

  ofDelete(table: TableInfo): Promise<WriteOutcome> {
    return written(() => this.#items.entryOf(table, undefined));
  }

  ofKeyWrite({ table, item }: KeyWrite): Promise<WriteOutcome> {
    if (item === undefined) return Promise.resolve(DROPPED);
    return item === null ? this.ofDelete(table) : this.ofPut(table, item);
  }
}

/** The write is done: an item whose attribute list has no id just cannot be kept. */
async function written(entry: () => Eventually<Entry>): Promise<WriteOutcome> {
  try {
    return { kind: 'written', entry: await entry() };
  } catch (error) {
    if (error instanceof ClientFault || error instanceof RegistryError) return DROPPED;
    throw error;
  }
}
