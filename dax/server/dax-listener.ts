import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Logger } from 'pino';
import { ServedCertificate } from '../../dataplane/served-certificate.ts';
import type { CertificateFiles } from '../../dataplane/tls-files.ts';
import { KEEP_ALIVE_MS } from './limits.ts';

export interface DaxListenerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Undefined: plain TCP. */
  readonly certificate: CertificateFiles | undefined;
  /** For TLS to be negotiated. */
  readonly tlsMs: number;
  /** Takes a connection on which bytes of the protocol may arrive, or closes it. */
  readonly accept: (socket: Socket, isTls: boolean) => void;
  /** Connections beyond it are closed at once, and `refuse` is told. */
  readonly connectionsMax: number;
  readonly refuse: () => void;
  readonly log: Logger;
}

/** One port of the DAX protocol. */
export class DaxListener {
  readonly #options: DaxListenerOptions;
  readonly #server: Server;
  readonly #certificate: ServedCertificate | undefined;
  /** By remote address and port: connections that are not through with TLS. */
  readonly #negotiating = new Map<string, Socket>();

  /**
   * Resolves once connections are accepted.
   * Rejects with TlsFilesError, or the system's error (EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOTFOUND).
   */
  static async listen(options: DaxListenerOptions): Promise<DaxListener> {
    const { certificate: files, log } = options;
    const certificate = files && new ServedCertificate(files, log);
    try {
      const listener = new DaxListener(options, certificate);
      await listener.#listen();
      listener.#server.on('error', (error) => log.error({ err: error }, 'daxListenerFailed'));
      return listener;
    } catch (error) {
      certificate?.close();
      throw error;
    }
  }

  private constructor(options: DaxListenerOptions, certificate: ServedCertificate | undefined) {
    this.#options = options;
    this.#certificate = certificate;
    this.#server = certificate === undefined ? this.#plainServer() : this.#tlsServer(certificate);
    this.#server.maxConnections = options.connectionsMax;
    this.#server.on('drop', options.refuse);
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    // A server that listens on TCP has an address object; a pipe or a closed server has none.
    if (address === null || typeof address === 'string') throw new Error('the listener is closed');
    return address.port;
  }

  /** PEM, of now; undefined: plain TCP. */
  get certificate(): string | undefined {
    return this.#certificate?.material.cert;
  }

  /** Accepts no more connections; resolves when those that were accepted are closed. */
  close(): Promise<void> {
    this.#certificate?.close();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#negotiating.values()) socket.destroy();
    return closed;
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

  #plainServer(): Server {
    return createServer(socketOptions, (socket) => this.#options.accept(socket, false));
  }

  /** Clients may name no host, so there is one certificate for all; rotation is for new connections. */
  #tlsServer(certificate: ServedCertificate): Server {
    const { accept, tlsMs, log } = this.#options;
    const server = createTlsServer({
      ...socketOptions,
      ...certificate.material,
      handshakeTimeout: tlsMs,
    });
    certificate.renews(server);
    server.on('connection', (socket: Socket) => {
      const key = keyOf(socket);
      this.#negotiating.set(key, socket);
      socket.once('close', () => {
        if (this.#negotiating.get(key) === socket) this.#negotiating.delete(key);
      });
    });
    server.on('secureConnection', (socket) => {
      this.#negotiating.delete(keyOf(socket));
      accept(socket, true);
    });
    server.on('tlsClientError', (error, socket) => {
      log.debug({ err: error }, 'daxTlsRefused');
      socket.destroy();
    });
    return server;
  }
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Half open: the session decides when its side ends. Answers are small and not to be gathered. */
const socketOptions = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_MS,
} as const;
