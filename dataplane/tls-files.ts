import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsMaterial } from './replication/transport/options.ts';

/** TLS files are absent or broken. The message is one line and names them. */
export class TlsFilesError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TlsFilesError';
  }
}

/** Absolute paths of PEM files: a server's certificate, with what leads to its authority, and its key. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Absolute paths of PEM files, with the authority that signs all peers. */
export interface TlsFiles extends CertificateFiles {
  readonly ca: string;
}

/**
 * A certificate and its key, which are known to fit together: while they are being replaced, one may
 * be new and the other old.
 * @throws TlsFilesError
 */
export function readCertificate(files: CertificateFiles): {
  readonly cert: string;
  readonly key: string;
} {
  const material = { cert: readPem(files.cert), key: readPem(files.key) };
  check(files, material);
  return material;
}

/** As `readCertificate`, with the authority. @throws TlsFilesError */
export function readTlsFiles(files: TlsFiles): TlsMaterial {
  const material = { ca: readPem(files.ca), cert: readPem(files.cert), key: readPem(files.key) };
  check(files, material);
  return material;
}

function check({ cert, key }: CertificateFiles, material: SecureContextOptions): void {
  try {
    createSecureContext(material);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TlsFilesError(`the TLS files ${cert} and ${key} are unusable: ${reason}`);
  }
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new TlsFilesError(`cannot read the TLS file ${path}: ${code}`, { cause: error });
  }
}
