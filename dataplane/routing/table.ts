import type { Projection } from '../expression/ast.ts';
import type { Item } from '../item/attribute-value.ts';
import type {
  PageResult,
  QueryRequest,
  ReadResult,
  ScanRequest,
  WriteCommand,
  WriteResult,
  WriteReturns,
} from '../partition/command.ts';
import type { PartitionRange, TableLayout, TableSchema } from '../partition/schema.ts';
import type { StreamAnswerTo, StreamCall } from '../partition/stream.ts';
import type { AnswerTo, TransactionCall } from '../partition/transaction.ts';

/** A result that may be at hand already: callers must not wait when it is (the embedded hot path). */
export type Eventually<T> = T | Promise<T>;

/** Opens and drops tables: in this process's own store, or on the nodes of a cluster. */
export interface TableHost {
  /**
   * Opens a table on its partitions, empty ones at first. A table is open once at a time.
   * @throws StoreError
   */
  openTable(layout: TableLayout, throughput: TableThroughput): Promise<ManagedTable>;

  /**
   * Removes all that these partitions hold; they must not be open. Not atomic: to be repeated after
   * a crash.
   * @throws the signal's reason when aborted; StoreError
   */
  dropPartitions(ids: readonly bigint[], signal?: AbortSignal): Promise<void>;

  /**
   * Removes all that the partitions of a deleted table hold but its streams, which stay until the
   * partitions are dropped. The table must not be open. Not atomic: to be repeated after a crash.
   * @param layout - with `retiredAtMs`, and without indexes
   * @throws the signal's reason when aborted; StoreError
   */
  retireTable(layout: TableLayout, signal?: AbortSignal): Promise<void>;

  /** The streams of such a table, to be read. */
  retiredTable(layout: TableLayout): StreamTable;
}

/**
 * One open table, as the API operations see it: finds the partition, admits by throughput, executes.
 * Throws ClientFault (throttling, evaluation errors) or StoreError.
 */
export interface Table {
  readonly schema: TableSchema;

  get(key: Item, options: GetOptions): Eventually<ReadResult>;

  /**
   * Resolves when the write is durable (or its condition failed on durable state).
   * @param returns - what of the result will be looked at; all of it by default
   */
  write(command: WriteCommand, returns?: WriteReturns): Promise<WriteResult>;

  query(request: QueryRequest): Eventually<PageResult>;
  scan(request: ScanRequest): Eventually<PageResult>;

  /** Those of the table, in the order of the hash space. */
  readonly partitions: readonly PartitionRange[];

  /**
   * Asks one of `partitions` about the streams of the table. It costs no units.
   * @throws StoreError
   */
  stream<Call extends StreamCall>(partitionId: bigint, call: Call): Promise<StreamAnswerTo<Call>>;

  /** Id of the partition that has the item with these key attributes (checked; others are ignored). */
  partitionOf(key: Item): bigint;

  /** Id of the partition that owns these 16 bytes, taken as a hash. */
  partitionOfHash(hash: Uint8Array): bigint;

  /**
   * Asks one of the table's partitions as a part of a transaction. Resolves when the answer, and what
   * was done for it, is durable; a call may be made again, whatever came of it.
   *
   * Prepare, execute and read are admitted by throughput, and charged: a write that is accepted twice
   * its units of the table, and once those of indexes; one whose condition failed once. Each read is
   * charged strong units once, and a transaction reads twice.
   */
  transact<Call extends TransactionCall>(partitionId: bigint, call: Call): Promise<AnswerTo<Call>>;
}

/** What the streams of a table, also of one that was deleted, are read from. */
export type StreamTable = Pick<Table, 'partitions' | 'stream'>;

/** One open table, as the control plane sees it. */
export interface ManagedTable extends Table {
  /** Totals: items and bytes of the table and of each index by name; live, or a few seconds old. */
  statistics(): TableStatistics;

  /**
   * Swaps in a changed layout (index added or dropped, TTL switched) between two writes. A promise:
   * resolves when no write is evaluated on the old one any more.
   */
  reconfigure(layout: TableLayout): Eventually<void>;

  /** Whether all partitions have taken up the layout: in a cluster that may be later. */
  readonly isReconfigured: boolean;

  /** Resolves once that is so. @throws the signal's reason; StoreError when the table is closed */
  reconfigured(signal: AbortSignal): Promise<void>;

  /** Sets or lifts the throughput limits, keeping what was saved up as burst. */
  setThroughput(throughput: TableThroughput): Eventually<void>;

  /**
   * Feeds every existing item to a backfilling global index, while writes go on. Resumable: repeats
   * are harmless. Resolves when all entries are durable in the index.
   */
  backfillIndex(indexName: string, signal: AbortSignal): Promise<void>;

  /** Builds (or, when TTL is now off, drops) the expiry entries of existing items. Resumable. */
  rebuildExpiry(signal: AbortSignal): Promise<void>;

  /** Deletes items whose time to live is past; returns how many. Never one renewed meanwhile. */
  sweepExpired(nowMs: number, signal: AbortSignal): Promise<number>;

  /**
   * Drops change records that are past their time, and rolls old shards; returns how many records.
   * To be repeated now and then. Nothing is done once the table is closed.
   */
  trimStreams(signal: AbortSignal): Promise<number>;

  /** Resolves when all global indexes have caught up with the writes made so far. */
  indexesCaughtUp(): Promise<void>;

  /** Refuses further work (StoreError `closed`) and waits for writes under way. */
  close(): Promise<void>;

  /** As `close`, of a table that is deleted: requests that still hold it find no table. */
  closeForDeletion(): Promise<void>;
}

export interface GetOptions {
  readonly consistentRead: boolean;
  readonly projection: Projection | undefined;
}

export interface TableStatistics {
  readonly items: number;
  readonly bytes: number;
  readonly indexes: ReadonlyMap<string, { readonly items: number; readonly bytes: number }>;
}

/** Units per second; undefined where unlimited. Index entries by index name. */
export interface TableThroughput {
  /** `provisioned` faults with PTE, `onDemand` (maximum request units) with ThrottlingException. */
  readonly mode: 'provisioned' | 'onDemand';
  readonly table: ThroughputLimit;
  readonly globalIndexes: ReadonlyMap<string, ThroughputLimit>;
}

export interface ThroughputLimit {
  readonly readUnits: number | undefined;
  readonly writeUnits: number | undefined;
}
