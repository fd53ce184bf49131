import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Logger } from 'pino';
import type { PeerStatus } from './admin/node-admin.ts';
import { systemScheduler } from './replication/scheduler.ts';
import type { LinkFaults } from './replication/transport/link-faults.ts';
import type { Address, Protocol, TlsMaterial } from './replication/transport/options.ts';
import { TcpTransport } from './replication/transport/tcp-transport.ts';
import type { NodeId } from './replication/transport/transport.ts';
import {
  memberOf,
  type Role,
  readTopology,
  successionFault,
  type TlsFiles,
  type Topology,
  TopologyError,
  type TopologyMember,
} from './topology.ts';

/** Which process of which topology file this is. */
export interface MemberFile {
  readonly path: string;
  readonly role: Role;
  readonly id: string;
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
  #topology: Topology;
  #transport: TcpTransport | undefined;

  /** @throws TopologyError */
  constructor(file: MemberFile) {
    this.#file = file;
    this.#topology = readTopology(file.path, file.id);
    this.#own = memberOf(this.#topology, file.role, file.id);
  }

  get topology(): Topology {
    return this.#topology;
  }

  /** This process, as it was at the start. */
  get own(): TopologyMember {
    return this.#own;
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

  /** Makes the transport; once. It is not open yet. @throws TopologyError for broken TLS files */
  transport({ faults, log, ...options }: MemberTransportOptions): TcpTransport {
    const { clusterId, tls, limits } = this.#topology;
    const { id, host, port } = this.#own;
    const { storeId, processId, protocolMax } = options;
    const { role } = this.#file;
    this.#transport = new TcpTransport({
      self: { id, role, clusterId, storeId, processId },
      // Nobody dials a router; its port is that of the API.
      listen: role === 'node' ? { host, port } : undefined,
      peers: this.#addresses(),
      tls: tls === undefined ? undefined : readTls(tls),
      scheduler: systemScheduler,
      random: Math.random,
      log: (event, fields) => log.info(fields, event),
      protocolMax,
      limits: limits.transport,
      ...(faults === undefined ? {} : { faults }),
    });
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
    try {
      const { path, role, id } = this.#file;
      const next = readTopology(path, id);
      const fault =
        successionFault(this.#topology, next) ?? ownMove(this.#own, memberOf(next, role, id));
      if (fault !== undefined) throw new TopologyError(fault);
      const tls = next.tls === undefined ? undefined : readTls(next.tls);
      if ((tls === undefined) !== (this.#topology.tls === undefined)) {
        throw new TopologyError('tls cannot be switched on or off while processes run');
      }
      this.#topology = next;
      this.#transport?.setPeers(this.#addresses());
      if (tls !== undefined) this.#transport?.setTls(tls);
      log.info({ nodesCount: next.nodes.length }, 'topologyReloaded');
    } catch (error) {
      if (!(error instanceof TopologyError)) throw error;
      log.error({ error: error.message }, 'topologyRefused');
    }
  }

  #addresses(): ReadonlyMap<NodeId, Address> {
    return new Map(this.#topology.nodes.map(({ id, host, port }) => [id, { host, port }]));
  }
}

/** Where this process listens is settled at its start. */
function ownMove(before: TopologyMember, after: TopologyMember): string | undefined {
  const isSame =
    before.host === after.host &&
    before.port === after.port &&
    before.adminPort === after.adminPort;
  return isSame ? undefined : 'the address of this process has changed: restart it';
}

function peerStatus(transport: TcpTransport, id: NodeId): PeerStatus {
  const info = transport.peerInfo(id);
  if (info === undefined) {
    return { id, isConnected: false, failure: transport.lastFailure(id)?.reason };
  }
  const { role, protocol, load } = info;
  return { id, isConnected: true, role, protocol, queuedBytes: load.queuedBytes };
}

/** @throws TopologyError */
function readTls(files: TlsFiles): TlsMaterial {
  const material = { ca: readPem(files.ca), cert: readPem(files.cert), key: readPem(files.key) };
  try {
    createSecureContext(material);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TopologyError(`the TLS files ${files.cert} and ${files.key} are unusable: ${reason}`);
  }
  return material;
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new TopologyError(`cannot read the TLS file ${path}: ${code}`, { cause: error });
  }
}
