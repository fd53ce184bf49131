import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { type Logger, pino } from 'pino';
import { SignaturePresence } from '../access/signature-presence.ts';
import type { Authenticator } from '../access/signed-message.ts';
import type { JsonObject, Operation, ServerContext } from '../api/operation.ts';
import { operations } from '../api/operations.ts';
import { Catalog } from '../catalog/catalog.ts';
import { LocalRouter } from '../routing/local-router.ts';
import { openStore } from '../storage/open.ts';
import { startLocalTransactions } from '../transaction/local-transactions.ts';
import { Endpoint, type TlsListener } from './endpoint.ts';
import type { Authorize } from './life-cycle.ts';
import type { ClientTimeouts } from './limits.ts';

/** A real server over an empty store in memory, and plain clients, for the tests of this folder. */

export interface TestServer {
  readonly endpoint: Endpoint;
  readonly port: number;
  /** Parsed log lines so far. */
  readonly logged: readonly JsonObject[];
  /** @param graceMs - what requests under way have; 1 s unless given */
  close(graceMs?: number): Promise<void>;
}

export interface TestServerOptions {
  /** Further operations, by name. */
  readonly operations?: Record<string, Operation<ServerContext>['handle']>;
  readonly timeouts?: ClientTimeouts;
  readonly authenticator?: Authenticator;
  readonly authorize?: Authorize;
  readonly logLevel?: 'info' | 'debug';
  readonly host?: string;
  /** Any free one unless given. */
  readonly port?: number;
  readonly tls?: TlsListener;
}

export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const clock = { nowMs: () => Date.now() };
  const place = { region: 'us-east-1', accountId: '000000000000' };
  const store = await openStore({ folder: undefined, durability: 'relaxed' });
  const router = new LocalRouter(store, clock);
  const catalog = await Catalog.open({ store, router, ...place, clock });
  const hasTable = catalog.hasTable.bind(catalog);
  const transactions = await startLocalTransactions({ router, hasTable });
  const logged: JsonObject[] = [];
  const endpoint = await Endpoint.listen({
    operations: new Map([...operations, ...operationsOf(options.operations ?? {})]),
    context: {
      catalog,
      tables: catalog,
      streams: catalog.streams,
      transactions,
      ...place,
      clock,
    },
    authenticator: options.authenticator ?? new SignaturePresence(place.accountId),
    authorize: options.authorize,
    log: loggerTo(logged, options.logLevel ?? 'info'),
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    tls: options.tls,
    ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
  });
  return {
    endpoint,
    port: endpoint.port,
    logged,
    close: async (graceMs = 1_000) => {
      await endpoint.close(graceMs);
      await transactions.close();
      await catalog.close();
      await store.close();
    },
  };
}

function operationsOf(
  handlers: Record<string, Operation<ServerContext>['handle']>,
): [string, Operation<ServerContext>][] {
  return Object.entries(handlers).map(([name, handle]) => [name, { name, handle }]);
}

function loggerTo(logged: JsonObject[], level: string): Logger {
  return pino({ level, base: null }, { write: (line) => logged.push(JSON.parse(line)) });
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface Call {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer | string;
}

/** Enough of a signature for a server that accepts any. */
export const ANY_SIGNATURE = {
  authorization:
    'AWS4-HMAC-SHA256 Credential=a/20261121/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
  'x-amz-date': '20261121T060000Z',
};

/** The headers of an API call. */
export function callHeaders(operation: string, more: Record<string, string> = {}) {
  return {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': `DynamoDB_20120810.${operation}`,
    ...ANY_SIGNATURE,
    ...more,
  };
}

/** One request on a connection of its own. */
export function send(port: number, call: Call): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port,
        method: call.method ?? 'POST',
        path: call.path ?? '/',
        headers: { ...call.headers, connection: 'close' },
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const body = Buffer.concat(chunks);
          const text = body.toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body, text });
        });
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(call.body);
  });
}

/** An API call with a JSON body. */
export function callOperation(port: number, operation: string, body: unknown): Promise<Answer> {
  return send(port, { headers: callHeaders(operation), body: JSON.stringify(body) });
}

/** Writes raw bytes; resolves with all that came back once the server has closed the connection. */
export function sendRaw(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    // A reset is one of the ways in which the server closes; what was read before still counts.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

/** An API call as bytes on the wire. */
export function rawCall(
  operation: string,
  body: string,
  more: Record<string, string> = {},
): string {
  const headers = Object.entries({
    host: 'localhost',
    ...callHeaders(operation),
    'content-length': String(Buffer.byteLength(body)),
    ...more,
  });
  return `POST / HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}
