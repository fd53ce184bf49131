/** Bounds of the DAX door. Sources: reference/dax-protocol.md, or our own choice. */

/** Connections beyond it are closed at once. Clients keep up to 100 a node and process (section 15). */
export const CONNECTIONS_MAX = 8192;

/** What a connection may send while it waits for an answer; then it is not read from any more. */
export const PIPELINED_BYTES_MAX = 64 * 1024;

/** Requests that have not arrived whole, over all connections. */
export const HELD_BYTES_MAX = 256 * 1024 * 1024;

/** Answers that a client has not taken yet; then none of its requests is looked at. */
export const UNSENT_BYTES_MAX = 1024 * 1024;

/** An authorisation, from its receipt: the service's 5 minutes and a minute of slack (section 4). */
export const AUTHORISATION_MS = 6 * 60_000;

/** Waits on a client, in milliseconds. A connection without a request under way is never closed. */
export interface SessionTimeouts {
  /** From the connection to the end of its preamble, which clients send at once. */
  readonly preambleMs: number;
  /**
   * From the first byte of a request to its last. Clients give up after 60 s; Go's sends no more than the
   * head of a transaction whose table is not there, and waits.
   */
  readonly requestMs: number;
  /** Of a client that takes no answers. */
  readonly unsentMs: number;
  /** For TLS to be negotiated. */
  readonly tlsMs: number;
  /** For the other side to close, once this one has. */
  readonly lingerMs: number;
  /** How often these are looked at. */
  readonly checkMs: number;
}

export const SESSION_TIMEOUTS: SessionTimeouts = {
  preambleMs: 60_000,
  requestMs: 30_000,
  unsentMs: 120_000,
  tlsMs: 20_000,
  lingerMs: 5_000,
  checkMs: 5_000,
};

/** Compiled projections remembered, so that a hot one is read once; longer ones are not. */
export const PROJECTION_BYTES_MAX = 1024;

/** Between two probes of a connection on which nothing moves. */
export const KEEP_ALIVE_MS = 60_000;
