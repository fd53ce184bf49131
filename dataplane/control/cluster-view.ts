import { pause, type Scheduler } from '../replication/scheduler.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import type { PartitionReport } from '../routing/protocol.ts';

/** A node as its newest report shows it. */
export interface ObservedNode {
  readonly node: NodeId;
  readonly zone: string;
  /** It can be called now. What else stands here may be of the time before it went away. */
  readonly isConnected: boolean;
  /** Random id of its data folder: another one when the node has lost its data. */
  readonly storeId: string;
  /** Random id of its process. */
  readonly processId: string;
  /** Why it takes no part at present; undefined when well. */
  readonly halted: string | undefined;
  /** Its replicas. */
  readonly partitions: ReadonlyMap<bigint, PartitionReport>;
}

/** What the leader of the catalog knows of the cluster: the nodes' reports, a second old or so. */
export interface ClusterView {
  /** Nodes that have reported since this process started, also those that are away by now. */
  nodes(): readonly ObservedNode[];
  node(id: NodeId): ObservedNode | undefined;
  /** Another number whenever anything of `nodes()` may be otherwise. */
  readonly version: number;
  /** Asks all connected nodes now; resolves when they have answered, or after a short while. */
  refresh(): Promise<void>;
  /** As `refresh`, of these nodes, and counts and places in logs too. */
  refreshCounts(nodes: Iterable<NodeId>): Promise<void>;
  /** Called after a report has come, and when a node went or came; returns what ends that. */
  onChange(listener: () => void): () => void;
}

export interface CallOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Calls of nodes, this one included, by the methods of routing/protocol.ts.
 * Both throw RequestFailed when there is no answer, RemoteFailure when it is a refusal.
 */
export interface NodeCalls {
  callNode(node: NodeId, method: string, body: unknown, options: CallOptions): Promise<unknown>;
  /** Finds the leader of the partition, as often as it takes within the time. */
  callLeader(
    partitionId: bigint,
    method: string,
    body: unknown,
    options: CallOptions,
  ): Promise<unknown>;
}

/** The report of the partition's leader, if one is known that can be called and is ready. */
export function leaderReport(
  view: ClusterView,
  partitionId: bigint,
): (PartitionReport & { readonly node: NodeId }) | undefined {
  let newest: (PartitionReport & { readonly node: NodeId }) | undefined;
  for (const { node, isConnected, partitions } of view.nodes()) {
    const report = partitions.get(partitionId);
    if (!isConnected || report === undefined || !report.replica.isReadyLeader) continue;
    if (newest === undefined || report.term > newest.term) newest = { ...report, node };
  }
  return newest;
}

/** Resolves when something has changed, after `msMax` at the latest, or when the signal fires. */
export function nextChange(
  view: ClusterView,
  scheduler: Scheduler,
  { msMax, signal }: { readonly msMax: number; readonly signal: AbortSignal },
): Promise<void> {
  const changed = new AbortController();
  const stop = view.onChange(() => changed.abort());
  return pause(scheduler, msMax, AbortSignal.any([signal, changed.signal])).finally(stop);
}
