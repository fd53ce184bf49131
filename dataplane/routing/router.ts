import type { Scheduler } from '../replication/scheduler.ts';
import type { NodeId, Transport } from '../replication/transport/transport.ts';
import type { CallBounds } from './call-gate.ts';
import { CATALOG_PARTITION_ID, ClusterMap } from './cluster-map.ts';
import { ControlForwarder } from './control-forwarder.ts';
import { type CallMetrics, Forwarder } from './forwarder.ts';
import { MapLearner } from './map-learner.ts';
import { RemoteTables } from './remote-tables.ts';
import { RequestIds } from './request-ids.ts';

export interface RouterOptions {
  readonly routerId: NodeId;
  /** Replicas in this zone are asked first for eventual reads. */
  readonly zone: string;
  readonly transport: Transport;
  readonly scheduler: Scheduler;
  /** Unpredictable bytes: what distinguishes the writes of this process from all others. */
  readonly randomBytes: (count: number) => Uint8Array;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  /** The process is a storage node too, which has calls of its own to make. */
  readonly isNode?: boolean;
  /** See RemoteTables; by default ARNs are looked up as they are. */
  readonly tableNameOf?: (nameOrArn: string) => string;
  readonly bounds?: CallBounds;
}

/** Whether requests can be served, and what is missing if not. */
export interface RouterReadiness {
  readonly isReady: boolean;
  readonly reasons: readonly string[];
}

export interface RouterMetrics extends CallMetrics {
  readonly callsInFlight: number;
  readonly nodesConnected: number;
  readonly nodesKnown: number;
  readonly partitionsCount: number;
  readonly tablesCount: number;
  /** Since the oldest newest report of a connected node; Infinity when there is none. */
  readonly mapAgeMs: number;
}

/**
 * The stateless half of a cluster: what it knows of the nodes is in memory only, and learned from
 * them. Storage nodes run one too, for their calls to each other.
 */
export class Router {
  readonly routerId: NodeId;
  readonly map: ClusterMap;
  readonly learner: MapLearner;
  readonly forwarder: Forwarder;
  readonly tables: RemoteTables;
  readonly control: ControlForwarder;
  readonly #scheduler: Scheduler;

  /** Learns what there is in the background: see `readiness`. */
  static start(options: RouterOptions): Router {
    const router = new Router(options);
    router.learner.start();
    return router;
  }

  private constructor(options: RouterOptions) {
    const { transport, scheduler, randomBytes, log, zone, isNode = false, bounds } = options;
    this.routerId = options.routerId;
    this.#scheduler = scheduler;
    this.map = new ClusterMap();
    this.learner = new MapLearner({
      map: this.map,
      transport,
      scheduler,
      isNode,
      log,
      onReport: () => this.tables.shareThroughput(),
    });
    this.forwarder = new Forwarder({
      map: this.map,
      learner: this.learner,
      transport,
      scheduler,
      random: () => Buffer.from(randomBytes(4)).readUInt32BE() / 2 ** 32,
      zone,
      ...(bounds === undefined ? {} : { bounds }),
    });
    this.tables = new RemoteTables({
      map: this.map,
      forwarder: this.forwarder,
      scheduler,
      requestIds: new RequestIds(randomBytes),
      tableNameOf: options.tableNameOf ?? ((nameOrArn) => nameOrArn),
    });
    const { learner, forwarder } = this;
    this.control = new ControlForwarder({ learner, forwarder, scheduler });
  }

  get readiness(): RouterReadiness {
    const reasons: string[] = [];
    if (this.#connectedCount() === 0) reasons.push('no node is connected');
    const hasCatalog = this.map.partition(CATALOG_PARTITION_ID) !== undefined;
    if (!hasCatalog && this.map.tablesCount === 0) {
      reasons.push('no node has reported the catalog or a table');
    }
    return { isReady: reasons.length === 0, reasons };
  }

  get metrics(): RouterMetrics {
    return {
      ...this.forwarder.metrics,
      callsInFlight: this.forwarder.callsInFlight,
      nodesConnected: this.#connectedCount(),
      nodesKnown: [...this.map.nodes()].length,
      partitionsCount: this.map.partitionsCount,
      tablesCount: this.map.tablesCount,
      mapAgeMs: this.#mapAgeMs(),
    };
  }

  /** Stops learning. Calls under way go on; the transport is the caller's to close. */
  close(): void {
    this.learner.close();
  }

  #connectedCount(): number {
    let count = 0;
    for (const node of this.map.nodes()) if (node.isUp) count += 1;
    return count;
  }

  #mapAgeMs(): number {
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const node of this.map.nodes()) {
      if (node.isUp) oldestMs = Math.min(oldestMs, node.reportedAtMs);
    }
    return Number.isFinite(oldestMs)
      ? this.#scheduler.monotonicMs() - oldestMs
      : Number.POSITIVE_INFINITY;
  }
}
