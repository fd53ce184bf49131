import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { nextRequestId } from '../../dataplane/endpoint/request-id.ts';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { authenticationReply } from '../protocol/errors.ts';
import { framed } from '../protocol/frame.ts';
import { REQUEST_BYTES_MAX } from '../protocol/limits.ts';
import { ProtocolError } from '../protocol/protocol-error.ts';
import { type Arrival, RequestParser } from '../protocol/request-parser.ts';
import type { AuthorizeConnectionRequest, DaxRequest, MethodName } from '../protocol/requests.ts';
import type { Eventually } from '../tables/eventually.ts';
import { type Caller, type SelectForm, selectFormOf } from './caller.ts';
import { addOne, type DaxCounters, operationOf } from './counters.ts';
import type { HandshakeFault, Handshakes } from './handshake.ts';
import {
  AUTHORISATION_MS,
  HELD_BYTES_MAX,
  PIPELINED_BYTES_MAX,
  type SessionTimeouts,
  UNSENT_BYTES_MAX,
} from './limits.ts';

/** What all sessions of a server share. */
export interface SessionContext {
  readonly answers: Answers;
  readonly handshakes: Handshakes;
  readonly counters: DaxCounters;
  readonly clock: SessionClock;
  readonly timeouts: SessionTimeouts;
  /** Bytes of requests that have not arrived whole or wait for their answers, over all sessions. */
  readonly held: { bytes: number };
  readonly log: Logger;
}

export interface SessionClock {
  /** Of the world, which signatures go by. */
  nowMs(): number;
  /** Never set back or forward: what waits are measured with. */
  monotonicMs(): number;
}

/** From requests to replies. */
export interface Answers {
  /** The whole reply, also of what fails: never throws and never rejects. At once if the data is at hand. */
  answer(request: DaxRequest, caller: Caller): Eventually<Buffer>;
  /** The reply to a request that could not be read. */
  answerFault(fault: ClientFault, method: MethodName | undefined): Buffer;
}

/** What the last handshake came to. */
type Authorisation =
  | { readonly kind: 'none' }
  | { readonly kind: 'granted'; readonly caller: Caller; readonly untilMs: number }
  | { readonly kind: 'refused'; readonly reason: HandshakeFault; readonly message: string };

const NONE: Authorisation = { kind: 'none' };
const MISSING = 'Request is missing Authentication Token';
const RUN_OUT = 'The authorization of the connection has run out';
const OVERLOADED = 'Too many large requests at once; try again.';

/**
 * One connection: requests in, replies out, in order and one at a time
 * (reference/dax-protocol.md sections 1 and 4).
 *
 * - It is never closed while it is idle: clients lose the request that they send on a connection
 *   which the server has closed.
 * - It ends with FIN: what the client still sends is read and thrown away, since closing a socket
 *   with unread bytes resets the connection, and the client would lose the reply.
 * - At any time it holds one request, what the client sent behind it (bounded, then the socket is
 *   paused), and replies not taken yet (bounded, then no request is looked at).
 */
export class Session {
  readonly #socket: Socket;
  readonly #context: SessionContext;
  readonly #isTls: boolean;
  #parser = new RequestParser();
  readonly #openedMs: number;
  #authorisation = NONE;
  /** The preamble has arrived. */
  #isGreeted = false;
  #isFramed = false;
  #selectForm: SelectForm = 'unsure';
  /** Nothing is taken from the parser: a reply is being made, or replies are to be taken first. */
  #isBusy = false;
  #hasInputEnded = false;
  #isFinishing = false;
  #hasEnded = false;
  #heldBytes = 0;
  #partialSinceMs: number | undefined;
  #unsentSinceMs: number | undefined;

  constructor(socket: Socket, context: SessionContext, isTls: boolean) {
    this.#socket = socket;
    this.#context = context;
    this.#isTls = isTls;
    this.#openedMs = context.clock.monotonicMs();
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => this.#inputEnded());
    // Whatever broke the connection, 'close' follows.
    socket.on('error', (error) => context.log.debug({ err: error }, 'daxConnectionBroken'));
    socket.on('close', () => this.#hold(0));
  }

  /** No more requests but those that have begun to arrive; then FIN. */
  finish(): void {
    this.#isFinishing = true;
    if (!this.#isBusy) this.#endIfDone();
  }

  /** Ends now. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** To be called from time to time, with monotonic time: ends what waits on the client for too long. */
  checkTimeouts(nowMs: number): void {
    const { timeouts } = this.#context;
    if (this.#hasEnded) return;
    if (isOver(this.#unsentSinceMs, timeouts.unsentMs, nowMs)) {
      this.#context.counters.connectionsCut += 1;
      this.destroy(); // nobody reads what FIN would have to wait for
    } else if (
      isOver(this.#partialSinceMs, timeouts.requestMs, nowMs) ||
      (!this.#isGreeted && isOver(this.#openedMs, timeouts.preambleMs, nowMs))
    ) {
      this.#context.counters.connectionsCut += 1;
      this.#end();
    }
  }

  #receive(chunk: Buffer): void {
    this.#context.counters.bytesIn += chunk.length;
    if (this.#hasEnded) return;
    this.#parser.push(chunk);
    if (!this.#isBusy) this.#work();
    this.#account();
  }

  #inputEnded(): void {
    this.#hasInputEnded = true;
    if (!this.#isBusy) this.#endIfDone();
  }

  /** Serves what has arrived, until it is all done or something is waited for. */
  #work(): void {
    while (!this.#isBusy && !this.#hasEnded) {
      let arrival: Arrival | undefined;
      try {
        arrival = this.#parser.next();
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#reject(error);
        return;
      }
      if (arrival === undefined) {
        this.#endIfDone();
        return;
      }
      this.#partialSinceMs = undefined;
      this.#serve(arrival);
    }
  }

  #serve(arrival: Arrival): void {
    switch (arrival.kind) {
      case 'preamble':
        this.#isGreeted = true;
        this.#isFramed = arrival.isFramed;
        this.#selectForm = selectFormOf(arrival.userAgent);
        return;
      case 'invalid':
        this.#context.counters.requests[arrival.method] += 1;
        if (arrival.method === 'authorizeConnection') {
          this.#refuse('signature', arrival.fault.message ?? '');
        } else {
          this.#send(this.#faultReply(arrival.fault, arrival.method));
        }
        return;
      case 'request':
        this.#context.counters.requests[arrival.request.method] += 1;
        if (arrival.request.method === 'authorizeConnection') this.#authorise(arrival.request);
        else this.#answer(arrival.request, arrival.byteLength);
    }
  }

  /** Says nothing, good or bad: the next request shows what came of it. */
  #authorise(request: AuthorizeConnectionRequest): void {
    const { handshakes, clock } = this.#context;
    const admission = handshakes.admit(request, clock.nowMs());
    if (admission.kind === 'refused') {
      this.#refuse(admission.reason, admission.message);
      return;
    }
    this.#parser.allowRequestBytes(REQUEST_BYTES_MAX);
    this.#authorisation = {
      kind: 'granted',
      caller: {
        principal: admission.principal,
        isTls: this.#isTls,
        sourceIp: this.#socket.remoteAddress,
        selectForm: this.#selectForm,
      },
      untilMs: clock.monotonicMs() + AUTHORISATION_MS,
    };
  }

  #refuse(reason: HandshakeFault, message: string): void {
    this.#context.counters.authorisationFailures += 1;
    this.#authorisation = { kind: 'refused', reason, message };
  }

  #answer(request: DaxRequest, byteLength: number): void {
    const caller = this.#caller();
    if (caller === undefined) {
      this.#send(this.#refusalReply(request.method));
      return;
    }
    const { answers, clock } = this.#context;
    const beganMs = clock.monotonicMs();
    const reply = answers.answer(request, caller);
    if (!(reply instanceof Promise)) {
      this.#measure(request.method, beganMs);
      this.#send(reply);
      return;
    }
    this.#isBusy = true;
    this.#context.held.bytes += byteLength;
    reply.then((bytes) => {
      this.#measure(request.method, beganMs);
      this.#context.held.bytes -= byteLength;
      this.#isBusy = false;
      this.#send(bytes);
      this.#goOn();
    });
  }

  #measure(method: MethodName, beganMs: number): void {
    const { counters, clock } = this.#context;
    counters.latencyMs.get(method)?.observe(clock.monotonicMs() - beganMs);
  }

  /** Undefined: requests are not answered now. */
  #caller(): Caller | undefined {
    const authorisation = this.#authorisation;
    if (authorisation.kind !== 'granted') return undefined;
    const isInTime = this.#context.clock.monotonicMs() <= authorisation.untilMs;
    return isInTime ? authorisation.caller : undefined;
  }

  /** Why requests are not answered, to one of them; undefined: of which nobody knows what it was. */
  #refusalReply(method: MethodName | undefined): Buffer {
    const { counters } = this.#context;
    const { reason, message } = this.#refusal();
    if (method !== undefined) counters.denials.add(operationOf(method), reason);
    const isToSignAgain = reason === 'expired' || this.#authorisation.kind === 'none';
    const type = isToSignAgain
      ? 'MissingAuthenticationTokenException'
      : 'UnrecognizedClientException';
    addOne(counters.errors, type);
    return authenticationReply({ type, message }, nextRequestId());
  }

  #refusal(): { readonly reason: HandshakeFault; readonly message: string } {
    const authorisation = this.#authorisation;
    switch (authorisation.kind) {
      case 'none':
        return { reason: 'signature', message: MISSING };
      case 'granted':
        return { reason: 'expired', message: RUN_OUT };
      case 'refused':
        return authorisation;
    }
  }

  /** Only known callers are told what is wrong with a request. */
  #faultReply(fault: ClientFault, method: MethodName | undefined): Buffer {
    return this.#caller() === undefined
      ? this.#refusalReply(method)
      : this.#context.answers.answerFault(fault, method);
  }

  /** Nobody knows where the next request begins. Those who began as clients do are told why. */
  #reject(error: ProtocolError): void {
    const { counters, log } = this.#context;
    addOne(counters.protocolErrors, error.reason);
    log.debug({ reason: error.reason, error: error.message }, 'daxProtocolError');
    if (!this.#isGreeted) {
      this.#end();
      return;
    }
    const type = error.reason === 'method' ? 'UnknownOperationException' : 'ValidationException';
    this.#end(this.#faultReply(new ClientFault(type, error.message), undefined));
  }

  /** As the client wants it, and counted. */
  #outgoing(reply: Buffer): Buffer {
    const bytes = this.#isFramed ? framed(reply) : reply;
    this.#context.counters.bytesOut += bytes.length;
    return bytes;
  }

  /** In one write. */
  #send(reply: Buffer): void {
    if (this.#hasEnded) return;
    const bytes = this.#outgoing(reply);
    if (this.#socket.write(bytes) || this.#socket.writableLength <= UNSENT_BYTES_MAX) return;
    this.#isBusy = true;
    this.#unsentSinceMs = this.#context.clock.monotonicMs();
    this.#socket.once('drain', () => {
      this.#unsentSinceMs = undefined;
      this.#isBusy = false;
      this.#goOn();
    });
  }

  #goOn(): void {
    if (!this.#isBusy) this.#work();
    this.#account();
    if (!this.#isBusy && this.#socket.isPaused()) this.#socket.resume();
  }

  /** What is held back by this session: a part of a request, or what came behind one. */
  #account(): void {
    const bytes = this.#parser.bufferedBytes;
    if (bytes === 0 && this.#heldBytes === 0) {
      this.#partialSinceMs = undefined;
      return;
    }
    this.#hold(bytes);
    if (this.#isBusy) {
      this.#partialSinceMs = undefined;
      if (bytes > PIPELINED_BYTES_MAX) this.#socket.pause();
      return;
    }
    if (bytes === 0) this.#partialSinceMs = undefined;
    else this.#partialSinceMs ??= this.#context.clock.monotonicMs();
    if (this.#context.held.bytes > HELD_BYTES_MAX) this.#cutOverload();
  }

  #hold(bytes: number): void {
    this.#context.held.bytes += bytes - this.#heldBytes;
    this.#heldBytes = bytes;
  }

  /** Whoever makes it too much goes; the others can finish. */
  #cutOverload(): void {
    this.#context.counters.connectionsCut += 1;
    const fault = new ClientFault('ThrottlingException', OVERLOADED);
    this.#end(this.#faultReply(fault, undefined));
  }

  #endIfDone(): void {
    const isWhole = this.#parser.bufferedBytes === 0;
    if (this.#hasInputEnded || (this.#isFinishing && isWhole)) this.#end();
  }

  /** FIN behind the last reply, and then some time for the other side to do the same. */
  #end(reply?: Buffer): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#parser = new RequestParser(); // what it held is not looked at any more
    this.#hold(0);
    if (reply === undefined) {
      this.#socket.end();
    } else {
      this.#socket.end(this.#outgoing(reply));
    }
    this.#socket.resume();
    const timer = setTimeout(() => this.#socket.destroy(), this.#context.timeouts.lingerMs);
    timer.unref();
    this.#socket.once('close', () => clearTimeout(timer));
  }
}

function isOver(sinceMs: number | undefined, limitMs: number, nowMs: number): boolean {
  return sinceMs !== undefined && nowMs - sinceMs > limitMs;
}
