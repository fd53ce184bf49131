import type { X509Certificate } from 'node:crypto';
import { certificatesOf } from '../../dataplane/pem-certificates.ts';
import { type KeyPair, signingPair } from './authority.ts';
import { encodedData, type SecretObject, secretText } from './secret-data.ts';

export const AUTHORITY_SECRET = 'trestle-ca';

/** A new value asks for another authority; nothing, and the value that was obeyed last, do not. */
export const ROTATE = 'trestle.dev/rotate';
/** The operator's: the request that it has obeyed last. */
export const ROTATED = 'trestle.dev/rotated';
/** ISO 8601; the phase that is under way does not end before. A person may move it. */
export const NOT_BEFORE = 'trestle.dev/rotation-not-before';

/**
 * The authority of a namespace, as its Secret has it: whom its processes trust, and who signs.
 *
 * | member | |
 * |---|---|
 * | `ca.crt` | all that are trusted; the one that signs comes first |
 * | `ca.key` | of the one that signs |
 * | `next.key` | of one of `ca.crt` that will sign: all are to trust it first (phase 1) |
 * | `previous.crt` | one of `ca.crt` that signed before: nobody is to show its certificates any more (phase 2) |
 *
 * With neither of the last two, no rotation is under way. All that a rotation has to remember is here, so
 * each of its steps is one write.
 */
export interface Authority {
  /** `ca.crt`. Each phase of a rotation has another one, so whoever compares it sees all changes. */
  readonly bundle: string;
  readonly signing: KeyPair;
  /** Of the bundle, those whose certificates may stay, PEM. */
  readonly issuers: string;
  readonly next: KeyPair | undefined;
  /** PEM. */
  readonly previous: string | undefined;
  /** Undefined or empty: nobody has asked. */
  readonly request: string | undefined;
  readonly obeyedRequest: string | undefined;
  /** UTC, ms since 1970; undefined: a phase may end at any time. */
  readonly notBeforeMs: number | undefined;
  /** The operator has made it; another one is its owner's to replace. */
  readonly isOwn: boolean;
  readonly secret: SecretObject;
}

/** The authority's Secret is there and of no use. It is never made anew over an existing one. */
export class AuthorityBroken extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AuthorityBroken';
  }
}

/** @throws AuthorityBroken */
export function authorityOf(namespace: string, secret: SecretObject): Authority {
  const bundle = secretText(secret, 'ca.crt') ?? '';
  const key = secretText(secret, 'ca.key') ?? '';
  const broken = (fault: string) => {
    const place = `the Secret ${AUTHORITY_SECRET} of namespace ${namespace}`;
    return new AuthorityBroken(
      `${place} ${fault}: restore it, or delete it to have the one that was good last put back or, if the operator has started since, another one made (nodes do not reach each other until all have its certificates, a minute or two)`,
    );
  };
  if (certificatesOf(bundle).length === 0) throw broken('has no certificate at ca.crt');
  const signing = signingPair(bundle, key);
  if (signing === undefined)
    throw broken('has no key at ca.key that belongs to one of its certificates');
  const previous = otherThan(signing, secretText(secret, 'previous.crt'));
  const { annotations = {}, labels } = secret.metadata;
  return {
    bundle,
    signing,
    issuers: previous === undefined ? bundle : bundleWithout(bundle, previous),
    next: nextOf(secret, { bundle, signing }),
    previous,
    request: annotations[ROTATE],
    obeyedRequest: annotations[ROTATED],
    notBeforeMs: timeOf(annotations[NOT_BEFORE]),
    isOwn: labels?.['app.kubernetes.io/managed-by'] === 'trestle-operator',
    secret,
  };
}

/** What a step of a rotation writes, if the Secret is still the one that was read. */
export interface AuthorityChange {
  readonly metadata: {
    readonly uid: string | undefined;
    readonly resourceVersion: string | undefined;
    /** null: taken away. */
    readonly annotations: Readonly<Record<string, string | null>>;
  };
  readonly data: Readonly<Record<string, string | null>>;
}

/** Phase 1 begins: the next authority is trusted, and signs nothing yet. */
export function begun(authority: Authority, next: KeyPair, notBeforeMs: number): AuthorityChange {
  const { bundle, request } = authority;
  const trusted = [...certificatesOf(bundle), ...certificatesOf(next.certificate)];
  return change(authority, {
    annotations: {
      [NOT_BEFORE]: new Date(notBeforeMs).toISOString(),
      ...(request === undefined ? {} : { [ROTATED]: request }),
    },
    data: encodedData({ 'ca.crt': pemOf(trusted), 'next.key': next.key }),
  });
}

/** Phase 2 begins: the next authority signs, the one before is still trusted. */
export function reissued(authority: Authority, next: KeyPair, notBeforeMs: number) {
  const { bundle, signing } = authority;
  const others = bundleWithout(bundle, next.certificate);
  return change(authority, {
    annotations: { [NOT_BEFORE]: new Date(notBeforeMs).toISOString() },
    data: {
      ...encodedData({
        'ca.crt': `${next.certificate}${others}`,
        'ca.key': next.key,
        'previous.crt': signing.certificate,
      }),
      'next.key': null,
    },
  });
}

/** The rotation is over: the former authority is not trusted any more. */
export function dropped(authority: Authority): AuthorityChange {
  return change(authority, {
    annotations: { [NOT_BEFORE]: null },
    data: { ...encodedData({ 'ca.crt': authority.issuers }), 'previous.crt': null },
  });
}

function change(
  { secret: { metadata } }: Authority,
  parts: Pick<AuthorityChange, 'data'> & Pick<AuthorityChange['metadata'], 'annotations'>,
): AuthorityChange {
  const { uid, resourceVersion } = metadata;
  return { metadata: { uid, resourceVersion, annotations: parts.annotations }, data: parts.data };
}

/** A key that belongs to none of the bundle was put there by nobody who rotates. */
function nextOf(
  secret: SecretObject,
  { bundle, signing }: Pick<Authority, 'bundle' | 'signing'>,
): KeyPair | undefined {
  const next = signingPair(bundle, secretText(secret, 'next.key') ?? '');
  return next === undefined || isSame(next.certificate, signing.certificate) ? undefined : next;
}

function otherThan({ certificate }: KeyPair, pem: string | undefined): string | undefined {
  return pem === undefined || isSame(pem, certificate) ? undefined : pem;
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [certificatesOf(a)[0], certificatesOf(b)[0]];
  return left !== undefined && left.fingerprint256 === right?.fingerprint256;
}

function bundleWithout(bundle: string, pem: string): string {
  const out = new Set(certificatesOf(pem).map(({ fingerprint256 }) => fingerprint256));
  return pemOf(certificatesOf(bundle).filter(({ fingerprint256 }) => !out.has(fingerprint256)));
}

function pemOf(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('');
}

function timeOf(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
