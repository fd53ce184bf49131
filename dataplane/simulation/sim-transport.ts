import type { Role, TransportLog } from '../replication/transport/options.ts';
import {
  type NodeId,
  RequestFailed,
  type RequestHandler,
  type RequestOptions,
  type Transport,
} from '../replication/transport/transport.ts';
import { carryBody } from './message-body.ts';
import type { ConnectionEnd } from './sim-connection.ts';
import type { SimNetwork } from './sim-network.ts';
import { PendingCalls, RequestHandlers, ServedRequest } from './sim-requests.ts';
import type { SimProcess } from './sim-scheduler.ts';

export interface TransportIdentity {
  readonly id: NodeId;
  readonly role: Role;
  /** Of the data folder; a router's is new at each start. */
  readonly storeId: string;
}

/** The Transport of one process of a simulated network, from its start to its end. */
export class SimTransport implements Transport {
  readonly identity: TransportIdentity;
  readonly process: SimProcess;
  /** For its connections. */
  readonly methods: RequestHandlers;
  readonly #network: SimNetwork;
  readonly #channels = new Map<string, MessageHandler>();
  readonly #listeners: ((peer: NodeId, isUp: boolean) => void)[] = [];
  readonly #ends = new Map<NodeId, ConnectionEnd>();
  /** A process is its own peer, too. */
  readonly #selfCalls: PendingCalls;
  readonly #selfServed = new Map<number, ServedRequest>();
  #isClosed = false;

  /** For `SimNetwork.attach`. */
  constructor(
    network: SimNetwork,
    identity: TransportIdentity,
    { process, log }: { readonly process: SimProcess; readonly log: TransportLog },
  ) {
    this.#network = network;
    this.identity = identity;
    this.process = process;
    this.methods = new RequestHandlers(log);
    this.#selfCalls = new PendingCalls(identity.id, process, (id) =>
      this.#selfServed.get(id)?.giveUp(),
    );
  }

  get self(): NodeId {
    return this.identity.id;
  }

  /** Connections come about and go on. */
  get isLive(): boolean {
    return !this.#isClosed && this.process.isAlive;
  }

  send(to: NodeId, channel: string, body: unknown): boolean {
    if (!this.isLive) {
      return false;
    }
    this.#network.onSend?.(this.identity, channel, body);
    if (to === this.self) {
      const take = carryBody(body, this.#network.bodyMode);
      this.process.soon(() => this.deliver(to, channel, take()));
      return true;
    }
    return this.#ends.get(to)?.send(channel, body) ?? false;
  }

  request(to: NodeId, method: string, body: unknown, options: RequestOptions): Promise<unknown> {
    if (!this.process.isAlive) {
      return new Promise(() => {});
    }
    if (to === this.self && !this.#isClosed) {
      return this.#callSelf(method, body, options);
    }
    const end = this.#ends.get(to);
    return end === undefined || this.#isClosed
      ? Promise.reject(new RequestFailed('notSent', `${method} to ${to}: not connected`))
      : end.request(method, body, options);
  }

  onMessage(channel: string, handler: MessageHandler): void {
    if (this.#channels.has(channel)) {
      throw new Error(`channel ${channel} has a handler`);
    }
    this.#channels.set(channel, handler);
  }

  onRequest(method: string, handler: RequestHandler): void {
    this.methods.set(method, handler);
  }

  onPeer(listener: (peer: NodeId, isUp: boolean) => void): void {
    this.#listeners.push(listener);
  }

  isConnected(peer: NodeId): boolean {
    return this.#ends.has(peer);
  }

  peers(): readonly TransportIdentity[] {
    return [...this.#ends.values()].flatMap((end) => end.peerIdentity ?? []);
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#network.detach(this);
      this.#selfCalls.failAll(Number.POSITIVE_INFINITY, 'the transport is closed');
    }
  }

  /** For connections. A handler that throws has a bug: the event throws, and the run ends. */
  deliver(from: NodeId, channel: string, body: unknown): void {
    this.#channels.get(channel)?.(from, body);
  }

  /** For connections. */
  peerChanged(end: ConnectionEnd, isUp: boolean): void {
    if (isUp) {
      this.#ends.set(end.peer, end);
    } else if (this.#ends.get(end.peer) === end) {
      this.#ends.delete(end.peer);
    }
    for (const listener of this.#listeners) {
      listener(end.peer, isUp);
    }
  }

  #callSelf(method: string, body: unknown, options: RequestOptions): Promise<unknown> {
    const take = carryBody(body, this.#network.bodyMode);
    return this.#selfCalls.start(method, options, (id) => {
      const request = new ServedRequest(this.self);
      this.#selfServed.set(id, request);
      this.process.soon(() =>
        this.methods.run(method, take(), request, (failure, result) => {
          this.#selfServed.delete(id);
          this.#selfCalls.answered(id, failure, result);
        }),
      );
      return 0;
    });
  }
}

/** Called for the messages of one channel. */
type MessageHandler = (from: NodeId, body: unknown) => void;
