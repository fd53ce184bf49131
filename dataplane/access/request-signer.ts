import { createHmac, hash } from 'node:crypto';
import { canonicalRequest } from './canonical-request.ts';
import type { Credential } from './credentials.ts';
import { basicFormat } from './signature-date.ts';

/** A request of the API before it is signed: `POST /` with lower-case header names, `host` among them. */
export interface UnsignedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Whom and when a request is signed for. */
export interface SigningScope {
  readonly region: string;
  readonly nowMs: number;
}

/**
 * Signs a request with Signature Version 4, as `SignatureVerifier` checks it.
 * @returns all headers to send: those given, the date, and the signature over both
 */
export function signedHeaders(
  { headers, body }: UnsignedRequest,
  credential: Credential,
  { region, nowMs }: SigningScope,
): Record<string, string> {
  const dateTime = basicFormat(nowMs);
  const token = credential.sessionToken;
  const sent = {
    ...headers,
    'x-amz-date': dateTime,
    ...(token === undefined ? {} : { 'x-amz-security-token': token }),
  };
  const names = Object.keys(sent).sort();
  const canonical = canonicalRequest(
    { method: 'POST', url: '/', headers: sent, headersDistinct: {} },
    { signedHeaders: names, query: [], payloadHash: hash('sha256', body, 'hex') },
  );
  const scope = `${dateTime.slice(0, 8)}/${region}/dynamodb/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${dateTime}\n${scope}\n${hash('sha256', canonical, 'hex')}`;
  const key = credential.signingKeys.keyFor(scope);
  const signature = createHmac('sha256', key).update(text).digest('hex');
  const authorization =
    `AWS4-HMAC-SHA256 Credential=${credential.accessKeyId}/${scope}, ` +
    `SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { ...sent, authorization };
}
