import type { TransportLog } from './options.ts';
import {
  type NodeId,
  RemoteFailure,
  type RequestContext,
  type RequestHandler,
} from './transport.ts';

export type MessageHandler = (from: NodeId, body: unknown) => void;

/** Gets what a handler returned, or the failure that its caller is to see. */
export type Answer = (failure: RemoteFailure | undefined, result: unknown) => void;

/** Who takes which channel and method, for all peers and for the process itself. */
export class Handlers {
  readonly #log: TransportLog;
  readonly #channels = new Map<string, MessageHandler>();
  readonly #methods = new Map<string, RequestHandler>();

  constructor(log: TransportLog) {
    this.#log = log;
  }

  setChannel(channel: string, handler: MessageHandler): void {
    if (this.#channels.has(channel)) throw new Error(`channel ${channel} has a handler`);
    this.#channels.set(channel, handler);
  }

  setMethod(method: string, handler: RequestHandler): void {
    if (this.#methods.has(method)) throw new Error(`method ${method} has a handler`);
    this.#methods.set(method, handler);
  }

  /**
   * Hands a message on; false when nobody takes its channel. A handler that throws has a bug: the
   * error surfaces as uncaught, but not through the connection, whose reading must not end amid a chunk.
   */
  deliver(from: NodeId, channel: string, body: unknown): boolean {
    const handler = this.#channels.get(channel);
    if (handler === undefined) return false;
    try {
      handler(from, body);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
    return true;
  }

  /** Runs a method's handler. The answer comes at once when the handler returns no promise. */
  run(method: string, body: unknown, context: RequestContext, answer: Answer): void {
    const handler = this.#methods.get(method);
    if (handler === undefined) {
      const message = `nobody handles ${method.slice(0, 100)}`;
      answer(new RemoteFailure('noMethod', message), undefined);
      return;
    }
    const fail = (error: unknown) => answer(this.#failure(method, context.from, error), undefined);
    let result: unknown;
    try {
      result = handler(body, context);
    } catch (error) {
      fail(error);
      return;
    }
    if (result instanceof Promise) result.then((value) => answer(undefined, value), fail);
    else answer(undefined, result);
  }

  /** Only what a handler throws on purpose is the caller's business. */
  #failure(method: string, from: NodeId, error: unknown): RemoteFailure {
    if (error instanceof RemoteFailure) return error;
    this.#log('handlerFailed', { method, from, error });
    return internalFailure(method);
  }
}

export function internalFailure(method: string): RemoteFailure {
  return new RemoteFailure(
    'internal',
    `${method} failed; the log of the node that ran it says why`,
  );
}
