import { randomUUID, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import {
  SIGNATURE_HEADER,
  signatureOf,
  TIMESTAMP_HEADER,
} from '../../../dataplane/trigger/http-poster.ts';
import type { LambdaHandler } from './lambda-event.ts';

/** An event that was signed longer ago is refused: somebody may have recorded it. */
const SIGNATURE_AGE_S_MAX = 300;
const TIMEOUT_MS = 30_000;

export interface LambdaServerOptions {
  readonly functionName: string;
  readonly port: number;
  /** Key of the trigger's HMAC; undefined: whoever reaches the port may call. */
  readonly hmacKey: string | undefined;
}

export interface LambdaServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Runs a function written for AWS Lambda: its event is the body of a POST, its answer the response. */
export async function serveLambda(
  handler: LambdaHandler,
  { functionName, port, hmacKey }: LambdaServerOptions,
): Promise<LambdaServer> {
  const server = createServer((request, response) => {
    answer(request).then(
      ({ status, body }) => response.writeHead(status, JSON_TYPE).end(JSON.stringify(body)),
      (error: unknown) => {
        const body = { errorType: 'Error', errorMessage: String(error) };
        response.writeHead(500, JSON_TYPE).end(JSON.stringify(body));
      },
    );
  });

  async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const body = await buffer(request);
    if (hmacKey !== undefined && !isSigned(request.headers, body, hmacKey)) {
      return { status: 403, body: { errorMessage: 'the signature is not valid' } };
    }
    const endMs = Date.now() + TIMEOUT_MS;
    const result = await handler(JSON.parse(body.toString('utf8')), {
      functionName,
      awsRequestId: randomUUID(),
      getRemainingTimeInMillis: () => endMs - Date.now(),
    });
    return { status: 200, body: result ?? null };
  }

  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  // It listens on TCP.
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${taken}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

function isSigned(headers: IncomingHttpHeaders, body: Buffer, key: string): boolean {
  const timestamp = headers[TIMESTAMP_HEADER];
  const signature = headers[SIGNATURE_HEADER];
  if (typeof timestamp !== 'string' || typeof signature !== 'string') return false;
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= SIGNATURE_AGE_S_MAX)) return false;
  const expected = Buffer.from(`v1=${signatureOf(key, timestamp, body)}`);
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
