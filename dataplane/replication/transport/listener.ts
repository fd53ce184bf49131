import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { listenerTls } from './certificate.ts';
import type { Address, TlsMaterial, TransportLimits, TransportLog } from './options.ts';

export interface ListenerOptions {
  readonly tls: TlsMaterial | undefined;
  readonly limits: TransportLimits;
  readonly log: TransportLog;
  /** Gets sockets that are connected and through with TLS; `admitted` ends their being half open. */
  readonly onSocket: (socket: Socket, admitted: () => void) => void;
}

/**
 * Accepts connections. From the first byte until their handshake is done they count as half open,
 * and there may be only so many of these: strangers cannot use up the process's descriptors.
 */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server | TlsServer;
  /** By remote address and port: TLS makes a second socket object of each. */
  readonly #halfOpen = new Map<string, Socket>();

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { tls, limits } = options;
    if (tls === undefined) {
      this.#server = createServer({ noDelay: true });
      this.#server.on('connection', (socket) => {
        if (this.#accept(socket)) this.#hand(socket);
      });
    } else {
      const server = createTlsServer({
        ...listenerTls(tls, limits.helloTimeoutMs),
        noDelay: true,
      });
      server.on('connection', (socket: Socket) => this.#accept(socket));
      server.on('secureConnection', (socket) => this.#hand(socket));
      server.on('tlsClientError', (error, socket) => {
        const from = socket.remoteAddress;
        const code = (error as NodeJS.ErrnoException).code;
        // Node's own verdict comes as a reset; without one the other side has left amid TLS.
        const verdict = socket.authorizationError ?? undefined;
        const hasLeft = code === 'ECONNRESET' && verdict === undefined;
        const reason = String(verdict ?? code ?? error.message);
        if (hasLeft) options.log('strangerClosed', { from, reason });
        else options.log('refused', { by: 'us', code: 'certificate', from, reason });
        socket.destroy();
      });
      this.#server = server;
    }
  }

  /** Resolves to where it listens. Rejects as `listen` fails: the port is taken, for instance. */
  async open(address: Address): Promise<Address> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen({ host: address.host, port: address.port }, resolve);
    await promise;
    this.#server.off('error', reject);
    this.#server.on('error', (error) => this.#options.log('listenerFailed', { error }));
    const bound = this.#server.address();
    if (bound === null || typeof bound === 'string') throw new Error('no port was bound');
    return { host: address.host, port: bound.port };
  }

  /** New connections are made with these certificates. */
  setTls(tls: TlsMaterial): void {
    const { helloTimeoutMs } = this.#options.limits;
    if ('setSecureContext' in this.#server) {
      this.#server.setSecureContext(listenerTls(tls, helloTimeoutMs));
    }
  }

  /** Closes what is half open as well; connections that were admitted are their owners' business. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#halfOpen.values()) socket.destroy();
    await promise;
  }

  #accept(socket: Socket): boolean {
    const key = keyOf(socket);
    if (this.#halfOpen.size >= this.#options.limits.halfOpenMax) {
      this.#options.log('strangerClosed', { from: socket.remoteAddress, reason: 'too many' });
      socket.on('error', () => socket.destroy());
      socket.destroy();
      return false;
    }
    this.#halfOpen.set(key, socket);
    socket.once('close', () => {
      if (this.#halfOpen.get(key) === socket) this.#halfOpen.delete(key);
    });
    return true;
  }

  #hand(socket: Socket): void {
    const key = keyOf(socket);
    this.#options.onSocket(socket, () => this.#halfOpen.delete(key));
  }
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
