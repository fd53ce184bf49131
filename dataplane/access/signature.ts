import { signatureFaults } from '../errors/transport.ts';
import { decodeQuery, type QueryParameter } from './canonical-request.ts';
import { headerValue, type SignedMessage } from './signed-message.ts';

/** The signature a request carries, taken apart but not judged yet. */
export interface Signature {
  /** Where it stood: the Authorization header, or the query (a presigned request). */
  readonly place: 'header' | 'query';
  readonly algorithm: string;
  /** `keyid/date/region/service/terminator`. */
  readonly credential: string;
  /** Names separated by `;`, as sent. */
  readonly signedHeaders: string;
  /** 64 hexadecimal digits if it is a good one. */
  readonly signature: string;
  /** As sent: ISO-8601 basic format, or an HTTP date in the `Date` header. */
  readonly date: string;
  /** Seconds, only presigned; undefined if the parameter is absent. */
  readonly expires: string | undefined;
  /** X-Amz-Security-Token. */
  readonly sessionToken: string | undefined;
  /** All query parameters, decoded, in order of appearance. */
  readonly query: readonly QueryParameter[];
}

const NO_QUERY: readonly QueryParameter[] = [];

/** The header as every SDK writes it; what differs takes the general way. */
const USUAL_HEADER =
  /^(AWS4-[^ ,]+) Credential=([^ ,=]+), SignedHeaders=([^ ,=]+), Signature=([^ ,=]+)$/;

/**
 * Finds the signature and checks that all of its parts are there.
 * @throws ClientFault: header and query both, no token, missing parts
 * @see reference/dynamodb.md section 4, the order of its table
 */
export function readSignature(message: SignedMessage): Signature {
  const url = message.url ?? '/';
  const query = url.includes('?') ? decodeQuery(url) : NO_QUERY;
  const authorization = headerValue(message, 'authorization');
  const isPresigned = query !== NO_QUERY && query.some(([name]) => name === 'X-Amz-Algorithm');
  if (isPresigned) {
    if (authorization) throw signatureFaults.headerAndQuery();
    return readQuery(query);
  }
  if (!authorization) throw signatureFaults.missingToken();
  return readHeader(message, authorization, query);
}

function readHeader(
  message: SignedMessage,
  authorization: string,
  query: readonly QueryParameter[],
): Signature {
  const date = headerValue(message, 'x-amz-date') || headerValue(message, 'date');
  const usual = USUAL_HEADER.exec(authorization);
  const [algorithm, credential, signedHeaders, signature] =
    usual === null
      ? looseParts(authorization)
      : [usual[1] ?? '', usual[2] ?? '', usual[3] ?? '', usual[4] ?? ''];
  if (!credential || !signature || !signedHeaders || !date) {
    const missing = [];
    if (!credential) missing.push('Credential');
    if (!signature) missing.push('Signature');
    if (!signedHeaders) missing.push('SignedHeaders');
    throw signatureFaults.headerParts(missing, !!date, authorization);
  }
  return {
    place: 'header',
    algorithm,
    credential,
    signedHeaders,
    signature,
    date,
    expires: undefined,
    sessionToken: headerValue(message, 'x-amz-security-token'),
    query,
  };
}

/** Algorithm, Credential, SignedHeaders, Signature in any order, between commas or spaces. */
function looseParts(authorization: string): [string, string, string, string] {
  const header = authorization.trim();
  if (!header.startsWith('AWS4-')) throw signatureFaults.missingToken();
  const [algorithm = '', ...rest] = header.split(/[, ]+/);
  const parts = new Map<string, string>();
  for (const part of rest) {
    const [name = '', value = ''] = part.split('=');
    parts.set(name, value);
  }
  return [
    algorithm,
    parts.get('Credential') ?? '',
    parts.get('SignedHeaders') ?? '',
    parts.get('Signature') ?? '',
  ];
}

const QUERY_PARTS = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Signature',
  'X-Amz-SignedHeaders',
  'X-Amz-Date',
] as const;

function readQuery(query: readonly QueryParameter[]): Signature {
  const parameters = new Map(query);
  const missing = QUERY_PARTS.filter((part) => !parameters.get(part));
  if (missing.length > 0) throw signatureFaults.queryParts(missing);
  return {
    place: 'query',
    algorithm: parameters.get('X-Amz-Algorithm') ?? '',
    credential: parameters.get('X-Amz-Credential') ?? '',
    signedHeaders: parameters.get('X-Amz-SignedHeaders') ?? '',
    signature: parameters.get('X-Amz-Signature') ?? '',
    date: parameters.get('X-Amz-Date') ?? '',
    expires: parameters.get('X-Amz-Expires'),
    sessionToken: parameters.get('X-Amz-Security-Token'),
    query,
  };
}
