import { randomBytes, randomUUID } from 'node:crypto';
import type { PeerStatus } from '../admin/node-admin.ts';
import { peerStatus } from '../cluster-member.ts';
import { pause, type Scheduler } from '../replication/scheduler.ts';
import type { Address, Protocol, TlsMaterial } from '../replication/transport/options.ts';
import { TcpTransport } from '../replication/transport/tcp-transport.ts';
import { CatalogLookup } from '../routing/catalog-lookup.ts';
import { UnknownTableFault } from '../routing/remote-table.ts';
import { Router, type RouterMetrics } from '../routing/router.ts';
import type { Table } from '../routing/table.ts';
import { RemoteStreams } from '../stream/remote-streams.ts';
import type { OpenStream, StreamInfo } from '../stream/streams.ts';
import type { NamedTable, StalledPartition } from '../transaction/tables.ts';
import type { KnownTable } from './table-directory.ts';

/** A connection that is new has this long to bring the table; after that it is asked as any other. */
const CONNECT_WAIT_MS = 3_000;

/** What all clusters of a router share. */
export interface ClusterParts {
  readonly routerId: string;
  /** Replicas in this zone are asked first for eventual reads. */
  readonly zone: string;
  readonly scheduler: Scheduler;
  readonly protocolMax: Protocol;
  /** Asked at each connection; undefined speaks plain TCP. */
  readonly tls: () => TlsMaterial | undefined;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

interface Link {
  readonly transport: TcpTransport;
  readonly router: Router;
  readonly lookup: CatalogLookup;
  readonly streams: RemoteStreams;
  readonly sinceMs: number;
  /** Fires when the table can be opened for the first time. */
  readonly arrived: AbortSignal;
}

/**
 * One table, which is a cluster of storage nodes of its own, as this router reaches it.
 *
 * It is connected when it is first asked for, and let go of when nobody has asked for long: a
 * namespace may have a thousand tables of which few are in use, and a connection that is open costs
 * both of its ends a few messages a second.
 */
export class TableCluster {
  readonly clusterId: string;
  readonly tableName: string;
  readonly #parts: ClusterParts;
  readonly #processId = randomUUID();
  #nodes: ReadonlyMap<string, Address> = new Map();
  #link: Link | undefined;
  #usedMs: number;

  constructor(table: Pick<KnownTable, 'clusterId' | 'tableName' | 'nodes'>, parts: ClusterParts) {
    this.clusterId = table.clusterId;
    this.tableName = table.tableName;
    this.#parts = parts;
    this.#usedMs = parts.scheduler.monotonicMs();
    this.setNodes(table.nodes);
  }

  /** Whether it is connected, or being so. */
  get isLinked(): boolean {
    return this.#link !== undefined;
  }

  get hasNodes(): boolean {
    return this.#nodes.size > 0;
  }

  get metrics(): RouterMetrics | undefined {
    return this.#link?.router.metrics;
  }

  /** Of its nodes; none while it is not connected. */
  peers(): readonly PeerStatus[] {
    const transport = this.#link?.transport;
    if (transport === undefined) return [];
    return Array.from(this.#nodes.keys(), (id) => peerStatus(transport, id));
  }

  setNodes(nodes: KnownTable['nodes']): void {
    this.#nodes = new Map(nodes.map(({ id, host, port }) => [id, { host, port }]));
    this.#link?.transport.setPeers(this.#nodes);
  }

  /** For connections made from now on. */
  setTls(tls: TlsMaterial): void {
    this.#link?.transport.setTls(tls);
  }

  /**
   * The table for the data plane.
   * @throws UnknownTableFault while it is not connected, or no node has the table: `refresh` may help
   */
  openTable(): Table {
    this.#usedMs = this.#parts.scheduler.monotonicMs();
    if (this.#link !== undefined) return this.#link.router.tables.openTable(this.tableName);
    throw new UnknownTableFault(this.tableName);
  }

  /** Connects if need be, and resolves when the table is there, or has not come in time. */
  async refresh(): Promise<void> {
    const { router, sinceMs, arrived } = this.#linked();
    const { scheduler } = this.#parts;
    const leftMs = sinceMs + CONNECT_WAIT_MS - scheduler.monotonicMs();
    if (leftMs > 0 && !arrived.aborted) await pause(scheduler, leftMs, arrived);
    else await router.learner.refresh();
  }

  /** The same by its id; undefined while it is not connected, or has another id. */
  tableById(tableId: string): Table | undefined {
    return this.#link?.router.tables.tableById(tableId);
  }

  /** Whether the catalog has another table by this name, or none. @throws ClientFault as `hasTable` */
  isDeleted(table: NamedTable): Promise<boolean> {
    return this.#linked().lookup.isDeleted(table);
  }

  /** Partitions that report stalled transactions; none while it is not connected. */
  stalledTransactions(): Iterable<StalledPartition> {
    return this.#link?.router.map.partitionsWithStalledTransactions() ?? [];
  }

  /** @throws ClientFault */
  async openStream(arn: string): Promise<OpenStream> {
    return this.#linked().streams.open(arn);
  }

  /** Of the table, those that were disabled of late among them. @throws ClientFault */
  streams(): Promise<readonly StreamInfo[]> {
    return this.#linked().streams.list(this.tableName);
  }

  /** Whether the catalog has a table that items can be in. @throws ClientFault when it does not say */
  hasTable(): Promise<boolean> {
    return this.#linked().lookup.hasTable(this.tableName);
  }

  /**
   * Has an operation of the control plane done where the table's own catalog is led.
   * @returns its answer
   * @throws ClientFault; status 500 among them when the catalog cannot be reached
   */
  async control(
    operation: string,
    body: object,
    options: { readonly isDryRun: boolean },
  ): Promise<Uint8Array> {
    const found = this.#linked().router.control.operations([operation], options).get(operation);
    if (found === undefined) throw new Error('the forwarder has what it is asked for');
    return found.handle({ ...body }, { host: '' });
  }

  /** Whether it is connected, and nobody has asked for it for so long. */
  isIdle(idleMs: number): boolean {
    const link = this.#link;
    if (link === undefined || link.router.forwarder.callsInFlight > 0) return false;
    return this.#parts.scheduler.monotonicMs() - this.#usedMs >= idleMs;
  }

  /** Resolves when nothing is open any more. It connects again when it is asked for. */
  async close(): Promise<void> {
    const link = this.#link;
    this.#link = undefined;
    link?.router.close();
    await link?.transport.close();
  }

  #linked(): Link {
    const { scheduler } = this.#parts;
    this.#usedMs = scheduler.monotonicMs();
    this.#link ??= this.#connect();
    return this.#link;
  }

  #connect(): Link {
    const { routerId, zone, scheduler, protocolMax, tls, log } = this.#parts;
    const { clusterId, tableName } = this;
    const logOf = (event: string, fields: Readonly<Record<string, unknown>>) =>
      log(event, { table: tableName, ...fields });
    const transport = new TcpTransport({
      self: {
        id: routerId,
        role: 'router',
        clusterId,
        storeId: this.#processId,
        processId: this.#processId,
      },
      listen: undefined,
      peers: this.#nodes,
      tls: tls(),
      scheduler,
      random: Math.random,
      log: logOf,
      protocolMax,
    });
    const router = Router.start({
      routerId,
      zone,
      transport,
      scheduler,
      randomBytes,
      log: logOf,
    });
    // Nobody dials a router, so there is nothing that could fail: nodes are dialled until they answer.
    void transport.open();
    const arrival = new AbortController();
    router.map.onTable(({ isReadable }) => {
      if (isReadable) arrival.abort();
    });
    return {
      transport,
      router,
      lookup: new CatalogLookup(router.control),
      streams: RemoteStreams.of(router, {
        clock: scheduler,
        // The table is the only one of its cluster.
        tableNameOf: () => tableName,
        refresh: () => this.refresh(),
      }),
      sinceMs: scheduler.monotonicMs(),
      arrived: arrival.signal,
    };
  }
}
