import type { Scheduler } from '../scheduler.ts';
import type { LinkFaults } from './link-faults.ts';
import type { NodeId } from './transport.ts';

export type Role = 'node' | 'router';

/** Versions of the protocol: 1 has no checksums, 2 has. A process speaks all of them. */
export const PROTOCOL_MIN = 1;
export const PROTOCOL_MAX = 2;
export type Protocol = 1 | 2;

/** Who a process is, towards its peers. */
export interface Identity {
  readonly id: NodeId;
  readonly role: Role;
  readonly clusterId: string;
  /** Random id of the data folder; a router gives its process id. */
  readonly storeId: string;
  /** Random, new at each start. */
  readonly processId: string;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** PEM texts: the authority that signs all nodes, and this node's own certificate and key. */
export interface TlsMaterial {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** One event per fact; fields in camelCase with units. */
export type TransportLog = (event: string, fields: Readonly<Record<string, unknown>>) => void;

export interface TcpTransportOptions {
  readonly self: Identity;
  /** Undefined in a process that nobody dials: a router. Port 0 takes a free one. */
  readonly listen: Address | undefined;
  /** All nodes; may hold this one, which is passed over. Routers are not among them. */
  readonly peers: ReadonlyMap<NodeId, Address>;
  /** Undefined speaks plain TCP. */
  readonly tls: TlsMaterial | undefined;
  readonly scheduler: Scheduler;
  /** 0 to below 1: jitter of reconnects. */
  readonly random: () => number;
  readonly log: TransportLog;
  /** The highest version that is offered; 1 makes this process one of the release before. */
  readonly protocolMax?: Protocol;
  readonly limits?: Partial<TransportLimits>;
  /** For tests: see `link-faults.ts`. */
  readonly faults?: LinkFaults;
}

/** Bounds, and times in ms. */
export interface TransportLimits {
  /** A frame's body; a bulkier one is not sent, and closes the connection it comes from. */
  readonly bodyBytesMax: number;
  /** What a stranger may send. */
  readonly helloBytesMax: number;
  readonly helloTimeoutMs: number;
  /** Incoming connections whose handshake is not done; further ones are closed at once. */
  readonly halfOpenMax: number;
  /**
   * Frames to one peer that its socket has not taken yet, and again requests to it that it has
   * not answered: further requests fail. All processes of a cluster have the same.
   */
  readonly queueBytesMax: number;
  readonly queueFramesMax: number;
  /** Requests of one peer that handlers are at work on; further ones are held. */
  readonly servingMax: number;
  /** Answers to one peer that its socket has not written; beyond, its requests are held. */
  readonly answerBytesMax: number;
  /** A connection on which nothing was sent for this long gets a ping. */
  readonly pingIdleMs: number;
  /** A peer that was not heard of, or has taken nothing of what waits, for this long is dead. */
  readonly deadMs: number;
  /** How long the older of two processes of one name has to answer for itself. */
  readonly probeMs: number;
  readonly reconnectMsMin: number;
  readonly reconnectMsMax: number;
  /** A connection that held for this long starts its successors' back-off anew. */
  readonly heldMs: number;
  /** What is left to be written when a connection is closed has this long to get out. */
  readonly lingerMs: number;
}

const MiB = 1024 * 1024;

export const defaultLimits: TransportLimits = {
  bodyBytesMax: 32 * MiB,
  helloBytesMax: 4 * 1024,
  helloTimeoutMs: 5_000,
  halfOpenMax: 64,
  queueBytesMax: 64 * MiB,
  queueFramesMax: 100_000,
  servingMax: 10_000,
  answerBytesMax: 8 * MiB,
  pingIdleMs: 1_000,
  deadMs: 3_000,
  probeMs: 1_000,
  reconnectMsMin: 50,
  reconnectMsMax: 2_000,
  heldMs: 1_000,
  lingerMs: 500,
};
