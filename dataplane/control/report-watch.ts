import { pause, type Scheduler } from '../replication/scheduler.ts';
import {
  type NodeId,
  RemoteFailure,
  RequestFailed,
  type Transport,
} from '../replication/transport/transport.ts';
import {
  methods,
  type NodeReport,
  type PartitionReport,
  type ReportCall,
} from '../routing/protocol.ts';
import type { ClusterView, ObservedNode } from './cluster-view.ts';

const ASK_INTERVAL_MS = 1_000;
const ASK_TIMEOUT_MS = 2_000;
/** Counts alone make no new version of a report: once in a while all of it is asked for. */
const WHOLE_INTERVAL_MS = 20_000;

export interface ReportWatchOptions {
  readonly transport: Transport;
  /** All nodes of the cluster. */
  readonly nodes: () => readonly NodeId[];
  readonly scheduler: Scheduler;
}

interface WatchedNode {
  readonly about: Pick<NodeReport, 'zone' | 'storeId' | 'halted' | 'processId' | 'version'>;
  readonly partitions: Map<bigint, PartitionReport>;
  /** It answered when it was asked the last time. */
  isAnswering: boolean;
  wholeAtMs: number;
}

/**
 * The reports of all nodes, asked for once a second while the catalog is led from here. A router's
 * map has each partition as it is believed to be; here every node's own word is needed.
 */
export class ReportWatch implements ClusterView {
  readonly #options: ReportWatchOptions;
  readonly #watched = new Map<NodeId, WatchedNode>();
  readonly #asking = new Map<NodeId, Promise<void>>();
  readonly #listeners = new Set<() => void>();
  readonly #closed = new AbortController();
  #version = 0;
  /** Nodes that were connected when the version was asked for last. */
  #connected = '';

  static start(options: ReportWatchOptions): ReportWatch {
    const watch = new ReportWatch(options);
    void watch.#run();
    return watch;
  }

  private constructor(options: ReportWatchOptions) {
    this.#options = options;
  }

  nodes(): readonly ObservedNode[] {
    return Array.from(this.#watched, ([id, watched]) => this.#observed(id, watched));
  }

  node(id: NodeId): ObservedNode | undefined {
    const watched = this.#watched.get(id);
    return watched && this.#observed(id, watched);
  }

  get version(): number {
    // Nobody tells when a connection comes or goes.
    const connected = this.nodes().filter(({ isConnected }) => isConnected);
    const names = connected.map(({ node }) => node).join();
    if (names !== this.#connected) this.#version += 1;
    this.#connected = names;
    return this.#version;
  }

  async refresh(): Promise<void> {
    const asked = this.#options.nodes().filter((node) => this.#isUp(node));
    await Promise.all(asked.map((node) => this.#ask(node)));
  }

  async refreshCounts(nodes: Iterable<NodeId>): Promise<void> {
    const asked = [...nodes].filter((node) => this.#isUp(node));
    for (const node of asked) {
      const watched = this.#watched.get(node);
      if (watched !== undefined) watched.wholeAtMs = Number.NEGATIVE_INFINITY;
    }
    await Promise.all(asked.map((node) => this.#ask(node)));
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#closed.abort();
    this.#listeners.clear();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      // A node that does not answer must not keep the others from being asked.
      for (const node of this.#options.nodes()) if (this.#isUp(node)) void this.#ask(node);
      await pause(this.#options.scheduler, ASK_INTERVAL_MS, signal);
    }
  }

  #observed(node: NodeId, { about, partitions, isAnswering }: WatchedNode): ObservedNode {
    const { zone, storeId, processId, halted } = about;
    const isConnected = isAnswering && this.#isUp(node);
    return { node, zone, storeId, processId, halted, partitions, isConnected };
  }

  #isUp(node: NodeId): boolean {
    const { transport } = this.#options;
    return node === transport.self || transport.isConnected(node);
  }

  /** One question a node is under way at a time; it is shared. */
  #ask(node: NodeId): Promise<void> {
    const running = this.#asking.get(node);
    if (running !== undefined) return running;
    const asking = this.#askOnce(node).finally(() => this.#asking.delete(node));
    this.#asking.set(node, asking);
    return asking;
  }

  async #askOnce(node: NodeId): Promise<void> {
    const { transport, scheduler } = this.#options;
    const { signal } = this.#closed;
    if (signal.aborted) return;
    const known = this.#watched.get(node);
    const nowMs = scheduler.monotonicMs();
    const isWhole = known === undefined || nowMs - known.wholeAtMs >= WHOLE_INTERVAL_MS;
    const since = isWhole
      ? undefined
      : { processId: known.about.processId, version: known.about.version };
    const call: ReportCall = { since };
    try {
      const options = { timeoutMs: ASK_TIMEOUT_MS, signal };
      const answer = await transport.request(node, methods.report, call, options);
      this.#take(answer as NodeReport, nowMs); // As the protocol has it.
    } catch (error) {
      if (!(error instanceof RequestFailed || error instanceof RemoteFailure)) throw error;
      const watched = this.#watched.get(node);
      if (watched !== undefined) watched.isAnswering = false;
    }
    for (const listener of [...this.#listeners]) listener();
  }

  #take(report: NodeReport, askedAtMs: number): void {
    const { node } = report;
    const known = this.#watched.get(node);
    const isWhole = known === undefined || report.isWhole;
    const partitions = isWhole ? new Map<bigint, PartitionReport>() : known.partitions;
    for (const id of report.removedPartitions) partitions.delete(id);
    for (const partition of report.partitions) partitions.set(partition.partitionId, partition);
    const wholeAtMs = isWhole ? askedAtMs : known.wholeAtMs;
    const { zone, storeId, halted, processId, version } = report;
    const about = { zone, storeId, halted, processId, version };
    const isSame =
      !isWhole &&
      report.partitions.length === 0 &&
      report.removedPartitions.length === 0 &&
      known.about.version === version &&
      known.about.halted === halted;
    if (!isSame) this.#version += 1;
    this.#watched.set(node, { about, partitions, isAnswering: true, wholeAtMs });
  }
}
