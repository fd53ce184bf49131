import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { Credentials } from '../../dataplane/access/credentials.ts';
import type { DenialReason } from '../../dataplane/access/denials.ts';
import type { Principal } from '../../dataplane/access/principal.ts';
import { basicFormat, parseSignatureDate } from '../../dataplane/access/signature-date.ts';
import type { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { scopeTexts, signatureFaults } from '../../dataplane/errors/transport.ts';

/** What `authorizeConnection` brings. */
export interface Handshake {
  readonly accessKeyId: string;
  readonly signature: string;
  readonly stringToSign: string;
  readonly sessionToken: string | undefined;
}

/** What became of a handshake. It has no reply: the next request is answered, or refused with `message`. */
export type Admission =
  | { readonly kind: 'granted'; readonly principal: Principal }
  | {
      readonly kind: 'refused';
      /** `expired`: the client is to sign again; that would not help with the others. */
      readonly reason: HandshakeFault;
      readonly message: string;
    };

export type HandshakeFault = Exclude<DenialReason, 'policy'>;

/** Decides who a connection's caller is. */
export interface Handshakes {
  admit(handshake: Handshake, nowMs: number): Admission;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const SERVICE = 'dax';
const TERMINATOR = 'aws4_request';
/** How far the time of a signature may lie from ours. */
const WINDOW_MS = 15 * 60_000;
/** What clients sign as host, whatever the cluster is called: Go's forget to take the scheme off. */
const HOSTS = ['dax.amazonaws.com', 'https://dax.amazonaws.com'] as const;
const EMPTY_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
/** Four lines: algorithm, time, scope, hash of the canonical request. */
const STRING_TO_SIGN = /^([^\n]{1,64})\n(\d{8}T\d{6}Z)\n([^\n]{1,256})\n([0-9a-f]{64})$/;
const SIGNATURE = /^[0-9a-f]{64}$/;
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. ' +
  'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';
const UNKNOWN_TOKEN = signatureFaults.invalidToken().message ?? '';
const MALFORMED = 'The signature of the connection is not well-formed.';

/**
 * Verifies handshakes against known credentials (reference/dax-protocol.md section 4). The signature
 * covers neither connection nor requests, nor the session token, which is looked up with the key.
 */
export class SignedHandshakes implements Handshakes {
  readonly #credentials: Credentials;
  readonly #region: string;

  constructor(options: { readonly credentials: Credentials; readonly region: string }) {
    this.#credentials = options.credentials;
    this.#region = options.region;
  }

  admit(handshake: Handshake, nowMs: number): Admission {
    const credential = this.#credentials.find(handshake.accessKeyId);
    const token = credential?.sessionToken;
    if (
      credential === undefined ||
      (token !== undefined && !equalSecrets(token, handshake.sessionToken ?? ''))
    ) {
      return { kind: 'refused', reason: 'token', message: UNKNOWN_TOKEN };
    }
    const signed = readStringToSign(handshake);
    if (signed === undefined) return wrong(MALFORMED);
    const refusal = checkTime(signed, nowMs) ?? checkScope(signed, this.#region);
    if (refusal !== undefined) return refusal;
    if (!isCanonicalHash(signed)) return wrong(MISMATCH);
    const expected = createHmac('sha256', credential.signingKeys.keyFor(signed.scope))
      .update(handshake.stringToSign)
      .digest('hex');
    if (!equalSecrets(expected, handshake.signature)) return wrong(MISMATCH);
    return { kind: 'granted', principal: credential.principal };
  }
}

/**
 * Lets in whoever brings a well-formed signature, with any key: for loopback, or where nobody else
 * can reach the port.
 */
export class AnyHandshakes implements Handshakes {
  readonly #granted: Admission;

  /** @param principal whom everybody is taken for */
  constructor(principal: Principal) {
    this.#granted = { kind: 'granted', principal };
  }

  admit(handshake: Handshake): Admission {
    const signed = readStringToSign(handshake);
    return signed === undefined ? wrong(MALFORMED) : this.#granted;
  }
}

interface StringToSign {
  readonly time: string;
  readonly timeMs: number;
  /** `date/region/service/terminator` */
  readonly scope: string;
  readonly canonicalHash: string;
}

/** Undefined: not of the form that clients send. */
function readStringToSign({ stringToSign, signature }: Handshake): StringToSign | undefined {
  const lines = STRING_TO_SIGN.exec(stringToSign);
  if (lines === null || !SIGNATURE.test(signature)) return undefined;
  const [, algorithm, time = '', scope = '', canonicalHash = ''] = lines;
  const date = parseSignatureDate(time);
  if (algorithm !== ALGORITHM || date === undefined) return undefined;
  return { time, timeMs: date.timeMs, scope, canonicalHash };
}

function checkTime({ time, timeMs }: StringToSign, nowMs: number): Admission | undefined {
  const limits = [basicFormat(nowMs), WINDOW_MS / 60_000] as const;
  if (timeMs < nowMs - WINDOW_MS) {
    return expired(signatureFaults.expired(time, basicFormat(nowMs - WINDOW_MS), ...limits));
  }
  if (timeMs > nowMs + WINDOW_MS) {
    return expired(signatureFaults.notYetCurrent(time, basicFormat(nowMs + WINDOW_MS), ...limits));
  }
  return undefined;
}

function checkScope({ scope, time }: StringToSign, expectedRegion: string): Admission | undefined {
  const [date = '', region = '', service, terminator = '', ...rest] = scope.split('/');
  if (rest.length > 0) return wrong(MALFORMED);
  let sentences = '';
  if (region !== expectedRegion) sentences += scopeTexts.region(region);
  if (service !== SERVICE)
    sentences += `Credential should be scoped to correct service: '${SERVICE}'. `;
  if (terminator !== TERMINATOR) sentences += scopeTexts.terminator(terminator);
  if (date !== time.slice(0, 8)) sentences += scopeTexts.date(date, time);
  return sentences === '' ? undefined : wrong(sentences.trimEnd());
}

/** The canonical request is the same for all, apart from its time and the host. */
function isCanonicalHash({ time, canonicalHash }: StringToSign): boolean {
  return HOSTS.some((host) => {
    const canonical = `POST\n/\n\nhost:${host}\nx-amz-date:${time}\n\nhost;x-amz-date\n${EMPTY_HASH}`;
    return hash('sha256', canonical, 'hex') === canonicalHash;
  });
}

function wrong(message: string): Admission {
  return { kind: 'refused', reason: 'signature', message };
}

function expired({ message = MALFORMED }: ClientFault): Admission {
  return { kind: 'refused', reason: 'expired', message };
}

/** In a time that tells nothing about where they differ. */
function equalSecrets(expected: string, actual: string): boolean {
  const a = Buffer.from(expected, 'utf8');
  const b = Buffer.from(actual, 'utf8');
  return a.length === b.length && timingSafeEqual(a, b);
}
