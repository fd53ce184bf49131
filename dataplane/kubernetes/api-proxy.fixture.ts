import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type ApiAccess, fixedAccess } from './api-access.ts';

export interface ForgedAnswer {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body: object | string;
}

interface SeenRequest {
  readonly method: string;
  readonly path: string;
}

/** Stands in front of an API server and does to its clients what networks and overloaded servers do. */
export class ApiProxy {
  /** All that came, in order. */
  readonly requests: SeenRequest[] = [];
  readonly #target: ApiAccess;
  readonly #server: Server;
  readonly #open = new Set<ServerResponse>();
  readonly #forged: {
    readonly matches: (request: SeenRequest) => boolean;
    readonly answer: ForgedAnswer;
  }[] = [];
  readonly #lost: ((request: SeenRequest) => boolean)[] = [];
  #isRefusing = false;
  #isStalled = false;
  #isHoldingBack = false;

  static async start(target: ApiAccess): Promise<ApiProxy> {
    const proxy = new ApiProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor(target: ApiAccess) {
    this.#target = target;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** The same server by way of here; credentials are added here. */
  get access(): ApiAccess {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy is closed');
    return fixedAccess({ url: `http://127.0.0.1:${address.port}` });
  }

  get watches(): readonly SeenRequest[] {
    return this.requests.filter(({ path }) => path.includes('watch=true'));
  }

  get lists(): readonly SeenRequest[] {
    return this.requests.filter(
      ({ method, path }) => method === 'GET' && path.includes('limit=') && !path.includes('watch='),
    );
  }

  /** Ends all connections. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  /** Ends all connections and takes no more, until `restore`. */
  refuse(): void {
    this.#isRefusing = true;
    this.cut();
  }

  /** Connections stay open, but nothing comes any more, until `restore`. */
  stall(): void {
    this.#isStalled = true;
  }

  /** Watches are answered, but nothing comes of them, until `restore`. */
  holdBack(): void {
    this.#isHoldingBack = true;
  }

  restore(): void {
    this.#isHoldingBack = false;
    this.#isRefusing = false;
    this.#isStalled = false;
  }

  /** Answers the next request of this kind itself. */
  forge(matches: (request: SeenRequest) => boolean, answer: ForgedAnswer): void {
    this.#forged.push({ matches, answer });
  }

  /** Lets the next request of this kind through, but not its answer. */
  loseAnswer(matches: (request: SeenRequest) => boolean): void {
    this.#lost.push(matches);
  }

  /** Watches that the server has taken. A request alone is none yet. */
  get openWatchesCount(): number {
    return this.#open.size;
  }

  /** Sends bytes of its own to all watches that are open. */
  inject(text: string): void {
    for (const response of this.#open) response.write(text);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = { method: request.method ?? '', path: request.url ?? '' };
    this.requests.push(seen);
    if (this.#isRefusing) {
      request.socket.destroy();
      return;
    }
    const index = this.#forged.findIndex(({ matches }) => matches(seen));
    const [forged] = index < 0 ? [] : this.#forged.splice(index, 1);
    if (forged !== undefined) return answerWith(response, forged.answer);
    const lostIndex = this.#lost.findIndex((matches) => matches(seen));
    if (lostIndex >= 0) this.#lost.splice(lostIndex, 1);
    await this.#forward(request, response, lostIndex >= 0);
  }

  async #forward(
    request: IncomingMessage,
    response: ServerResponse,
    isLost: boolean,
  ): Promise<void> {
    const { tls, headers } = await this.#target.credentials(false);
    const { host: _, ...incoming } = request.headers;
    const outgoing: OutgoingHttpHeaders = { ...incoming };
    for (const [name, value] of Object.entries(headers)) {
      outgoing[name] = typeof value === 'string' ? value : [...value];
    }
    const upstream = httpsRequest(
      this.#target.url + request.url,
      { method: request.method, ca: tls.ca, headers: outgoing },
      (answer) => {
        if (isLost) {
          response.destroy();
          return;
        }
        if (this.#isStalled) return;
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.flushHeaders();
        const isWatch = request.url?.includes('watch=true') === true;
        if (isWatch) this.#open.add(response);
        answer.on('data', (chunk) => {
          if (!this.#isStalled && !(isWatch && this.#isHoldingBack)) response.write(chunk);
        });
        answer.on('end', () => {
          if (!this.#isStalled) response.end();
        });
        answer.on('error', () => response.destroy());
      },
    );
    upstream.on('error', () => response.destroy());
    response.on('close', () => {
      this.#open.delete(response);
      upstream.destroy();
    });
    request.pipe(upstream);
  }
}

function answerWith(response: ServerResponse, { status, headers, body }: ForgedAnswer): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}
