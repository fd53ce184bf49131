import type { IncomingMessage, ServerResponse } from 'node:http';
import { crc32 } from 'node:zlib';
import { acceptedCoding, type ContentCoding, encodeBody } from './content-coding.ts';
import { COMPRESSION_BYTES_MIN } from './limits.ts';

/** A request under way, with what every answer to it needs. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** Set once the content type is known; undefined leaves the header out. */
  contentType: string | undefined;
  readonly server: ServerState;
}

/** What all exchanges of a server share. */
export interface ServerState {
  /** While the server shuts down, every answer asks the client to close its connection. */
  isClosing: boolean;
}

/**
 * Sends an answer: head and body in one go, with request id, checksum and length.
 *
 * The checksum covers the bytes sent, so after compression. An answer of more than 4 KB is
 * compressed if the client asks.
 */
export function send(exchange: Exchange, status: number, body: Uint8Array): void {
  if (body.length > COMPRESSION_BYTES_MIN) {
    const acceptEncoding = exchange.request.headers['accept-encoding'];
    const coding = typeof acceptEncoding === 'string' ? acceptedCoding(acceptEncoding) : undefined;
    if (coding !== undefined) {
      encodeBody(body, coding, (encoded) =>
        encoded === undefined
          ? write(exchange, status, body)
          : write(exchange, status, encoded, coding),
      );
      return;
    }
  }
  write(exchange, status, body);
}

function write(exchange: Exchange, status: number, body: Uint8Array, coding?: ContentCoding): void {
  const headers = headersOf(exchange);
  headers.push('x-amz-crc32', String(crc32(body)), 'Content-Length', String(body.length));
  if (exchange.contentType !== undefined) headers.push('Content-Type', exchange.contentType);
  if (coding !== undefined) headers.push('Content-Encoding', coding);
  exchange.response.writeHead(status, headers);
  exchange.response.end(body);
}

/** 413 as the service sends it: chunked, without a body; the connection lives if the client ends. */
export function sendTooLarge(exchange: Exchange): void {
  const headers = headersOf(exchange);
  headers.push('Transfer-Encoding', 'chunked');
  exchange.response.writeHead(413, headers);
  exchange.response.end();
}

/** Answers a CORS preflight: anything the page asks for is allowed, for two days. */
export function sendPreflight(exchange: Exchange): void {
  const asked = exchange.request.headers;
  const headers = headersOf(exchange);
  headers.push('Access-Control-Max-Age', '172800');
  const allowedHeaders = asked['access-control-request-headers'];
  const allowedMethods = asked['access-control-request-method'];
  if (allowedHeaders !== undefined) headers.push('Access-Control-Allow-Headers', allowedHeaders);
  if (allowedMethods !== undefined) headers.push('Access-Control-Allow-Methods', allowedMethods);
  headers.push('Content-Length', '0');
  exchange.response.writeHead(200, headers);
  exchange.response.end();
}

/**
 * What every answer says. `Server` and the headers that a page may read are the service's (captures of
 * 2018 to 2024: boto3's ResponseMetadata in public code, a survey of AWS's answers to preflights).
 */
function headersOf({ requestId, request, server }: Exchange): string[] {
  const headers = ['Server', 'Server', 'x-amzn-RequestId', requestId];
  if (request.headers.origin !== undefined) {
    headers.push('Access-Control-Allow-Origin', '*');
    headers.push(
      'Access-Control-Expose-Headers',
      'x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date',
    );
  }
  if (server.isClosing) headers.push('Connection', 'close');
  return headers;
}
