import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { scopeTexts, signatureFaults } from '../errors/transport.ts';
import { canonicalRequest } from './canonical-request.ts';
import type { Credentials } from './credentials.ts';
import type { Principal } from './principal.ts';
import { readSignature, type Signature } from './signature.ts';
import { basicFormat, parseSignatureDate } from './signature-date.ts';
import { type Authenticator, headerValue, type SignedMessage } from './signed-message.ts';

const ALGORITHM = 'AWS4-HMAC-SHA256';
const SERVICE = 'dynamodb';
const TERMINATOR = 'aws4_request';
const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

/** How far the date of a signature may lie from ours. */
const WINDOW_MS = 15 * 60_000;
const EXPIRES_SECONDS_MAX = 604_800;

/** Lists of signed headers seen, so that each is split and sorted once; a client has one or two. */
const HEADER_LISTS_MAX = 256;

interface Scope {
  readonly accessKeyId: string;
  /** `date/region/service/terminator`. */
  readonly text: string;
}

/**
 * Verifies Signature Version 4, in the header or in the query, against known credentials.
 *
 * The checks run in the service's order (reference/dynamodb.md section 4): parts, date, Host,
 * algorithm, credential form, scope, key id, signature, session token.
 */
export class SignatureVerifier implements Authenticator {
  readonly #credentials: Credentials;
  readonly #region: string;
  readonly #headerLists = new Map<string, readonly string[]>();

  constructor(options: { readonly credentials: Credentials; readonly region: string }) {
    this.#credentials = options.credentials;
    this.#region = options.region;
  }

  authenticate(message: SignedMessage, body: Uint8Array, nowMs: number): Principal {
    const signature = readSignature(message);
    const dateTime = checkDate(signature, nowMs);
    const signedHeaders = this.#headerList(signature.signedHeaders);
    if (!signedHeaders.includes('host')) throw signatureFaults.hostNotSigned();
    if (signature.algorithm !== ALGORITHM) throw signatureFaults.algorithm(signature.algorithm);
    const scope = this.#checkScope(signature.credential, dateTime);
    const credential = this.#credentials.find(scope.accessKeyId);
    if (credential === undefined) throw signatureFaults.invalidToken();

    const canonical = canonicalRequest(message, {
      signedHeaders,
      query: signature.query,
      payloadHash: payloadHash(message, signature, body),
    });
    const stringToSign = `${ALGORITHM}\n${dateTime}\n${scope.text}\n${hash('sha256', canonical, 'hex')}`;
    const expected = createHmac('sha256', credential.signingKeys.keyFor(scope.text))
      .update(stringToSign)
      .digest('hex');
    if (!equalSecrets(expected, signature.signature)) {
      throw signatureFaults.mismatch(canonical, stringToSign);
    }
    if (
      credential.sessionToken !== undefined &&
      !equalSecrets(credential.sessionToken, signature.sessionToken ?? '')
    ) {
      throw signatureFaults.invalidToken();
    }
    return credential.principal;
  }

  #checkScope(credential: string, dateTime: string): Scope {
    const trimmed = credential.endsWith('/') ? credential.replace(/\/+$/, '') : credential;
    const elements = trimmed.split('/');
    const [accessKeyId, date, region, service, terminator] = elements;
    if (
      elements.length !== 5 ||
      accessKeyId === undefined ||
      date === undefined ||
      region === undefined ||
      terminator === undefined
    ) {
      throw signatureFaults.credentialForm(credential);
    }
    let sentences = '';
    if (region !== this.#region) sentences += scopeTexts.region(region);
    if (service !== SERVICE) sentences += scopeTexts.service();
    if (terminator !== TERMINATOR) sentences += scopeTexts.terminator(terminator);
    if (!dateTime.startsWith(date) || date.length !== 8) {
      sentences += scopeTexts.date(date, dateTime);
    }
    if (sentences !== '') throw signatureFaults.credentialScope(sentences);
    return { accessKeyId, text: trimmed.slice(accessKeyId.length + 1) };
  }

  /** Lower-cased and sorted. */
  #headerList(text: string): readonly string[] {
    const known = this.#headerLists.get(text);
    if (known !== undefined) return known;
    const names = text
      .toLowerCase()
      .split(';')
      .filter((name) => name !== '')
      .sort();
    if (this.#headerLists.size >= HEADER_LISTS_MAX) this.#headerLists.clear();
    this.#headerLists.set(text, names);
    return names;
  }
}

/** The date in basic format, if it is near enough to now. */
function checkDate(signature: Signature, nowMs: number): string {
  const date = parseSignatureDate(signature.date);
  if (date === undefined) throw signatureFaults.dateForm(signature.date);
  const windowMs = signature.expires === undefined ? WINDOW_MS : expiresMs(signature.expires);
  if (date.timeMs < nowMs - windowMs) {
    throw signatureFaults.expired(
      date.text,
      basicFormat(nowMs - windowMs),
      basicFormat(nowMs),
      windowMs / 60_000,
    );
  }
  if (date.timeMs > nowMs + WINDOW_MS) {
    throw signatureFaults.notYetCurrent(
      date.text,
      basicFormat(nowMs + WINDOW_MS),
      basicFormat(nowMs),
      WINDOW_MS / 60_000,
    );
  }
  return date.text;
}

function expiresMs(expires: string): number {
  const seconds = /^\d{1,6}$/.test(expires) ? Number(expires) : EXPIRES_SECONDS_MAX + 1;
  if (seconds > EXPIRES_SECONDS_MAX) throw signatureFaults.expiryForm();
  return seconds * 1000;
}

/** The body is hashed as it came, unless the client says (and signs) that it did not. */
function payloadHash(message: SignedMessage, signature: Signature, body: Uint8Array): string {
  const declared =
    headerValue(message, 'x-amz-content-sha256') ??
    signature.query.find(([name]) => name === 'X-Amz-Content-Sha256')?.[1];
  return declared === UNSIGNED_PAYLOAD ? UNSIGNED_PAYLOAD : hash('sha256', body, 'hex');
}

/** In a time that tells nothing about where they differ. */
function equalSecrets(expected: string, actual: string): boolean {
  const a = Buffer.from(expected, 'utf8');
  const b = Buffer.from(actual, 'utf8');
  return a.length === b.length && timingSafeEqual(a, b);
}
