import { setTimeout as delay } from 'node:timers/promises';
import type { OperationContext, ServerContext } from '../api/operation.ts';
import type { CertificateFiles } from '../tls-files.ts';
import { ApiListener } from './api-listener.ts';
import { LifeCycle, type LifeCycleOptions } from './life-cycle.ts';
import { CLIENT_TIMEOUTS, type ClientTimeouts } from './limits.ts';

/** A port for HTTPS. Its certificate is read again when it changes. */
export interface TlsListener extends CertificateFiles {
  /** 0 takes any free one. */
  readonly port: number;
}

export interface EndpointOptions<Context extends OperationContext = ServerContext>
  extends LifeCycleOptions<Context> {
  readonly host: string;
  /** Of plain HTTP; 0 takes any free one. */
  readonly port: number;
  /** On the same host. */
  readonly tls?: TlsListener | undefined;
  readonly timeouts?: ClientTimeouts;
}

/** The HTTP server of the API, on a port or two; requests go to `LifeCycle`. */
export class Endpoint {
  readonly #plain: ApiListener;
  readonly #tls: ApiListener | undefined;
  readonly #lifeCycle: Pick<LifeCycle, 'stopKeepAlive'>;

  /**
   * Resolves once connections are accepted.
   * Rejects with TlsFilesError, or the system's error (EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOTFOUND).
   */
  static async listen<Context extends OperationContext>(
    options: EndpointOptions<Context>,
  ): Promise<Endpoint> {
    const { host, port, tls, log, timeouts = CLIENT_TIMEOUTS } = options;
    const lifeCycle = new LifeCycle(options);
    const common = { host, log, timeouts, accept: lifeCycle.accept };
    const plain = await ApiListener.listen({ ...common, port, certificate: undefined });
    if (tls === undefined) return new Endpoint(lifeCycle, plain, undefined);
    try {
      const secure = await ApiListener.listen({ ...common, port: tls.port, certificate: tls });
      return new Endpoint(lifeCycle, plain, secure);
    } catch (error) {
      await plain.close(0);
      throw error;
    }
  }

  private constructor(
    lifeCycle: Pick<LifeCycle, 'stopKeepAlive'>,
    plain: ApiListener,
    tls: ApiListener | undefined,
  ) {
    this.#lifeCycle = lifeCycle;
    this.#plain = plain;
    this.#tls = tls;
  }

  /** Where clients reach this endpoint; an unspecified address is shown as loopback. */
  get url(): string {
    return this.#plain.url;
  }

  /** The same by HTTPS, if it has a port for that. */
  get tlsUrl(): string | undefined {
    return this.#tls?.url;
  }

  /** For people. */
  get urls(): string {
    return this.#tls === undefined ? this.url : `${this.url} and ${this.#tls.url}`;
  }

  get port(): number {
    return this.#plain.port;
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
    await Promise.all([this.#plain.close(graceMs), this.#tls?.close(graceMs)]);
  }
}
