import { createHmac } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { TriggerTarget } from '../partition/trigger.ts';
import type { PostResult } from './batch-answer.ts';
import { SecretFileError, type SecretFiles } from './secret-files.ts';
import type { EventPost, EventPoster } from './trigger-context.ts';

/** All names of failed records of the largest batch fit. */
const ANSWER_BYTES_MAX = 1024 * 1024;
/** A connection that is not used is closed after this time. */
const IDLE_MS = 15_000;
/** Events to one address that are under way at once; others wait for their turn. */
const PER_ADDRESS_MAX = 64;
const AGENTS_MAX = 64;

export const TIMESTAMP_HEADER = 'x-trestle-timestamp';
export const SIGNATURE_HEADER = 'x-trestle-signature';

/**
 * Posts events by HTTP(S): certificates are verified, redirects are not followed, and answers are
 * bounded in time and size.
 */
export class HttpPoster implements EventPoster {
  readonly #secrets: SecretFiles;
  readonly #nowMs: () => number;
  readonly #agents = new Map<string, HttpAgent | HttpsAgent>();
  readonly #lines = new Map<string, WaitingLine>();

  constructor(secrets: SecretFiles, nowMs: () => number) {
    this.#secrets = secrets;
    this.#nowMs = nowMs;
  }

  async post(post: EventPost): Promise<PostResult> {
    const { target, signal } = post;
    const { host } = new URL(target.url);
    const line = this.#line(host);
    if (!(await line.enter(signal))) return ENDED;
    try {
      const { result, isStale } = await this.#send(post);
      // The target has closed the connection that was kept since the last event.
      return isStale && !signal.aborted ? (await this.#send(post)).result : result;
    } catch (error) {
      if (!(error instanceof SecretFileError)) throw error;
      return { kind: 'failed', reason: error.message };
    } finally {
      line.leave();
      if (line.isEmpty) this.#lines.delete(host);
    }
  }

  /** Closes connections. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #line(host: string): WaitingLine {
    let line = this.#lines.get(host);
    if (line === undefined) {
      line = new WaitingLine(PER_ADDRESS_MAX);
      this.#lines.set(host, line);
    }
    return line;
  }

  /** @throws SecretFileError */
  #send({ target, body, timeoutMs, signal }: EventPost): Promise<Sent> {
    const url = new URL(target.url);
    const isSecure = url.protocol === 'https:';
    const options: RequestOptions = {
      method: 'POST',
      agent: this.#agent(target, isSecure),
      headers: {
        'content-type': 'application/json',
        'content-length': body.length,
        'user-agent': 'trestle-trigger',
        ...this.#authentication(target, body),
      },
    };
    const { promise, resolve } = Promise.withResolvers<Sent>();
    const settle = (result: PostResult) => resolve({ result, isStale: false });
    const failed = (reason: string) => settle({ kind: 'failed', reason });
    const request = isSecure ? httpsRequest(url, options) : httpRequest(url, options);
    const timer = setTimeout(() => {
      failed(`no answer within ${timeoutMs / 1000} s`);
      request.destroy();
    }, timeoutMs);
    const onAbort = () => {
      settle(ENDED);
      request.destroy();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    request.on('error', (error) => {
      const reason = reasonOf(error);
      const isStale = request.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(reason);
      resolve({ result: { kind: 'failed', reason }, isStale });
    });
    request.on('response', (response) => {
      answerOf(response).then(
        (answer) => {
          if (answer.body === undefined) request.destroy();
          settle(answer);
        },
        (error) => failed(reasonOf(error)),
      );
    });
    request.end(body);
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    });
  }

  /** @throws SecretFileError */
  #authentication({ auth }: TriggerTarget, body: Buffer): Record<string, string> {
    if (auth === undefined) return {};
    const secret = this.#secrets.secret(auth.secret);
    if (auth.scheme === 'BEARER') {
      if (!/^[!-~]+$/.test(secret)) {
        throw new SecretFileError(`the token ${auth.secret} has characters that no header takes`);
      }
      return { authorization: `Bearer ${secret}` };
    }
    const timestamp = `${Math.floor(this.#nowMs() / 1000)}`;
    return {
      [TIMESTAMP_HEADER]: timestamp,
      [SIGNATURE_HEADER]: `v1=${signatureOf(secret, timestamp, body)}`,
    };
  }

  /** One for all targets with the same authorities. @throws SecretFileError */
  #agent({ caBundle }: TriggerTarget, isSecure: boolean): HttpAgent | HttpsAgent {
    const ca = !isSecure || caBundle === undefined ? undefined : this.#secrets.text(caBundle);
    const name = `${isSecure} ${ca ?? ''}`;
    const known = this.#agents.get(name);
    if (known !== undefined) return known;
    const settings = { keepAlive: true, timeout: IDLE_MS, maxFreeSockets: 16 };
    const agent = isSecure
      ? new HttpsAgent(ca === undefined ? settings : { ...settings, ca })
      : new HttpAgent(settings);
    for (const [oldest, old] of this.#agents) {
      if (this.#agents.size < AGENTS_MAX) break;
      // Requests under way go on; connections of it are not used again.
      this.#agents.delete(oldest);
      setTimeout(() => old.destroy(), 15 * 60_000).unref();
    }
    this.#agents.set(name, agent);
    return agent;
  }
}

interface Sent {
  readonly result: PostResult;
  /** Nothing was answered on a connection that was used before. */
  readonly isStale: boolean;
}

const ENDED: PostResult = { kind: 'failed', reason: 'it was ended' };

/**
 * Signature of an event: hex of HMAC-SHA-256 over `timestamp.body`, keyed with the secret's text. The
 * receiver compares it, and refuses what is older than a few minutes.
 * @param timestamp - seconds since 1970
 */
export function signatureOf(secret: string, timestamp: string, body: Buffer): string {
  return createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
}

/** What is too large is not read to its end: its status says all that it can. */
async function answerOf(response: IncomingMessage): Promise<PostResult & { kind: 'answered' }> {
  const { statusCode: status = 0 } = response;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    const part = chunk as Buffer; // No encoding is set.
    bytes += part.length;
    if (bytes > ANSWER_BYTES_MAX) return { kind: 'answered', status, body: undefined };
    chunks.push(part);
  }
  return { kind: 'answered', status, body: Buffer.concat(chunks) };
}

/** The system's code says more than its text, and is no longer. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

/** Lets so many in at once, in the order of their coming. */
class WaitingLine {
  readonly #max: number;
  readonly #waiting = new Set<() => void>();
  #insideCount = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get isEmpty(): boolean {
    return this.#insideCount === 0 && this.#waiting.size === 0;
  }

  /** Whether it is inside, and has to leave; not when the signal fires before. */
  async enter(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#insideCount < this.#max) {
      this.#insideCount += 1;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const go = () => resolve(true);
    const giveUp = () => {
      if (this.#waiting.delete(go)) resolve(false);
    };
    this.#waiting.add(go);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  leave(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next();
      return;
    }
    this.#insideCount -= 1;
  }
}
