import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { LoadedTls } from './admin/certificate-report.ts';
import type { PeerStatus } from './admin/node-admin.ts';
import { FileWatch } from './file-watch.ts';
import { systemScheduler } from './replication/scheduler.ts';
import type { LinkFaults } from './replication/transport/link-faults.ts';
import type { Address, Protocol, TlsMaterial } from './replication/transport/options.ts';
import { TcpTransport } from './replication/transport/tcp-transport.ts';
import type { NodeId } from './replication/transport/transport.ts';
import { readTlsFiles, TlsFilesError } from './tls-files.ts';
import {
  memberOf,
  type Role,
  readTopology,
  successionFault,
  type Topology,
  TopologyError,
  type TopologyMember,
} from './topology.ts';

/** Which process of which topology file this is. */
export interface MemberFile {
  readonly path: string;
  readonly role: Role;
  readonly id: string;
  /** Where it listens instead of on its own address in the topology. */
  readonly bind?: string | undefined;
}

export interface MemberTransportOptions {
  readonly storeId: string;
  readonly processId: string;
  readonly protocolMax: Protocol;
  readonly log: Logger;
  readonly faults: LinkFaults | undefined;
}

/** A process of a cluster: its topology, as it is now, and its transport. */
export class ClusterMember {
  readonly processId = randomUUID();
  readonly #file: MemberFile;
  readonly #own: TopologyMember;
  readonly #tlsListeners: ((tls: TlsMaterial) => void)[] = [];
  #topology: Topology;
  #tls: TlsMaterial | undefined;
  #transport: TcpTransport | undefined;

  /** @throws TopologyError, TlsFilesError */
  constructor(file: MemberFile) {
    this.#file = file;
    this.#topology = readTopology(file.path, file.id);
    this.#own = memberOf(this.#topology, file.role, file.id);
    this.#tls = tlsOf(this.#topology);
  }

  get topology(): Topology {
    return this.#topology;
  }

  /** This process, as it was at the start. */
  get own(): TopologyMember {
    return this.#own;
  }

  /** The address that this process listens on, whatever the port. */
  get listenHost(): string {
    return this.#file.bind ?? this.#own.host;
  }

  /** Certificates as they are now; undefined when processes speak plain TCP. */
  get tls(): TlsMaterial | undefined {
    return this.#tls;
  }

  /** The same for those who ask which certificates are taken up. */
  loadedTls(): readonly LoadedTls[] {
    return [{ use: 'peers', ...this.#tls }];
  }

  /** Tells of renewed certificates. */
  onTls(listener: (tls: TlsMaterial) => void): void {
    this.#tlsListeners.push(listener);
  }

  get nodeIds(): readonly NodeId[] {
    return this.#topology.nodes.map(({ id }) => id);
  }

  /** All other processes that this one has a link with: routers have none among themselves. */
  get peerIds(): readonly NodeId[] {
    const { nodes, routers } = this.#topology;
    const all = this.#file.role === 'node' ? [...nodes, ...routers] : nodes;
    return all.map(({ id }) => id).filter((id) => id !== this.#own.id);
  }

  /** Makes the transport; once. It is not open yet. */
  transport({ faults, log, ...options }: MemberTransportOptions): TcpTransport {
    const { clusterId, limits } = this.#topology;
    const { id, port } = this.#own;
    const { storeId, processId, protocolMax } = options;
    const { role } = this.#file;
    this.#transport = new TcpTransport({
      self: { id, role, clusterId, storeId, processId },
      // Nobody dials a router; its port is that of the API.
      listen: role === 'node' ? { host: this.listenHost, port } : undefined,
      peers: this.#addresses(),
      tls: this.#tls,
      scheduler: systemScheduler,
      random: Math.random,
      log: (event, fields) => log.info(fields, event),
      protocolMax,
      limits: limits.transport,
      ...(faults === undefined ? {} : { faults }),
    });
    this.onTls((tls) => this.#transport?.setTls(tls));
    return this.#transport;
  }

  /** Peers as this process sees them: those of the topology, and whoever else is connected. */
  peers(): readonly PeerStatus[] {
    const transport = this.#transport;
    if (transport === undefined) return [];
    const ids = new Set([...this.peerIds, ...transport.peers().map(({ id }) => id)]);
    return Array.from(ids, (id) => peerStatus(transport, id));
  }

  /**
   * Reads the topology and certificates again. What cannot be taken over is logged, and everything
   * stays as it was.
   */
  reload(log: Logger): void {
    this.#takeOver(log, true);
  }

  /** Takes over topology and certificates whenever their files change, until it is ended. */
  watch(log: Logger): () => void {
    const watch = FileWatch.start({
      paths: () => [this.#file.path, ...Object.values({ ...this.#topology.tls })],
      onChange: () => this.#takeOver(log, false),
    });
    // They may have changed between the start and now.
    this.#takeOver(log, false);
    return () => watch.close();
  }

  #takeOver(log: Logger, isAskedFor: boolean): void {
    try {
      const topology = readTopology(this.#file.path, this.#file.id);
      this.#checkSuccession(topology);
      const tls = tlsOf(topology);
      const hasNewTls = !isDeepStrictEqual(tls, this.#tls);
      const isNew = hasNewTls || !isDeepStrictEqual(topology, this.#topology);
      if (!(isNew || isAskedFor)) return;
      this.#topology = topology;
      this.#transport?.setPeers(this.#addresses());
      if (tls !== undefined && hasNewTls) {
        this.#tls = tls;
        for (const listener of this.#tlsListeners) listener(tls);
      }
      log.info({ nodesCount: topology.nodes.length, hasNewTls }, 'topologyReloaded');
    } catch (error) {
      if (!(error instanceof TopologyError || error instanceof TlsFilesError)) throw error;
      log.error({ error: error.message }, 'topologyRefused');
    }
  }

  /** @throws TopologyError */
  #checkSuccession(next: Topology): void {
    const { role, id, bind } = this.#file;
    const fault =
      successionFault(this.#topology, next) ?? ownMove(this.#own, memberOf(next, role, id), bind);
    if (fault !== undefined) throw new TopologyError(fault);
    if ((next.tls === undefined) !== (this.#topology.tls === undefined)) {
      throw new TopologyError('tls cannot be switched on or off while processes run');
    }
  }

  #addresses(): ReadonlyMap<NodeId, Address> {
    return new Map(this.#topology.nodes.map(({ id, host, port }) => [id, { host, port }]));
  }
}

/** @throws TlsFilesError */
function tlsOf({ tls }: Topology): TlsMaterial | undefined {
  return tls === undefined ? undefined : readTlsFiles(tls);
}

/** Where this process listens is settled at its start. */
function ownMove(
  before: TopologyMember,
  after: TopologyMember,
  bind: string | undefined,
): string | undefined {
  const isSame =
    (bind !== undefined || before.host === after.host) &&
    before.port === after.port &&
    before.adminPort === after.adminPort &&
    before.healthPort === after.healthPort;
  return isSame ? undefined : 'the address of this process has changed: restart it';
}

/** A peer as a transport sees it: connected, or why not. */
export function peerStatus(transport: TcpTransport, id: NodeId): PeerStatus {
  const info = transport.peerInfo(id);
  if (info === undefined) {
    return { id, isConnected: false, failure: transport.lastFailure(id)?.reason };
  }
  const { role, protocol, load } = info;
  return { id, isConnected: true, role, protocol, queuedBytes: load.queuedBytes };
}
