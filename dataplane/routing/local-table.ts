import { requestFaults } from '../errors/requests.ts';
import { tableFaults } from '../errors/tables.ts';
import { project } from '../expression/project.ts';
import type { Item } from '../item/attribute-value.ts';
import { readUnits, tableCapacity } from '../partition/capacity.ts';
import type {
  Capacity,
  PageResult,
  QueryRequest,
  ReadResult,
  ScanRequest,
  WriteCommand,
  WriteResult,
} from '../partition/command.ts';
import { CompiledSchema } from '../partition/compiled-schema.ts';
import { IndexPartition } from '../partition/index-partition.ts';
import type { ItemCache } from '../partition/item-cache.ts';
import { checkUpdatedPaths } from '../partition/key-check.ts';
import { Partition, type PlacedKey } from '../partition/partition.ts';
import type { PartitionRange, TableLayout, TableSchema } from '../partition/schema.ts';
import { type Store, StoreError } from '../storage/store.ts';
import { Admission } from './admission.ts';
import { rebuildExpiry, sweepExpired } from './expiry-sweep.ts';
import { backfillIndex } from './index-backfill.ts';
import { IndexFeeder } from './index-feeder.ts';
import { KeyPlaces } from './key-places.ts';
import { type PartitionList, partitionList } from './partition-map.ts';
import { discardPending, refillFeeders } from './pending-changes.ts';
import { readQuery } from './query.ts';
import type { ReadAccess } from './read-access.ts';
import { readScan } from './scan.ts';
import type { GetOptions, ManagedTable, TableStatistics, TableThroughput } from './table.ts';

export interface LocalTableOptions {
  readonly store: Store;
  readonly clock: { nowMs(): number };
  readonly layout: TableLayout;
  readonly throughput: TableThroughput;
  readonly cache: ItemCache;
  readonly collectionBytesMax: number;
}

/** A table whose partitions, and those of its indexes, are all in this process. */
export class LocalTable implements ManagedTable {
  readonly #store: Store;
  readonly #clock: { nowMs(): number };
  readonly #admission: Admission;
  readonly #partitions: PartitionList<Partition>;
  readonly #places: KeyPlaces<Partition, PlacedKey>;
  readonly #feeders = new Map<number, IndexFeeder>();
  #compiled: CompiledSchema;
  #access: ReadAccess;
  #state: 'open' | 'closed' | 'deleted' = 'open';
  /** Indexes being dropped. */
  readonly #dropping = new Set<Promise<void>>();

  /** Opens a table; changes that waited for its indexes when it was closed go on. */
  static async open(options: LocalTableOptions): Promise<LocalTable> {
    const table = new LocalTable(options);
    const dropped = await refillFeeders(options.store, table.#partitions, table.#feeders);
    for (const id of dropped) await discardPending(options.store, table.#partitions, id);
    return table;
  }

  private constructor(options: LocalTableOptions) {
    const { store, clock, layout, throughput } = options;
    this.#store = store;
    this.#clock = clock;
    this.#compiled = new CompiledSchema(layout.schema);
    this.#admission = new Admission(layout.schema.tableArn, throughput, clock.nowMs());
    this.#partitions = partitionList(
      layout.partitions.map((range) => this.#newPartition(range, options)),
    );
    this.#places = new KeyPlaces(this.#compiled, this.#partitions, (partition, itemKey) =>
      partition.place(itemKey),
    );
    this.#addFeeders(layout);
    this.#access = this.#newAccess();
  }

  get schema(): TableSchema {
    return this.#compiled.schema;
  }

  get(key: Item, options: GetOptions): ReadResult {
    this.#assertOpen();
    const nowMs = this.#clock.nowMs();
    this.#admission.admitRead(undefined, nowMs);
    const { partition, key: placed } = this.#places.placeOf(key, this.#compiled);
    const stored = partition.get(placed);
    const capacity = tableCapacity(readUnits(stored?.bytes ?? 0, options));
    this.#admission.chargeRead(capacity, nowMs);
    if (stored === undefined) return { json: undefined, capacity };
    const { projection } = options;
    const json =
      projection === undefined
        ? stored.json
        : Buffer.from(JSON.stringify(project(projection, stored.item)));
    return { json, capacity };
  }

  /**
   * Takes up what the store holds, after writes failed whose outcome was open until now; writes are
   * refused meanwhile.
   * @throws StoreError
   */
  async recover(): Promise<void> {
    await Promise.all(this.#partitions.map((partition) => partition.reload()));
    for (const feeder of this.#feeders.values()) feeder.reload();
    await refillFeeders(this.#store, this.#partitions, this.#feeders);
  }

  /** Whether it has been closed. */
  get isClosed(): boolean {
    return this.#state !== 'open';
  }

  /** Evaluates before it returns, unless indexes are so far behind that writes have to wait. */
  async write(command: WriteCommand): Promise<WriteResult> {
    this.#assertOpen();
    if (command.kind === 'update') checkUpdatedPaths(command.update, this.schema);
    this.#admission.admitWrite(this.#clock.nowMs());
    for (const feeder of this.#feeders.values()) {
      if (feeder.isFull) await this.#room(feeder);
    }
    this.#assertOpen();
    const { partition, key } = this.#places.placeOf(command.key, this.#compiled);
    return partition.write(command, key, this.#chargeWrite);
  }

  async query(request: QueryRequest): Promise<PageResult> {
    return this.#readPage(request.indexName, () => readQuery(this.#access, request));
  }

  async scan(request: ScanRequest): Promise<PageResult> {
    return this.#readPage(request.indexName, () => readScan(this.#access, request));
  }

  statistics(): TableStatistics {
    const indexes = new Map<string, { items: number; bytes: number }>();
    for (const { name, id } of this.schema.localIndexes) {
      const counters = this.#partitions.map((partition) => partition.counters.localIndexes.get(id));
      indexes.set(name, sumOf(counters));
    }
    for (const { name, id } of this.schema.globalIndexes) {
      const partitions = this.#feeders.get(id)?.partitions ?? [];
      indexes.set(name, sumOf(partitions.map((partition) => partition.counters)));
    }
    return { ...sumOf(this.#partitions.map((partition) => partition.counters)), indexes };
  }

  reconfigure(layout: TableLayout): void {
    const ids = layout.partitions.map((partition) => partition.id);
    if (ids.join() !== this.#partitions.map((partition) => partition.range.id).join()) {
      throw new RangeError('the partitions of a table are not changed this way');
    }
    this.#compiled = new CompiledSchema(layout.schema);
    for (const partition of this.#partitions) partition.compiled = this.#compiled;
    this.#dropFeeders(layout);
    this.#addFeeders(layout);
    this.#access = this.#newAccess();
  }

  setThroughput(throughput: TableThroughput): void {
    this.#admission.set(throughput, this.#clock.nowMs());
  }

  async backfillIndex(indexName: string, signal: AbortSignal): Promise<void> {
    const index = this.#compiled.index(indexName);
    const feeder = index && this.#feeders.get(index.schema.id);
    if (feeder === undefined) throw new Error(`the table has no global index ${indexName}`);
    await backfillIndex(this.#store, this.#partitions, feeder, signal);
  }

  async rebuildExpiry(signal: AbortSignal): Promise<void> {
    const isOn = this.schema.timeToLiveAttribute !== undefined;
    await rebuildExpiry(this.#store, this.#partitions, { isOn, signal });
  }

  async sweepExpired(nowMs: number, signal: AbortSignal): Promise<number> {
    return sweepExpired(this.#store, this.#partitions, { schema: this.schema, nowMs, signal });
  }

  async indexesCaughtUp(): Promise<void> {
    await Promise.all(this.#partitions.map((partition) => partition.settled()));
    await Promise.all([...this.#feeders.values()].map((feeder) => feeder.caughtUp()));
  }

  async close(): Promise<void> {
    if (this.#state === 'open') this.#state = 'closed';
    await this.#settle();
  }

  async closeForDeletion(): Promise<void> {
    this.#state = 'deleted';
    await this.#settle();
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#partitions.map((partition) => partition.settled()));
    await Promise.all([...this.#feeders.values()].map((feeder) => feeder.stop()));
    await Promise.all(this.#dropping);
  }

  readonly #chargeWrite = (capacity: Capacity): void => {
    this.#admission.chargeWrite(capacity, this.#clock.nowMs());
  };

  async #readPage(
    indexName: string | undefined,
    read: () => Promise<PageResult>,
  ): Promise<PageResult> {
    this.#assertOpen();
    const index = indexName === undefined ? undefined : this.#compiled.index(indexName);
    const isGlobal = index?.schema.kind === 'global';
    this.#admission.admitRead(isGlobal ? indexName : undefined, this.#clock.nowMs());
    const result = await read();
    // What was read meanwhile may have been deleted already.
    if (this.#state === 'deleted') this.#assertOpen();
    if (isGlobal && indexName !== undefined && !this.#feeders.has(index.schema.id)) {
      throw requestFaults.indexAbsent(indexName);
    }
    this.#admission.chargeRead(result.capacity, this.#clock.nowMs());
    return result;
  }

  #newPartition(
    range: PartitionRange,
    { cache, collectionBytesMax }: LocalTableOptions,
  ): Partition {
    const partition: Partition = new Partition({
      range,
      compiled: this.#compiled,
      store: this.#store,
      cache,
      commit: (effects) => this.#store.commit(effects),
      nowMs: () => this.#clock.nowMs(),
      schedule: setImmediate,
      collectionBytesMax,
      onIndexChanges: (changes) => {
        const byIndex = Map.groupBy(changes, (change) => change.indexId);
        for (const [id, ofIndex] of byIndex) {
          this.#feeders.get(id)?.enqueue(ofIndex, partition.prefixes.pendingIndex);
        }
      },
    });
    return partition;
  }

  #newAccess(): ReadAccess {
    return {
      store: this.#store,
      compiled: this.#compiled,
      partitions: this.#partitions,
      indexPartitions: (indexId) => {
        const feeder = this.#feeders.get(indexId);
        if (feeder === undefined) throw new Error(`the table has no global index ${indexId}`);
        return feeder.partitions;
      },
    };
  }

  #addFeeders({ schema, indexPartitions }: TableLayout): void {
    for (const { id } of schema.globalIndexes) {
      if (this.#feeders.has(id)) continue;
      const ranges = indexPartitions.get(id) ?? [];
      const partitions = ranges.map((range) => new IndexPartition(range, this.#store));
      this.#feeders.set(id, new IndexFeeder(id, partitionList(partitions), this.#store));
    }
  }

  #dropFeeders({ schema }: TableLayout): void {
    for (const [id, feeder] of this.#feeders) {
      if (schema.globalIndexes.some((index) => index.id === id)) continue;
      this.#feeders.delete(id);
      const dropping = this.#drop(feeder).finally(() => this.#dropping.delete(dropping));
      this.#dropping.add(dropping);
    }
  }

  async #drop(feeder: IndexFeeder): Promise<void> {
    await feeder.stop();
    await Promise.all(this.#partitions.map((partition) => partition.settled()));
    try {
      await discardPending(this.#store, this.#partitions, feeder.indexId);
    } catch (error) {
      // What is left is discarded when the table is opened next.
      if (!(error instanceof StoreError)) throw error;
    }
  }

  /** Waits while an index is too far behind, unless the index is dropped meanwhile. */
  async #room(feeder: IndexFeeder): Promise<void> {
    try {
      await feeder.room();
    } catch (error) {
      this.#assertOpen();
      if (this.#feeders.get(feeder.indexId) === feeder) throw error;
    }
  }

  #assertOpen(): void {
    if (this.#state === 'open') return;
    throw this.#state === 'deleted'
      ? tableFaults.notReadable()
      : new StoreError('closed', 'The table is closed.');
  }
}

function sumOf(
  counters: readonly ({ readonly items: number; readonly bytes: number } | undefined)[],
): { items: number; bytes: number } {
  let items = 0;
  let bytes = 0;
  for (const each of counters) {
    items += each?.items ?? 0;
    bytes += each?.bytes ?? 0;
  }
  return { items, bytes };
}
