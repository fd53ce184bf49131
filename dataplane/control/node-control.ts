import type { Log } from '../catalog/background-work.ts';
import type { Identifiers } from '../catalog/catalog.ts';
import type { Replica, ReplicaHost } from '../replication/replica.ts';
import type { Scheduler } from '../replication/scheduler.ts';
import type { NodeId, Transport } from '../replication/transport/transport.ts';
import type { Forwarder } from '../routing/forwarder.ts';
import { type ControlCall, methods } from '../routing/protocol.ts';
import { type BootstrapResult, bootstrapCatalog } from './bootstrap.ts';
import { CatalogLeader } from './catalog-leader.ts';
import { ClusterCalls } from './cluster-calls.ts';
import { CATALOG_PARTITION } from './placement-records.ts';
import type { RepairOptions } from './repair.ts';
import { ReportWatch } from './report-watch.ts';

const BOOTSTRAP_TIMEOUT_MS = 30_000;

/** Not all nodes have answered in time: nothing, or not all, was done; it may be tried again. */
export class BootstrapLate extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BootstrapLate';
  }
}

export interface NodeControlOptions {
  readonly host: ReplicaHost;
  /** Its method `control` is taken. */
  readonly transport: Transport;
  /** The node's own. */
  readonly forwarder: Pick<Forwarder, 'callLeader'>;
  /** All nodes of the cluster. */
  readonly nodes: () => readonly NodeId[];
  readonly region: string;
  readonly accountId: string;
  readonly scheduler: Scheduler;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly log: Log;
  readonly repair?: RepairOptions | undefined;
}

/**
 * The control plane's part of a storage node: it has the catalog while the node leads the catalog's
 * group, and nothing to do otherwise.
 */
export class NodeControl {
  readonly #options: NodeControlOptions;
  readonly #calls: ClusterCalls;
  readonly #leader: CatalogLeader;

  static start(options: NodeControlOptions): NodeControl {
    return new NodeControl(options);
  }

  private constructor(options: NodeControlOptions) {
    const { host, transport, randomBytes } = options;
    this.#options = options;
    this.#calls = new ClusterCalls(options);
    this.#leader = new CatalogLeader({
      ...options,
      store: host.store,
      calls: this.#calls,
      openView: () => ReportWatch.start(options),
      identifiers: randomIdentifiers(randomBytes),
    });
    for (const method of [methods.control, methods.rehearse]) {
      transport.onRequest(method, (body) =>
        this.#leader.control(
          // Bodies come from processes of this cluster, which speak this protocol.
          { ...(body as ControlCall), isDryRun: method === methods.rehearse },
          host.get(CATALOG_PARTITION),
        ),
      );
    }
  }

  /** To be told when this node's replica of the catalog's group leads, and (undefined) when not. */
  readonly catalogLeaderChanged = (replica: Replica | undefined): void => {
    this.#leader.leaderChanged(replica);
  };

  /** Whether the catalog is open here. */
  get isCatalogOpen(): boolean {
    return this.#leader.isOpen;
  }

  /**
   * Founds the catalog's group, by default on the nodes that placement prefers. Does nothing when
   * there is one.
   * @throws BootstrapRefused; BootstrapLate when not all nodes answer in time
   */
  async bootstrap(chosen: readonly NodeId[] | undefined): Promise<BootstrapResult> {
    const { nodes, scheduler } = this.#options;
    const late = new AbortController();
    const timer = scheduler.after(BOOTSTRAP_TIMEOUT_MS, () =>
      late.abort(new BootstrapLate('not all nodes have answered in time')),
    );
    const calls = this.#calls;
    try {
      return await bootstrapCatalog({
        nodes: nodes(),
        chosen,
        calls,
        scheduler,
        signal: late.signal,
      });
    } finally {
      timer.cancel();
    }
  }

  /** Closes the catalog if it is open here. To be called before the replicas' host is closed. */
  close(): Promise<void> {
    return this.#leader.close();
  }
}

function randomIdentifiers(randomBytes: (count: number) => Uint8Array): Identifiers {
  return {
    newTableId: () => uuidOf(randomBytes(16)),
    newHashSecret: () => randomBytes(32),
  };
}

/** A UUID of version 4 (RFC 9562) from 16 random bytes. */
function uuidOf(random: Uint8Array): string {
  const bytes = Buffer.from(random);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}
