import { X509Certificate } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect as connectTls,
  createServer as createTlsServer,
  Server as TlsServer,
} from 'node:tls';
import { FrameSplitter } from './frame-splitter.ts';
import type { Channel, ChannelEvents, PeerAddress, PeerNetwork } from './peer-network.ts';

/** What the certificate of every dax node names, besides what else it may. */
export const DAX_CERTIFICATE_NAME = 'dax.trestle.dev';

/** PEM texts: the authority that signs all nodes, and this node's own certificate and key. */
export interface PeerTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface TcpPeerNetworkOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Undefined: plain TCP. */
  readonly tls: PeerTls | undefined;
  /** One line of a connection that was not taken. */
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Incoming connections, half-open ones included. */
const CONNECTIONS_MAX = 256;
const TLS_HANDSHAKE_MS = 5_000;
/** What the peer has not taken; beyond it the channel is given up, and what is in the log sent again over another. */
const UNWRITTEN_BYTES_MAX = 32 * 1024 * 1024;
/** What is still to be written when a channel is closed has this long to get out. */
const LINGER_MS = 500;

/** Exactly that name, among the DNS names: neither wildcards nor the subject speak for a node. */
const NAME_RULES = { subject: 'never', wildcards: false } as const;

/** Channels over TCP or mutual TLS: one connection each, frames behind their length. */
export class TcpPeerNetwork implements PeerNetwork {
  readonly #options: TcpPeerNetworkOptions;
  readonly #server: Server | TlsServer;
  readonly #channels = new Set<TcpChannel>();
  readonly #sockets = new Set<Socket>();
  #tls: PeerTls | undefined;
  #accept: ((channel: Channel) => ChannelEvents) | undefined;

  /** Resolves once connections are accepted. Rejects with the system's error (EADDRINUSE, ...). */
  static async listen(options: TcpPeerNetworkOptions): Promise<TcpPeerNetwork> {
    const network = new TcpPeerNetwork(options);
    await network.#listen();
    return network;
  }

  private constructor(options: TcpPeerNetworkOptions) {
    this.#options = options;
    this.#tls = options.tls;
    this.#server =
      options.tls === undefined
        ? createServer({ noDelay: true }, (socket) => this.#onSocket(socket))
        : this.#secured(options.tls);
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    // One that listens on TCP has an address object; a pipe or a closed server has none.
    if (address === null || typeof address === 'string') throw new Error('the network is closed');
    return address.port;
  }

  /** Certificates of now; undefined: plain TCP. */
  get tls(): PeerTls | undefined {
    return this.#tls;
  }

  /** New certificates, for connections from now on. */
  setTls(tls: PeerTls): void {
    if (!(this.#server instanceof TlsServer)) throw new Error('plain TCP has no certificate');
    this.#server.setSecureContext(serverTlsOf(tls));
    this.#tls = tls;
  }

  dial({ host, port }: PeerAddress, events: ChannelEvents): Channel {
    const tls = this.#tls;
    const socket =
      tls === undefined
        ? connect({ host, port, noDelay: true })
        : connectTls({ host, port, ...clientTlsOf(tls) });
    return this.#channel(socket, () => events, tls === undefined ? 'connect' : 'secureConnect');
  }

  onChannel(handler: (channel: Channel) => ChannelEvents): void {
    this.#accept = handler;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const channel of this.#channels) channel.close();
    for (const socket of this.#sockets) endSoon(socket);
    await closed;
  }

  #listen(): Promise<void> {
    const { host, port, log } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (error) => log('peerListenerFailed', { reason: error.message }));
        resolve();
      });
    });
  }

  #secured(tls: PeerTls): TlsServer {
    const server = createTlsServer(
      { ...serverTlsOf(tls), handshakeTimeout: TLS_HANDSHAKE_MS, noDelay: true },
      (socket) => {
        if (isOfDaxNode(socket.getPeerX509Certificate())) this.#onSocket(socket);
        else {
          this.#options.log('peerRefused', { reason: `not made out to ${DAX_CERTIFICATE_NAME}` });
          socket.destroy();
        }
      },
    );
    server.on('connection', (socket: Socket) => this.#remember(socket));
    server.on('tlsClientError', (error) =>
      this.#options.log('peerRefused', { reason: reasonOf(error) }),
    );
    return server;
  }

  #onSocket(socket: Socket): void {
    const accept = this.#accept;
    if (accept === undefined) socket.destroy();
    else this.#channel(socket, accept, undefined);
  }

  #channel(
    socket: Socket,
    eventsOf: (channel: Channel) => ChannelEvents,
    openEvent: 'connect' | 'secureConnect' | undefined,
  ): Channel {
    this.#remember(socket);
    const channel = new TcpChannel(socket, openEvent);
    this.#channels.add(channel);
    socket.once('close', () => this.#channels.delete(channel));
    channel.events = eventsOf(channel);
    return channel;
  }

  #remember(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

class TcpChannel implements Channel {
  events: ChannelEvents | undefined;
  readonly #socket: Socket;
  readonly #splitter = new FrameSplitter((frame) => this.events?.onFrame(frame));
  #isCorked = false;
  #reason = 'the peer closed the connection';

  constructor(socket: Socket, openEvent: 'connect' | 'secureConnect' | undefined) {
    this.#socket = socket;
    if (openEvent !== undefined) socket.once(openEvent, () => this.events?.onOpen());
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error) => {
      this.#reason = reasonOf(error);
    });
    socket.on('close', () => {
      const { events } = this;
      this.events = undefined;
      events?.onClosed(this.#reason);
    });
  }

  send(frame: Uint8Array): void {
    const socket = this.#socket;
    if (this.events === undefined || !socket.writable) return;
    if (socket.writableLength > UNWRITTEN_BYTES_MAX) {
      this.#reason = 'the peer takes nothing';
      socket.destroy();
      return;
    }
    this.#cork();
    socket.write(lengthOf(frame));
    socket.write(frame);
  }

  close(): void {
    this.events = undefined;
    endSoon(this.#socket);
  }

  /** All frames of a turn leave in one write. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.#socket.uncork();
    });
  }

  #onData(chunk: Buffer): void {
    if (this.events === undefined) return;
    const fault = this.#splitter.push(chunk);
    if (fault === undefined) return;
    this.#reason = fault;
    this.#socket.destroy();
  }
}

/** Lets out what is written already, for a moment. */
function endSoon(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.connecting) {
    socket.destroy();
    return;
  }
  socket.resume();
  socket.end();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

function lengthOf(frame: Uint8Array): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(frame.length);
  return length;
}

function serverTlsOf(tls: PeerTls) {
  return { ...tls, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' } as const;
}

/** Addresses come and go; what counts is that the other side is a node of dax. */
function clientTlsOf(tls: PeerTls): ConnectionOptions {
  return {
    ...tls,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    checkServerIdentity: (_host, { raw }) =>
      isOfDaxNode(new X509Certificate(raw))
        ? undefined
        : new Error(`the certificate is not made out to ${DAX_CERTIFICATE_NAME}`),
  };
}

function isOfDaxNode(certificate: X509Certificate | undefined): boolean {
  return certificate?.checkHost(DAX_CERTIFICATE_NAME, NAME_RULES) !== undefined;
}

function reasonOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
