import type { SecureContextOptions } from 'node:tls';
import type { Logger } from 'pino';
import { FileWatch } from './file-watch.ts';
import { type CertificateFiles, readCertificate, TlsFilesError } from './tls-files.ts';

/** A server that takes another certificate for the connections to come: of node:tls or node:https. */
export interface CertificateUser {
  setSecureContext(options: SecureContextOptions): void;
}

/** The certificate that a server shows, taken up anew whenever its files change. */
export class ServedCertificate {
  readonly #files: CertificateFiles;
  readonly #log: Logger;
  readonly #watch: FileWatch;
  #material: ReturnType<typeof readCertificate>;
  #user: CertificateUser | undefined;

  /** @throws TlsFilesError */
  constructor(files: CertificateFiles, log: Logger) {
    this.#files = files;
    this.#log = log;
    // Begun before they are read, so that no change is missed.
    this.#watch = FileWatch.start({
      paths: () => [files.cert, files.key],
      onChange: () => this.#renew(),
    });
    try {
      this.#material = readCertificate(files);
    } catch (error) {
      this.#watch.close();
      throw error;
    }
  }

  /** PEM, as they are served now. */
  get material(): ReturnType<typeof readCertificate> {
    return this.#material;
  }

  /** Connections that are open keep the certificate that they were made with. */
  renews(user: CertificateUser): void {
    this.#user = user;
  }

  close(): void {
    this.#watch.close();
  }

  #renew(): void {
    try {
      const material = readCertificate(this.#files);
      this.#user?.setSecureContext(material);
      this.#material = material;
      this.#log.info({ cert: this.#files.cert }, 'certificateReloaded');
    } catch (error) {
      if (!(error instanceof TlsFilesError)) throw error;
      this.#log.error({ error: error.message }, 'certificateRefused');
    }
  }
}
