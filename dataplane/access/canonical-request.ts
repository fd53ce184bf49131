import { headerValue, type SignedMessage } from './signed-message.ts';

/** Name and value, percent-decoded. */
export type QueryParameter = readonly [name: string, value: string];

/** What the canonical form needs besides the message itself. */
export interface SignedParts {
  /** Lower-cased and sorted. */
  readonly signedHeaders: readonly string[];
  /** All parameters of the query, decoded; X-Amz-Signature is left out here. */
  readonly query: readonly QueryParameter[];
  /** Hexadecimal SHA-256 of the body, or `UNSIGNED-PAYLOAD`. */
  readonly payloadHash: string;
}

/**
 * The canonical request of Signature Version 4.
 *
 * @see AWS documentation "Create a signed AWS API request"; checked against AWS's published example
 *   and against the signer of the AWS SDK (signature-verifier.test.ts)
 */
export function canonicalRequest(message: SignedMessage, parts: SignedParts): string {
  let text = `${message.method ?? 'POST'}\n${canonicalPath(message.url ?? '/')}\n`;
  text += `${parts.query.length === 0 ? '' : canonicalQuery(parts.query)}\n`;
  for (const name of parts.signedHeaders) {
    text += `${name}:${canonicalHeader(message, name)}\n`;
  }
  return `${text}\n${parts.signedHeaders.join(';')}\n${parts.payloadHash}`;
}

/** The parameters of a request target, in order of appearance. */
export function decodeQuery(url: string): QueryParameter[] {
  const start = url.indexOf('?');
  if (start < 0) return [];
  const parameters: QueryParameter[] = [];
  for (const part of url.slice(start + 1).split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    parameters.push(
      equals < 0
        ? [percentDecode(part), '']
        : [percentDecode(part.slice(0, equals)), percentDecode(part.slice(equals + 1))],
    );
  }
  return parameters;
}

/** Without dot segments and empty segments, every segment encoded once more than it was sent. */
function canonicalPath(url: string): string {
  if (url === '/') return '/';
  const end = url.indexOf('?');
  const path = end < 0 ? url : url.slice(0, end);
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(percentEncode(segment));
  }
  const joined = `/${segments.join('/')}`;
  return path.endsWith('/') && segments.length > 0 ? `${joined}/` : joined;
}

function canonicalQuery(query: readonly QueryParameter[]): string {
  const encoded: [string, string][] = [];
  for (const [name, value] of query) {
    if (name !== 'X-Amz-Signature') encoded.push([percentEncode(name), percentEncode(value)]);
  }
  encoded.sort(([a, x], [b, y]) => compareAscii(a, b) || compareAscii(x, y));
  return encoded.map(([name, value]) => `${name}=${value}`).join('&');
}

/** Trimmed, inner runs of spaces folded, repeats joined by a comma without a space. */
function canonicalHeader(message: SignedMessage, name: string): string {
  const value = headerValue(message, name) ?? '';
  if (value.includes(', ')) {
    const repeats = message.headersDistinct[name];
    if (repeats !== undefined && repeats.length > 1) return repeats.map(foldSpaces).join(',');
  }
  return foldSpaces(value);
}

function foldSpaces(value: string): string {
  const trimmed = value.trim();
  return trimmed.includes('  ') ? trimmed.replace(/ {2,}/g, ' ') : trimmed;
}

/** RFC 3986: all but letters, digits and `-._~`. */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Text that is no percent-encoding stays as it is: the signature then decides. */
function percentDecode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

/** Both are percent-encoded, so code units are bytes. */
function compareAscii(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
