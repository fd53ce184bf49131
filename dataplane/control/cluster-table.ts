import type { Log } from '../catalog/background-work.ts';
import type { PartitionRange, TableLayout, TableSchema } from '../partition/schema.ts';
import { pause, type Scheduler } from '../replication/scheduler.ts';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import {
  type BackfillIndexCall,
  methods,
  type RebuildExpiryCall,
  type WorkAnswer,
} from '../routing/protocol.ts';
import type { ManagedTable, TableStatistics, TableThroughput } from '../routing/table.ts';
import type { TableConfiguration } from '../routing/table-configuration.ts';
import { StoreError } from '../storage/store.ts';
import { streamsOf } from '../stream/streams.ts';
import type { ClusterView, NodeCalls } from './cluster-view.ts';
import { ConfigurationPush, type PushParts } from './configuration-push.ts';
import { statisticsOf } from './statistics.ts';
import { Backoff, unlessAborted, WorkLimit } from './waiting.ts';

/** A change of settings waits so long for the nodes; what has not been done by then is done later. */
const PATIENCE_MS = 2_000;
/** A table that is deleted and has streams waits so long until its nodes refuse writes. */
const RETIRE_PATIENCE_MS = 500;
/** New index partitions may take so long before their table begins to feed them all the same. */
const INDEX_PATIENCE_MS = 10_000;
const SAVE_AGAIN_MS = 500;
/** Nodes answer calls of long work after a few seconds. */
const WORK_TIMEOUT_MS = 15_000;
/** Base partitions of one table that work at once. */
const WORKERS_COUNT = 4;
/** Between two calls of a piece of work that goes on. */
const WORK_PAUSE_MS = 20;

export interface ClusterTableParts extends PushParts {
  readonly view: ClusterView;
  readonly calls: NodeCalls;
  readonly scheduler: Scheduler;
  readonly log: Log;
  /**
   * Writes a changed configuration down, with the places of partitions that are new in it, and has
   * them founded. Returns it with its version, and how to wait until all its partitions live.
   * @throws StoreError
   */
  readonly save: (
    layout: TableLayout,
    throughput: TableThroughput,
  ) => Promise<{
    readonly configuration: TableConfiguration;
    readonly founded: (signal: AbortSignal) => Promise<void>;
  }>;
  /** Has all replicas of the table dropped, as far as that takes no time. */
  readonly dropSoon: (table: ClusterTable) => Promise<void>;
  readonly onClosed: (table: ClusterTable) => void;
}

/**
 * A table whose partitions are on nodes, as the catalog steers it: settings become configurations that
 * are sent to the leaders of all partitions, long work is done there. Items are not read or written
 * from here: routers do that.
 */
export class ClusterTable implements ManagedTable {
  readonly #parts: ClusterTableParts;
  readonly #push: ConfigurationPush;
  readonly #closed = new AbortController();
  /** As it is written down. */
  #configuration: TableConfiguration;
  /** As it is to be. */
  #wanted: Pick<TableConfiguration, 'layout' | 'throughput'>;
  #changesWanted = 0;
  #changesSaved = 0;
  #saving: Promise<void> | undefined;
  #saved = Promise.withResolvers<void>();

  /** @param configuration written down already; its partitions are being founded */
  constructor(configuration: TableConfiguration, parts: ClusterTableParts) {
    this.#parts = parts;
    this.#configuration = configuration;
    this.#wanted = configuration;
    this.#push = new ConfigurationPush(parts);
  }

  get schema(): TableSchema {
    return this.#configuration.layout.schema;
  }

  get partitions(): readonly PartitionRange[] {
    return this.#configuration.layout.partitions;
  }

  get configuration(): TableConfiguration {
    return this.#configuration;
  }

  /** Sends the configuration to partitions that do not have it, once all are there. */
  begin(founded: (signal: AbortSignal) => Promise<void>): void {
    const patience = this.#until(INDEX_PATIENCE_MS);
    // Whoever closes the table ends the wait, too; the push sees that for itself.
    const isDue = founded(patience.signal)
      .catch(() => {})
      .finally(patience.end);
    this.#push.begin(this.#configuration, isDue);
  }

  reconfigure(layout: TableLayout): Promise<void> {
    return this.#change({ ...this.#wanted, layout });
  }

  get isReconfigured(): boolean {
    const isSaved = this.#changesSaved >= this.#changesWanted;
    return isSaved && this.#push.isPushed(this.#configuration.version);
  }

  reconfigured(signal: AbortSignal): Promise<void> {
    return this.#allPushed(AbortSignal.any([signal, this.#closed.signal]));
  }

  setThroughput(throughput: TableThroughput): Promise<void> {
    return this.#change({ ...this.#wanted, throughput });
  }

  statistics(): TableStatistics {
    return statisticsOf(this.#configuration.layout, this.#parts.view);
  }

  async backfillIndex(indexName: string, signal: AbortSignal): Promise<void> {
    const { globalIndexes } = this.#wanted.layout.schema;
    const index = globalIndexes.find(({ name }) => name === indexName);
    if (index === undefined) throw new Error(`the table has no global index ${indexName}`);
    await this.#workInAllPartitions(signal, methods.backfillIndex, (partitionId) => {
      const call: BackfillIndexCall = { partitionId, indexId: index.id };
      return call;
    });
  }

  async rebuildExpiry(signal: AbortSignal): Promise<void> {
    await this.#workInAllPartitions(signal, methods.rebuildExpiry, (partitionId) => {
      const { version: configurationVersion } = this.#configuration;
      const call: RebuildExpiryCall = { partitionId, configurationVersion };
      return call;
    });
  }

  /** The nodes sweep by themselves. */
  sweepExpired(): Promise<number> {
    return Promise.resolve(0);
  }

  /** The nodes do that, too. */
  trimStreams(): Promise<number> {
    return Promise.resolve(0);
  }

  /** The nodes see to it; nothing is written from here. */
  indexesCaughtUp(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#close();
  }

  /** Of a table whose streams stay, the partitions stay, too (`ClusterTables.retireTable`). */
  async closeForDeletion(): Promise<void> {
    const { layout } = this.#wanted;
    const nowMs = this.#parts.scheduler.nowMs();
    if (streamsOf(layout, nowMs).length === 0) {
      this.#close();
      await this.#parts.dropSoon(this);
      return;
    }
    const retired = { ...this.#wanted, layout: { ...layout, retiredAtMs: nowMs } };
    await this.#change(retired, RETIRE_PATIENCE_MS);
    this.#close();
  }

  get(): never {
    throw notHere();
  }

  write(): never {
    throw notHere();
  }

  query(): never {
    throw notHere();
  }

  scan(): never {
    throw notHere();
  }

  stream(): never {
    throw notHere();
  }

  partitionOf(): never {
    throw notHere();
  }

  partitionOfHash(): never {
    throw notHere();
  }

  transact(): never {
    throw notHere();
  }

  #close(): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(new StoreError('closed', 'The table is closed.'));
    this.#push.close();
    this.#parts.onClosed(this);
  }

  /**
   * Resolves when all partitions have the change, or after a while: the rest follows by itself.
   * @throws StoreError `closed`
   */
  async #change(
    wanted: Pick<TableConfiguration, 'layout' | 'throughput'>,
    patienceMs = PATIENCE_MS,
  ): Promise<void> {
    this.#closed.signal.throwIfAborted();
    this.#wanted = wanted;
    this.#changesWanted += 1;
    this.#saving ??= this.#saveWanted().finally(() => {
      this.#saving = undefined;
    });
    const patience = this.#until(patienceMs);
    try {
      await this.#allPushed(patience.signal);
    } catch {
      this.#closed.signal.throwIfAborted();
    } finally {
      patience.end();
    }
  }

  /** Writes down what is wanted, again until it succeeds or the table is closed. */
  async #saveWanted(): Promise<void> {
    const { scheduler, log, save } = this.#parts;
    const { signal } = this.#closed;
    while (this.#changesSaved < this.#changesWanted && !signal.aborted) {
      const changes = this.#changesWanted;
      try {
        const { configuration, founded } = await save(this.#wanted.layout, this.#wanted.throughput);
        if (signal.aborted) return;
        this.#configuration = configuration;
        this.#changesSaved = changes;
        this.begin(founded);
        this.#saved.resolve();
        this.#saved = Promise.withResolvers();
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        if (signal.aborted) return;
        const { code, message } = error;
        log('configurationNotSaved', { table: this.schema.tableName, code, message });
        await pause(scheduler, SAVE_AGAIN_MS, signal);
      }
    }
  }

  /** Resolves when all that is wanted by now is written down, and with all partitions. */
  async #allPushed(signal: AbortSignal): Promise<void> {
    const changes = this.#changesWanted;
    while (this.#changesSaved < changes) await unlessAborted(this.#saved.promise, signal);
    await this.#push.pushed(this.#configuration.version, signal);
  }

  /** Has every base partition work until it is done, after all of them know what it is about. */
  async #workInAllPartitions(
    signal: AbortSignal,
    method: string,
    callOf: (partitionId: bigint) => unknown,
  ): Promise<void> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    await this.#allPushed(either);
    const limit = new WorkLimit(WORKERS_COUNT);
    const work = this.#configuration.layout.partitions.map(({ id }) =>
      limit.run(() =>
        this.#workInPartition(id, { method, signal: either, call: () => callOf(id) }),
      ),
    );
    await Promise.all(work);
  }

  async #workInPartition(
    partitionId: bigint,
    work: {
      readonly method: string;
      readonly signal: AbortSignal;
      readonly call: () => unknown;
    },
  ): Promise<void> {
    const { method, signal, call } = work;
    const { calls, scheduler, log } = this.#parts;
    let backoff = new Backoff();
    let lastMessage = '';
    for (;;) {
      signal.throwIfAborted();
      try {
        const options = { timeoutMs: WORK_TIMEOUT_MS, signal };
        const answer = await calls.callLeader(partitionId, method, call(), options);
        if ((answer as WorkAnswer).isDone) return; // As the protocol has it.
        backoff = new Backoff();
        await pause(scheduler, WORK_PAUSE_MS, signal);
      } catch (error) {
        if (!(error instanceof RemoteFailure || error instanceof RequestFailed)) throw error;
        const { message } = error;
        if (message !== lastMessage && !signal.aborted) {
          log('workFailed', { method, partitionId: `${partitionId}`, message, willRetry: true });
        }
        lastMessage = message;
        await pause(scheduler, backoff.nextMs(), signal);
      }
    }
  }

  /** A signal that fires after a time, or when the table is closed. */
  #until(ms: number): { readonly signal: AbortSignal; readonly end: () => void } {
    const late = new AbortController();
    const timer = this.#parts.scheduler.after(ms, () => late.abort());
    const signal = AbortSignal.any([late.signal, this.#closed.signal]);
    return { signal, end: () => timer.cancel() };
  }
}

/** Items and change records are read where they are. */
export function notHere(): Error {
  return new Error('Items of a cluster are read and written by routers.');
}
