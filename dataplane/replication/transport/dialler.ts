import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Scheduler, Timer } from '../scheduler.ts';
import { diallerTls, isCertificateFailure } from './certificate.ts';
import type { Handshake, HandshakeFailure } from './handshake.ts';
import type { Address, TlsMaterial, TransportLimits } from './options.ts';
import type { NodeId } from './transport.ts';

export interface DiallerOptions {
  readonly peer: NodeId;
  readonly address: Address;
  /** Asked at each attempt: certificates are renewed while a process runs. */
  readonly tls: () => TlsMaterial | undefined;
  readonly scheduler: Scheduler;
  readonly random: () => number;
  readonly limits: TransportLimits;
  /** For tests: attempts are left out while this holds. */
  readonly isBlocked: () => boolean;
  /** Starts the handshake on a socket that is connected and through with TLS. */
  readonly onSocket: (socket: Socket) => Handshake;
  readonly onFailed: (failure: HandshakeFailure) => void;
}

/**
 * Keeps trying to reach one peer: after each failure, and after the end of each connection, it
 * waits twice as long as before, with jitter, up to a bound.
 */
export class Dialler {
  address: Address;
  readonly #options: DiallerOptions;
  #failures = 0;
  #timer: Timer | undefined;
  #socket: Socket | undefined;
  #handshake: Handshake | undefined;
  #isClosed = false;

  constructor(options: DiallerOptions) {
    this.#options = options;
    this.address = options.address;
    this.#dial();
  }

  /** The handshake that `onSocket` started has failed. */
  onHandshakeFailed(failure: HandshakeFailure): void {
    this.#onFailed(failure);
  }

  /** A connection that this dialler made has ended. */
  onConnectionClosed(heldMs: number): void {
    if (heldMs >= this.#options.limits.heldMs) this.#failures = 0;
    this.#retry();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#socket?.destroy();
    this.#handshake?.abandon();
  }

  #dial(): void {
    this.#timer = undefined;
    if (this.#options.isBlocked()) {
      this.#retry();
      return;
    }
    const { scheduler, limits, peer } = this.#options;
    const tls = this.#options.tls();
    const { host, port } = this.address;
    const socket =
      tls === undefined
        ? connect({ host, port, noDelay: true })
        : connectTls({ host, port, ...diallerTls(tls, peer) }).setNoDelay(true);
    this.#socket = socket;
    const timer = scheduler.after(limits.helloTimeoutMs, () =>
      socket.destroy(new Error('connecting took too long')),
    );
    const onError = (error: Error) => fail(error);
    const fail = (error: Error) => {
      timer.cancel();
      socket.off('close', onClose);
      socket.destroy();
      this.#onFailed(unreachable(peer, error));
    };
    const onClose = () => fail(new Error('the peer closed the connection'));
    socket.on('error', onError);
    socket.on('close', onClose);
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      timer.cancel();
      socket.off('error', onError);
      socket.off('close', onClose);
      this.#socket = undefined;
      this.#handshake = this.#options.onSocket(socket);
    });
  }

  #onFailed(failure: HandshakeFailure): void {
    if (this.#isClosed) return;
    this.#options.onFailed(failure);
    this.#retry();
  }

  #retry(): void {
    this.#socket = undefined;
    this.#handshake = undefined;
    if (this.#isClosed) return;
    const { scheduler, random, limits } = this.#options;
    const fullMs = Math.min(limits.reconnectMsMin * 2 ** this.#failures, limits.reconnectMsMax);
    this.#failures = Math.min(this.#failures + 1, 30);
    // Half of it is random, so that peers of a node that is back do not all come at once.
    this.#timer = scheduler.after(fullMs * (0.5 + random() / 2), () => this.#dial());
  }
}

function unreachable(peer: NodeId, error: Error): HandshakeFailure {
  const reason = error.message || String(('code' in error && error.code) || error.name);
  if (!isCertificateFailure(error)) return { peer, reason };
  return { peer, reason, refusal: { code: 'certificate', message: reason, by: 'us' } };
}
