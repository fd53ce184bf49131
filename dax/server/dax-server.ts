import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Authorizer } from '../../dataplane/access/authorizer.ts';
import type { CertificateFiles } from '../../dataplane/tls-files.ts';
import type { Member } from '../cluster/coherence.ts';
import { CallerAccess } from './caller-access.ts';
import { type DaxCounters, newCounters } from './counters.ts';
import { DaxAnswers } from './dax-answers.ts';
import { DaxListener } from './dax-listener.ts';
import type { DoorLists, DoorTables } from './door-tables.ts';
import type { Handshakes } from './handshake.ts';
import { CONNECTIONS_MAX, SESSION_TIMEOUTS, type SessionTimeouts } from './limits.ts';
import { Session, type SessionClock, type SessionContext } from './session.ts';

export interface DaxServerOptions {
  readonly host: string;
  /** Of plain TCP; 0 takes any free one; undefined: none, where there is one of TLS. */
  readonly port: number | undefined;
  /** TLS on the same host. The files are read again when they change. */
  readonly tls?: (CertificateFiles & { readonly port: number }) | undefined;
  readonly tables: DoorTables;
  readonly lists: DoorLists;
  /** Nodes that clients are told, of now: `Coherence.members`. */
  readonly members: () => readonly Member[];
  readonly handshakes: Handshakes;
  readonly authorizer: Authorizer;
  /** `arn:aws:dax:<region>:<account>:cache/<cluster>`, which policies are about. */
  readonly clusterArn: string;
  readonly log: Logger;
  readonly clock?: SessionClock;
  readonly timeouts?: SessionTimeouts;
  /** Of each port. */
  readonly connectionsMax?: number;
}

const systemClock: SessionClock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** The DAX door of a node: `dax://`, and `daxs://` if it has a certificate. */
export class DaxServer {
  #plain: DaxListener | undefined;
  #tls: DaxListener | undefined;
  readonly #sessions = new Map<Socket, Session>();
  readonly #context: SessionContext;
  readonly #check: NodeJS.Timeout;
  #isClosing = false;

  /** What has happened here, for metrics. */
  readonly counters: DaxCounters = newCounters();

  /**
   * Resolves once connections are accepted.
   * Rejects with TlsFilesError, or the system's error (EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOTFOUND).
   */
  static async listen(options: DaxServerOptions): Promise<DaxServer> {
    const server = new DaxServer(options);
    try {
      await server.#listen(options);
    } catch (error) {
      await server.close(0);
      throw error;
    }
    return server;
  }

  private constructor(options: DaxServerOptions) {
    const { tables, lists, members, handshakes, log } = options;
    const { clock = systemClock, timeouts = SESSION_TIMEOUTS } = options;
    const { counters } = this;
    const access = new CallerAccess(options.authorizer, options.clusterArn);
    const answers = new DaxAnswers({ tables, lists, members, access, counters, log });
    const held = { bytes: 0 };
    this.#context = { answers, handshakes, counters, clock, timeouts, held, log };
    this.#check = setInterval(() => this.#checkTimeouts(), timeouts.checkMs).unref();
  }

  /** Undefined if there is none, here as with `tlsPort`. */
  get port(): number | undefined {
    return this.#plain?.port;
  }

  get tlsPort(): number | undefined {
    return this.#tls?.port;
  }

  /** PEM, that it shows now; undefined: it has no port of TLS. */
  get certificate(): string | undefined {
    return this.#tls?.certificate;
  }

  /** Of requests that have not arrived whole, or wait for their answers. */
  get heldBytes(): number {
    return this.#context.held.bytes;
  }

  /**
   * Accepts no more connections, lets requests under way finish, and closes each connection with FIN.
   * After `graceMs` what is left is cut. Clients are to be led elsewhere first (`Coherence.leave`, and some
   * seconds for them to ask): they lose what they send on a connection that the server has closed.
   */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#check);
    const closed = Promise.all([this.#plain?.close(), this.#tls?.close()]);
    for (const session of this.#sessions.values()) session.finish();
    const timer = setTimeout(() => {
      for (const session of this.#sessions.values()) session.destroy();
    }, graceMs);
    await closed;
    clearTimeout(timer);
  }

  async #listen(options: DaxServerOptions): Promise<void> {
    const { host, port, tls, log, connectionsMax = CONNECTIONS_MAX } = options;
    const { tlsMs } = this.#context.timeouts;
    const refuse = () => {
      this.counters.connectionsRefused += 1;
    };
    const common = { host, tlsMs, log, accept: this.#accept, refuse, connectionsMax };
    if (port !== undefined) {
      this.#plain = await DaxListener.listen({ ...common, port, certificate: undefined });
    }
    if (tls !== undefined) {
      this.#tls = await DaxListener.listen({ ...common, port: tls.port, certificate: tls });
    }
  }

  readonly #accept = (socket: Socket, isTls: boolean): void => {
    const { counters } = this;
    if (this.#isClosing) {
      socket.destroy();
      return;
    }
    counters.connectionsAccepted += 1;
    counters.connectionsCount += 1;
    this.#sessions.set(socket, new Session(socket, this.#context, isTls));
    socket.once('close', () => {
      counters.connectionsCount -= 1;
      this.#sessions.delete(socket);
    });
  };

  #checkTimeouts(): void {
    const nowMs = this.#context.clock.monotonicMs();
    for (const session of this.#sessions.values()) session.checkTimeouts(nowMs);
  }
}
