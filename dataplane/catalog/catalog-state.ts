import type { ManagedTable, StreamTable } from '../routing/table.ts';
import type { CatalogRecords, CatalogStore, GarbageRecord } from './catalog-store.ts';
import type { RetiredTable, TableDescriptor } from './descriptor.ts';

/** A table as the catalog holds it in memory. */
export interface TableEntry {
  /** The last durable state. */
  readonly descriptor: TableDescriptor;
  /** Undefined while the table is CREATING or DELETING. */
  readonly table: ManagedTable | undefined;
}

/** A deleted table whose streams are readable. */
export interface RetiredEntry {
  readonly retired: RetiredTable;
  readonly streams: StreamTable;
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
  /** By table id. */
  readonly #retired = new Map<string, RetiredEntry>();
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

  /** Removes a table but for its streams; its name is free when this resolves. */
  async retireTable(
    entry: RetiredEntry,
    indexPartitionIds: readonly bigint[],
  ): Promise<GarbageRecord | undefined> {
    const garbage = await this.#store.retire(entry.retired, indexPartitionIds);
    this.drop(entry.retired.table);
    this.adoptRetired(entry);
    return garbage;
  }

  retiredEntries(): Iterable<RetiredEntry> {
    return this.#retired.values();
  }

  /** Takes over what is durable already. */
  adoptRetired(entry: RetiredEntry): void {
    this.#retired.set(entry.retired.table.id, entry);
  }

  async saveRetired(entry: RetiredEntry): Promise<void> {
    await this.#store.saveRetired(entry.retired);
    this.adoptRetired(entry);
  }

  /** Removes a deleted table's streams for good. */
  async discardRetired({ retired }: RetiredEntry): Promise<GarbageRecord> {
    const garbage = await this.#store.discardRetired(retired);
    this.dropRetired(retired.table.id);
    return garbage;
  }

  /** Takes out a deleted table that the store does not hold any more. */
  dropRetired(tableId: string): void {
    this.#retired.delete(tableId);
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
