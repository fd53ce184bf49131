import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsMaterial } from './options.ts';

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** An authority of its own, and certificates that it signs; for tests, by the program `openssl`. */
export class Authority {
  readonly #folder = mkdtempSync(join(tmpdir(), 'trestle authority '));
  #signedCount = 0;

  constructor() {
    const subject = ['-subj', '/CN=test authority', '-days', '2'];
    const files = ['-keyout', this.#at('ca.key'), '-out', this.#at('ca.pem')];
    openssl(['req', '-x509', ...newKey, ...subject, ...files]);
  }

  /** PEM. */
  get ca(): string {
    return readFileSync(this.#at('ca.pem'), 'utf8');
  }

  /** A new certificate, made out to these DNS names and IP addresses; its subject is another one. */
  sign(...names: readonly string[]): TlsMaterial {
    this.#signedCount += 1;
    const at = (ending: string) => this.#at(`${this.#signedCount}.${ending}`);
    openssl(['req', ...newKey, '-subj', '/CN=b', '-keyout', at('key'), '-out', at('csr')]);
    const alternatives = names.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`);
    writeFileSync(at('names'), `subjectAltName=${alternatives.join()}\n`);
    const authority = ['-CA', this.#at('ca.pem'), '-CAkey', this.#at('ca.key'), '-CAcreateserial'];
    const options = ['-days', '2', '-extfile', at('names'), '-out', at('pem')];
    openssl(['x509', '-req', '-in', at('csr'), ...authority, ...options]);
    return {
      ca: this.ca,
      cert: readFileSync(at('pem'), 'utf8'),
      key: readFileSync(at('key'), 'utf8'),
    };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  #at(file: string): string {
    return join(this.#folder, file);
  }
}

function openssl(args: readonly string[]): void {
  try {
    execFileSync('openssl', args, { stdio: 'pipe' });
  } catch (error) {
    throw new Error('these tests need a working `openssl` on the path', { cause: error });
  }
}
