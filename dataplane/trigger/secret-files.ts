import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** A file that is read again at most so often. */
const FRESH_MS = 2_000;
const FILE_BYTES_MAX = 1024 * 1024;

/** The file is absent, or cannot be used. The message is one line and names it. */
export class SecretFileError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SecretFileError';
  }
}

interface ReadFile {
  readonly text: string;
  readonly readMs: number;
}

/**
 * Secrets and certificates of authorities, in files of one folder. They are read when they are used,
 * and again after a while, so that renewed ones count without a restart.
 */
export class SecretFiles {
  readonly #folder: string | undefined;
  readonly #nowMs: () => number;
  readonly #files = new Map<string, ReadFile>();

  /** @param folder - that relative paths start from; undefined: there are no files */
  constructor(folder: string | undefined, nowMs: () => number = () => performance.now()) {
    this.#folder = folder;
    this.#nowMs = nowMs;
  }

  /** @throws SecretFileError */
  text(path: string): string {
    if (this.#folder === undefined) {
      throw new SecretFileError('this process has no folder of secrets');
    }
    const full = resolve(this.#folder, path);
    const known = this.#files.get(full);
    const nowMs = this.#nowMs();
    if (known !== undefined && nowMs - known.readMs < FRESH_MS) return known.text;
    const text = read(full);
    this.#files.set(full, { text, readMs: nowMs });
    return text;
  }

  /** Without line breaks at its end. @throws SecretFileError also for an empty one */
  secret(path: string): string {
    const secret = this.text(path).replace(/[\r\n]+$/, '');
    if (secret === '') throw new SecretFileError(`the secret ${path} is empty`);
    return secret;
  }
}

function read(path: string): string {
  try {
    const bytes = readFileSync(path);
    if (bytes.length <= FILE_BYTES_MAX) return bytes.toString('utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new SecretFileError(`cannot read ${path}: ${code}`, { cause: error });
  }
  throw new SecretFileError(`${path} is too large`);
}
