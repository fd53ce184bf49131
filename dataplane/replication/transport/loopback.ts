import type { Scheduler } from '../scheduler.ts';
import { Deadline, type Deadlines } from './deadlines.ts';
import type { Handlers } from './handlers.ts';
import { ServedRequest } from './serving.ts';
import { type NodeId, RequestFailed, type RequestOptions } from './transport.ts';

export interface LoopbackContext {
  readonly scheduler: Scheduler;
  readonly handlers: Handlers;
  readonly deadlines: Deadlines;
}

/**
 * A process as its own peer: handlers run at the end of the turn, and bodies and results are
 * passed as they are, not copied. Whoever sends to itself must not change a body afterwards, as
 * for any other peer.
 */
export class Loopback {
  readonly #self: NodeId;
  readonly #scheduler: Scheduler;
  readonly #handlers: Handlers;
  readonly #deadlines: Deadlines;
  readonly #calls = new Set<LoopbackCall>();
  #isClosed = false;

  constructor(self: NodeId, context: LoopbackContext) {
    this.#self = self;
    this.#scheduler = context.scheduler;
    this.#handlers = context.handlers;
    this.#deadlines = context.deadlines;
  }

  send(channel: string, body: unknown): boolean {
    if (this.#isClosed) return false;
    this.#scheduler.soon(() => {
      if (!this.#isClosed) this.#handlers.deliver(this.#self, channel, body);
    });
    return true;
  }

  request(method: string, body: unknown, options: RequestOptions): Promise<unknown> {
    const { signal, timeoutMs } = options;
    if (this.#isClosed || signal?.aborted === true) {
      const reason = this.#isClosed ? 'the transport is closed' : 'given up';
      return Promise.reject(new RequestFailed('notSent', `${method} to ${this.#self}: ${reason}`));
    }
    return new Promise((resolve, reject) => {
      const served = new ServedRequest(this.#self, method, 0);
      const settle = (end: () => void) => {
        if (!this.#calls.delete(call)) return;
        this.#deadlines.clear(call);
        signal?.removeEventListener('abort', onAbort);
        end();
      };
      const giveUp = (reason: string) =>
        settle(() => {
          served.giveUp();
          reject(new RequestFailed('unknown', `${method} to ${this.#self}: ${reason}`));
        });
      const onAbort = () => giveUp('given up');
      const call = new LoopbackCall(giveUp);
      this.#calls.add(call);
      this.#deadlines.set(call, timeoutMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#scheduler.soon(() => {
        if (!this.#calls.has(call)) return;
        this.#handlers.run(method, body, served, (failure, result) =>
          settle(() => (failure === undefined ? resolve(result) : reject(failure))),
        );
      });
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const call of [...this.#calls]) call.giveUp('the transport is closed');
  }
}

class LoopbackCall extends Deadline {
  readonly giveUp: (reason: string) => void;

  constructor(giveUp: (reason: string) => void) {
    super();
    this.giveUp = giveUp;
  }

  override expire(): void {
    this.giveUp('timed out');
  }
}
