import type { LoadedTls } from './admin/certificate-report.ts';
import { AdminFault } from './admin/failure.ts';
import type { ClusterIdentity } from './admin/health-routes.ts';
import { LinkSwitch } from './admin/link-switch.ts';
import type { FaultSwitch, NodeAdmin, PeerStatus, VolumeStatus } from './admin/node-admin.ts';
import { NodeMetrics } from './admin/node-metrics.ts';
import type { ClusterMember } from './cluster-member.ts';
import type { NodeOptions } from './cluster-options.ts';
import { BootstrapRefused, type BootstrapResult } from './control/bootstrap.ts';
import { BootstrapLate, type NodeControl } from './control/node-control.ts';
import type { NodeIdentity } from './identity.ts';
import type { BackfillProgress } from './node/backfill-progress.ts';
import type { StorageNode } from './node/storage-node.ts';
import type { MultiRaft } from './replication/multi-raft.ts';
import type { Replica } from './replication/replica.ts';
import type { LinkFaults } from './replication/transport/link-faults.ts';
import type { TcpTransport } from './replication/transport/tcp-transport.ts';
import type { ForwardedCall } from './routing/control-forwarder.ts';
import type { NodeReport } from './routing/protocol.ts';
import type { Router } from './routing/router.ts';
import type { Store } from './storage/store.ts';
import { volumeUsage } from './storage/volume-usage.ts';

const CALL_TIMEOUT_MS = 15_000;

export interface LocalNodeAdminParts {
  readonly options: Pick<NodeOptions, 'folder'>;
  readonly member: ClusterMember;
  readonly identity: NodeIdentity;
  readonly store: Store;
  readonly transport: TcpTransport;
  readonly faults: LinkFaults | undefined;
  readonly host: MultiRaft;
  readonly node: StorageNode;
  readonly control: NodeControl;
  /** The node's own. */
  readonly router: Router;
}

/** This process's storage node, for its admin interface. */
export class LocalNodeAdmin implements NodeAdmin {
  readonly faults: FaultSwitch | undefined;
  /** It takes part: connections come and go. */
  isOpen = false;
  isDraining = false;
  readonly #parts: LocalNodeAdminParts;
  readonly #metrics: NodeMetrics;

  constructor(parts: LocalNodeAdminParts) {
    const { faults, member, host, node } = parts;
    this.#parts = parts;
    this.faults = faults && new LinkSwitch(faults, () => member.peerIds);
    this.#metrics = new NodeMetrics({
      replication: host.metrics,
      replicas: () => host.all(),
      hosted: () => node.metrics(),
      report: () => node.report(),
      peers: () => this.peers(),
      volume: () => this.volume(),
      triggers: () => node.triggerReadings(),
      loadedTls: () => this.loadedTls(),
    });
  }

  get clusterId(): string {
    return this.#parts.identity.clusterId;
  }
  get nodeId(): string {
    return this.#parts.identity.nodeId;
  }
  get zone(): string {
    return this.#parts.identity.zone;
  }
  get storeId(): string {
    return this.#parts.identity.storeId;
  }
  get processId(): string {
    return this.#parts.member.processId;
  }

  unreadyReasons(): readonly string[] {
    const { host, store } = this.#parts;
    const reasons: string[] = [];
    if (!this.isOpen) reasons.push('starting or stopping');
    if (this.isDraining) reasons.push('draining');
    if (host.halted !== undefined) reasons.push(`takes no part: ${host.halted.message}`);
    if (store.writesRefused !== undefined) reasons.push(store.writesRefused.message);
    for (const { partitionId, failure } of host.all()) {
      if (failure === undefined || host.halted !== undefined) continue;
      reasons.push(`partition ${partitionId}: ${failure.message}`);
    }
    return [...reasons, ...this.#isolation()];
  }

  identity(): ClusterIdentity {
    const { clusterId, nodeId, zone, storeId } = this;
    const { tableName, nodes } = this.#parts.member.topology;
    return {
      clusterId,
      nodeId,
      zone,
      storeId,
      tableName,
      nodes: nodes.map(({ id, zone, host, port }) => ({ id, zone, host, port })),
    };
  }

  loadedTls(): readonly LoadedTls[] {
    return this.#parts.member.loadedTls();
  }

  report(): Promise<NodeReport> {
    return Promise.resolve(this.#parts.node.report());
  }

  backfills(): ReadonlyMap<bigint, readonly BackfillProgress[]> {
    return this.#parts.node.backfills();
  }

  volume(): VolumeStatus {
    const { options, store } = this.#parts;
    return { ...volumeUsage(options.folder), writesRefused: store.writesRefused?.message };
  }

  peers(): readonly PeerStatus[] {
    return this.#parts.member.peers();
  }

  replicas(): Iterable<Replica> {
    return this.#parts.host.all();
  }

  call(method: string, body: unknown): Promise<unknown> {
    const { transport } = this.#parts;
    return transport.request(transport.self, method, body, { timeoutMs: CALL_TIMEOUT_MS });
  }

  operate(call: ForwardedCall): Promise<Uint8Array> {
    return this.#parts.router.control.forward(call);
  }

  setDraining(isDraining: boolean): void {
    if (this.isDraining === isDraining) return;
    this.isDraining = isDraining;
    if (isDraining) void this.#parts.node.drain();
    else this.#parts.node.stopDraining();
  }

  async bootstrap(chosen: readonly string[] | undefined): Promise<BootstrapResult> {
    try {
      return await this.#parts.control.bootstrap(chosen);
    } catch (error) {
      if (error instanceof BootstrapRefused) throw new AdminFault(409, error.message);
      if (error instanceof BootstrapLate) throw new AdminFault(503, error.message);
      throw error;
    }
  }

  metrics() {
    return this.#metrics.text();
  }

  /** A node that reaches less than half of the others is of no use, nor is one that they refuse. */
  #isolation(): string[] {
    const { transport, member } = this.#parts;
    const others = member.nodeIds.filter((id) => id !== this.nodeId);
    const away = others.filter((id) => !transport.isConnected(id));
    if (away.length <= others.length / 2) return [];
    const details = away.map((id) => {
      const reason = transport.lastFailure(id)?.reason;
      return reason === undefined ? id : `${id} (${reason})`;
    });
    return [`no connection to ${details.join(', ')}`];
  }
}
