import type { Scheduler } from './scheduler.ts';
import {
  type NodeId,
  RemoteFailure,
  RequestFailed,
  type RequestHandler,
  type RequestOptions,
  type Transport,
} from './transport/transport.ts';
import { turns } from './virtual-clock.fixture.ts';

/** Transports of nodes in one process; bodies are copied as a network would. */
export class Hub {
  readonly scheduler: Scheduler;
  readonly #nodes = new Map<NodeId, HubTransport>();
  readonly #cut = new Set<string>();
  /** Decides for each message whether it gets there. */
  filter: (from: NodeId, to: NodeId, channel: string, body: unknown) => boolean = () => true;
  framesCount = 0;

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  join(node: NodeId): Transport {
    const transport = new HubTransport(this, node);
    this.#nodes.set(node, transport);
    return transport;
  }

  leave(node: NodeId): void {
    this.#nodes.delete(node);
  }

  /** No message passes between the two, in either direction. */
  cut(a: NodeId, b: NodeId): void {
    this.#cut.add(`${a} ${b}`).add(`${b} ${a}`);
  }

  isolate(node: NodeId): void {
    for (const other of this.#nodes.keys()) if (other !== node) this.cut(node, other);
  }

  heal(): void {
    this.#cut.clear();
  }

  reach(from: NodeId, to: NodeId): HubTransport | undefined {
    return this.#cut.has(`${from} ${to}`) ? undefined : this.#nodes.get(to);
  }

  ids(): NodeId[] {
    return [...this.#nodes.keys()];
  }
}

class HubTransport implements Transport {
  readonly self: NodeId;
  readonly #hub: Hub;
  readonly handlers = new Map<string, (from: NodeId, body: unknown) => void>();
  readonly methods = new Map<string, RequestHandler>();

  constructor(hub: Hub, self: NodeId) {
    this.#hub = hub;
    this.self = self;
  }

  send(to: NodeId, channel: string, body: unknown): boolean {
    if (this.#hub.reach(this.self, to) === undefined) return false;
    this.#hub.framesCount += 1;
    if (!this.#hub.filter(this.self, to, channel, body)) return true;
    const copy = structuredCloneOf(body);
    setImmediate(() => {
      this.#hub.reach(this.self, to)?.handlers.get(channel)?.(this.self, copy);
    });
    return true;
  }

  async request(
    to: NodeId,
    method: string,
    body: unknown,
    options: RequestOptions,
  ): Promise<unknown> {
    if (this.#hub.reach(this.self, to) === undefined) throw new RequestFailed('notSent', 'cut off');
    const copy = structuredCloneOf(body);
    await turns(1);
    const handler = this.#hub.reach(this.self, to)?.methods.get(method);
    if (handler === undefined || !this.#hub.filter(this.self, to, method, body)) {
      throw new RequestFailed('unknown', 'lost');
    }
    const controller = new AbortController();
    options.signal?.addEventListener('abort', () => controller.abort());
    try {
      const answer = await Promise.race([
        handler(copy, { from: this.self, signal: controller.signal }),
        this.#timeout(options.timeoutMs),
      ]);
      await turns(1);
      if (this.#hub.reach(to, this.self) === undefined) throw new RequestFailed('unknown', 'lost');
      return structuredCloneOf(answer);
    } catch (error) {
      if (error instanceof RemoteFailure || error instanceof RequestFailed) throw error;
      throw new RemoteFailure('internal', String(error));
    }
  }

  #timeout(ms: number): Promise<never> {
    return new Promise((_, reject) => {
      this.#hub.scheduler.after(ms, () => reject(new RequestFailed('unknown', 'timed out')));
    });
  }

  onMessage(channel: string, handler: (from: NodeId, body: unknown) => void): void {
    this.handlers.set(channel, handler);
  }

  onRequest(method: string, handler: RequestHandler): void {
    this.methods.set(method, handler);
  }

  onPeer(): void {}

  isConnected(peer: NodeId): boolean {
    return this.#hub.reach(this.self, peer) !== undefined;
  }

  peers(): readonly { readonly id: NodeId; readonly role: 'node' | 'router' }[] {
    return this.#hub.ids().map((id) => ({ id, role: 'node' }));
  }

  async close(): Promise<void> {
    this.#hub.leave(this.self);
  }
}

/** As the network would: buffers stay buffers. */
function structuredCloneOf(body: unknown): unknown {
  if (Buffer.isBuffer(body)) return Buffer.from(body);
  if (Array.isArray(body)) return body.map(structuredCloneOf);
  if (typeof body === 'object' && body !== null) {
    return Object.fromEntries(Object.entries(body).map(([k, v]) => [k, structuredCloneOf(v)]));
  }
  return body;
}
