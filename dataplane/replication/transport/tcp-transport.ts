import type { Socket } from 'node:net';
import {
  Connection,
  type ConnectionContext,
  type ConnectionLoad,
  type Link,
} from './connection.ts';
import { Deadlines } from './deadlines.ts';
import { Dialler } from './dialler.ts';
import { Handlers, type MessageHandler } from './handlers.ts';
import { Handshake, type HandshakeFailure } from './handshake.ts';
import { isDialler, type Refusal } from './hello.ts';
import { Listener } from './listener.ts';
import { Loopback } from './loopback.ts';
import {
  type Address,
  defaultLimits,
  type Identity,
  PROTOCOL_MAX,
  type Protocol,
  type Role,
  type TcpTransportOptions,
  type TlsMaterial,
} from './options.ts';
import {
  type NodeId,
  RequestFailed,
  type RequestHandler,
  type RequestOptions,
  type Transport,
} from './transport.ts';

/** A peer that is connected. */
export interface PeerInfo extends Identity {
  /** The version that is spoken with it. */
  readonly protocol: Protocol;
  readonly load: ConnectionLoad;
}

/**
 * The transport over TCP or TLS. See README.md for the protocol.
 *
 * Handlers are set before `open`, which starts to listen and to dial. Between `open` and `close`
 * it keeps one connection to each peer, and tries for one to each node that it is to dial.
 */
export class TcpTransport implements Transport {
  readonly #options: TcpTransportOptions;
  readonly #context: ConnectionContext;
  readonly #handlers: Handlers;
  readonly #deadlines: Deadlines;
  readonly #loopback: Loopback;
  readonly #connections = new Map<NodeId, Connection>();
  readonly #diallers = new Map<NodeId, Dialler>();
  /** Those under way; at the listener with the process that is being admitted, once it is known. */
  readonly #handshakes = new Map<Handshake, Identity | undefined>();
  /** Sockets of connections, until the operating system has let go of them. */
  readonly #sockets = new Set<Socket>();
  /** Why the latest attempt at a peer failed; gone once it is connected. */
  readonly #failures = new Map<NodeId, HandshakeFailure>();
  readonly #peerListeners: ((peer: NodeId, isUp: boolean) => void)[] = [];
  #nodes: ReadonlyMap<NodeId, Address>;
  #tls: TlsMaterial | undefined;
  #listener: Listener | undefined;
  #listening: Promise<Address> | undefined;
  #address: Address | undefined;
  #state: 'new' | 'open' | 'closed' = 'new';

  constructor(options: TcpTransportOptions) {
    const { self, scheduler, log, faults } = options;
    this.#options = options;
    this.#nodes = options.peers;
    this.#tls = options.tls;
    this.#handlers = new Handlers(log);
    this.#deadlines = new Deadlines(scheduler);
    this.#context = {
      scheduler,
      log,
      limits: { ...defaultLimits, ...options.limits },
      handlers: this.#handlers,
      deadlines: this.#deadlines,
      faults,
    };
    this.#loopback = new Loopback(self.id, this.#context);
  }

  get self(): NodeId {
    return this.#options.self.id;
  }

  /** Where it listens, once it is open. */
  get address(): Address | undefined {
    return this.#address;
  }

  /** Starts to listen, then to dial. Rejects when the address cannot be listened on. */
  async open(): Promise<void> {
    if (this.#state !== 'new') throw new Error('a transport is opened once');
    this.#state = 'open';
    const { listen, log } = this.#options;
    if (listen !== undefined) {
      this.#listener = new Listener({
        tls: this.#tls,
        limits: this.#context.limits,
        log,
        onSocket: (socket, admitted) => this.#onIncoming(socket, admitted),
      });
      this.#listening = this.#listener.open(listen);
      this.#address = await this.#listening;
    }
    if (this.#isOpen()) this.#updateDiallers();
  }

  /**
   * Replaces the nodes of the cluster and their addresses. Nodes that are not among them any more
   * are cut off; a new address holds from the next attempt on.
   */
  setPeers(peers: ReadonlyMap<NodeId, Address>): void {
    this.#nodes = peers;
    if (!this.#isOpen()) return;
    this.#updateDiallers();
    for (const [id, connection] of [...this.#connections]) {
      if (connection.identity.role === 'node' && !peers.has(id)) {
        connection.close('the peer is not a node of this cluster any more');
      }
    }
  }

  /** Renewed certificates: for connections made from now on. */
  setTls(tls: TlsMaterial): void {
    if (this.#tls === undefined) throw new Error('a transport without TLS stays without');
    this.#tls = tls;
    this.#listener?.setTls(tls);
  }

  send(to: NodeId, channel: string, body: unknown): boolean {
    if (to === this.self) return this.#loopback.send(channel, body);
    return this.#connections.get(to)?.send(channel, body) ?? false;
  }

  request(to: NodeId, method: string, body: unknown, options: RequestOptions): Promise<unknown> {
    if (to === this.self) return this.#loopback.request(method, body, options);
    const connection = this.#connections.get(to);
    if (connection !== undefined) return connection.request(method, body, options);
    const reason = this.#failures.get(to)?.reason ?? 'no connection';
    return Promise.reject(
      new RequestFailed('notSent', `${method} to ${to}: not connected (${reason})`),
    );
  }

  onMessage(channel: string, handler: MessageHandler): void {
    this.#handlers.setChannel(channel, handler);
  }

  onRequest(method: string, handler: RequestHandler): void {
    this.#handlers.setMethod(method, handler);
  }

  onPeer(listener: (peer: NodeId, isUp: boolean) => void): void {
    this.#peerListeners.push(listener);
  }

  isConnected(peer: NodeId): boolean {
    return this.#connections.has(peer);
  }

  peers(): readonly { readonly id: NodeId; readonly role: Role }[] {
    return [...this.#connections.values()].map(({ identity }) => ({
      id: identity.id,
      role: identity.role,
    }));
  }

  /** Who a connected peer is, and what waits for it. */
  peerInfo(peer: NodeId): PeerInfo | undefined {
    const connection = this.#connections.get(peer);
    if (connection === undefined) return undefined;
    return { ...connection.identity, protocol: connection.protocol, load: connection.load() };
  }

  /** Why there is no connection to a peer: the latest failure since the last one. */
  lastFailure(peer: NodeId): HandshakeFailure | undefined {
    return this.#failures.get(peer);
  }

  /** Calls fail, what was sent still leaves within `lingerMs`, and nothing stays open. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    for (const dialler of this.#diallers.values()) dialler.close();
    this.#diallers.clear();
    for (const handshake of [...this.#handshakes.keys()]) handshake.abandon();
    for (const connection of [...this.#connections.values()]) {
      connection.close('the transport is closed', true);
    }
    this.#loopback.close();
    this.#deadlines.close();
    // A server cannot be closed while it begins to listen; whoever has opened it sees it fail.
    await Promise.allSettled([this.#listening]);
    await Promise.all([this.#listener?.close(), ...[...this.#sockets].map(closed)]);
  }

  #isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Dials those that are to be dialled, and nobody else. */
  #updateDiallers(): void {
    const { self } = this.#options;
    for (const [id, dialler] of [...this.#diallers]) {
      if (this.#nodes.has(id)) continue;
      dialler.close();
      this.#diallers.delete(id);
      this.#failures.delete(id);
    }
    for (const [id, address] of this.#nodes) {
      const dialler = this.#diallers.get(id);
      if (dialler !== undefined) dialler.address = address;
      else if (isDialler(self, { id, role: 'node' }))
        this.#diallers.set(id, this.#dial(id, address));
    }
  }

  #dial(peer: NodeId, address: Address): Dialler {
    const { scheduler, random, faults } = this.#options;
    const dialler: Dialler = new Dialler({
      peer,
      address,
      tls: () => this.#tls,
      scheduler,
      random,
      limits: this.#context.limits,
      isBlocked: () => faults?.blocksAny(peer) === true,
      onSocket: (socket) =>
        this.#shakeHands(socket, {
          dialled: peer,
          onUp: (link) => this.#add(link, (heldMs) => dialler.onConnectionClosed(heldMs)),
          onFailed: (failure) => dialler.onHandshakeFailed(failure),
        }),
      onFailed: (failure) => this.#onFailure(failure),
    });
    return dialler;
  }

  #onIncoming(socket: Socket, admitted: () => void): void {
    this.#shakeHands(socket, {
      dialled: undefined,
      onUp: (link) => {
        admitted();
        this.#add(link, () => {});
      },
      onFailed: (failure) => this.#onFailure(failure),
    });
  }

  #shakeHands(
    socket: Socket,
    ends: {
      readonly dialled: NodeId | undefined;
      readonly onUp: (link: Link) => void;
      readonly onFailed: (failure: HandshakeFailure) => void;
    },
  ): Handshake {
    const { self, scheduler, protocolMax, faults } = this.#options;
    const handshake: Handshake = new Handshake({
      socket,
      scheduler,
      limits: this.#context.limits,
      self,
      protocolMax: protocolMax ?? PROTOCOL_MAX,
      nodes: this.#nodes,
      dialled: ends.dialled,
      admit: (peer) => this.#admit(peer, handshake),
      isBlocked: (peer) => faults?.blocksAny(peer) === true,
      onUp: (link) => {
        this.#handshakes.delete(handshake);
        ends.onUp(link);
      },
      onFailed: (failure) => {
        this.#handshakes.delete(handshake);
        ends.onFailed(failure);
      },
    });
    this.#handshakes.set(handshake, undefined);
    return handshake;
  }

  /**
   * Whether a second connection in a peer's name may take the place of the first. It may when it
   * comes from the same process, which has given the first one up, and when the process behind the
   * first does not answer any more. Of two that live the later is refused.
   */
  async #admit(peer: Identity, handshake: Handshake): Promise<Refusal | undefined> {
    const isTwin = (other: Identity | undefined) =>
      other?.id === peer.id && other.processId !== peer.processId;
    const refusal = {
      code: 'duplicateNode',
      message: `another process is connected as ${peer.id}`,
    } as const;
    if ([...this.#handshakes.values()].some(isTwin)) return refusal;
    this.#handshakes.set(handshake, peer);
    const current = this.#connections.get(peer.id);
    if (current === undefined || !isTwin(current.identity)) return undefined;
    return (await current.probe(this.#context.limits.probeMs)) ? refusal : undefined;
  }

  #add(link: Link, onClosed: (heldMs: number) => void): void {
    const { peer, socket } = link;
    this.#connections.get(peer.id)?.close('replaced by a new connection');
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    this.#failures.delete(peer.id);
    const { log, scheduler } = this.#options;
    const connection: Connection = new Connection(this.#context, link, (reason) => {
      const heldMs = scheduler.monotonicMs() - connection.openedMs;
      log('peerDown', { peer: peer.id, reason, heldMs: Math.round(heldMs) });
      if (this.#connections.get(peer.id) === connection) {
        this.#connections.delete(peer.id);
        this.#tell(peer.id, false);
      }
      onClosed(heldMs);
    });
    this.#connections.set(peer.id, connection);
    const { role, storeId, processId } = peer;
    log('peerUp', { peer: peer.id, role, storeId, processId, protocol: link.protocol });
    this.#tell(peer.id, true);
  }

  #tell(peer: NodeId, isUp: boolean): void {
    for (const listener of this.#peerListeners) listener(peer, isUp);
  }

  /** Logs each reason once for as long as it stays the same: attempts go on every few seconds. */
  #onFailure(failure: HandshakeFailure): void {
    const { peer, reason, refusal } = failure;
    if (peer === undefined) {
      this.#options.log('strangerClosed', { reason });
      return;
    }
    const isRepeated = this.#failures.get(peer)?.reason === reason;
    // Strangers may call themselves anything.
    if (this.#nodes.has(peer)) this.#failures.set(peer, failure);
    if (isRepeated) return;
    if (refusal === undefined) this.#options.log('peerUnreachable', { peer, reason });
    else this.#options.log('refused', { peer, by: refusal.by, code: refusal.code, reason });
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}
