import type { PeerStatus } from '../admin/node-admin.ts';
import type { Tables } from '../api/operation.ts';
import { type Place, tableArn, tableNameOf } from '../catalog/arn.ts';
import type { Timer } from '../replication/scheduler.ts';
import type { TlsMaterial } from '../replication/transport/options.ts';
import { UnknownTableFault } from '../routing/remote-table.ts';
import type { RouterMetrics } from '../routing/router.ts';
import type { Table } from '../routing/table.ts';
import { ClusterMetrics } from './cluster-metrics.ts';
import { type ClusterParts, TableCluster } from './table-cluster.ts';
import type { KnownTable, TableDirectory } from './table-directory.ts';

/**
 * Nobody asks for a table for so long: it is let go of. Longer than the 300 s of burst that a table saves
 * up, so that no throughput is lost or won by it.
 */
const IDLE_MS = 600_000;
const SWEEP_INTERVAL_MS = 30_000;

export interface TableClustersOptions extends ClusterParts {
  readonly directory: TableDirectory;
  readonly place: Place;
  readonly idleMs?: number;
}

/** The tables of a namespace as this router reaches them; each is a cluster of its own. */
export class TableClusters implements Tables {
  readonly #options: TableClustersOptions;
  /** By cluster id: all tables of which a node is known. */
  readonly #clusters = new Map<string, TableCluster>();
  /** By name and by ARN: those that items can be asked of. */
  readonly #byName = new Map<string, TableCluster>();
  readonly #metrics = new ClusterMetrics();
  readonly #stopListening: () => void;
  #sweep: Timer;
  #isClosed = false;

  constructor(options: TableClustersOptions) {
    const { directory } = options;
    this.#options = options;
    this.#stopListening = directory.onChange((clusterId) => this.#onChange(clusterId));
    for (const { clusterId } of directory.tables()) this.#onChange(clusterId);
    this.#sweep = this.#sweepLater();
  }

  /**
   * The table of a name or ARN. On the path of every request: one look-up for a plain name.
   * @throws ClientFault for an ARN of another place; UnknownTableFault
   */
  openTable(nameOrArn: string): Table {
    const cluster =
      this.#byName.get(nameOrArn) ?? this.#byName.get(tableNameOf(nameOrArn, this.#options.place));
    if (cluster === undefined) throw new UnknownTableFault(nameOrArn);
    return cluster.openTable();
  }

  /** The cluster of a table with nodes, whatever state it is in. */
  cluster(clusterId: string): TableCluster | undefined {
    return this.#clusters.get(clusterId);
  }

  setTls(tls: TlsMaterial): void {
    for (const cluster of this.#clusters.values()) cluster.setTls(tls);
  }

  /** Of all clusters, those that are not connected any more among them. */
  get metrics(): RouterMetrics {
    return this.#metrics.sum(this.#clusters.values(), this.#options.directory.count);
  }

  /** Nodes of the tables that are in use. */
  peers(): readonly PeerStatus[] {
    return [...this.#clusters.values()].flatMap((cluster) => cluster.peers());
  }

  /** Those that are in use. */
  *linked(): Iterable<TableCluster> {
    for (const cluster of this.#clusters.values()) if (cluster.isLinked) yield cluster;
  }

  get linkedCount(): number {
    return [...this.linked()].length;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#sweep.cancel();
    this.#stopListening();
    this.#byName.clear();
    await Promise.all([...this.#clusters.values()].map((cluster) => cluster.close()));
  }

  #onChange(clusterId: string): void {
    const { directory } = this.#options;
    const table = directory.byId(clusterId);
    const known = this.#clusters.get(clusterId);
    if (table === undefined) {
      if (known !== undefined) this.#drop(known);
      return;
    }
    if (table.nodes.length === 0) return;
    const cluster = known ?? new TableCluster(table, this.#options);
    if (known === undefined) this.#clusters.set(clusterId, cluster);
    else known.setNodes(table.nodes);
    this.#name(cluster, table);
  }

  /** A table that is being deleted has no items any more, and one without its name is not asked for. */
  #name(cluster: TableCluster, table: KnownTable): void {
    const { directory, place } = this.#options;
    const isAsked =
      table.resource?.metadata.deletionTimestamp === undefined &&
      directory.table(table.tableName)?.clusterId === table.clusterId;
    for (const name of [table.tableName, tableArn(place, table.tableName)]) {
      if (isAsked) this.#byName.set(name, cluster);
      else if (this.#byName.get(name) === cluster) this.#byName.delete(name);
    }
  }

  #drop(cluster: TableCluster): void {
    this.#clusters.delete(cluster.clusterId);
    for (const [name, other] of [...this.#byName]) {
      if (other === cluster) this.#byName.delete(name);
    }
    this.#metrics.keep(cluster);
    void cluster.close();
  }

  #sweepLater(): Timer {
    const { scheduler, idleMs = IDLE_MS } = this.#options;
    return scheduler.after(Math.min(SWEEP_INTERVAL_MS, idleMs), () => {
      for (const cluster of this.#clusters.values()) {
        if (!cluster.isIdle(idleMs)) continue;
        this.#metrics.keep(cluster);
        void cluster.close();
      }
      if (!this.#isClosed) this.#sweep = this.#sweepLater();
    });
  }
}
