// The container of algorithms of @peculiar/x509 asks for it when it is loaded.
import 'reflect-metadata';
import { createHash, createPrivateKey, type KeyObject, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { certificateOf, certificatesOf, issuerOf } from '../../dataplane/pem-certificates.ts';

/** Life of an authority; rotated at two thirds of it, or when a person asks (`rotation.ts`). */
export const AUTHORITY_DAYS = 5 * 365;
/** Life of a leaf; renewed at two thirds of it. */
export const LEAF_DAYS = 90;
/** Clocks of a cluster differ: a certificate is valid from a little before it was made. */
const BACKDATE_MS = 5 * 60_000;
const DAY_MS = 86_400_000;
/** Leaves of one day are not all renewed in the same minute: up to this part of their life earlier. */
const JITTER_OF_LIFE = 0.05;

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

cryptoProvider.set(webcrypto as Crypto);

/** A certificate and its private key (PKCS #8), both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Whom a leaf is made out to. */
export interface LeafNames {
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  /** SPIFFE-like: `spiffe://trestle.dev/ns/<namespace>/...`. */
  readonly uri: string;
}

/** Where time and chance come from. */
export interface Issuance {
  readonly nowMs: number;
  readonly randomBytes: (count: number) => Uint8Array;
}

/** Makes an authority of its own for a namespace. */
export async function newAuthority(commonName: string, issuance: Issuance): Promise<KeyPair> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialOf(issuance),
    name: [{ CN: [commonName] }],
    ...validity(issuance.nowMs, AUTHORITY_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pemPair(certificate, keys.privateKey);
}

/**
 * Makes a leaf for both sides of mutual TLS.
 * @throws Error when the authority's PEM is unusable
 */
export async function newLeaf(
  authority: KeyPair,
  names: LeafNames,
  issuance: Issuance & { readonly days?: number },
): Promise<KeyPair> {
  const issuer = new X509Certificate(authority.certificate);
  const signingKey = await privateKeyOf(authority.key);
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialOf(issuance),
    subject: [{ CN: [names.commonName.slice(0, 64)] }],
    issuer: issuer.subject,
    ...validity(issuance.nowMs, issuance.days ?? LEAF_DAYS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: await leafExtensions(issuer, names, keys.publicKey),
  });
  return pemPair(certificate, keys.privateKey);
}

/** What is to be known of a leaf that exists. */
export interface LeafState {
  readonly notAfterMs: number;
  /** From then on it is to be made anew; the same for everyone who asks. */
  readonly renewAtMs: number;
}

/**
 * Why a leaf cannot stay; its times when it can.
 * @param issuers the authorities whose leaves may stay, PEM, one after the other
 */
export function checkLeaf(
  leaf: { readonly certificate: string | undefined; readonly key: string | undefined },
  { issuers, dnsNames }: { readonly issuers: string; readonly dnsNames: readonly string[] },
): LeafState | { readonly fault: string } {
  if (leaf.certificate === undefined || leaf.key === undefined) return { fault: 'is not there' };
  const certificate = certificateOf(leaf.certificate);
  if (certificate === undefined) return { fault: 'is no certificate' };
  const issuer = issuerOf(certificate, certificatesOf(issuers));
  if (issuer === undefined) return { fault: 'is of another authority' };
  const missing = dnsNames.find(
    (name) => certificate.checkHost(name, { subject: 'never', wildcards: false }) === undefined,
  );
  if (missing !== undefined) return { fault: `does not name ${missing}` };
  const notBeforeMs = certificate.validFromDate.getTime();
  const notAfterMs = certificate.validToDate.getTime();
  const lifeMs = notAfterMs - notBeforeMs;
  const early = lifeMs * JITTER_OF_LIFE * fractionOf(certificate.fingerprint256);
  return { notAfterMs, renewAtMs: notBeforeMs + (lifeMs * 2) / 3 - early };
}

/**
 * The certificate of the bundle that belongs to the key: the one that leaves are signed by, beside
 * others that are still, or already, trusted.
 */
export function signingPair(bundle: string, key: string): KeyPair | undefined {
  const keyObject = privateKeyObject(key);
  if (keyObject === undefined) return undefined;
  const found = certificatesOf(bundle).find((certificate) =>
    certificate.checkPrivateKey(keyObject),
  );
  return found === undefined ? undefined : { certificate: found.toString(), key };
}

async function leafExtensions(
  issuer: X509Certificate,
  { dnsNames, uri }: LeafNames,
  publicKey: CryptoKey,
): Promise<Extension[]> {
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
    new SubjectAlternativeNameExtension([
      ...dnsNames.map((value) => ({ type: 'dns', value }) as const),
      { type: 'url', value: uri },
    ]),
    await SubjectKeyIdentifierExtension.create(publicKey),
    await AuthorityKeyIdentifierExtension.create(issuer),
  ];
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, [
    'sign',
    'verify',
  ]) as Promise<webcrypto.CryptoKeyPair>;
}

async function pemPair(certificate: X509Certificate, privateKey: CryptoKey): Promise<KeyPair> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', privateKey);
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `${PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
  };
}

function privateKeyOf(pem: string): Promise<CryptoKey> {
  const der = PemConverter.decodeFirst(pem);
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']) as Promise<CryptoKey>;
}

function validity(nowMs: number, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - BACKDATE_MS), notAfter: new Date(nowMs + days * DAY_MS) };
}

/** 16 random bytes, positive (RFC 5280 §4.1.2.2). */
function serialOf({ randomBytes }: Issuance): string {
  const bytes = Buffer.from(randomBytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

/** From 0 to 1, the same for the same text. */
function fractionOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32;
}

function privateKeyObject(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
