import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { CallLimits } from './http-table-calls.ts';
import { TableCallError } from './table-calls.ts';

/** One request, as it goes to the tables. */
export interface Attempt {
  /** Names and values in turns. */
  readonly headers: string[];
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface RawAnswer {
  readonly status: number;
  readonly text: string;
}

/** Shorter than a server keeps an idle connection (75 s; AWS's load balancers: 60 s), so that it is rarely the one who closes. */
const IDLE_MS = 20_000;

/** Kept connections to the endpoint of the tables, and single requests over them. */
export class TableConnections {
  readonly #limits: CallLimits;
  readonly #target: RequestOptions;
  readonly #agent: HttpAgent;
  readonly #request: (options: RequestOptions) => ClientRequest;

  constructor(url: URL, ca: () => string | undefined, limits: CallLimits) {
    const isSecure = url.protocol === 'https:';
    const settings = {
      keepAlive: true,
      // The one that was used last: the others become idle, and are closed.
      scheduling: 'lifo',
      maxSockets: limits.connectionsMax,
      maxFreeSockets: limits.connectionsMax,
      timeout: IDLE_MS,
    } as const;
    this.#limits = limits;
    this.#agent = isSecure ? new SecureAgent(settings, ca) : new PlainAgent(settings);
    this.#request = isSecure ? httpsRequest : httpRequest;
    this.#target = {
      // Of an IPv6 address a URL has brackets around it.
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
      method: 'POST',
      path: '/',
      agent: this.#agent,
    };
  }

  /** @throws TableCallError */
  post(attempt: Attempt): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      new Exchange(attempt, this.#limits.answerBytesMax, { resolve, reject }).run(
        this.#request({ ...this.#target, headers: attempt.headers }),
      );
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

interface Settling {
  resolve(answer: RawAnswer): void;
  reject(error: TableCallError): void;
}

/** A request and what becomes of it. */
class Exchange {
  readonly #attempt: Attempt;
  readonly #answerBytesMax: number;
  readonly #settling: Settling;
  #timer: NodeJS.Timeout | undefined;
  #request: ClientRequest | undefined;
  /** Whether bytes of the request may have left; not before the connection is there. */
  #mayBeSent = false;

  constructor(attempt: Attempt, answerBytesMax: number, settling: Settling) {
    this.#attempt = attempt;
    this.#answerBytesMax = answerBytesMax;
    this.#settling = settling;
  }

  run(request: ClientRequest): void {
    const { body, timeoutMs, signal } = this.#attempt;
    this.#request = request;
    this.#timer = setTimeout(() => this.#fail('no answer in time'), timeoutMs);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    request.on('socket', (socket) => this.#onSocket(socket));
    request.on('error', (error) => this.#fail(reasonOf(error), error));
    request.on('response', (response) => this.#onResponse(response));
    request.end(body);
  }

  #onSocket(socket: Socket): void {
    if (!isOpening(socket)) {
      this.#mayBeSent = true;
      return;
    }
    socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', () => {
      this.#mayBeSent = true;
    });
  }

  #onResponse(response: IncomingMessage): void {
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > this.#answerBytesMax) this.#fail('the answer is too large');
      else if (first === undefined) first = chunk;
      else if (more === undefined) more = [first, chunk];
      else more.push(chunk);
    });
    response.on('end', () => {
      const body = more === undefined ? first : Buffer.concat(more, bytes);
      this.#end();
      this.#settling.resolve({
        status: response.statusCode ?? 0,
        text: body === undefined ? '' : body.toString('utf8'),
      });
    });
    response.on('error', (error) => this.#fail(reasonOf(error), error));
  }

  readonly #onAbort = () => this.#fail('nobody waits for it any more');

  /** Only the first outcome counts: a promise settles once. */
  #fail(reason: string, cause?: Error): void {
    this.#end();
    this.#settling.reject(
      new TableCallError(`the tables do not answer: ${reason}`, this.#mayBeSent, { cause }),
    );
    this.#request?.destroy();
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#attempt.signal?.removeEventListener('abort', this.#onAbort);
  }
}

/** One endpoint, so one pool: nothing is to be told apart by a name that is made for each request. */
const POOL_NAME = 'tables';

class PlainAgent extends HttpAgent {
  override getName(): string {
    return POOL_NAME;
  }
}

class SecureAgent extends HttpsAgent {
  readonly #ca: () => string | undefined;

  constructor(settings: ConstructorParameters<typeof HttpsAgent>[0], ca: () => string | undefined) {
    super(settings);
    this.#ca = ca;
  }

  override getName(): string {
    return POOL_NAME;
  }

  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const ca = this.#ca();
    return super.createConnection(ca === undefined ? options : { ...options, ca }, callback);
  }
}

/** Whether nothing can have been written yet: what is given to a socket waits until it is connected, and through with TLS. */
function isOpening(socket: Socket): boolean {
  if (socket.connecting || !(socket instanceof TLSSocket)) return socket.connecting;
  const protocol = socket.getProtocol();
  return protocol === null || protocol === 'unknown';
}

/** The system's code says more than its text, and is no longer. */
function reasonOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
