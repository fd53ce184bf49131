import { certificateOf } from '../../dataplane/pem-certificates.ts';

/** Whose a certificate is: one for each kind of process. */
export type CertificateComponent = 'router' | 'storage' | 'dax' | 'operator';

/** When the certificate of a component ends, or the first of several. */
export interface Expiry {
  readonly namespace: string;
  readonly component: CertificateComponent;
  /** UTC, ms since 1970. */
  readonly notAfterMs: number;
}

/** The first end by namespace and component, however many certificates there are. */
export function earliestExpiries(expiries: Iterable<Expiry>): readonly Expiry[] {
  const first = new Map<string, Expiry>();
  for (const expiry of expiries) {
    const key = `${expiry.namespace}/${expiry.component}`;
    if (expiry.notAfterMs < (first.get(key)?.notAfterMs ?? Number.POSITIVE_INFINITY)) {
      first.set(key, expiry);
    }
  }
  return [...first.values()];
}

/**
 * When the first of some certificates ends, PEM; what is none is left out.
 * @returns UTC, ms since 1970; Infinity: there is none
 */
export function earliestExpiryMs(certificates: readonly (string | undefined)[]): number {
  const ends = certificates.flatMap((pem) => (pem === undefined ? [] : (certificateOf(pem) ?? [])));
  return Math.min(...ends.map(({ validToDate }) => validToDate.getTime()));
}
