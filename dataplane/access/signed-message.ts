import type { Principal } from './principal.ts';

/**
 * What a signature covers, as node:http presents it (an IncomingMessage fits).
 * `headers` has lower-cased names with repeats joined by `, `; `headersDistinct` keeps them apart.
 */
export interface SignedMessage {
  readonly method?: string | undefined;
  /** Path and query as sent. */
  readonly url?: string | undefined;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly headersDistinct: { readonly [name: string]: string[] | undefined };
}

/** Decides whether a request's signature lets it in. */
export interface Authenticator {
  /**
   * Returns who calls, if the request may go on.
   * @param body the bytes as sent, before any decompression
   * @throws ClientFault, one of `signatureFaults`
   */
  authenticate(message: SignedMessage, body: Uint8Array, nowMs: number): Principal;
}

/** One value of a header that is sent at most once, or the joined values. */
export function headerValue(message: SignedMessage, name: string): string | undefined {
  const value = message.headers[name];
  return typeof value === 'string' ? value : value?.join(',');
}
