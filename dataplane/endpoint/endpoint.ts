import { setTimeout as delay } from 'node:timers/promises';
import type { CallContext, ServerContext } from '../api/operation.ts';
import type { CertificateFiles } from '../tls-files.ts';
import { ApiListener } from './api-listener.ts';
import { LifeCycle, type LifeCycleOptions } from './life-cycle.ts';
import { CLIENT_TIMEOUTS, type ClientTimeouts } from './limits.ts';

/** A port for HTTPS. Its certificate is read again when it changes. */
export interface TlsListener extends CertificateFiles {
  /** 0 takes any free one. */
  readonly port: number;
}

export interface EndpointOptions<Context extends CallContext = ServerContext>
  extends LifeCycleOptions<Context> {
  readonly host: string;
  /** Of plain HTTP; 0 takes any free one; undefined: none, where there is one of HTTPS. */
  readonly port: number | undefined;
  /** On the same host. */
  readonly tls?: TlsListener | undefined;
  readonly timeouts?: ClientTimeouts;
}

/** The HTTP server of the API, on a port or two; requests go to `LifeCycle`. */
export class Endpoint {
  /** Plain HTTP first; at least one. */
  readonly #listeners: readonly [ApiListener, ...ApiListener[]];
  readonly #lifeCycle: Pick<LifeCycle, 'stopKeepAlive'>;

  /**
   * Resolves once connections are accepted.
   * Rejects with TlsFilesError, or the system's error (EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOTFOUND).
   */
  static async listen<Context extends CallContext>(
    options: EndpointOptions<Context>,
  ): Promise<Endpoint> {
    const { host, port, tls, log, timeouts = CLIENT_TIMEOUTS } = options;
    const lifeCycle = new LifeCycle(options);
    const common = { host, log, timeouts, accept: lifeCycle.accept };
    const wanted = [
      ...(port === undefined ? [] : [{ ...common, port, certificate: undefined }]),
      ...(tls === undefined ? [] : [{ ...common, port: tls.port, certificate: tls }]),
    ];
    const opened: ApiListener[] = [];
    try {
      for (const each of wanted) opened.push(await ApiListener.listen(each));
    } catch (error) {
      for (const each of opened) await each.close(0);
      throw error;
    }
    const [first, ...others] = opened;
    if (first === undefined) throw new Error('an endpoint needs a port');
    return new Endpoint(lifeCycle, [first, ...others]);
  }

  private constructor(
    lifeCycle: Pick<LifeCycle, 'stopKeepAlive'>,
    listeners: readonly [ApiListener, ...ApiListener[]],
  ) {
    this.#lifeCycle = lifeCycle;
    this.#listeners = listeners;
  }

  /** Where clients reach this endpoint; an unspecified address is shown as loopback. */
  get url(): string {
    return this.#listeners[0].url;
  }

  /** By HTTPS, if it has a port for that. */
  get tlsUrl(): string | undefined {
    return this.#listeners.find(({ isTls }) => isTls)?.url;
  }

  /** PEM, that it shows now; undefined: it has no port for HTTPS. */
  get certificate(): string | undefined {
    return this.#listeners.find(({ isTls }) => isTls)?.certificate;
  }

  /** For people. */
  get urls(): string {
    return this.#listeners.map(({ url }) => url).join(' and ');
  }

  /** Of `url`. */
  get port(): number {
    return this.#listeners[0].port;
  }

  get plainPort(): number | undefined {
    return this.#listeners.find(({ isTls }) => !isTls)?.port;
  }

  get tlsPort(): number | undefined {
    return this.#listeners.find(({ isTls }) => isTls)?.port;
  }

  /** Open now. */
  get connectionsCount(): number {
    return this.#listeners.reduce((sum, { connectionsCount }) => sum + connectionsCount, 0);
  }

  /**
   * Goes on as before for a while, except that each answer asks the client to close its connection:
   * so nobody has one to lose once whoever sends clients here has stopped to.
   */
  async drain(ms: number): Promise<void> {
    this.#lifeCycle.stopKeepAlive();
    await delay(ms);
  }

  /**
   * Accepts no more connections, lets requests under way finish, and closes each connection after
   * its answer. After `graceMs` what is left is cut.
   */
  async close(graceMs: number): Promise<void> {
    this.#lifeCycle.stopKeepAlive();
    await Promise.all(this.#listeners.map((each) => each.close(graceMs)));
  }
}
