import type { Logger } from 'pino';
import type { TableKnowledge } from '../api/refreshing-operation.ts';
import type { Place } from '../catalog/arn.ts';
import type { ControlPlane } from '../catalog/control-plane.ts';
import type { KubeClient } from '../kubernetes/api-client.ts';
import type { Scheduler } from '../replication/scheduler.ts';
import type { Protocol, TlsMaterial } from '../replication/transport/options.ts';
import type { Streams } from '../stream/streams.ts';
import type { TransactionTables } from '../transaction/tables.ts';
import { NamespaceStreams } from './namespace-streams.ts';
import { NamespaceTransactionTables } from './namespace-transactions.ts';
import { ResourceControlPlane } from './resource-control-plane.ts';
import { ResourceSource } from './resource-source.ts';
import { ResourceWriter } from './resource-writer.ts';
import { type Lookup, StorageDiscovery } from './storage-discovery.ts';
import { TableClusters } from './table-clusters.ts';
import { TableDirectory } from './table-directory.ts';
import { tableKnowledge } from './table-knowledge.ts';
import { TableViews } from './table-views.ts';
import { TableWrites } from './table-writes.ts';

export interface NamespaceTablesOptions {
  readonly client: KubeClient;
  /** To look for tables that clients ask for in vain. */
  readonly lookClient: KubeClient;
  readonly namespace: string;
  readonly routerId: string;
  readonly zone: string;
  readonly place: Place;
  readonly protocolMax: Protocol;
  /** Towards storage nodes; undefined speaks plain TCP. */
  readonly tls: TlsMaterial | undefined;
  /** The name behind which all storage nodes are, and where they tell who they are. */
  readonly storage: {
    readonly host: string;
    readonly port: number;
    readonly lookup?: Lookup | undefined;
  };
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** See TableClusters. */
  readonly idleMs?: number;
}

/** All that a router has of the tables of its namespace: the parts of this folder as one. */
export class NamespaceTables {
  readonly clusters: TableClusters;
  readonly knowledge: TableKnowledge;
  readonly controlPlane: ControlPlane;
  readonly streams: Streams;
  readonly transactions: TransactionTables;
  readonly #directory: TableDirectory;
  readonly #source: ResourceSource;
  readonly #discovery: StorageDiscovery;
  #tls: TlsMaterial | undefined;

  /** Learns what there is in the background: see `unreadyReasons`. */
  static start(options: NamespaceTablesOptions): NamespaceTables {
    return new NamespaceTables(options);
  }

  private constructor(options: NamespaceTablesOptions) {
    const { client, lookClient, namespace, place, scheduler, log } = options;
    const logEvent = (event: string, fields: Readonly<Record<string, unknown>>) =>
      log.info(fields, event);
    const directory = new TableDirectory();
    this.#directory = directory;
    this.#tls = options.tls;
    const tls = () => this.#tls;
    this.clusters = new TableClusters({ ...options, directory, tls, log: logEvent });
    const writer = new ResourceWriter({ client, namespace, log: logEvent });
    const reader = new ResourceWriter({ client: lookClient, namespace, log: logEvent });
    this.#source = ResourceSource.start({ client, namespace, reader, directory, scheduler, log });
    const parts = { directory, clusters: this.clusters, source: this.#source, place, scheduler };
    const views = new TableViews(parts);
    this.knowledge = tableKnowledge(parts);
    this.transactions = new NamespaceTransactionTables(parts);
    this.controlPlane = new ResourceControlPlane(
      views,
      new TableWrites({ ...parts, views, writer }),
    );
    this.streams = new NamespaceStreams({ ...parts, views });
    this.#discovery = StorageDiscovery.start({
      ...options.storage,
      scheduler,
      log: logEvent,
      isNeeded: () => !directory.isComplete,
      onFound: (identities) => directory.takeIdentities(identities),
    });
  }

  get apiServerAgeMs(): number {
    return this.#source.ageMs;
  }

  /** Why it should get no traffic: it does not know what tables there are. */
  unreadyReasons(): readonly string[] {
    if (this.#directory.isComplete || this.#discovery.hasFinished) return [];
    return ['neither the API server nor DNS has told which tables there are'];
  }

  /** Towards storage nodes, as they are now. */
  get tls(): TlsMaterial | undefined {
    return this.#tls;
  }

  /** For connections made from now on. */
  setTls(tls: TlsMaterial): void {
    this.#tls = tls;
    this.clusters.setTls(tls);
  }

  async close(): Promise<void> {
    this.#discovery.close();
    this.#source.close();
    await this.clusters.close();
  }
}
