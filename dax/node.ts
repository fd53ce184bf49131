import { isIPv6 } from 'node:net';
import { hostname } from 'node:os';
import type { Express } from 'express';
import type { Logger } from 'pino';
import { AccessDenials } from '../dataplane/access/denials.ts';
import { AdminServer } from '../dataplane/admin/admin-server.ts';
import { OperationCounts } from '../dataplane/admin/operation-counts.ts';
import type { CallContext } from '../dataplane/api/operation.ts';
import { Endpoint } from '../dataplane/endpoint/endpoint.ts';
import type { Running } from '../dataplane/process-life.ts';
import { processLog } from '../dataplane/process-log.ts';
import { Undo } from '../dataplane/undo.ts';
import type { CacheCounters } from './cache/counters.ts';
import { type CacheSide, openCache } from './cache-side.ts';
import { type Callers, openCallers } from './callers.ts';
import { AttributeLists } from './cluster/attribute-lists.ts';
import { CoherenceError } from './cluster/coherence.ts';
import { type ClusterSide, openCluster } from './cluster-side.ts';
import { addNodeRoutes, type NodeStatus, type RedisState } from './health.ts';
import { doorAuthorize } from './http/access.ts';
import { doorOperations } from './http/operations.ts';
import { StoredItems } from './http/stored-items.ts';
import { daxMetricsPage } from './metrics.ts';
import type { DaxOptions } from './options.ts';
import { DaxServer } from './server/dax-server.ts';
import { openTables, type TablesSide } from './tables-side.ts';

/** How long requests under way may take to finish when the node stops. */
const GRACE_MS = 9_000;

/** A node of a DAX cluster that serves. */
export interface DaxNode extends Running {
  readonly urls: DaxUrls;
  counters(): Readonly<CacheCounters>;
  status(): NodeStatus;
}

/** Where clients reach a node; undefined: it does not listen so. */
export interface DaxUrls {
  readonly dax: string | undefined;
  readonly daxs: string | undefined;
  readonly http: string | undefined;
  readonly https: string | undefined;
  readonly health: string;
}

/**
 * Starts a node: its doors are open when this resolves, and `/readyz` says when it is a member of its
 * cluster. The tables need not be there yet.
 * @throws UsageError, TlsFilesError, CredentialsError, PolicyError, or the system's error for a port;
 *   nothing stays open
 */
export async function startDaxNode(options: DaxOptions): Promise<DaxNode> {
  const log = processLog(options.logLevel, {
    cluster: options.clusterName,
    node: options.nodeId,
  });
  const undo = new Undo();
  try {
    const callers = openCallers(options, log);
    undo.push(callers.close);
    const tables = openTables(options, log, undo);
    const { calls } = tables;
    const cluster = await openCluster(options, calls, log, undo);
    const lists = new AttributeLists(cluster.registry);
    const cache = openCache(options, { calls, cluster, lists, log, undo });
    const node = new Node(options, { callers, tables, cluster, lists, cache, log });
    const urls = await node.open(undo);
    return {
      log,
      greeting: greetingOf(urls, options),
      close: () => undo.run(),
      urls,
      counters: () => cache.tables.counters,
      status: () => node.status(),
    };
  } catch (error) {
    await undo.run();
    throw error;
  }
}

interface NodeParts {
  readonly callers: Callers;
  readonly tables: TablesSide;
  readonly cluster: ClusterSide;
  readonly lists: AttributeLists;
  readonly cache: CacheSide;
  readonly log: Logger;
}

type Phase = 'starting' | 'serving' | 'stopping';

/** The doors of a node, and what it tells of itself. */
class Node {
  readonly #options: DaxOptions;
  readonly #parts: NodeParts;
  readonly #counts = new OperationCounts(() => performance.now());
  /** At the JSON door. */
  readonly #denials = new AccessDenials();
  readonly #startedMs = performance.now();
  #phase: Phase = 'starting';

  constructor(options: DaxOptions, parts: NodeParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Opens the doors, then has the node made known. */
  async open(undo: Undo): Promise<DaxUrls> {
    const { cluster, cache } = this.#parts;
    const { advertise, nodeId, zone } = this.#options;
    const doors: OpenDoors = {
      dax: await this.#listenDax(undo),
      http: await this.#listenHttp(undo),
    };
    const health = await this.#listenHealth(doors, undo);
    await cache.tables.whenL2Tried();
    const { port = 0, tlsPort = 0 } = doors.dax;
    cluster.coherence.start({ nodeId, name: hostname(), zone, address: advertise, port, tlsPort });
    undo.push(() => doors.http.drain(this.#options.drainMs));
    undo.push(() => this.#leave());
    this.#phase = 'serving';
    return urlsOf(doors, health, advertise);
  }

  status(): NodeStatus {
    const { clusterName, nodeId, zone } = this.#options;
    const { cluster, cache } = this.#parts;
    return {
      clusterName,
      nodeId,
      zone,
      isActive: cluster.coherence.mayServe,
      isDraining: this.#phase === 'stopping',
      uptimeSeconds: Math.floor((performance.now() - this.#startedMs) / 1_000),
      redis: { state: this.#redisState() },
      parameters: cache.parameters(),
      members: cluster.coherence.members().map(({ nodeId: id, name, zone: place, address }) => ({
        nodeId: id,
        name,
        zone: place,
        address,
      })),
    };
  }

  async #listenDax(undo: Undo): Promise<DaxServer> {
    const { bind: host, port, tls } = this.#options;
    const { cache, lists, cluster, callers, log } = this.#parts;
    const server = await DaxServer.listen({
      host,
      port,
      tls: tls?.port === undefined ? undefined : { ...tls, port: tls.port },
      tables: cache.tables,
      lists,
      members: () => cluster.coherence.members(),
      handshakes: callers.handshakes,
      authorizer: callers.authorizer,
      clusterArn: this.#clusterArn,
      log,
    });
    undo.push(() => server.close(GRACE_MS));
    return server;
  }

  async #listenHttp(undo: Undo): Promise<Endpoint> {
    const { bind: host, httpPort: port, tls, region, accountId } = this.#options;
    const { cache, lists, tables, callers, log } = this.#parts;
    const door = { tables: cache.tables, calls: tables.calls, items: new StoredItems(lists) };
    const operations = Array.from(doorOperations(door, log).values(), (operation) =>
      this.#counts.counted(operation),
    );
    const { authenticator, authorizer } = callers;
    const clusterArn = this.#clusterArn;
    const endpoint = await Endpoint.listen<CallContext>({
      operations: new Map(operations.map((operation) => [operation.name, operation])),
      context: { region, clock: { nowMs: () => Date.now() } },
      authenticator,
      authorize: doorAuthorize({ authorizer, clusterArn, region, accountId }),
      denials: this.#denials,
      log,
      host,
      port,
      tls: tls?.httpsPort === undefined ? undefined : { ...tls, port: tls.httpsPort },
    });
    undo.push(() => endpoint.close(GRACE_MS));
    return endpoint;
  }

  async #listenHealth({ dax, http }: OpenDoors, undo: Undo): Promise<AdminServer> {
    const { bind: host, healthPort: port, clusterName, nodeId } = this.#options;
    const { tables, cache, cluster, log } = this.#parts;
    const loadedTls = () => [
      ...cluster.loadedTls(),
      ...tables.loadedTls(),
      { use: 'dax', cert: dax.certificate },
      { use: 'https', cert: http.certificate },
    ];
    const metrics = daxMetricsPage({
      clusterName,
      nodeId,
      cache: () => cache.tables.counters,
      sizes: () => cache.tables.sizes,
      dax: () => dax.counters,
      http: () => ({
        operations: this.#counts.all,
        denials: this.#denials,
        connectionsCount: http.connectionsCount,
      }),
      tables: () => tables.calls.metrics,
      cluster: () => ({
        membersCount: cluster.coherence.members().length,
        isActive: cluster.coherence.mayServe,
        redis: this.#redisState(),
      }),
      coherence: cluster.metrics,
      loadedTls,
    });
    const unreadyReasons = () => this.#unreadyReasons();
    const routes = (app: Express) =>
      addNodeRoutes(app, { unreadyReasons, metrics, status: () => this.status(), loadedTls });
    const options = { host, port, log, tls: undefined, takesChanges: false, routes };
    const server = await AdminServer.listen(options);
    undo.push(() => server.close());
    return server;
  }

  /** Clients are led elsewhere; meanwhile everything is served as before. */
  async #leave(): Promise<void> {
    this.#phase = 'stopping';
    try {
      await this.#parts.cluster.coherence.leave();
    } catch (error) {
      if (!(error instanceof CoherenceError)) throw error;
      this.#parts.log.warn({ err: error }, 'others do not know that this node stops');
    }
  }

  #unreadyReasons(): readonly string[] {
    if (this.#phase !== 'serving') return [this.#phase];
    return this.#parts.cluster.coherence.mayServe ? [] : ['not a member of its cluster'];
  }

  #redisState(): RedisState {
    const { l2 } = this.#parts.cache.tables;
    if (l2 === undefined) return 'none';
    return l2.isUp ? 'up' : 'down';
  }

  get #clusterArn(): string {
    const { region, accountId, clusterName } = this.#options;
    return `arn:aws:dax:${region}:${accountId}:cache/${clusterName}`;
  }
}

interface OpenDoors {
  readonly dax: DaxServer;
  readonly http: Endpoint;
}

function urlsOf({ dax, http }: OpenDoors, health: AdminServer, address: string): DaxUrls {
  const host = isIPv6(address) ? `[${address}]` : address;
  const url = (scheme: string, port: number | undefined) =>
    port === undefined ? undefined : `${scheme}://${host}:${port}`;
  return {
    dax: url('dax', dax.port),
    daxs: url('daxs', dax.tlsPort),
    http: url('http', http.plainPort),
    https: url('https', http.tlsPort),
    health: `http://${host}:${health.port}`,
  };
}

function greetingOf(urls: DaxUrls, { clusterName, nodeId, region }: DaxOptions): string {
  const shown = (...all: (string | undefined)[]) =>
    all.filter((url) => url !== undefined).join(' and ');
  return (
    `DAX node ${nodeId} of cluster '${clusterName}' serves ${shown(urls.dax, urls.daxs)} ` +
    `and the DynamoDB API through the cache on ${shown(urls.http, urls.https)}; status on ${urls.health}/status.\n` +
    `Try:\n  new DaxDocument({ endpoint: '${urls.dax ?? urls.daxs}', region: '${region}' })  // of @amazon-dax-sdk/lib-dax\n`
  );
}
