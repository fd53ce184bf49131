import { Packr } from 'msgpackr/pack';
import type { Scheduler } from '../replication/scheduler.ts';
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

/** Processes in one that can be killed: nothing of a dead one is heard any more. */
export class NodeNetwork {
  readonly scheduler: Scheduler;
  readonly #joined = new Map<NodeId, NetworkTransport>();

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  join(self: NodeId, role: Role): NetworkTransport {
    const transport = new NetworkTransport(this, self, role);
    const others = [...this.#joined.values()];
    this.#joined.set(self, transport);
    for (const other of others) other.tellPeer(self, true);
    return transport;
  }

  kill(self: NodeId): void {
    this.#joined.delete(self);
    for (const other of this.#joined.values()) other.tellPeer(self, false);
  }

  /** Undefined when either of them is dead. */
  link(from: NetworkTransport, to: NodeId): NetworkTransport | undefined {
    return this.#joined.get(from.self) === from ? this.#joined.get(to) : undefined;
  }

  others(self: NodeId): readonly NetworkTransport[] {
    return [...this.#joined.values()].filter((transport) => transport.self !== self);
  }
}

export class NetworkTransport implements Transport {
  readonly self: NodeId;
  readonly role: Role;
  readonly #network: NodeNetwork;
  readonly #handlers = new Map<string, RequestHandler>();
  readonly #channels = new Map<string, (from: NodeId, body: unknown) => void>();
  readonly #peerListeners: ((peer: NodeId, isUp: boolean) => void)[] = [];

  constructor(network: NodeNetwork, self: NodeId, role: Role) {
    this.#network = network;
    this.self = self;
    this.role = role;
  }

  send(to: NodeId, channel: string, body: unknown): boolean {
    const peer = this.#network.link(this, to);
    if (peer === undefined) return false;
    const sent = overTheWire(body);
    setImmediate(() => {
      if (this.#network.link(this, to) === peer) peer.#channels.get(channel)?.(this.self, sent);
    });
    return true;
  }

  request(to: NodeId, method: string, body: unknown, options: RequestOptions): Promise<unknown> {
    const what = `${method} to ${to}`;
    const peer = this.#network.link(this, to);
    if (peer === undefined || options.signal?.aborted === true) {
      return Promise.reject(new RequestFailed('notSent', what));
    }
    const sent = overTheWire(body);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const controller = new AbortController();
    const giveUp = () => {
      controller.abort();
      reject(new RequestFailed('unknown', what));
    };
    const timer = this.#network.scheduler.after(options.timeoutMs, giveUp);
    options.signal?.addEventListener('abort', giveUp, { once: true });
    setImmediate(async () => {
      if (this.#network.link(this, to) !== peer) return giveUp();
      try {
        const answer = await peer.#serve(method, sent, this.self, controller.signal);
        if (this.#network.link(this, to) === peer) resolve(overTheWire(answer));
        else giveUp();
      } catch (error) {
        if (this.#network.link(this, to) !== peer) giveUp();
        else if (!(error instanceof RemoteFailure)) reject(error);
        else reject(new RemoteFailure(error.code, error.message, overTheWire(error.data)));
      }
    });
    return promise.finally(() => {
      timer.cancel();
      options.signal?.removeEventListener('abort', giveUp);
    });
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
    return this.#network.link(this, peer) !== undefined;
  }

  peers(): { id: NodeId; role: Role }[] {
    return this.#network.others(this.self).map(({ self, role }) => ({ id: self, role }));
  }

  async close(): Promise<void> {
    this.#network.kill(this.self);
  }

  #serve(method: string, body: unknown, from: NodeId, signal: AbortSignal): unknown {
    const handler = this.#handlers.get(method);
    if (handler === undefined) throw new RemoteFailure('noMethod', method);
    return handler(body, { from, signal });
  }
}
