import { Agent, request } from 'node:http';
import { amzDate } from '../benchmark/signature.ts';
import type { Answer, AnswerBody, ApiRequest } from './api-operations.ts';

/** Names a key but proves nothing: the cluster under test accepts any. */
const AUTHORIZATION =
  'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, ' +
  `SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=${'0'.repeat(64)}`;

/** A request with these errors has not left: there was nobody to connect to. */
const NOT_SENT: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EADDRNOTAVAIL']);

export interface HttpClientOptions {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/** Calls the API once and never again: what became of a call without an answer stays unknown. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  call({ target, body }: ApiRequest): Promise<Answer> {
    const { host, port, timeoutMs } = this.#options;
    const text = JSON.stringify(body);
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const signal = AbortSignal.timeout(timeoutMs);
    const lose = (error: Error): void => resolve(lossOf(error));
    const sent = request(
      {
        host,
        port,
        method: 'POST',
        agent: this.#agent,
        signal,
        headers: {
          'content-type': 'application/x-amz-json-1.0',
          'content-length': Buffer.byteLength(text),
          'x-amz-target': `DynamoDB_20120810.${target}`,
          'x-amz-date': amzDate(new Date()),
          authorization: AUTHORIZATION,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', lose);
        response.on('end', () => resolve(answerOf(response.statusCode ?? 0, chunks)));
      },
    );
    sent.on('error', lose);
    sent.end(text);
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

function answerOf(status: number, chunks: readonly Buffer[]): Answer {
  const text = Buffer.concat(chunks).toString();
  try {
    // Only what is looked at is named; the server is the one under test.
    return { kind: 'answered', status, body: JSON.parse(text) as AnswerBody };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { kind: 'lost', reason: `not JSON: ${text.slice(0, 100)}` };
  }
}

function lossOf(error: Error): Answer {
  const code = 'code' in error ? String(error.code) : error.name;
  return { kind: NOT_SENT.has(code) ? 'notSent' : 'lost', reason: code };
}
