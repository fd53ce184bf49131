/** A node or router by its name in the topology. */
export type NodeId = string;

/**
 * Messages between the processes of a cluster: one connection a pair, everything multiplexed.
 *
 * Bodies are values that MessagePack holds: null, booleans, numbers, bigints below 2^64, strings,
 * Buffers, arrays, plain objects, undefined. They belong to the transport from the call on.
 * Implemented over TCP and TLS (`tcp-transport.ts`) and by the simulation's network.
 */
export interface Transport {
  readonly self: NodeId;

  /**
   * Sends a message that nobody answers. In order for one peer, at most once, and dropped without
   * a word when the peer is away. Returns false when it was dropped at once: not connected, or the
   * queue to the peer is full.
   */
  send(to: NodeId, channel: string, body: unknown): boolean;

  /**
   * Calls a method of a peer.
   * @throws RequestFailed when there is no answer; RemoteFailure when the peer's handler threw one
   */
  request(to: NodeId, method: string, body: unknown, options: RequestOptions): Promise<unknown>;

  /** One handler a channel. Called in the order of sending, per peer; must not throw. */
  onMessage(channel: string, handler: (from: NodeId, body: unknown) => void): void;

  /** One handler a method. What it throws other than RemoteFailure reaches the caller as `internal`. */
  onRequest(method: string, handler: RequestHandler): void;

  /** Told whenever a connection to a peer is up (after the handshake) or down. */
  onPeer(listener: (peer: NodeId, isUp: boolean) => void): void;

  isConnected(peer: NodeId): boolean;

  /** Peers that are connected now, with their role in the cluster. */
  peers(): readonly { readonly id: NodeId; readonly role: 'node' | 'router' }[];

  close(): Promise<void>;
}

export type RequestHandler = (body: unknown, context: RequestContext) => Promise<unknown> | unknown;

export interface RequestContext {
  readonly from: NodeId;
  /** Fires when the caller has gone, or gave up. */
  readonly signal: AbortSignal;
}

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** There was no answer. */
export class RequestFailed extends Error {
  /**
   * `notSent`: the peer has not seen the request, for certain. `unknown`: it may have; it may still.
   */
  readonly outcome: 'notSent' | 'unknown';
  constructor(outcome: 'notSent' | 'unknown', message: string) {
    super(message);
    this.name = 'RequestFailed';
    this.outcome = outcome;
  }
}

/** The peer answered with a failure; `data` is the handler's own. */
export class RemoteFailure extends Error {
  readonly code: string;
  readonly data: unknown;
  constructor(code: string, message: string, data?: unknown) {
    super(message);
    this.name = 'RemoteFailure';
    this.code = code;
    this.data = data;
  }
}
