import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Scheduler, Timer } from '../scheduler.ts';
import { certifiesPeer } from './certificate.ts';
import type { Link } from './connection.ts';
import { FrameError, type FrameKind, frameKinds, handshakeFrame } from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import {
  commonProtocol,
  decodeHello,
  decodeRefusal,
  encodeHello,
  encodeRefusal,
  type Hello,
  judgeHello,
  type Refusal,
} from './hello.ts';
import { type Identity, PROTOCOL_MIN, type Protocol, type TransportLimits } from './options.ts';
import type { NodeId } from './transport.ts';

export interface HandshakeOptions {
  /** Connected, and through with TLS. */
  readonly socket: Socket;
  readonly scheduler: Scheduler;
  readonly limits: TransportLimits;
  readonly self: Identity;
  readonly protocolMax: Protocol;
  readonly nodes: ReadonlyMap<NodeId, unknown>;
  /** Whom the dialler dials; undefined at the listener. */
  readonly dialled: NodeId | undefined;
  /** The listener's last word, on a hello that is in order otherwise. */
  readonly admit: (peer: Identity) => Promise<Refusal | undefined>;
  /** For tests: a hello from such a peer is not heard. */
  readonly isBlocked: (peer: NodeId) => boolean;
  readonly onUp: (link: Link) => void;
  readonly onFailed: (failure: HandshakeFailure) => void;
}

export interface HandshakeFailure {
  /** Who the peer said, or was supposed, to be. */
  readonly peer: NodeId | undefined;
  readonly reason: string;
  /** When one side has refused the other: which, and why. */
  readonly refusal?: Refusal & { readonly by: 'us' | 'peer' };
}

/**
 * The first frames on a connection, at either end:
 *
 * 1. the dialler sends its hello;
 * 2. the listener sends its own, or a refusal;
 * 3. the dialler sends ready, or a refusal; after ready the connection is up at both ends.
 *
 * The version is the highest that both hellos offer. Whoever refuses closes; what has not come to
 * an end within `helloTimeoutMs` is closed without a word.
 */
export class Handshake {
  readonly #options: HandshakeOptions;
  readonly #reader: FrameReader;
  readonly #timer: Timer;
  /** At the listener, of the dialler, once it is admitted: our own hello has gone out. */
  #admitted: Hello | undefined;
  #hasHello = false;
  #isOver = false;

  constructor(options: HandshakeOptions) {
    this.#options = options;
    const { socket, scheduler, limits } = options;
    this.#reader = new FrameReader(
      { bodyBytesMax: limits.helloBytesMax, hasChecksum: false },
      (kind, _id, source, start, end) => this.#onFrame(kind, source.subarray(start, end)),
      (error) => this.#fail({ reason: error.message }),
    );
    this.#timer = scheduler.after(limits.helloTimeoutMs, () =>
      this.#fail({ reason: 'the handshake took too long' }),
    );
    socket.on('data', this.#onData);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    if (options.dialled !== undefined) this.#sendHello();
  }

  /** Drops the connection without a word to anyone. */
  abandon(): void {
    if (this.#isOver) return;
    this.#leave();
    this.#options.socket.destroy();
  }

  readonly #onData = (chunk: Buffer) => this.#reader.feed(chunk);
  readonly #onError = (error: Error) => this.#fail({ reason: error.message });
  readonly #onClose = () => this.#fail({ reason: this.#closedReason() });

  #onFrame(kind: FrameKind, body: Buffer): void {
    if (kind === frameKinds.refusal) {
      const refusal = { ...decodeRefusal(body), by: 'peer' } as const;
      this.#fail({ reason: `refused by the peer: ${refusal.message}`, refusal });
      return;
    }
    if (kind === frameKinds.hello && !this.#hasHello) {
      this.#hasHello = true;
      const hello = decodeHello(body);
      // Silence is all that a blocked peer gets.
      if (!this.#options.isBlocked(hello.id)) this.#onHello(hello);
      return;
    }
    if (kind === frameKinds.ready && this.#admitted !== undefined) {
      this.#up(this.#admitted);
      return;
    }
    throw new FrameError(`a frame of kind ${kind} came out of turn`);
  }

  #onHello(hello: Hello): void {
    const refusal = this.#judge(hello);
    if (refusal !== undefined) {
      this.#refuse(hello.id, refusal);
    } else if (this.#options.dialled !== undefined) {
      this.#options.socket.write(handshakeFrame(frameKinds.ready, Buffer.alloc(0)));
      this.#up(hello);
    } else {
      void this.#admit(hello);
    }
  }

  async #admit(hello: Hello): Promise<void> {
    const refusal = await this.#options.admit(identityOf(hello));
    if (this.#isOver) return;
    if (refusal !== undefined) {
      this.#refuse(hello.id, refusal);
      return;
    }
    this.#admitted = hello;
    this.#sendHello();
  }

  /** A listener that finds our certificate wanting cannot say so: TLS is over, and it trusts nothing. */
  #closedReason(): string {
    const { socket, dialled } = this.#options;
    const mayDistrustUs =
      socket instanceof TLSSocket && dialled !== undefined && socket.bytesRead === 0;
    const guess = mayDistrustUs ? ' without a word; it may not trust our certificate' : '';
    return `the peer closed the connection${guess}`;
  }

  #judge(hello: Hello): Refusal | undefined {
    const { socket, self, protocolMax, nodes, dialled } = this.#options;
    const isCertified = (peer: Hello) => certifiesPeer(socket, peer);
    return judgeHello(hello, { self, protocolMax, nodes, dialled, isCertified });
  }

  #sendHello(): void {
    const { self, protocolMax, dialled, socket } = this.#options;
    const hello: Hello = {
      ...self,
      protocolMin: PROTOCOL_MIN,
      protocolMax,
      ...(dialled === undefined ? {} : { dialled }),
    };
    socket.write(handshakeFrame(frameKinds.hello, encodeHello(hello)));
  }

  #up(hello: Hello): void {
    const protocol = commonProtocol(hello, this.#options.protocolMax);
    if (protocol === undefined) throw new Error('a hello without a common version was let pass');
    this.#leave();
    const { socket } = this.#options;
    this.#options.onUp({ socket, reader: this.#reader, peer: identityOf(hello), protocol });
  }

  #refuse(peer: NodeId, refusal: Refusal): void {
    const { socket } = this.#options;
    const frame = handshakeFrame(frameKinds.refusal, encodeRefusal(refusal));
    this.#fail({
      peer,
      reason: `refused: ${refusal.message}`,
      refusal: { ...refusal, by: 'us' },
      lastWord: () => socket.end(frame),
    });
  }

  #fail(failure: {
    readonly peer?: NodeId;
    readonly reason: string;
    readonly refusal?: HandshakeFailure['refusal'];
    readonly lastWord?: () => void;
  }): void {
    if (this.#isOver) return;
    const { socket, scheduler, limits, dialled, onFailed } = this.#options;
    this.#leave();
    this.#reader.stop();
    const { lastWord, refusal } = failure;
    if (lastWord === undefined) {
      socket.destroy();
    } else {
      lastWord();
      // Read to its end: closing with bytes unread would reset the connection under the refusal.
      socket.resume();
      const timer = scheduler.after(limits.lingerMs, () => socket.destroy());
      socket.once('close', () => timer.cancel());
    }
    onFailed({
      peer: failure.peer ?? dialled,
      reason: failure.reason,
      ...(refusal === undefined ? {} : { refusal }),
    });
  }

  /** The socket is somebody else's, or nobody's, from here on. */
  #leave(): void {
    this.#isOver = true;
    this.#timer.cancel();
    const { socket } = this.#options;
    socket.off('data', this.#onData);
    socket.off('close', this.#onClose);
    // The error listener stays: a socket's errors without one would end the process.
  }
}

function identityOf({ id, role, clusterId, storeId, processId }: Hello): Identity {
  return { id, role, clusterId, storeId, processId };
}
