import { Deadline, type Deadlines } from './deadlines.ts';
import type { TransportLimits } from './options.ts';
import type { QueuedFrame } from './outbox.ts';
import {
  type NodeId,
  type RemoteFailure,
  RequestFailed,
  type RequestOptions,
} from './transport.ts';

const CALL_ID_MAX = 0xffff_ffff;

/** What calls need of the connection that carries them. */
export interface CallCarrier {
  readonly peer: NodeId;
  /** Queues the request's frame, unless the queue is full. Throws when it cannot be encoded. */
  sendRequest(id: number, method: string, body: unknown): QueuedFrame | undefined;
  sendCancel(id: number): void;
}

/**
 * Requests to one peer over one connection that wait for their answers. There may be as many as
 * may wait in the queue, wherever they are by now: the peer has room for that much.
 */
export class Calls {
  readonly #carrier: CallCarrier;
  readonly #deadlines: Deadlines;
  readonly #limits: TransportLimits;
  readonly #pending = new Map<number, Call>();
  /** Of the frames of all that are pending. */
  #pendingBytes = 0;
  #lastId = 0;

  constructor(carrier: CallCarrier, deadlines: Deadlines, limits: TransportLimits) {
    this.#carrier = carrier;
    this.#deadlines = deadlines;
    this.#limits = limits;
  }

  get count(): number {
    return this.#pending.size;
  }

  /** Calls a method; the promise is as `Transport.request` says. */
  start(method: string, body: unknown, options: RequestOptions): Promise<unknown> {
    const { peer } = this.#carrier;
    if (options.signal?.aborted === true) {
      return Promise.reject(new RequestFailed('notSent', `${method} to ${peer}: given up`));
    }
    const { queueFramesMax, queueBytesMax } = this.#limits;
    if (this.#pending.size >= queueFramesMax || this.#pendingBytes > queueBytesMax) {
      const message = `${method} to ${peer}: too many requests are unanswered`;
      return Promise.reject(new RequestFailed('notSent', message));
    }
    const id = this.#nextId();
    return new Promise((resolve, reject) => {
      const frame = this.#carrier.sendRequest(id, method, body);
      if (frame === undefined) {
        reject(new RequestFailed('notSent', `${method} to ${peer}: its queue is full`));
        return;
      }
      const call = new Call({ calls: this, id, method, frame, resolve, reject }, options.signal);
      this.#deadlines.set(call, options.timeoutMs);
      this.#pending.set(id, call);
      this.#pendingBytes += frame.bytes;
    });
  }

  /** Answers for calls that were given up are passed over. */
  onResponse(id: number, result: unknown): void {
    this.#take(id)?.resolve(result);
  }

  onFailure(id: number, failure: RemoteFailure): void {
    this.#take(id)?.reject(failure);
  }

  /** The caller does not wait any longer: the peer is told, and may have run it all the same. */
  giveUp(call: Call, reason: string): void {
    if (this.#take(call.id) === undefined) return;
    this.#carrier.sendCancel(call.id);
    call.reject(new RequestFailed('unknown', `${call.method} to ${this.#carrier.peer}: ${reason}`));
  }

  /** The connection is gone. Frames from `handedCount` on have not reached the socket. */
  failAll(handedCount: number, reason: string): void {
    for (const call of [...this.#pending.values()]) {
      this.#take(call.id);
      const outcome = call.frame.place < handedCount ? 'unknown' : 'notSent';
      call.reject(new RequestFailed(outcome, `${call.method} to ${this.#carrier.peer}: ${reason}`));
    }
  }

  #take(id: number): Call | undefined {
    const call = this.#pending.get(id);
    if (call === undefined) return undefined;
    this.#pending.delete(id);
    this.#pendingBytes -= call.frame.bytes;
    this.#deadlines.clear(call);
    call.letGoOfSignal();
    return call;
  }

  #nextId(): number {
    do {
      this.#lastId = this.#lastId === CALL_ID_MAX ? 1 : this.#lastId + 1;
    } while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }
}

interface CallFields {
  readonly calls: Calls;
  readonly id: number;
  readonly method: string;
  readonly frame: QueuedFrame;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

class Call extends Deadline {
  readonly id: number;
  readonly method: string;
  readonly frame: QueuedFrame;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly #calls: Calls;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;

  constructor(fields: CallFields, signal: AbortSignal | undefined) {
    super();
    this.id = fields.id;
    this.method = fields.method;
    this.frame = fields.frame;
    this.resolve = fields.resolve;
    this.reject = fields.reject;
    this.#calls = fields.calls;
    this.#signal = signal;
    if (signal !== undefined) {
      this.#onAbort = () => this.#calls.giveUp(this, 'given up');
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  override expire(): void {
    this.#calls.giveUp(this, 'timed out');
  }

  letGoOfSignal(): void {
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}
