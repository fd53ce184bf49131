/** What about the bytes was wrong. Stable: a label of metrics. */
export type ProtocolErrorReason =
  /** The connection does not begin with the magic. */
  | 'magic'
  /** Any other value of the preamble, or its size. */
  | 'preamble'
  /** The service id is not 1. */
  | 'service'
  /** A method id that no client sends. Its arguments cannot be counted. */
  | 'method'
  /** A head byte that CBOR does not define, a string of indefinite length, a stray break. */
  | 'head'
  /** Nested deeper than allowed. */
  | 'depth'
  /** A request, or a string in it, longer than allowed. */
  | 'size';

/**
 * Bytes on a connection after which nobody knows where the next request begins, or which no client
 * sends: the connection is to be closed. What is wrong inside a request whose end is certain is a
 * `ClientFault` instead, and the connection goes on.
 */
export class ProtocolError extends Error {
  readonly reason: ProtocolErrorReason;

  constructor(reason: ProtocolErrorReason, message: string) {
    super(message);
    this.name = 'ProtocolError';
    this.reason = reason;
  }
}
