import type { BackfillProgress } from '../node/backfill-progress.ts';
import type { Replica } from '../replication/replica.ts';
import type { Direction } from '../replication/transport/link-faults.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import type { ForwardedCall } from '../routing/control-forwarder.ts';
import type { NodeReport } from '../routing/protocol.ts';
import type { VolumeUsage } from '../storage/volume-usage.ts';
import type { LoadedTls } from './certificate-report.ts';
import type { ClusterIdentity, Health } from './health-routes.ts';

/** A peer as this process sees it. */
export interface PeerStatus {
  readonly id: NodeId;
  readonly isConnected: boolean;
  readonly role?: 'node' | 'router';
  readonly protocol?: number;
  readonly queuedBytes?: number;
  /** Why there is no connection, from the latest attempt. */
  readonly failure?: string | undefined;
}

/** The volume of a node's data. */
export interface VolumeStatus extends VolumeUsage {
  /** Why nothing is written; undefined: all is. */
  readonly writesRefused: string | undefined;
}

/** A link that is broken on purpose. */
export interface BrokenLink {
  readonly peer: NodeId;
  readonly direction?: Direction | undefined;
  readonly delayMs?: number | undefined;
}

/** Breaks links, where the process was started so that it may. */
export interface FaultSwitch {
  readonly links: readonly BrokenLink[];
  /** Everyone that this node has a link with. */
  readonly peers: readonly NodeId[];
  block(peer: NodeId, direction: Direction): void;
  delay(peer: NodeId, delayMs: number): void;
  heal(peer: NodeId): void;
}

/** A storage node, as its admin interface needs it. */
export interface NodeAdmin extends Health {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly zone: string;
  readonly storeId: string;
  readonly processId: string;
  identity(): ClusterIdentity;
  /** Certificates that it goes by now; none where processes speak plain TCP. */
  loadedTls(): readonly LoadedTls[];
  /** All that it knows, as routers get it. */
  report(): Promise<NodeReport>;
  /** How far indexes that are being filled have come, by the partition of their table. */
  backfills(): ReadonlyMap<bigint, readonly BackfillProgress[]>;
  /** Of the volume that its data is on. */
  volume(): VolumeStatus;
  peers(): readonly PeerStatus[];
  replicas(): Iterable<Replica>;
  /**
   * Calls a method of this node, as peers do.
   * @throws RemoteFailure, RequestFailed
   */
  call(method: string, body: unknown): Promise<unknown>;
  /**
   * Has an operation of the API on tables done where the catalog is led.
   * @returns UTF-8 JSON
   * @throws ClientFault, CallFailed
   */
  operate(call: ForwardedCall): Promise<Uint8Array>;
  /** Hands leaderships over and takes no new ones, or takes part as usual again. */
  setDraining(isDraining: boolean): void;
  readonly isDraining: boolean;
  /**
   * Founds the group of the catalog on these nodes, by default on those that placement prefers. Does
   * nothing when there is one.
   */
  bootstrap(nodes: readonly NodeId[] | undefined): Promise<unknown>;
  /** Undefined in a process without `--fault-injection`. */
  readonly faults: FaultSwitch | undefined;
}
