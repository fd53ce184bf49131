import { pause, type Scheduler } from '../replication/scheduler.ts';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import { type ConfigureCall, methods } from '../routing/protocol.ts';
import {
  encodeTableConfiguration,
  type TableConfiguration,
} from '../routing/table-configuration.ts';
import { StoreError } from '../storage/store.ts';
import { type ClusterView, leaderReport, type NodeCalls } from './cluster-view.ts';
import { Backoff, unlessAborted, type WorkLimit } from './waiting.ts';

const CONFIGURE_TIMEOUT_MS = 3_000;

export interface PushParts {
  readonly view: ClusterView;
  readonly calls: NodeCalls;
  /** Of calls that configure, over all tables. */
  readonly limit: WorkLimit;
  readonly scheduler: Scheduler;
}

interface Target {
  readonly version: number;
  readonly encoded: Uint8Array;
  readonly partitionIds: ReadonlySet<bigint>;
  /** When it may be sent. */
  readonly isDue: Promise<void>;
}

/**
 * Brings the newest configuration of one table to all its partitions, and those of its indexes: each
 * leader is told until it has it, or until there is a newer one. A new leader of the catalog begins
 * with what leaders report, so that nothing is sent that is there already.
 */
export class ConfigurationPush {
  readonly #parts: PushParts;
  readonly #taken = new Map<bigint, number>();
  readonly #running = new Set<bigint>();
  readonly #closed = new AbortController();
  #target: Target | undefined;
  #progress = Promise.withResolvers<void>();

  constructor(parts: PushParts) {
    this.#parts = parts;
  }

  /** Goes on with this configuration, once `isDue` has resolved. */
  begin(configuration: TableConfiguration, isDue: Promise<void>): void {
    const { layout, version } = configuration;
    const ranges = [layout.partitions, ...layout.indexPartitions.values()].flat();
    const partitionIds = new Set(ranges.map(({ id }) => id));
    const encoded = encodeTableConfiguration(configuration);
    this.#target = { version, encoded, partitionIds, isDue };
    for (const partitionId of partitionIds) {
      if (this.#running.has(partitionId)) continue;
      this.#running.add(partitionId);
      void this.#run(partitionId).finally(() => this.#running.delete(partitionId));
    }
    this.#tellProgress(); // Partitions may have gone.
  }

  /** Whether all partitions have this version, or a newer one. */
  isPushed(version: number): boolean {
    const ids = [...(this.#target?.partitionIds ?? [])];
    return ids.every((id) => (this.#taken.get(id) ?? 0) >= version);
  }

  /**
   * Resolves when all partitions have this version, or a newer one.
   * @throws the signal's reason; StoreError `closed`
   */
  async pushed(version: number, signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    either.throwIfAborted();
    while (!this.isPushed(version)) await unlessAborted(this.#progress.promise, either);
  }

  close(): void {
    this.#closed.abort(new StoreError('closed', 'The table is closed.'));
  }

  async #run(partitionId: bigint): Promise<void> {
    const { signal } = this.#closed;
    let backoff = new Backoff();
    while (!signal.aborted) {
      const target = this.#target;
      if (target === undefined || !target.partitionIds.has(partitionId)) return;
      if ((this.#taken.get(partitionId) ?? 0) >= target.version) return;
      await unlessAborted(target.isDue, signal).catch(() => {}); // Seen by the loop.
      if (signal.aborted || target !== this.#target) continue;
      if (await this.#tell(partitionId, target)) backoff = new Backoff();
      else await pause(this.#parts.scheduler, backoff.nextMs(), signal);
    }
  }

  async #tell(partitionId: bigint, target: Target): Promise<boolean> {
    const { calls, limit, view } = this.#parts;
    const reported = leaderReport(view, partitionId)?.configurationVersion ?? 0;
    if (reported >= target.version) {
      this.#take(partitionId, reported);
      return true;
    }
    const call: ConfigureCall = { partitionId, configuration: target.encoded };
    const options = { timeoutMs: CONFIGURE_TIMEOUT_MS, signal: this.#closed.signal };
    try {
      await limit.run(() => calls.callLeader(partitionId, methods.configure, call, options));
    } catch (error) {
      if (error instanceof RemoteFailure || error instanceof RequestFailed) return false;
      throw error;
    }
    this.#take(partitionId, target.version);
    return true;
  }

  #take(partitionId: bigint, version: number): void {
    this.#taken.set(partitionId, Math.max(version, this.#taken.get(partitionId) ?? 0));
    this.#tellProgress();
  }

  #tellProgress(): void {
    this.#progress.resolve();
    this.#progress = Promise.withResolvers<void>();
  }
}
