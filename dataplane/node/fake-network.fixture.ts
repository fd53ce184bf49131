import { Packr } from 'msgpackr/pack';
import {
  type NodeId,
  RemoteFailure,
  RequestFailed,
  type RequestHandler,
  type RequestOptions,
  type Transport,
} from '../replication/transport/transport.ts';

const packr = new Packr({ useRecords: false, structuredClone: false, copyBuffers: true });
const overTheWire = (body: unknown): unknown => packr.unpack(packr.pack(body));

type Role = 'node' | 'router';

/** Processes in one: bodies go through MessagePack, answers come in later turns of the event loop. */
export class FakeNetwork {
  readonly #transports = new Map<NodeId, FakeTransport>();

  join(self: NodeId, role: Role): FakeTransport {
    const transport = new FakeTransport(this, self, role);
    const others = [...this.#transports.values()];
    this.#transports.set(self, transport);
    for (const other of others) other.tellPeer(self, true);
    return transport;
  }

  leave(self: NodeId): void {
    this.#transports.delete(self);
    for (const other of this.#transports.values()) other.tellPeer(self, false);
  }

  get(id: NodeId): FakeTransport | undefined {
    return this.#transports.get(id);
  }

  others(self: NodeId): FakeTransport[] {
    return [...this.#transports.values()].filter((transport) => transport.self !== self);
  }
}

export class FakeTransport implements Transport {
  readonly self: NodeId;
  readonly role: Role;
  /** Messages that came, by channel. */
  readonly received: { readonly from: NodeId; readonly channel: string }[] = [];
  readonly #network: FakeNetwork;
  readonly #handlers = new Map<string, RequestHandler>();
  readonly #channels = new Map<string, (from: NodeId, body: unknown) => void>();
  readonly #peerListeners: ((peer: NodeId, isUp: boolean) => void)[] = [];

  constructor(network: FakeNetwork, self: NodeId, role: Role) {
    this.#network = network;
    this.self = self;
    this.role = role;
  }

  send(to: NodeId, channel: string, body: unknown): boolean {
    const peer = this.#network.get(to);
    if (peer === undefined) return false;
    peer.received.push({ from: this.self, channel });
    peer.#channels.get(channel)?.(this.self, overTheWire(body));
    return true;
  }

  async request(
    to: NodeId,
    method: string,
    body: unknown,
    _options?: RequestOptions,
  ): Promise<unknown> {
    const sent = overTheWire(body);
    await new Promise((resolve) => setImmediate(resolve));
    const peer = this.#network.get(to);
    if (peer === undefined) throw new RequestFailed('notSent', `${to} is not there`);
    try {
      return overTheWire(await peer.serve(method, sent));
    } catch (error) {
      if (!(error instanceof RemoteFailure)) throw error;
      throw new RemoteFailure(error.code, error.message, overTheWire(error.data));
    }
  }

  /** Calls a handler as the transport does, without the network between. */
  serve(method: string, body: unknown): unknown {
    const { signal } = new AbortController();
    const handler = this.#handlers.get(method);
    if (handler === undefined) throw new RemoteFailure('noMethod', method);
    return handler(body, { from: 'test', signal });
  }

  onMessage(channel: string, handler: (from: NodeId, body: unknown) => void): void {
    this.#channels.set(channel, handler);
  }

  onRequest(method: string, handler: RequestHandler): void {
    this.#handlers.set(method, handler);
  }

  onPeer(listener: (peer: NodeId, isUp: boolean) => void): void {
    this.#peerListeners.push(listener);
  }

  tellPeer(peer: NodeId, isUp: boolean): void {
    for (const listener of this.#peerListeners) listener(peer, isUp);
  }

  isConnected(peer: NodeId): boolean {
    return this.#network.get(peer) !== undefined;
  }

  peers(): { id: NodeId; role: Role }[] {
    return this.#network.others(this.self).map(({ self, role }) => ({ id: self, role }));
  }

  async close(): Promise<void> {
    this.#network.leave(this.self);
  }
}
