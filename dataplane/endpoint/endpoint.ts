import { createServer, type Server } from 'node:http';
import { type AddressInfo, isIP, type Socket } from 'node:net';
import type { ControlContext, OperationContext } from '../api/operation.ts';
import { LifeCycle, type LifeCycleOptions } from './life-cycle.ts';
import {
  CLIENT_TIMEOUTS,
  type ClientTimeouts,
  CONNECTIONS_MAX,
  REQUEST_HEAD_BYTES_MAX,
} from './limits.ts';
import { nextRequestId } from './request-id.ts';

export interface EndpointOptions<Context extends OperationContext = ControlContext>
  extends LifeCycleOptions<Context> {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly timeouts?: ClientTimeouts;
}

/** The HTTP server of the API: sockets, time-outs, malformed HTTP; requests go to `LifeCycle`. */
export class Endpoint {
  readonly #server: Server;
  readonly #lifeCycle: Pick<LifeCycle, 'accept' | 'stopKeepAlive'>;
  readonly #host: string;

  /**
   * Resolves once connections are accepted.
   * Rejects with the system's error (EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOTFOUND).
   */
  static async listen<Context extends OperationContext>(
    options: EndpointOptions<Context>,
  ): Promise<Endpoint> {
    const endpoint = new Endpoint(options, new LifeCycle(options));
    await endpoint.#listen(options.port);
    endpoint.#server.on('error', (error) =>
      options.log.error({ err: error }, 'the listener failed'),
    );
    return endpoint;
  }

  private constructor(
    options: Pick<EndpointOptions, 'host' | 'timeouts'>,
    lifeCycle: Pick<LifeCycle, 'accept' | 'stopKeepAlive'>,
  ) {
    const timeouts = options.timeouts ?? CLIENT_TIMEOUTS;
    this.#host = options.host;
    this.#lifeCycle = lifeCycle;
    this.#server = createServer(
      {
        maxHeaderSize: REQUEST_HEAD_BYTES_MAX,
        headersTimeout: timeouts.headersMs,
        requestTimeout: timeouts.requestMs,
        keepAliveTimeout: timeouts.keepAliveMs,
        connectionsCheckingInterval: timeouts.checkMs,
        insecureHTTPParser: false,
        noDelay: true,
      },
      this.#lifeCycle.accept,
    );
    this.#server.timeout = timeouts.inactivityMs;
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('clientError', refuse);
  }

  /** Where clients reach this endpoint; an unspecified address is shown as loopback. */
  get url(): string {
    const host = this.#host === '0.0.0.0' || this.#host === '::' ? '127.0.0.1' : this.#host;
    return `http://${isIP(host) === 6 ? `[${host}]` : host}:${this.port}`;
  }

  get port(): number {
    return addressOf(this.#server).port;
  }

  /**
   * Accepts no more connections, lets requests under way finish, and closes each connection after
   * its answer. After `graceMs` what is left is cut.
   */
  async close(graceMs: number): Promise<void> {
    this.#lifeCycle.stopKeepAlive();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const timer = setTimeout(() => this.#server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(timer);
  }

  #listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: this.#host, port }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  // A server that listens on TCP has an address object; a pipe or a closed server has none.
  if (address === null || typeof address === 'string') throw new Error('the endpoint is closed');
  return address;
}

/** What is no HTTP, or comes too slowly, gets one plain answer and is cut off. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request';
  socket.end(
    `HTTP/1.1 ${status}\r\nx-amzn-RequestId: ${nextRequestId()}\r\n` +
      'Content-Length: 0\r\nConnection: close\r\n\r\n',
  );
}
