/** Bounds of the HTTP side; sources: reference/dynamodb.md sections 2 and 4, or our own choice. */

/** The service's; a request body beyond it is answered with 413. Counts after decompression too. */
export const REQUEST_BODY_BYTES_MAX = 16 * 1024 * 1024;

/** Request line and headers in sum; node:http counts them together. */
export const REQUEST_HEAD_BYTES_MAX = 16 * 1024;

/** The service compresses answers larger than this, when asked. */
export const COMPRESSION_BYTES_MIN = 4 * 1024;

/**
 * How much of an oversized body is read and thrown away, so that the client can finish sending and
 * read its 413; beyond it the connection is cut.
 */
export const DISCARD_BYTES_MAX = 32 * 1024 * 1024;

/** Bodies of several chunks that may be held at a time, over all connections. */
export const HELD_BODY_BYTES_MAX = 256 * 1024 * 1024;

/** Sockets beyond it are closed at once; one idle connection costs about 15 KB. */
export const CONNECTIONS_MAX = 8192;

/** Waits on a client, in milliseconds. */
export interface ClientTimeouts {
  /** From the first byte of a request to the end of its headers. */
  readonly headersMs: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestMs: number;
  /** Between two requests on a connection. */
  readonly keepAliveMs: number;
  /** Without a byte in either direction while a request is under way (a client that reads nothing). */
  readonly inactivityMs: number;
  /** How often the first two are looked at. */
  readonly checkMs: number;
}

export const CLIENT_TIMEOUTS: ClientTimeouts = {
  headersMs: 20_000,
  requestMs: 120_000,
  keepAliveMs: 75_000,
  inactivityMs: 120_000,
  checkMs: 5_000,
};
