import { X509Certificate } from 'node:crypto';

const BLOCKS = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates of a PEM text, in its order; what is none is left out. */
export function certificatesOf(pem: string): readonly X509Certificate[] {
  return (pem.match(BLOCKS) ?? []).flatMap((block) => certificateOf(block) ?? []);
}

/** The first certificate of a PEM text; undefined: it begins with none. */
export function certificateOf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Which of the authorities has signed the certificate; undefined: none of them. */
export function issuerOf(
  certificate: X509Certificate,
  authorities: readonly X509Certificate[],
): X509Certificate | undefined {
  return authorities.find(
    (issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey),
  );
}
