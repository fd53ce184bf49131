import type { Answer, Handlers } from './handlers.ts';
import type { TransportLimits } from './options.ts';
import type { NodeId, RemoteFailure, RequestContext } from './transport.ts';

/** What serving needs of the connection that requests come over. */
export interface ServingCarrier {
  readonly peer: NodeId;
  /** Answers that the peer has not taken yet. */
  readonly answerBytes: number;
  /** Not called for requests that were given up. */
  sendAnswer(to: ServedRequest, failure: RemoteFailure | undefined, result: unknown): void;
  /** @throws FrameError when the bytes are not a request */
  decodeRequest(source: Buffer, start: number, end: number): readonly [string, unknown];
}

/**
 * Requests of one peer over one connection. As many run as may; while there are too many, or too
 * many bytes of answers wait to be taken, further ones are held, undecoded, in order.
 *
 * So the socket is read on: messages, answers and pings are not stuck behind requests, and of two
 * peers that flood each other neither waits for the other to read. What is held is bounded by
 * what a peer may have unanswered.
 */
export class Serving {
  readonly #carrier: ServingCarrier;
  readonly #handlers: Handlers;
  readonly #limits: TransportLimits;
  readonly #running = new Map<number, ServedRequest>();
  readonly #held = new Map<number, Buffer>();
  #heldBytes = 0;
  #isReleasing = false;

  constructor(carrier: ServingCarrier, handlers: Handlers, limits: TransportLimits) {
    this.#carrier = carrier;
    this.#handlers = handlers;
    this.#limits = limits;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  get heldCount(): number {
    return this.#held.size;
  }

  /** How far what is held fills its bound; above 1 only for a peer that keeps to no bound. */
  get heldShare(): number {
    const { queueBytesMax, queueFramesMax } = this.#limits;
    return Math.max(this.#heldBytes / queueBytesMax, this.#held.size / queueFramesMax);
  }

  /** Whether a request of that id runs or is held. */
  has(id: number): boolean {
    return this.#running.has(id) || this.#held.has(id);
  }

  /**
   * Runs or holds the request that these bytes are. They stand in a row, as in the reader: this
   * is called for each request, and an object would cost as much as the rest of it.
   * @throws FrameError when they are not a request
   */
  take(id: number, source: Buffer, start: number, end: number): void {
    if (this.#held.size === 0 && !this.#isBusy()) {
      this.#run(id, source, start, end);
      return;
    }
    this.#held.set(id, Buffer.from(source.subarray(start, end)));
    this.#heldBytes += end - start;
  }

  /**
   * Runs what is held as far as may be.
   * @throws FrameError when bytes that were held are not a request
   */
  release(): void {
    // A handler that answers at once leads back here.
    if (this.#held.size === 0 || this.#isReleasing) return;
    this.#isReleasing = true;
    try {
      for (const [id, bytes] of this.#held) {
        if (this.#isBusy()) break;
        this.#drop(id, bytes);
        this.#run(id, bytes, 0, bytes.length);
      }
    } finally {
      this.#isReleasing = false;
    }
  }

  /** The caller does not wait any longer. What is held is forgotten, what runs is told. */
  cancel(id: number): void {
    const held = this.#held.get(id);
    if (held !== undefined) this.#drop(id, held);
    this.#running.get(id)?.giveUp();
  }

  cancelAll(): void {
    this.#held.clear();
    this.#heldBytes = 0;
    for (const request of this.#running.values()) request.giveUp();
  }

  #isBusy(): boolean {
    const { servingMax, answerBytesMax } = this.#limits;
    return this.#running.size >= servingMax || this.#carrier.answerBytes > answerBytesMax;
  }

  #drop(id: number, bytes: Buffer): void {
    this.#held.delete(id);
    this.#heldBytes -= bytes.length;
  }

  #run(id: number, source: Buffer, start: number, end: number): void {
    const [method, body] = this.#carrier.decodeRequest(source, start, end);
    const request = new ServedRequest(this.#carrier.peer, method, id);
    this.#running.set(id, request);
    const answer: Answer = (failure, result) => {
      this.#running.delete(id);
      if (!request.isGivenUp) this.#carrier.sendAnswer(request, failure, result);
    };
    this.#handlers.run(method, body, request, answer);
  }
}

/** A request as its handler sees it. Makes its signal when a handler first asks for it: most never do. */
export class ServedRequest implements RequestContext {
  readonly from: NodeId;
  readonly method: string;
  readonly id: number;
  isGivenUp = false;
  #controller: AbortController | undefined;

  constructor(from: NodeId, method: string, id: number) {
    this.from = from;
    this.method = method;
    this.id = id;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.isGivenUp) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  giveUp(): void {
    this.isGivenUp = true;
    this.#controller?.abort();
  }
}
