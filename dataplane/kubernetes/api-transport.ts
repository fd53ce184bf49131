import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { ApiAccess, ApiCredentials, ApiTls } from './api-access.ts';
import { KubeError } from './kube-error.ts';

const CONNECTIONS_MAX = 16;
/** Below what servers and balancers in between keep: they should not close first. */
const IDLE_CONNECTION_MS = 30_000;
const ANSWER_CHARS_MAX = 128 * 1024 * 1024;

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly contentType?: string;
  readonly body?: unknown;
  /** Doing it twice is like doing it once. */
  readonly isIdempotent: boolean;
}

export interface ApiAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly message: IncomingMessage;
}

/** HTTP to one API server: connections, credentials, deadlines. What the answers mean is the client's. */
export class ApiTransport {
  readonly #access: ApiAccess;
  readonly #headers: Readonly<Record<string, string>>;
  #agents:
    | { readonly tls: ApiTls; readonly calls: HttpAgent; readonly watches: HttpAgent }
    | undefined;

  /** @param headers on all requests */
  constructor(access: ApiAccess, headers: Readonly<Record<string, string>>) {
    this.#access = access;
    this.#headers = headers;
  }

  /**
   * Sends and waits for the answer's head, again where that is sure to do no harm: with new
   * credentials when the old ones are refused, and over a new connection when a kept one was closed.
   * @param signal ends the request and the answer at any time
   * @throws KubeError when there is no answer; the signal's reason when it fired
   */
  async send(request: ApiRequest, kind: 'call' | 'watch', signal: AbortSignal): Promise<ApiAnswer> {
    const answer = await this.#attempt(request, kind, { isRefused: false, signal });
    if (answer.status !== 401) return answer;
    answer.message.destroy();
    return this.#attempt(request, kind, { isRefused: true, signal });
  }

  close(): void {
    this.#agents?.calls.destroy();
    this.#agents?.watches.destroy();
    this.#agents = undefined;
  }

  async #attempt(
    request: ApiRequest,
    kind: 'call' | 'watch',
    { isRefused, signal }: { readonly isRefused: boolean; readonly signal: AbortSignal },
  ): Promise<ApiAnswer> {
    const credentials = await this.#credentials(request, isRefused);
    const agent = credentials.agent ?? this.#agentFor(credentials.tls, kind);
    try {
      return await this.#once(request, { credentials, agent, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof StaleConnection) || !request.isIdempotent) {
        throw KubeError.unreachable(nameOf(request), error);
      }
    }
    try {
      return await this.#once(request, { credentials, agent, signal });
    } catch (error) {
      signal.throwIfAborted();
      throw KubeError.unreachable(nameOf(request), error);
    }
  }

  async #credentials(request: ApiRequest, isRefused: boolean): Promise<ApiCredentials> {
    try {
      return await this.#access.credentials(isRefused);
    } catch (error) {
      throw KubeError.unreachable(`${nameOf(request)}: credentials`, error);
    }
  }

  #once(
    { method, path, contentType, body }: ApiRequest,
    options: {
      readonly credentials: ApiCredentials;
      readonly agent: HttpAgent;
      readonly signal: AbortSignal;
    },
  ): Promise<ApiAnswer> {
    const url = new URL(this.#access.url + path);
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const requestOptions: RequestOptions = {
      method,
      agent: options.agent,
      signal: options.signal,
      headers: {
        Accept: 'application/json',
        ...this.#headers,
        ...options.credentials.headers,
        ...(bytes && { 'Content-Type': contentType, 'Content-Length': bytes.byteLength }),
      },
    };
    const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
    const send = url.protocol === 'http:' ? httpRequest : httpsRequest;
    const request = send(url, requestOptions, (message) => {
      const retryAfter = message.headers['retry-after'];
      resolve({ status: message.statusCode ?? 0, retryAfter, message });
    });
    request.on('error', (error) =>
      reject(request.reusedSocket ? new StaleConnection(error) : error),
    );
    request.end(bytes);
    return promise;
  }

  /** Watches keep a connection each for minutes: they must not use up those of calls. */
  #agentFor(tls: ApiTls, kind: 'call' | 'watch'): HttpAgent {
    if (this.#agents?.tls !== tls) {
      this.#agents?.calls.destroy();
      this.#agents = this.#makeAgents(tls);
    }
    return kind === 'call' ? this.#agents.calls : this.#agents.watches;
  }

  #makeAgents(tls: ApiTls) {
    const make = (options: object): HttpAgent =>
      this.#access.url.startsWith('http:')
        ? new HttpAgent(options)
        : new HttpsAgent({ ...tls, ...options });
    return {
      tls,
      calls: make({ keepAlive: true, maxSockets: CONNECTIONS_MAX, timeout: IDLE_CONNECTION_MS }),
      watches: make({ keepAlive: false }),
    };
  }
}

/** A kept connection failed before an answer: most likely the server had closed it. */
class StaleConnection extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

export function nameOf({ method, path }: ApiRequest): string {
  return `${method} ${path}`;
}

/**
 * The whole answer as JSON, or as text where it is none.
 * @throws KubeError when it does not end, or is too large
 */
export async function readAnswer(request: ApiRequest, { message }: ApiAnswer): Promise<unknown> {
  message.setEncoding('utf8');
  const chunks: string[] = [];
  let charsCount = 0;
  try {
    for await (const chunk of message) {
      chunks.push(chunk);
      charsCount += chunk.length;
      if (charsCount > ANSWER_CHARS_MAX) {
        throw KubeError.damaged(nameOf(request), `an answer above ${ANSWER_CHARS_MAX} characters`);
      }
    }
  } catch (error) {
    throw error instanceof KubeError ? error : KubeError.unreachable(nameOf(request), error);
  }
  return parsed(chunks.join(''));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
