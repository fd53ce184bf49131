import type { Scheduler, Timer } from '../replication/scheduler.ts';
import type { TransportLog } from '../replication/transport/options.ts';
import {
  type NodeId,
  RemoteFailure,
  type RequestContext,
  RequestFailed,
  type RequestHandler,
  type RequestOptions,
} from '../replication/transport/transport.ts';

/** How a request ended at the handler. */
export type Answer = (failure: RemoteFailure | undefined, result: unknown) => void;

/** A request that a handler is at work on. Makes its signal when it is first asked for. */
export class ServedRequest implements RequestContext {
  readonly from: NodeId;
  #isGivenUp = false;
  #controller: AbortController | undefined;

  constructor(from: NodeId) {
    this.from = from;
  }

  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isGivenUp) {
        this.#controller.abort();
      }
    }
    return this.#controller.signal;
  }

  giveUp(): void {
    this.#isGivenUp = true;
    this.#controller?.abort();
  }
}

/** The methods of one process. */
export class RequestHandlers {
  readonly #log: TransportLog;
  readonly #methods = new Map<string, RequestHandler>();

  constructor(log: TransportLog) {
    this.#log = log;
  }

  set(method: string, handler: RequestHandler): void {
    if (this.#methods.has(method)) {
      throw new Error(`method ${method} has a handler`);
    }
    this.#methods.set(method, handler);
  }

  /** Runs a method's handler; the failures have the codes of the real transport. */
  run(method: string, body: unknown, request: ServedRequest, answer: Answer): void {
    const handler = this.#methods.get(method);
    if (handler === undefined) {
      answer(new RemoteFailure('noMethod', `nobody handles ${method}`), undefined);
      return;
    }
    const fail = (error: unknown) => {
      if (error instanceof RemoteFailure) {
        answer(error, undefined);
      } else {
        this.#log('handlerFailed', { method, from: request.from, error });
        answer(new RemoteFailure('internal', `${method} failed`), undefined);
      }
    };
    try {
      const result = handler(body, request);
      if (result instanceof Promise) {
        result.then((value) => answer(undefined, value), fail);
      } else {
        answer(undefined, result);
      }
    } catch (error) {
      fail(error);
    }
  }
}

/** A request that waits for its answer. */
interface Call {
  readonly method: string;
  /** Where its frame is in the order of all that the connection sends. */
  readonly place: number;
  readonly timer: Timer;
  readonly options: RequestOptions;
  readonly onAbort: () => void;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** What sends a request; returns its place in the order of frames, or undefined when there is no room. */
export type SendRequest = (id: number) => number | undefined;

/** Requests of one process to one peer that wait for their answers. */
export class PendingCalls {
  readonly #peer: NodeId;
  readonly #scheduler: Scheduler;
  readonly #sendCancel: (id: number) => void;
  readonly #calls = new Map<number, Call>();
  #lastId = 0;

  constructor(peer: NodeId, scheduler: Scheduler, sendCancel: (id: number) => void) {
    this.#peer = peer;
    this.#scheduler = scheduler;
    this.#sendCancel = sendCancel;
  }

  start(method: string, options: RequestOptions, send: SendRequest): Promise<unknown> {
    if (options.signal?.aborted === true) {
      return Promise.reject(this.#failure('notSent', method, 'given up'));
    }
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const place = send(id);
      if (place === undefined) {
        reject(this.#failure('notSent', method, 'its queue is full'));
        return;
      }
      const timer = this.#scheduler.after(options.timeoutMs, () => this.#giveUp(id, 'timed out'));
      const onAbort = () => this.#giveUp(id, 'given up');
      options.signal?.addEventListener('abort', onAbort, { once: true });
      this.#calls.set(id, { method, place, timer, options, onAbort, resolve, reject });
    });
  }

  /** Answers to calls that were given up are passed over. */
  answered(id: number, failure: RemoteFailure | undefined, result: unknown): void {
    const call = this.#take(id);
    if (failure === undefined) {
      call?.resolve(result);
    } else {
      call?.reject(failure);
    }
  }

  /** The connection is gone; frames from that place on were certainly not sent. */
  failAll(handedCount: number, reason: string): void {
    for (const id of [...this.#calls.keys()]) {
      const call = this.#take(id);
      if (call !== undefined) {
        const outcome = call.place < handedCount ? 'unknown' : 'notSent';
        call.reject(this.#failure(outcome, call.method, reason));
      }
    }
  }

  #giveUp(id: number, reason: string): void {
    const call = this.#take(id);
    if (call !== undefined) {
      this.#sendCancel(id);
      call.reject(this.#failure('unknown', call.method, reason));
    }
  }

  #take(id: number): Call | undefined {
    const call = this.#calls.get(id);
    if (call !== undefined) {
      this.#calls.delete(id);
      call.timer.cancel();
      call.options.signal?.removeEventListener('abort', call.onAbort);
    }
    return call;
  }

  #failure(outcome: RequestFailed['outcome'], method: string, reason: string): RequestFailed {
    return new RequestFailed(outcome, `${method} to ${this.#peer}: ${reason}`);
  }
}
