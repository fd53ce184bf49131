import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { type AddressInfo, isIP, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { ServedCertificate } from '../served-certificate.ts';
import type { CertificateFiles } from '../tls-files.ts';
import type { LifeCycle } from './life-cycle.ts';
import { type ClientTimeouts, CONNECTIONS_MAX, REQUEST_HEAD_BYTES_MAX } from './limits.ts';
import { nextRequestId } from './request-id.ts';

export interface ApiListenerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Undefined: plain HTTP. */
  readonly certificate: CertificateFiles | undefined;
  readonly timeouts: ClientTimeouts;
  readonly accept: LifeCycle['accept'];
  readonly log: Logger;
}

/** One port of the API: sockets, time-outs, TLS, malformed HTTP. */
export class ApiListener {
  readonly #options: ApiListenerOptions;
  readonly #server: Server | TlsServer;
  /** By remote address and port: connections that are not through with TLS. HTTP knows none of them. */
  readonly #halfOpen = new Map<string, Socket>();
  readonly #certificate: ServedCertificate | undefined;
  #connectionsCount = 0;

  /**
   * Resolves once connections are accepted.
   * Rejects with TlsFilesError, or the system's error (EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOTFOUND).
   */
  static async listen(options: ApiListenerOptions): Promise<ApiListener> {
    const { certificate: files, log } = options;
    const certificate = files && new ServedCertificate(files, log);
    try {
      const listener = new ApiListener(options, certificate);
      await listener.#listen();
      listener.#server.on('error', (error) => log.error({ err: error }, 'the listener failed'));
      return listener;
    } catch (error) {
      certificate?.close();
      throw error;
    }
  }

  private constructor(options: ApiListenerOptions, certificate: ServedCertificate | undefined) {
    const { timeouts, accept } = options;
    this.#options = options;
    this.#certificate = certificate;
    const http = {
      maxHeaderSize: REQUEST_HEAD_BYTES_MAX,
      headersTimeout: timeouts.headersMs,
      requestTimeout: timeouts.requestMs,
      keepAliveTimeout: timeouts.keepAliveMs,
      connectionsCheckingInterval: timeouts.checkMs,
      insecureHTTPParser: false,
      noDelay: true,
    };
    this.#server =
      certificate === undefined
        ? createServer(http, accept)
        : this.#secured(
            createTlsServer(
              { ...http, ...certificate.material, handshakeTimeout: timeouts.headersMs },
              accept,
            ),
            certificate,
          );
    this.#server.timeout = timeouts.inactivityMs;
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('clientError', refuse);
    this.#server.on('connection', (socket: Socket) => {
      this.#connectionsCount += 1;
      socket.once('close', () => {
        this.#connectionsCount -= 1;
      });
    });
  }

  /** Open now. */
  get connectionsCount(): number {
    return this.#connectionsCount;
  }

  /** Where clients reach this listener; an unspecified address is shown as loopback. */
  get url(): string {
    const { host: given, certificate } = this.#options;
    const host = given === '0.0.0.0' || given === '::' ? '127.0.0.1' : given;
    const scheme = certificate === undefined ? 'http' : 'https';
    return `${scheme}://${isIP(host) === 6 ? `[${host}]` : host}:${this.port}`;
  }

  get port(): number {
    return addressOf(this.#server).port;
  }

  /** PEM, of now; undefined: plain HTTP. */
  get certificate(): string | undefined {
    return this.#certificate?.material.cert;
  }

  get isTls(): boolean {
    return this.#options.certificate !== undefined;
  }

  /** Accepts no more connections and lets requests under way finish; after `graceMs` it cuts them. */
  async close(graceMs: number): Promise<void> {
    this.#certificate?.close();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#halfOpen.values()) socket.destroy();
    const timer = setTimeout(() => this.#server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(timer);
  }

  #listen(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  #secured(server: TlsServer, certificate: ServedCertificate): TlsServer {
    certificate.renews(server);
    server.on('connection', (socket: Socket) => {
      const key = keyOf(socket);
      this.#halfOpen.set(key, socket);
      socket.once('close', () => {
        if (this.#halfOpen.get(key) === socket) this.#halfOpen.delete(key);
      });
    });
    server.on('secureConnection', (socket) => this.#halfOpen.delete(keyOf(socket)));
    return server;
  }
}

function addressOf(server: Server | TlsServer): AddressInfo {
  const address = server.address();
  // A server that listens on TCP has an address object; a pipe or a closed server has none.
  if (address === null || typeof address === 'string') throw new Error('the endpoint is closed');
  return address;
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** What is no HTTP, or comes too slowly, gets one plain answer and is cut off. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET' || isTlsFailure(error, socket)) {
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

/** Then there is nobody who could read an answer. */
function isTlsFailure({ code = '' }: NodeJS.ErrnoException, socket: Socket): boolean {
  return socket instanceof TLSSocket && !/^(HPE|ERR_HTTP)_/.test(code);
}
