import { setTimeout as sleep } from 'node:timers/promises';
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
import type { StreamAnswerTo, StreamCall } from '../partition/stream.ts';
import { StreamReader } from '../partition/stream-reader.ts';
import { TRIM_COUNT, trimStreams } from '../partition/stream-trim.ts';
import type { AnswerTo, TransactionCall } from '../partition/transaction.ts';
import { type Store, StoreError } from '../storage/store.ts';
import { Admission } from './admission.ts';
import { rebuildExpiry, sweepExpired } from './expiry-sweep.ts';
import { backfillIndex } from './index-backfill.ts';
import { IndexFeeder } from './index-feeder.ts';
import { KeyPlaces } from './key-places.ts';
import { type LocalTransactionParts, localTransact } from './local-transaction.ts';
import { onceUnmarked } from './marked-item.ts';
import { type PartitionList, partitionList, partitionOfHash } from './partition-map.ts';
import { discardPending, refillFeeders } from './pending-changes.ts';
import { readQuery } from './query.ts';
import type { ReadAccess } from './read-access.ts';
import { readScan } from './scan.ts';
import type { GetOptions, ManagedTable, TableStatistics, TableThroughput } from './table.ts';
import { totalsOf } from './table-totals.ts';
import type { TableWatch, WatchTable } from './table-watch.ts';

/** Times of a process. */
export interface LocalClock {
  nowMs(): number;
  /** Never put back; the clock on the wall where there is no such. */
  monotonicMs?(): number;
}

export interface LocalTableOptions {
  readonly store: Store;
  readonly clock: LocalClock;
  readonly layout: TableLayout;
  readonly throughput: TableThroughput;
  readonly cache: ItemCache;
  readonly collectionBytesMax: number;
  readonly watch?: WatchTable | undefined;
}

/** A table whose partitions, and those of its indexes, are all in this process. */
export class LocalTable implements ManagedTable {
  readonly #store: Store;
  readonly #clock: LocalClock;
  readonly #admission: Admission;
  readonly #partitions: PartitionList<Partition>;
  readonly #places: KeyPlaces<Partition, PlacedKey>;
  readonly #feeders = new Map<number, IndexFeeder>();
  #compiled: CompiledSchema;
  #access: ReadAccess;
  #state: 'open' | 'closed' | 'deleted' = 'open';
  /** Change records being dropped. */
  #trimming: Promise<unknown> = Promise.resolve();
  /** Indexes being dropped. */
  readonly #dropping = new Set<Promise<void>>();
  #watch: TableWatch | undefined;

  /** Opens a table; changes that waited for its indexes when it was closed go on. */
  static async open(options: LocalTableOptions): Promise<LocalTable> {
    const table = new LocalTable(options);
    await Promise.all(table.#partitions.map((partition) => partition.load()));
    const dropped = await refillFeeders(options.store, table.#partitions, table.#feeders);
    for (const id of dropped) await discardPending(options.store, table.#partitions, id);
    await table.#alignShards();
    const { store, layout } = options;
    table.#watch = options.watch?.({ store, layout, partitions: table.#partitions });
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
    const room = this.#roomInIndexes();
    if (room !== undefined) await room;
    const { partition, key } = this.#places.placeOf(command.key, this.#compiled);
    const write = () => partition.write(command, key, this.#chargeWrite);
    return onceUnmarked(command, write, (ms) => sleep(ms));
  }

  partitionOf(key: Item): bigint {
    return this.#places.placeOf(key, this.#compiled).partition.range.id;
  }

  partitionOfHash(hash: Uint8Array): bigint {
    return partitionOfHash(this.#partitions, hash).range.id;
  }

  async transact<Call extends TransactionCall>(
    partitionId: bigint,
    call: Call,
  ): Promise<AnswerTo<Call>> {
    this.#assertOpen();
    const partition = this.#partitions.find(({ range }) => range.id === partitionId);
    if (partition === undefined) throw tableFaults.notReadable();
    return localTransact(this.#transactionParts, partition, call);
  }

  async query(request: QueryRequest): Promise<PageResult> {
    return this.#readPage(request.indexName, () => readQuery(this.#access, request));
  }

  async scan(request: ScanRequest): Promise<PageResult> {
    return this.#readPage(request.indexName, () => readScan(this.#access, request));
  }

  statistics(): TableStatistics {
    return totalsOf(this.schema, this.#partitions, (id) => this.#feeders.get(id)?.partitions ?? []);
  }

  async reconfigure(layout: TableLayout): Promise<void> {
    const ids = layout.partitions.map((partition) => partition.id);
    if (ids.join() !== this.#partitions.map((partition) => partition.range.id).join()) {
      throw new RangeError('the partitions of a table are not changed this way');
    }
    this.#compiled = new CompiledSchema(layout.schema);
    for (const partition of this.#partitions) partition.compiled = this.#compiled;
    this.#dropFeeders(layout);
    this.#addFeeders(layout);
    this.#access = this.#newAccess();
    await this.#alignShards();
    this.#watch?.onLayout(layout);
  }

  readonly isReconfigured = true;

  reconfigured(): Promise<void> {
    return Promise.resolve();
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

  get partitions(): readonly PartitionRange[] {
    return this.#partitions.map(({ range }) => range);
  }

  async stream<Call extends StreamCall>(
    partitionId: bigint,
    call: Call,
  ): Promise<StreamAnswerTo<Call>> {
    // While the table is being deleted its streams can be read as they can be for a day after.
    if (this.#state === 'closed') this.#assertOpen();
    const reader = this.#streamReader(partitionId);
    if (reader === undefined) throw new Error(`the table has no partition ${partitionId}`);
    return reader.answer(call);
  }

  async trimStreams(signal: AbortSignal): Promise<number> {
    let trimmed = 0;
    for (const partition of this.#partitions) {
      for (let count = TRIM_COUNT; count === TRIM_COUNT; trimmed += count) {
        if (signal.aborted || this.#state !== 'open') return trimmed;
        const trimming = trimStreams(this.#store, partition, this.#clock.nowMs());
        this.#trimming = trimming.catch(() => {}); // the caller hears of its failure
        count = await trimming;
      }
    }
    return trimmed;
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

  /**
   * What its schema says of its stream holds once this resolves. While the store refuses writes it is
   * left to the write, or the trimming, that comes next.
   */
  async #alignShards(): Promise<void> {
    if (this.#store.writesRefused !== undefined) return;
    await Promise.all(this.#partitions.map((partition) => partition.alignShards()));
  }

  #streamReader(partitionId: bigint): StreamReader | undefined {
    const partition = this.#partitions.find(({ range }) => range.id === partitionId);
    if (partition === undefined) return undefined;
    return new StreamReader({
      store: this.#store,
      partitionId,
      lastSequence: () => partition.counters.version,
      nowMs: () => this.#clock.nowMs(),
    });
  }

  async #settle(): Promise<void> {
    await this.#watch?.close(this.#state === 'deleted');
    await this.#trimming;
    await Promise.all(this.#partitions.map((partition) => partition.settled()));
    await Promise.all([...this.#feeders.values()].map((feeder) => feeder.stop()));
    await Promise.all(this.#dropping);
  }

  get #transactionParts(): LocalTransactionParts {
    return {
      schema: this.schema,
      admission: this.#admission,
      nowMs: () => this.#clock.nowMs(),
      room: () => this.#roomInIndexes(),
    };
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
      monotonicMs: () => this.#clock.monotonicMs?.() ?? this.#clock.nowMs(),
      schedule: setImmediate,
      collectionBytesMax,
      onIndexChanges: (changes) => {
        const byIndex = Map.groupBy(changes, (change) => change.indexId);
        for (const [id, ofIndex] of byIndex) {
          this.#feeders.get(id)?.enqueue(ofIndex, partition.prefixes.pendingIndex);
        }
      },
      onStreamRecords: () => this.#watch?.onStreamRecords(range.id),
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

  /** Undefined unless indexes are too far behind: then resolves when they are not. */
  #roomInIndexes(): Promise<void> | undefined {
    for (const feeder of this.#feeders.values()) if (feeder.isFull) return this.#waitForIndexes();
    return undefined;
  }

  /** @throws ClientFault, StoreError */
  async #waitForIndexes(): Promise<void> {
    for (const feeder of this.#feeders.values()) {
      if (feeder.isFull) await this.#room(feeder);
    }
    this.#assertOpen();
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
