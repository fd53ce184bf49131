import type {
  NodeId,
  RequestHandler,
  RequestOptions,
  Transport,
} from '../replication/transport/transport.ts';
import {
  methods,
  type NodeReport,
  type PartitionReport,
  type ReportCall,
} from '../routing/protocol.ts';
import type { ClusterView, ObservedNode } from './cluster-view.ts';

/**
 * The reports of all nodes, as this node's map of partitions gets them: nothing is asked twice.
 *
 * `tap` is the transport that the map is learned through; what it brings is kept here as well.
 */
export class ObservedCluster implements ClusterView {
  readonly #transport: Transport;
  readonly #refresh: () => Promise<void>;
  readonly #reports = new Map<NodeId, KeptReport>();
  readonly #listeners = new Set<() => void>();

  /** @param refresh has the map ask all connected nodes through `tap` */
  constructor(transport: Transport, refresh: () => Promise<void>) {
    this.#transport = transport;
    this.#refresh = refresh;
    transport.onPeer(() => this.#tell());
  }

  readonly tap: Transport = new ReportTap(
    () => this.#transport,
    (report, since) => this.#take(report, since),
  );

  nodes(): readonly ObservedNode[] {
    return Array.from(this.#reports.values(), (report) => this.#observed(report));
  }

  node(id: NodeId): ObservedNode | undefined {
    const report = this.#reports.get(id);
    return report === undefined ? undefined : this.#observed(report);
  }

  refresh(): Promise<void> {
    return this.#refresh();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** As the map does: reports of one process that come late are passed over. */
  #take(report: NodeReport, since: ReportCall['since']): void {
    const known = this.#reports.get(report.node);
    const isWhole = since === undefined || since.processId !== report.processId;
    if (!isWhole && known !== undefined && report.version < known.version) return;
    const partitions = new Map(isWhole ? [] : known?.partitions);
    for (const partition of report.partitions) partitions.set(partition.partitionId, partition);
    for (const partitionId of report.removedPartitions) partitions.delete(partitionId);
    const { node, zone, storeId, halted, version } = report;
    this.#reports.set(node, { node, zone, storeId, halted, version, partitions });
    this.#tell();
  }

  #observed({ version: _version, ...report }: KeptReport): ObservedNode {
    const { self } = this.#transport;
    const isConnected = report.node === self || this.#transport.isConnected(report.node);
    return { ...report, isConnected };
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

interface KeptReport extends Omit<ObservedNode, 'isConnected'> {
  readonly version: number;
  readonly partitions: ReadonlyMap<bigint, PartitionReport>;
}

/** A transport like the one behind it, which tells of the reports that it brings. */
class ReportTap implements Transport {
  readonly #transport: () => Transport;
  readonly #onReport: (report: NodeReport, since: ReportCall['since']) => void;

  constructor(
    transport: () => Transport,
    onReport: (report: NodeReport, since: ReportCall['since']) => void,
  ) {
    this.#transport = transport;
    this.#onReport = onReport;
  }

  get self(): NodeId {
    return this.#transport().self;
  }

  send(to: NodeId, channel: string, body: unknown): boolean {
    return this.#transport().send(to, channel, body);
  }

  request(to: NodeId, method: string, body: unknown, options: RequestOptions): Promise<unknown> {
    const answer = this.#transport().request(to, method, body, options);
    if (method !== methods.report) return answer;
    return answer.then((report) => {
      // Nodes of the cluster answer so.
      this.#onReport(report as NodeReport, (body as ReportCall).since);
      return report;
    });
  }

  onMessage(channel: string, handler: (from: NodeId, body: unknown) => void): void {
    this.#transport().onMessage(channel, handler);
  }

  onRequest(method: string, handler: RequestHandler): void {
    this.#transport().onRequest(method, handler);
  }

  onPeer(listener: (peer: NodeId, isUp: boolean) => void): void {
    this.#transport().onPeer(listener);
  }

  isConnected(peer: NodeId): boolean {
    return this.#transport().isConnected(peer);
  }

  peers() {
    return this.#transport().peers();
  }

  close(): Promise<void> {
    return this.#transport().close();
  }
}
