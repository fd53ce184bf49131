import type { Credential } from '../../dataplane/access/credentials.ts';
import { signedHeaders } from '../../dataplane/access/request-signer.ts';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import { answerOf, UnusableAnswerError } from './table-answer.ts';
import { type CallOptions, TableCallError, type TableCalls } from './table-calls.ts';
import { type Attempt, TableConnections } from './table-connections.ts';

export interface HttpTableCallsOptions {
  /** `http:` or `https:` URL of the tables; its path is not used. */
  readonly endpoint: string;
  /** PEM of the authority of an `https:` endpoint, asked for at each connection; undefined: those that Node.js knows. */
  readonly ca: () => string | undefined;
  /** Asked for at each call, as keys are replaced while a process runs. */
  readonly credential: () => Credential;
  readonly region: string;
  readonly limits?: Partial<CallLimits>;
}

/** Bounds, and times in ms. */
export interface CallLimits {
  /** Connections to the tables; further calls wait for one. */
  readonly connectionsMax: number;
  /** Calls under way, and those that wait; further ones fail at once. */
  readonly callsMax: number;
  /** A single try of a read, from its beginning to the end of its answer. */
  readonly attemptMs: number;
  /** A call with all its tries; a write gets all of it for each. */
  readonly callMs: number;
  readonly attemptsMax: number;
  /** The first wait between two tries; it doubles, and half of it is random. */
  readonly backOffMs: number;
  readonly answerBytesMax: number;
}

export const defaultCallLimits: CallLimits = {
  connectionsMax: 256,
  callsMax: 8192,
  attemptMs: 5_000,
  callMs: 10_000,
  attemptsMax: 4,
  backOffMs: 50,
  // The largest answers are 16 MB of items, in JSON that may be a little longer.
  answerBytesMax: 64 * 1024 * 1024,
};

/** What has happened since the start, for the page of metrics. */
export interface TableCallMetrics {
  readonly callsCount: number;
  /** Tries beyond the first of a call. */
  readonly retriesCount: number;
  /** Calls that ended in a ClientFault. */
  readonly faultsCount: number;
  /** Calls that ended in a TableCallError, and of these the uncertain ones. */
  readonly errorsCount: number;
  readonly uncertainCount: number;
  readonly inFlightCount: number;
}

/** Operations that change nothing: what was not answered is asked again. */
const READS: ReadonlySet<string> = new Set([
  'BatchGetItem',
  'DescribeTable',
  'GetItem',
  'Query',
  'Scan',
  'TransactGetItems',
]);

/**
 * The tables' API by HTTP(S), signed with the cluster's own role, over connections that are kept.
 *
 * Reads are tried again after anything that is no answer. Writes are only where the request certainly
 * was not sent; what else befalls them is uncertain, and for the caller to judge.
 */
export class HttpTableCalls implements TableCalls {
  readonly #options: HttpTableCallsOptions;
  readonly #limits: CallLimits;
  readonly #host: string;
  readonly #connections: TableConnections;
  #isClosed = false;
  #callsCount = 0;
  #retriesCount = 0;
  #faultsCount = 0;
  #errorsCount = 0;
  #uncertainCount = 0;
  #inFlightCount = 0;

  constructor(options: HttpTableCallsOptions) {
    const url = new URL(options.endpoint);
    this.#options = options;
    this.#limits = { ...defaultCallLimits, ...options.limits };
    this.#host = url.host;
    this.#connections = new TableConnections(url, options.ca, this.#limits);
  }

  get metrics(): TableCallMetrics {
    return {
      callsCount: this.#callsCount,
      retriesCount: this.#retriesCount,
      faultsCount: this.#faultsCount,
      errorsCount: this.#errorsCount,
      uncertainCount: this.#uncertainCount,
      inFlightCount: this.#inFlightCount,
    };
  }

  async call(
    operation: string,
    body: JsonObject,
    { signal }: CallOptions = {},
  ): Promise<JsonObject> {
    this.#callsCount += 1;
    this.#inFlightCount += 1;
    try {
      if (this.#inFlightCount > this.#limits.callsMax) {
        throw new TableCallError('too many calls of the tables are under way', false);
      }
      return await this.#tryRepeatedly(operation, JSON.stringify(body), signal);
    } catch (error) {
      if (error instanceof TableCallError) {
        this.#errorsCount += 1;
        if (error.isUncertain) this.#uncertainCount += 1;
      } else {
        this.#faultsCount += 1;
      }
      throw error;
    } finally {
      this.#inFlightCount -= 1;
    }
  }

  /** Calls under way fail, as do those to come. */
  close(): void {
    this.#isClosed = true;
    this.#connections.close();
  }

  async #tryRepeatedly(
    operation: string,
    body: string,
    signal: AbortSignal | undefined,
  ): Promise<JsonObject> {
    const { attemptsMax, callMs, attemptMs, backOffMs } = this.#limits;
    const isRead = READS.has(operation);
    const startMs = performance.now();
    for (let attempt = 1; ; attempt += 1) {
      try {
        const leftMs = startMs + callMs - performance.now();
        const timeoutMs = isRead ? Math.min(attemptMs, leftMs) : leftMs;
        return await this.#tryOnce(operation, body, { timeoutMs, signal });
      } catch (error) {
        if (!(error instanceof TableCallError)) throw error;
        const waitMs = backOffMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
        const isInTime = performance.now() + waitMs < startMs + callMs;
        if (
          !mayRepeat(error, isRead) ||
          !isInTime ||
          attempt >= attemptsMax ||
          this.#isOver(signal)
        )
          throw error;
        await pause(waitMs, signal);
        if (this.#isOver(signal)) throw error;
      }
      this.#retriesCount += 1;
    }
  }

  #isOver(signal: AbortSignal | undefined): boolean {
    return this.#isClosed || signal?.aborted === true;
  }

  async #tryOnce(
    operation: string,
    body: string,
    waits: Pick<Attempt, 'timeoutMs' | 'signal'>,
  ): Promise<JsonObject> {
    if (this.#isOver(waits.signal)) throw new TableCallError('the call was ended', false);
    const headers = this.#headers(operation, body);
    return answerOf(operation, await this.#connections.post({ headers, body, ...waits }));
  }

  /** Names and values in turns: node:http takes these as they are. */
  #headers(operation: string, body: string): string[] {
    const { credential, region } = this.#options;
    const target = `DynamoDB_20120810.${operation}`;
    const signed = signedHeaders(
      { headers: { host: this.#host, 'x-amz-target': target }, body },
      credential(),
      { region, nowMs: Date.now() },
    );
    const headers = [
      'content-type',
      'application/x-amz-json-1.0',
      'content-length',
      String(Buffer.byteLength(body)),
    ];
    for (const name in signed) headers.push(name, signed[name] ?? '');
    return headers;
  }
}

/** What the tables refused, in whatever form, they would refuse again. */
function mayRepeat(error: TableCallError, isRead: boolean): boolean {
  if (error instanceof UnusableAnswerError) return isRead && error.isUncertain;
  return isRead || !error.isUncertain;
}

/** Resolves after `delayMs`, or when the signal fires. */
function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, delayMs);
  const stop = () => {
    clearTimeout(timer);
    resolve();
  };
  signal?.addEventListener('abort', stop, { once: true });
  return promise.finally(() => signal?.removeEventListener('abort', stop));
}
