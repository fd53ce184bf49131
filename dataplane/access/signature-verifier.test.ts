import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { parseCredentials } from './credentials.ts';
import { basicFormat } from './signature-date.ts';
import { SignatureVerifier } from './signature-verifier.ts';
import type { SignedMessage } from './signed-message.ts';

const NOW_MS = Date.UTC(2026, 10, 21, 6, 0, 0);
const NOW = '20261121T060000Z';
const BODY = '{"TableName":"T"}';

const credentials = parseCredentials(
  JSON.stringify([
    { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret/with+signs' },
    { accessKeyId: 'ASIATEMPORARY', secretAccessKey: 'other', sessionToken: 'the-token' },
  ]),
  'test',
  '123456789012',
);
const verifier = new SignatureVerifier({
  credentials: { find: (id) => credentials.get(id) },
  region: 'us-east-1',
});

/** SHA-256 as the SDK's signer wants it. */
class Sha256 {
  readonly #hash: Hash | Hmac;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined
        ? createHash('sha256')
        : createHmac('sha256', typeof secret === 'string' ? secret : Buffer.from(secret as never));
  }
  update(data: Uint8Array | string): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}

interface Signing {
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  readonly region?: string;
  readonly service?: string;
  readonly timeMs?: number;
  readonly headers?: Record<string, string>;
  readonly path?: string;
  readonly query?: Record<string, string>;
  readonly expiresIn?: number;
}

const REQUEST_HEADERS = {
  host: '127.0.0.1:8000',
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-target': 'DynamoDB_20120810.DescribeTable',
};

function signerOf(signing: Signing): SignatureV4 {
  return new SignatureV4({
    credentials: {
      accessKeyId: signing.accessKeyId ?? 'AKIDEXAMPLE',
      secretAccessKey: signing.secretAccessKey ?? 'secret/with+signs',
      ...(signing.sessionToken === undefined ? {} : { sessionToken: signing.sessionToken }),
    },
    region: signing.region ?? 'us-east-1',
    service: signing.service ?? 'dynamodb',
    sha256: Sha256,
  });
}

function requestOf(signing: Signing) {
  return {
    method: 'POST',
    protocol: 'http:',
    hostname: '127.0.0.1',
    port: 8000,
    path: signing.path ?? '/',
    query: signing.query ?? {},
    headers: { ...REQUEST_HEADERS, ...signing.headers },
    body: BODY,
  };
}

/** A request signed by the AWS SDK's own signer, as node:http would present it. */
async function signed(signing: Signing = {}): Promise<SignedMessage> {
  const request = await signerOf(signing).sign(requestOf(signing), {
    signingDate: new Date(signing.timeMs ?? NOW_MS),
  });
  return messageOf(request.headers, urlOf(request));
}

async function presigned(signing: Signing = {}): Promise<SignedMessage> {
  const request = await signerOf(signing).presign(requestOf(signing), {
    signingDate: new Date(signing.timeMs ?? NOW_MS),
    ...(signing.expiresIn === undefined ? {} : { expiresIn: signing.expiresIn }),
  });
  return messageOf(request.headers, urlOf(request));
}

function urlOf(request: { path: string; query?: Record<string, unknown> }): string {
  const query = Object.entries(request.query ?? {})
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`)
    .join('&');
  return query === '' ? request.path : `${request.path}?${query}`;
}

function messageOf(headers: Record<string, string>, url = '/'): SignedMessage {
  const lower = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return { method: 'POST', url, headers: lower, headersDistinct: {} };
}

/** The same request with its Authorization header (or any other) changed. */
function withHeader(message: SignedMessage, name: string, change: (value: string) => string) {
  return {
    ...message,
    headers: { ...message.headers, [name]: change(String(message.headers[name] ?? '')) },
  };
}

function without(message: SignedMessage, name: string): SignedMessage {
  const { [name]: _, ...headers } = message.headers;
  return { ...message, headers };
}

function verify(message: SignedMessage, body = BODY, nowMs = NOW_MS): void {
  verifier.authenticate(message, Buffer.from(body), nowMs);
}

/** `Type: message` of the fault, or `accepted`. */
function outcome(message: SignedMessage, body = BODY, nowMs = NOW_MS): string {
  try {
    verify(message, body, nowMs);
    return 'accepted';
  } catch (error) {
    if (error instanceof ClientFault) return `${error.type}: ${error.message}`;
    throw error;
  }
}

describe('signature verifier: what the AWS SDK signs is accepted', () => {
  it('accepts a signed header', async () => {
    expect(outcome(await signed())).toBe('accepted');
  });

  it('accepts headers with runs of spaces and commas', async () => {
    expect(outcome(await signed({ headers: { 'x-amz-meta-a': ' a   b , c' } }))).toBe('accepted');
  });

  it('accepts a path and a query', async () => {
    const signing = { path: '/some%20path/x', query: { b: 'ü/ö', a: "1!'()*" } };
    expect(outcome(await signed(signing))).toBe('accepted');
  });

  it('accepts a body that is declared unsigned', async () => {
    const message = await signed({ headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } });
    expect(outcome(message, 'any other body')).toBe('accepted');
  });

  it('accepts a presigned query', async () => {
    expect(outcome(await presigned())).toBe('accepted');
  });

  it('accepts a presigned query for as long as it says', async () => {
    const message = await presigned({ expiresIn: 3600 });
    expect(outcome(message, BODY, NOW_MS + 3_600_000)).toBe('accepted');
  });

  it('accepts temporary credentials with their token, in the header and in the query', async () => {
    const signing = {
      accessKeyId: 'ASIATEMPORARY',
      secretAccessKey: 'other',
      sessionToken: 'the-token',
    };
    expect(outcome(await signed(signing))).toBe('accepted');
    expect(outcome(await presigned(signing))).toBe('accepted');
  });

  it('ignores a token that the credentials do not have', async () => {
    expect(outcome(await signed({ sessionToken: 'whatever' }))).toBe('accepted');
  });

  it('accepts parts between commas alone, in any order', async () => {
    const message = withHeader(await signed(), 'authorization', (value) => {
      const [algorithm, ...parts] = value.split(' ');
      return `${algorithm} ${parts
        .map((part) => part.replace(/,$/, ''))
        .reverse()
        .join(',')}`;
    });
    expect(outcome(message)).toBe('accepted');
  });

  it('accepts a trailing slash after the credential', async () => {
    const message = withHeader(await signed(), 'authorization', (value) =>
      value.replace('aws4_request,', 'aws4_request/,'),
    );
    expect(outcome(message)).toBe('accepted');
  });

  it.each([-15 * 60_000, 15 * 60_000])('accepts a clock that is off by %d ms', async (offMs) => {
    expect(outcome(await signed({ timeMs: NOW_MS + offMs }))).toBe('accepted');
  });
});

const MISMATCH = /^InvalidSignatureException: The request signature we calculated does not match/;

describe('signature verifier: what was changed after signing is refused', () => {
  it('refuses another body', async () => {
    expect(outcome(await signed(), '{"TableName":"U"}')).toMatch(MISMATCH);
  });

  it('refuses another target', async () => {
    const message = withHeader(await signed(), 'x-amz-target', () => 'DynamoDB_20120810.Scan');
    expect(outcome(message)).toMatch(MISMATCH);
  });

  it('refuses another method, path or query', async () => {
    const message = await signed();
    expect(outcome({ ...message, method: 'PUT' })).toMatch(MISMATCH);
    expect(outcome({ ...message, url: '/x' })).toMatch(MISMATCH);
    expect(outcome({ ...message, url: '/?a=b' })).toMatch(MISMATCH);
  });

  it('refuses a signed header that is gone', async () => {
    expect(outcome(without(await signed(), 'x-amz-target'))).toMatch(MISMATCH);
  });

  it('refuses a body that was declared unsigned after signing', async () => {
    const message = withHeader(await signed(), 'x-amz-content-sha256', () => 'UNSIGNED-PAYLOAD');
    expect(outcome(message)).toMatch(MISMATCH);
  });

  it('refuses a changed, cut, lengthened or non-hexadecimal signature', async () => {
    const message = await signed();
    for (const change of [
      (value: string) => value.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
      (value: string) => value.slice(0, -1),
      (value: string) => `${value}0`,
      (value: string) => value.replace(/Signature=.*/, 'Signature=ü'),
    ]) {
      expect(outcome(withHeader(message, 'authorization', change))).toMatch(MISMATCH);
    }
  });

  it('refuses a wrong secret, and shows what it calculated over', async () => {
    const message = await signed({ secretAccessKey: 'guess' });
    const names = 'content-type;host;x-amz-content-sha256;x-amz-date;x-amz-target';
    const bodyHash = createHash('sha256').update(BODY).digest('hex');
    const canonical =
      `POST\n/\n\ncontent-type:application/x-amz-json-1.0\nhost:127.0.0.1:8000\n` +
      `x-amz-content-sha256:${bodyHash}\nx-amz-date:${NOW}\n` +
      `x-amz-target:DynamoDB_20120810.DescribeTable\n\n${names}\n${bodyHash}`;
    const canonicalHash = createHash('sha256').update(canonical).digest('hex');
    expect(outcome(message)).toBe(
      'InvalidSignatureException: The request signature we calculated does not match the signature you provided. ' +
        'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\n' +
        `The Canonical String for this request should have been\n'${canonical}'\n\n` +
        `The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n${NOW}\n20261121/us-east-1/dynamodb/aws4_request\n${canonicalHash}'\n`,
    );
  });

  it('refuses a changed presigned query', async () => {
    const message = await presigned({ expiresIn: 60 });
    const longer = message.url?.replace('X-Amz-Expires=60', 'X-Amz-Expires=600') ?? '';
    expect(outcome({ ...message, url: longer })).toMatch(MISMATCH);
  });
});

describe('signature verifier: every way to be wrong has its own answer', () => {
  it('no token', async () => {
    expect(outcome(without(await signed(), 'authorization'))).toBe(
      'MissingAuthenticationTokenException: Request is missing Authentication Token',
    );
  });

  it('a token of another kind', () => {
    for (const authorization of ['Bearer x', 'AWS4', 'AWS AKID:abc', ' ']) {
      expect(outcome(messageOf({ authorization }))).toBe(
        'MissingAuthenticationTokenException: Request is missing Authentication Token',
      );
    }
  });

  it('header and query both', async () => {
    const message = { ...(await signed()), url: '/?X-Amz-Algorithm' };
    expect(outcome(message)).toBe(
      "InvalidSignatureException: Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    );
  });

  it('no part at all', () => {
    expect(outcome(messageOf({ authorization: 'AWS4-' }))).toBe(
      "IncompleteSignatureException: Authorization header requires 'Credential' parameter. " +
        "Authorization header requires 'Signature' parameter. " +
        "Authorization header requires 'SignedHeaders' parameter. " +
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. " +
        'Authorization=AWS4-',
    );
  });

  it.each([
    'AWS4- Signature=b Credential=a',
    'AWS4- Signature=b,Credential=a',
    'AWS4- Signature=b, Credential=a',
  ])('one part missing in %j', (authorization) => {
    expect(outcome(messageOf({ authorization, date: 'a' }))).toBe(
      `IncompleteSignatureException: Authorization header requires 'SignedHeaders' parameter. Authorization=${authorization}`,
    );
  });

  it('query parts missing', () => {
    expect(outcome(messageOf({}, '/?X-Amz-Algorithm'))).toBe(
      "IncompleteSignatureException: AWS query-string parameters must include 'X-Amz-Algorithm'. " +
        "AWS query-string parameters must include 'X-Amz-Credential'. " +
        "AWS query-string parameters must include 'X-Amz-Signature'. " +
        "AWS query-string parameters must include 'X-Amz-SignedHeaders'. " +
        "AWS query-string parameters must include 'X-Amz-Date'. " +
        'Re-examine the query-string parameters.',
    );
  });

  it('query parts without the algorithm are no token', () => {
    const url = '/?X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-SignedHeaders=c&X-Amz-Date=d';
    expect(outcome(messageOf({}, url))).toMatch(/^MissingAuthenticationTokenException/);
  });

  it('the form of the date', async () => {
    expect(outcome(withHeader(await signed(), 'x-amz-date', () => '201'))).toBe(
      "IncompleteSignatureException: Date must be in ISO-8601 'basic format'. Got '201'. See http://en.wikipedia.org/wiki/ISO_8601",
    );
  });

  it('too old', async () => {
    const timeMs = NOW_MS - 15 * 60_000 - 1000;
    expect(outcome(await signed({ timeMs }))).toBe(
      `InvalidSignatureException: Signature expired: ${basicFormat(timeMs)} is now earlier than 20261121T054500Z (${NOW} - 15 min.)`,
    );
  });

  it('too new', async () => {
    const timeMs = NOW_MS + 15 * 60_000 + 1000;
    expect(outcome(await signed({ timeMs }))).toBe(
      `InvalidSignatureException: Signature not yet current: ${basicFormat(timeMs)} is still later than 20261121T061500Z (${NOW} + 15 min.)`,
    );
  });

  it('a presigned query past its time', async () => {
    const message = await presigned({ expiresIn: 3600 });
    expect(outcome(message, BODY, NOW_MS + 3_601_000)).toBe(
      `InvalidSignatureException: Signature expired: ${NOW} is now earlier than 20261121T060001Z (20261121T070001Z - 60 min.)`,
    );
  });

  it.each(['-1', '604801', 'x', '1e3', ''])(
    'a presigned query that expires in %j',
    async (text) => {
      const message = await presigned({ expiresIn: 60 });
      const url = message.url?.replace('X-Amz-Expires=60', `X-Amz-Expires=${text}`) ?? '';
      expect(outcome({ ...message, url })).toBe(
        "IncompleteSignatureException: 'X-Amz-Expires' must be between 0 and 604800 seconds.",
      );
    },
  );

  it('Host not signed', async () => {
    const message = withHeader(await signed(), 'authorization', (value) =>
      value.replace(';host;', ';'),
    );
    expect(outcome(message)).toBe(
      "InvalidSignatureException: 'Host' must be a 'SignedHeader' in the AWS Authorization.",
    );
  });

  it('the algorithm', async () => {
    const message = withHeader(await signed(), 'authorization', (value) =>
      value.replace('SHA256', 'SHA25'),
    );
    expect(outcome(message)).toBe(
      "IncompleteSignatureException: Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now). ",
    );
  });

  it.each(['a/b/c/d', 'a/b/c/d/e/f', 'a'])('the form of the credential %j', async (credential) => {
    const message = withHeader(await signed(), 'authorization', (value) =>
      value.replace(/Credential=[^,]+/, `Credential=${credential}`),
    );
    expect(outcome(message)).toBe(
      `IncompleteSignatureException: Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential}'`,
    );
  });

  it('all of the credential scope at once', async () => {
    const message = withHeader(await signed(), 'authorization', (value) =>
      value.replace(/Credential=[^,]+/, 'Credential=a/b/c/d/e'),
    );
    expect(outcome(message)).toBe(
      "InvalidSignatureException: Credential should be scoped to a valid region, not 'c'. " +
        "Credential should be scoped to correct service: 'dynamodb'. " +
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. " +
        'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ' +
        `'b' != '20261121', from '${NOW}'.`,
    );
  });

  it('another region', async () => {
    expect(outcome(await signed({ region: 'eu-west-1' }))).toBe(
      "InvalidSignatureException: Credential should be scoped to a valid region, not 'eu-west-1'. ",
    );
  });

  it('another service', async () => {
    expect(outcome(await signed({ service: 's3' }))).toBe(
      "InvalidSignatureException: Credential should be scoped to correct service: 'dynamodb'. ",
    );
  });

  it.each(['AKIDUNKNOWN', '__proto__', 'constructor'])('the unknown key id %j', async (id) => {
    expect(outcome(await signed({ accessKeyId: id }))).toBe(
      'UnrecognizedClientException: The security token included in the request is invalid.',
    );
  });

  it.each([undefined, 'another'])('temporary credentials with the token %j', async (token) => {
    const message = await signed({
      accessKeyId: 'ASIATEMPORARY',
      secretAccessKey: 'other',
      ...(token === undefined ? {} : { sessionToken: token }),
    });
    expect(outcome(message)).toBe(
      'UnrecognizedClientException: The security token included in the request is invalid.',
    );
  });

  it('a wrong signature comes before a wrong token', async () => {
    const message = await signed({ accessKeyId: 'ASIATEMPORARY', secretAccessKey: 'guess' });
    expect(outcome(message)).toMatch(MISMATCH);
  });
});
