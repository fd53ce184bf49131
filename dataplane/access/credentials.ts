import { readFileSync, statSync } from 'node:fs';
import { isSubject, type Principal, principalOf, rootOf } from './principal.ts';
import { SigningKeys } from './signing-keys.ts';

/** One access key that may sign requests. */
export interface Credential {
  readonly accessKeyId: string;
  /** Set for temporary credentials: requests must carry the same X-Amz-Security-Token. */
  readonly sessionToken: string | undefined;
  /** Keys derived from the secret; the secret itself is known to nobody else. */
  readonly signingKeys: SigningKeys;
  /** Whom requests signed with it are from. */
  readonly principal: Principal;
}

/** Where credentials are looked up. */
export interface Credentials {
  find(accessKeyId: string): Credential | undefined;
}

/** The file is missing, no JSON, or of another form. The message is one line and names the file. */
export class CredentialsError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CredentialsError';
  }
}

const POLL_MS = 1000;

/** One line for the log; `error` is set when a changed file was refused. */
export type CredentialsLog = (event: string, fields: { error?: string; count?: number }) => void;

/**
 * Credentials of a file, which is read again when it changes.
 *
 * The format is a JSON list of `{"accessKeyId", "secretAccessKey", "sessionToken"?, "principal"?}`. A
 * change that does not parse is logged and the former credentials stay. The file is polled, not watched by
 * event, since mounted Secrets are replaced through symbolic links.
 */
export class CredentialsFile implements Credentials {
  readonly #path: string;
  readonly #accountId: string;
  readonly #log: CredentialsLog;
  readonly #poll: NodeJS.Timeout;
  /** Taken before the file is read: a change during the reading shows at the next poll. */
  #version: string;
  #credentials: ReadonlyMap<string, Credential>;

  /**
   * @param accountId whose principals the keys stand for
   * @throws CredentialsError
   */
  static open(path: string, accountId: string, log: CredentialsLog): CredentialsFile {
    return new CredentialsFile(path, accountId, log);
  }

  private constructor(path: string, accountId: string, log: CredentialsLog) {
    this.#path = path;
    this.#accountId = accountId;
    this.#log = log;
    this.#version = versionOf(path);
    this.#credentials = readCredentials(path, accountId);
    this.#poll = setInterval(() => this.#look(), POLL_MS).unref();
  }

  find(accessKeyId: string): Credential | undefined {
    return this.#credentials.get(accessKeyId);
  }

  /** Stops looking for changes. */
  close(): void {
    clearInterval(this.#poll);
  }

  #look(): void {
    const version = versionOf(this.#path);
    if (version === this.#version) return;
    this.#version = version;
    try {
      this.#credentials = readCredentials(this.#path, this.#accountId);
      this.#log('credentials reloaded', { count: this.#credentials.size });
    } catch (error) {
      if (!(error instanceof CredentialsError)) throw error;
      this.#log('credentials not reloaded; the former ones stay', { error: error.message });
    }
  }
}

/** Differs whenever the file has changed, been replaced, or gone. */
function versionOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stats === undefined ? 'absent' : `${stats.ino} ${stats.mtimeNs} ${stats.size}`;
}

function readCredentials(path: string, accountId: string): ReadonlyMap<string, Credential> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CredentialsError(`cannot read the credentials file ${path}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  return parseCredentials(text, path, accountId);
}

/**
 * @param path named in messages
 * @param accountId whose principals the keys stand for
 * @throws CredentialsError; its message never shows a secret
 */
export function parseCredentials(
  text: string,
  path: string,
  accountId: string,
): ReadonlyMap<string, Credential> {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw new CredentialsError(`the credentials file ${path} is not JSON`);
  }
  if (!Array.isArray(list) || list.length === 0) {
    throw new CredentialsError(
      `the credentials file ${path} must be a list of {"accessKeyId", "secretAccessKey"}`,
    );
  }
  const credentials = new Map<string, Credential>();
  for (const [index, entry] of list.entries()) {
    const place = `entry ${index + 1} of the credentials file ${path}`;
    const credential = credentialOf(entry, place, accountId);
    if (credentials.has(credential.accessKeyId)) {
      throw new CredentialsError(
        `the credentials file ${path} names ${credential.accessKeyId} twice`,
      );
    }
    credentials.set(credential.accessKeyId, credential);
  }
  return credentials;
}

const MEMBERS = ['accessKeyId', 'secretAccessKey', 'sessionToken', 'principal'];

function credentialOf(entry: unknown, place: string, accountId: string): Credential {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw new CredentialsError(`${place} is no object`);
  }
  const members = new Map<string, unknown>(Object.entries(entry));
  for (const name of members.keys()) {
    if (!MEMBERS.includes(name)) {
      throw new CredentialsError(`${place} has an unknown member ${JSON.stringify(name)}`);
    }
  }
  const accessKeyId = members.get('accessKeyId');
  const secretAccessKey = members.get('secretAccessKey');
  const sessionToken = members.get('sessionToken');
  if (typeof accessKeyId !== 'string' || !/^[\w-]{1,128}$/.test(accessKeyId)) {
    throw new CredentialsError(`${place} needs an accessKeyId of 1 to 128 letters and digits`);
  }
  if (typeof secretAccessKey !== 'string' || secretAccessKey === '') {
    throw new CredentialsError(`${place} needs a secretAccessKey`);
  }
  if (sessionToken !== undefined && (typeof sessionToken !== 'string' || sessionToken === '')) {
    throw new CredentialsError(`${place} has a sessionToken that is no text`);
  }
  const principal = principalIn(members.get('principal'), place, accountId);
  return { accessKeyId, sessionToken, signingKeys: new SigningKeys(secretAccessKey), principal };
}

/** The account's root unless the entry says whom its key stands for. */
function principalIn(subject: unknown, place: string, accountId: string): Principal {
  if (subject === undefined) return rootOf(accountId);
  if (typeof subject === 'string' && isSubject(subject)) return principalOf(subject, accountId);
  throw new CredentialsError(
    `${place} has a principal that is no user/NAME, role/NAME or dax/NAME`,
  );
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
