import type { ManagedTable } from '../routing/table.ts';
import type { CatalogRecords, CatalogStore, GarbageRecord } from './catalog-store.ts';
import type { TableDescriptor } from './descriptor.ts';

/** A table as the catalog holds it in memory. */
export interface TableEntry {
  /** The last durable state. */
  readonly descriptor: TableDescriptor;
  /** Undefined while the table is CREATING or DELETING. */
  readonly table: ManagedTable | undefined;
}

/**
 * All tables, in memory and durably: memory changes only after the store has. Changes are made one
 * after the other (`exclusively`), reads may come between.
 */
export class CatalogState {
  readonly #store: CatalogStore;
  readonly #entries = new Map<string, TableEntry>();
  /** Tables that answer the data plane, by name and by ARN (names have no colon). */
  readonly #readable = new Map<string, ManagedTable>();
  #partitionIdNext: bigint;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(store: CatalogStore, { partitionIdNext }: CatalogRecords) {
    this.#store = store;
    this.#partitionIdNext = partitionIdNext;
  }

  /** Runs a change when all earlier ones have ended. */
  exclusively<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(change);
    this.#turn = result.catch(() => {}); // The caller gets the error; the next change goes on.
    return result;
  }

  /** Resolves when the changes asked for so far have ended. */
  async idle(): Promise<void> {
    await this.#turn;
  }

  readableTable(nameOrArn: string): ManagedTable | undefined {
    return this.#readable.get(nameOrArn);
  }

  entry(name: string): TableEntry | undefined {
    return this.#entries.get(name);
  }

  entries(): Iterable<TableEntry> {
    return this.#entries.values();
  }

  get tablesCount(): number {
    return this.#entries.size;
  }

  readonly nextPartitionId = (): bigint => this.#partitionIdNext++;

  /** Makes the descriptor durable, then visible. */
  async save(descriptor: TableDescriptor): Promise<void> {
    await this.#store.saveTable(descriptor, this.#partitionIdNext);
    this.adopt({ descriptor, table: this.#entries.get(descriptor.name)?.table });
  }

  /** Takes over what is durable already. Only an open ACTIVE table answers the data plane. */
  adopt(entry: TableEntry): void {
    const { name, arn } = entry.descriptor;
    this.#entries.set(name, entry);
    if (entry.table === undefined || entry.descriptor.status !== 'ACTIVE') {
      this.#readable.delete(name);
      this.#readable.delete(arn);
    } else {
      this.#readable.set(name, entry.table);
      this.#readable.set(arn, entry.table);
    }
  }

  /** What the store holds by now. @throws StoreError */
  readAgain(): Promise<CatalogRecords> {
    return this.#store.read();
  }

  /** Removes a table for good; its name is free when this resolves. */
  async discardTable(
    descriptor: TableDescriptor,
    partitionIds: readonly bigint[],
  ): Promise<GarbageRecord> {
    const garbage = await this.#store.discard(descriptor.name, undefined, partitionIds);
    this.drop(descriptor);
    return garbage;
  }

  /** Takes out a table that the store does not hold any more. */
  drop(descriptor: TableDescriptor): void {
    this.adopt({ descriptor, table: undefined });
    this.#entries.delete(descriptor.name);
  }

  /** Replaces a descriptor and gives up partitions that it no longer names, in one step. */
  async discardPartitions(
    descriptor: TableDescriptor,
    partitionIds: readonly bigint[],
  ): Promise<GarbageRecord> {
    const garbage = await this.#store.discard(descriptor.name, descriptor, partitionIds);
    this.adopt({ descriptor, table: this.#entries.get(descriptor.name)?.table });
    return garbage;
  }

  forget(garbage: GarbageRecord): Promise<void> {
    return this.#store.forget(garbage);
  }
}
