import type { Socket } from 'node:net';
import type { Scheduler } from '../scheduler.ts';
import { type CallCarrier, Calls } from './calls.ts';
import type { Deadlines } from './deadlines.ts';
import { FrameError, type FrameKind, frameKinds } from './frame.ts';
import type { FrameReader } from './frame-reader.ts';
import { type Handlers, internalFailure } from './handlers.ts';
import { KeepAlive } from './keep-alive.ts';
import { FaultyWrites, type LinkFaults } from './link-faults.ts';
import { decodeBody } from './message-pack.ts';
import type { Identity, Protocol, TransportLimits, TransportLog } from './options.ts';
import { BodyTooLarge, Outbox, type QueuedFrame } from './outbox.ts';
import { type ServedRequest, Serving, type ServingCarrier } from './serving.ts';
import { type NodeId, RemoteFailure, RequestFailed, type RequestOptions } from './transport.ts';

/** One-way messages leave this much of the queue to requests. */
const MESSAGE_SHARE = 1 / 4;

/** What all connections of a transport share. */
export interface ConnectionContext {
  readonly scheduler: Scheduler;
  readonly limits: TransportLimits;
  readonly log: TransportLog;
  readonly handlers: Handlers;
  readonly deadlines: Deadlines;
  readonly faults: LinkFaults | undefined;
}

/** What the handshake has found. */
export interface Link {
  readonly socket: Socket;
  /** Reads what the socket brings; its frames go to the connection from now on. */
  readonly reader: FrameReader;
  readonly peer: Identity;
  readonly protocol: Protocol;
}

/**
 * A connection that is up: frames of messages, requests and answers in both directions.
 *
 * The socket is read all the time. It is not while more requests are held than a peer may have
 * unanswered, which takes a peer that does not keep to that.
 */
export class Connection implements CallCarrier, ServingCarrier {
  readonly identity: Identity;
  readonly protocol: Protocol;
  readonly openedMs: number;
  readonly #context: ConnectionContext;
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #calls: Calls;
  readonly #serving: Serving;
  readonly #keepAlive: KeepAlive;
  readonly #onClosed: (reason: string) => void;
  #isClosed = false;
  #hasToldOfStrayMessage = false;

  /** Takes the socket over; `onClosed` is called once, when the connection is no more. */
  constructor(context: ConnectionContext, link: Link, onClosed: (reason: string) => void) {
    const { scheduler, limits, faults } = context;
    this.#context = context;
    this.#link = link;
    this.#onClosed = onClosed;
    this.identity = link.peer;
    this.protocol = link.protocol;
    this.openedMs = scheduler.monotonicMs();
    const hasChecksum = link.protocol >= 2;
    this.#outbox = new Outbox({
      socket: link.socket,
      scheduler,
      limits,
      hasChecksum,
      onProgress: () => this.#serveHeld(),
      faults: faults && new FaultyWrites(faults, link.peer.id, scheduler),
    });
    this.#calls = new Calls(this, context.deadlines, limits);
    this.#serving = new Serving(this, context.handlers, limits);
    this.#keepAlive = new KeepAlive({
      scheduler,
      limits,
      outbox: this.#outbox,
      onDead: (reason) => this.close(reason),
    });
    link.reader.rules = { bodyBytesMax: limits.bodyBytesMax, hasChecksum };
    link.reader.onFrame = (kind, id, source, start, end) =>
      this.#onFrame(kind, id, source, start, end);
    link.reader.onBroken = (error) => this.close(error.message);
    this.#attach(link.socket);
  }

  get peer(): NodeId {
    return this.identity.id;
  }

  /** What waits and works, for status and tests. */
  load(): ConnectionLoad {
    return {
      queuedFrames: this.#outbox.queuedFrames,
      queuedBytes: this.#outbox.queuedBytes,
      answerBytes: this.#outbox.answerBytes,
      callsCount: this.#calls.count,
      servingCount: this.#serving.runningCount,
      heldCount: this.#serving.heldCount,
      isReading: !this.#link.socket.isPaused(),
    };
  }

  send(channel: string, body: unknown): boolean {
    if (this.#isClosed || this.#outbox.isFilled(MESSAGE_SHARE)) return false;
    try {
      this.#outbox.add(frameKinds.message, 0, [channel, body]);
      return true;
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) throw error;
      this.#context.log('messageTooLarge', { peer: this.peer, channel, reason: error.message });
      return false;
    }
  }

  request(method: string, body: unknown, options: RequestOptions): Promise<unknown> {
    return this.#calls.start(method, body, options);
  }

  get answerBytes(): number {
    return this.#outbox.answerBytes;
  }

  sendRequest(id: number, method: string, body: unknown): QueuedFrame | undefined {
    if (this.#isClosed || this.#outbox.isFilled(1)) return undefined;
    try {
      return this.#outbox.add(frameKinds.request, id, [method, body]);
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) throw error;
      throw new RequestFailed('notSent', `${method} to ${this.peer}: ${error.message}`);
    }
  }

  sendCancel(id: number): void {
    this.#outbox.addBare(frameKinds.cancel, id);
  }

  /** Whether the peer answers a ping within `withinMs`. */
  probe(withinMs: number): Promise<boolean> {
    return this.#keepAlive.probe(withinMs);
  }

  /**
   * Ends the connection: calls fail, handlers' signals fire. `isOrderly` lets what is queued out
   * first, for no longer than `lingerMs`; otherwise the socket is dropped at once.
   */
  close(reason: string, isOrderly = false): void {
    if (this.#isClosed) return;
    const { socket, reader } = this.#link;
    if (isOrderly) this.#outbox.end();
    this.#isClosed = true;
    reader.stop();
    this.#keepAlive.close();
    this.#outbox.close();
    if (isOrderly) {
      socket.resume();
      socket.end();
      const timer = this.#context.scheduler.after(this.#context.limits.lingerMs, () =>
        socket.destroy(),
      );
      socket.once('close', () => timer.cancel());
    } else {
      socket.destroy();
    }
    this.#calls.failAll(this.#outbox.handedFrames, reason);
    this.#serving.cancelAll();
    this.#onClosed(reason);
  }

  #attach(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      if (this.#context.faults?.blocks(this.peer, 'in') !== true) this.#keepAlive.heard();
      this.#link.reader.feed(chunk);
    });
    socket.on('end', () => this.close('the peer closed the connection'));
    socket.on('error', (error) => this.close(error.message));
    socket.on('close', () => this.close('the connection was lost'));
  }

  #onFrame(kind: FrameKind, id: number, source: Buffer, start: number, end: number): void {
    if (this.#context.faults?.blocks(this.peer, 'in') === true) return;
    switch (kind) {
      case frameKinds.message:
        this.#onMessage(decodePair(source, start, end));
        break;
      case frameKinds.request:
        this.#onRequest(id, source, start, end);
        break;
      case frameKinds.response:
        this.#calls.onResponse(id, decodeBody(source, start, end));
        break;
      case frameKinds.failure:
        this.#calls.onFailure(id, decodeFailure(source, start, end));
        break;
      case frameKinds.cancel:
        this.#serving.cancel(id);
        break;
      case frameKinds.ping:
        // A peer that only ever pings, and takes nothing, gets no answer in the end.
        if (!this.#outbox.isFilled(1)) this.#outbox.addBare(frameKinds.pong, id);
        break;
      case frameKinds.pong:
        this.#keepAlive.onPong(id);
        break;
      case frameKinds.hello:
      case frameKinds.refusal:
      case frameKinds.ready:
        throw new FrameError(`a frame of kind ${kind} belongs into the handshake`);
      default:
        throw new FrameError(`unknown kind of frame ${kind satisfies never}`);
    }
  }

  #onMessage([channel, body]: readonly [string, unknown]): void {
    if (this.#context.handlers.deliver(this.peer, channel, body)) return;
    if (this.#hasToldOfStrayMessage) return;
    this.#hasToldOfStrayMessage = true;
    this.#context.log('strayMessage', { peer: this.peer, channel: channel.slice(0, 100) });
  }

  #onRequest(id: number, source: Buffer, start: number, end: number): void {
    if (this.#serving.has(id)) throw new FrameError(`request ${id} is running already`);
    this.#serving.take(id, source, start, end);
    if (this.#serving.heldShare > 1 && !this.#link.socket.isPaused()) this.#read(false);
  }

  decodeRequest(source: Buffer, start: number, end: number): readonly [string, unknown] {
    return decodePair(source, start, end);
  }

  sendAnswer(to: ServedRequest, failure: RemoteFailure | undefined, result: unknown): void {
    if (this.#isClosed) return;
    try {
      if (failure === undefined) this.#outbox.addAnswer(frameKinds.response, to.id, result);
      else this.#sendFailure(to, failure);
    } catch (error) {
      // The handler returned, or put into its failure, what no frame can hold.
      this.#context.log('answerFailed', { method: to.method, from: this.peer, error });
      this.#sendFailure(to, internalFailure(to.method));
    }
    this.#serveHeld();
  }

  #sendFailure({ id }: ServedRequest, { code, message, data }: RemoteFailure): void {
    this.#outbox.addAnswer(frameKinds.failure, id, [code, message, data]);
  }

  /** There may be room for requests that are held. */
  #serveHeld(): void {
    if (this.#isClosed || this.#serving.heldCount === 0) return;
    try {
      this.#serving.release();
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.close(error.message);
      return;
    }
    if (this.#serving.heldShare <= 1 / 2 && this.#link.socket.isPaused()) this.#read(true);
  }

  #read(isReading: boolean): void {
    if (isReading) this.#link.socket.resume();
    else this.#link.socket.pause();
    this.#keepAlive.onReading(isReading);
  }
}

/** What waits and works on a connection. */
export interface ConnectionLoad {
  readonly queuedFrames: number;
  readonly queuedBytes: number;
  readonly answerBytes: number;
  readonly callsCount: number;
  readonly servingCount: number;
  readonly heldCount: number;
  readonly isReading: boolean;
}

function decodePair(source: Buffer, start: number, end: number): readonly [string, unknown] {
  const pair = decodeBody(source, start, end);
  if (!Array.isArray(pair) || typeof pair[0] !== 'string') {
    throw new FrameError('undecodable body: not a name and a value');
  }
  return [pair[0], pair[1]];
}

function decodeFailure(source: Buffer, start: number, end: number): RemoteFailure {
  const failure = decodeBody(source, start, end);
  if (!Array.isArray(failure) || typeof failure[0] !== 'string') {
    throw new FrameError('undecodable body: not a failure');
  }
  return new RemoteFailure(failure[0], String(failure[1]), failure[2]);
}
