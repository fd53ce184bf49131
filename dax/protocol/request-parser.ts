import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { ARGUMENT_32_BITS, MAJOR } from './cbor-head.ts';
import { CborReader } from './cbor-reader.ts';
import { PREAMBLE_BYTES_MAX, UNKNOWN_CALLER_REQUEST_BYTES_MAX } from './limits.ts';
import { type Method, methodById } from './methods.ts';
import { checkMagic, decodePreamble, PREAMBLE_VALUES, type Preamble } from './preamble.ts';
import { ProtocolError } from './protocol-error.ts';
import { decodeRequest } from './request-decoder.ts';
import type { DaxRequest, MethodName } from './requests.ts';
import { ValueScanner } from './value-scanner.ts';

/** A whole request. */
export interface ArrivedRequest {
  readonly kind: 'request';
  readonly request: DaxRequest;
  readonly byteLength: number;
}

/**
 * A request whose end is certain and whose content is wrong: the fault is its reply (none for
 * `authorizeConnection`, which is to be remembered as failed), and the connection goes on.
 */
export interface InvalidRequest {
  readonly kind: 'invalid';
  readonly method: MethodName;
  readonly fault: ClientFault;
  readonly byteLength: number;
}

export type Arrival = Preamble | ArrivedRequest | InvalidRequest;

export interface ParserLimits {
  /** Bytes of one request. To be raised by `allowRequestBytes` once the sender is known. */
  readonly requestBytesMax: number;
}

/**
 * Finds whole requests in bytes that arrive in any pieces (reference/dax-protocol.md section 1).
 *
 * Nothing delimits a request but the number of its values. They are counted as bytes come, and
 * decoded once when all are there. Work is linear in the bytes however they are split; pieces of an
 * unfinished request are gathered in a buffer that at most doubles, so that memory follows what came
 * and not what was announced.
 */
export class RequestParser {
  /** Bytes from `#start` to `#end` have come and were not given out. */
  #bytes: Buffer = nothing;
  #start = 0;
  #end = 0;
  /** The buffer is ours, so that more may be written behind `#end`. */
  #isOwn = false;
  #stage: 'preamble' | 'head' | 'arguments' = 'preamble';
  #method: Method | undefined;
  #requestBytesMax: number;
  readonly #scanner = new ValueScanner();

  constructor(limits: ParserLimits = { requestBytesMax: UNKNOWN_CALLER_REQUEST_BYTES_MAX }) {
    this.#requestBytesMax = limits.requestBytesMax;
    this.#scanner.begin(0, PREAMBLE_VALUES, PREAMBLE_BYTES_MAX);
  }

  /** Takes bytes in. They must not be overwritten afterwards: requests are views into them. */
  push(chunk: Buffer): void {
    if (this.#end === 0) {
      this.#bytes = chunk;
      this.#end = chunk.length;
      return;
    }
    if (!this.#isOwn || this.#end + chunk.length > this.#bytes.length) this.#grow(chunk.length);
    chunk.copy(this.#bytes, this.#end);
    this.#end += chunk.length;
  }

  /**
   * The next whole thing; undefined until more bytes arrive.
   * @throws ProtocolError the connection is to be closed; the parser must not be used again
   */
  next(): Arrival | undefined {
    if (this.#stage === 'preamble') return this.#preamble();
    if (this.#stage === 'head' && !this.#takeHead()) return undefined;
    const method = this.#method;
    if (method === undefined || !this.#scanner.scan(this.#bytes, this.#end)) return undefined;
    const start = this.#start;
    const end = this.#scanner.position;
    const reader = new CborReader(this.#bytes, start + HEAD_BYTES, end);
    this.#giveOut(end);
    return arrivalOf(method, reader);
  }

  /** From now on requests may be so long. Never lowers what was allowed before. */
  allowRequestBytes(bytes: number): void {
    this.#requestBytesMax = Math.max(this.#requestBytesMax, bytes);
    if (this.#stage === 'arguments') this.#scanner.raiseLimit(this.#requestBytesMax);
  }

  /** Bytes taken in and not given out: what a session's memory is bounded by. */
  get bufferedBytes(): number {
    return this.#end - this.#start;
  }

  #preamble(): Preamble | undefined {
    checkMagic(this.#bytes.subarray(this.#start, this.#end));
    if (!this.#scanner.scan(this.#bytes, this.#end)) return undefined;
    const end = this.#scanner.position;
    const preamble = decodePreamble(new CborReader(this.#bytes, this.#start, end));
    this.#giveOut(end);
    return preamble;
  }

  /** Takes service and method id. @returns false when they are not there yet */
  #takeHead(): boolean {
    const bytes = this.#bytes;
    const start = this.#start;
    if (start < this.#end && bytes[start] !== SERVICE_ID) {
      throw new ProtocolError('service', 'a request does not begin with the service id 1');
    }
    if (start + HEAD_BYTES > this.#end) return false;
    const method = methodById(methodIdAt(bytes, start + 1));
    if (method === undefined) {
      throw new ProtocolError('method', 'a request has an unknown method id');
    }
    this.#method = method;
    this.#stage = 'arguments';
    const at = start + HEAD_BYTES;
    this.#scanner.begin(at, method.argumentsCount, this.#requestBytesMax);
    return true;
  }

  /** Up to `end`. A connection that is idle keeps nothing of what it once received. */
  #giveOut(end: number): void {
    this.#stage = 'head';
    this.#start = end;
    if (end < this.#end) return;
    this.#scanner.moved(end);
    this.#bytes = nothing;
    this.#start = 0;
    this.#end = 0;
    this.#isOwn = false;
  }

  /** Moves the bytes that are left to a buffer with room for `further` ones. */
  #grow(further: number): void {
    const length = this.#end - this.#start;
    const needed = length + further;
    const grown = Buffer.allocUnsafeSlow(Math.max(GATHERED_BYTES_MIN, 2 * needed));
    this.#bytes.copy(grown, 0, this.#start, this.#end);
    this.#scanner.moved(this.#start);
    this.#bytes = grown;
    this.#start = 0;
    this.#end = length;
    this.#isOwn = true;
  }
}

const nothing = Buffer.alloc(0);

const SERVICE_ID = 1;
/** Service id, and a method id whose head has four bytes of argument. */
const HEAD_BYTES = 6;

/** Least room for the pieces of a request. */
const GATHERED_BYTES_MIN = 1024;

/** The method id at `at`: all are integers with four bytes of argument. */
function methodIdAt(bytes: Buffer, at: number): number {
  const argument = bytes.readUInt32BE(at + 1);
  switch (bytes[at]) {
    case POSITIVE_32_BITS:
      return argument;
    case NEGATIVE_32_BITS:
      return -1 - argument;
    default:
      throw new ProtocolError('method', 'a request has no method id');
  }
}

const POSITIVE_32_BITS = (MAJOR.unsigned << 5) | ARGUMENT_32_BITS;
const NEGATIVE_32_BITS = (MAJOR.negative << 5) | ARGUMENT_32_BITS;

function arrivalOf({ name }: Method, reader: CborReader): ArrivedRequest | InvalidRequest {
  const byteLength = reader.end - reader.position + HEAD_BYTES;
  try {
    const request = decodeRequest(name, reader);
    return { kind: 'request', request, byteLength };
  } catch (thrown) {
    if (!(thrown instanceof ClientFault)) throw thrown;
    return { kind: 'invalid', method: name, fault: thrown, byteLength };
  }
}
