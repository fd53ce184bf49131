import type { X509Certificate } from 'node:crypto';
import type { Express } from 'express';
import { certificateOf, certificatesOf, issuerOf } from '../pem-certificates.ts';
import { answer } from './answer.ts';
import type { MetricsPage, Sample } from './metrics-page.ts';

/** PEM texts that a part of a process goes by at this moment, as it has loaded them. */
export interface LoadedTls {
  /** `peers`: among the processes of a cluster; `clients`: what clients see. README.md lists them all. */
  readonly use: string;
  /** Whom it trusts; undefined: it asks nobody for a certificate. */
  readonly ca?: string | undefined;
  /** What it shows; undefined: nothing. */
  readonly cert?: string | undefined;
}

/**
 * What a process says of its certificates: whoever replaces an authority learns from it which of them a
 * process has taken up, without a restart. Nothing of it is secret.
 */
export interface CertificateReport {
  /** SHA-256 fingerprints of the authorities that all of its parts trust. */
  readonly trusted: readonly string[];
  readonly leaves: readonly LeafReport[];
}

export interface LeafReport {
  readonly use: string;
  /** ISO 8601. */
  readonly notAfter: string;
  /** Fingerprint of the authority, if one of those that some part trusts has signed it. */
  readonly signedBy: string | null;
}

export function certificateReport(loaded: readonly LoadedTls[]): CertificateReport {
  const bundles = loaded.flatMap(({ ca }) => (ca === undefined ? [] : [certificatesOf(ca)]));
  const [first = [], ...others] = bundles.map((bundle) => new Set(bundle.map(fingerprintOf)));
  const authorities = bundles.flat();
  return {
    trusted: [...first].filter((each) => others.every((bundle) => bundle.has(each))),
    leaves: leavesOf(loaded).map(({ use, leaf }) => {
      const issuer = issuerOf(leaf, authorities);
      return {
        use,
        notAfter: leaf.validToDate.toISOString(),
        signedBy: issuer === undefined ? null : fingerprintOf(issuer),
      };
    }),
  };
}

/** `/certificates`. */
export function addCertificatesRoute(app: Express, loaded: () => readonly LoadedTls[]): void {
  app.get('/certificates', (_request, response) => answer(response, certificateReport(loaded())));
}

/** A process knows best what it has loaded. */
export function addExpiryMetric(page: MetricsPage, loaded: () => readonly LoadedTls[]): void {
  page.gauge(
    {
      name: 'certificate_expiry_timestamp_seconds',
      help: 'When the certificate ends that this process shows now, by what it is used for.',
      labels: ['use'],
    },
    () => expirySamples(loaded()),
  );
}

/** One for each use. */
export function expirySamples(loaded: readonly LoadedTls[]): readonly Sample[] {
  return leavesOf(loaded).map(({ use, leaf }) => ({
    labels: { use },
    value: leaf.validToDate.getTime() / 1_000,
  }));
}

function leavesOf(loaded: readonly LoadedTls[]) {
  return loaded.flatMap(({ use, cert }) => {
    const leaf = cert === undefined ? undefined : certificateOf(cert);
    return leaf === undefined ? [] : [{ use, leaf }];
  });
}

function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256;
}
